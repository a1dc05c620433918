"""Networks that others have trained on millions of sentences, as specs: from the pieces of a text to a vector."""

from __future__ import annotations

from dataclasses import dataclass

Shapes = dict[str, tuple[int, ...]]
EPSILON = 1e-12  # of the layer normalisation, as they were trained


@dataclass(frozen=True)
class Encoder:
    """A trained encoder of sentences: a Transformer (BERT, Devlin et al. 2019, arXiv 1810.04805), its mean as features.

    Attributes:
        name: its id.
        pieces: that its vocabulary has.
        positions: the most pieces of a text that it can read.
        width: of the vector F of a piece, and of the features.
        layers: how many.
        heads: of attention in each layer.
        hidden: width between the two linear maps of a layer.
    """

    name: str
    pieces: int
    positions: int
    width: int
    layers: int
    heads: int
    hidden: int

    @property
    def features(self) -> int:
        """Return the number of features F."""
        return self.width

    def flops(self, length: int) -> int:
        """Return the floating-point operations for one text of so many pieces."""
        linear = 2 * length * self.width * (4 * self.width + 2 * self.hidden)
        return self.layers * (linear + 4 * length * length * self.width)

    def shapes(self) -> Shapes:
        """Return the shape of each tensor by name; linear maps are (outputs, inputs)."""
        width = self.width
        shapes: Shapes = {"pieces": (self.pieces, width), "positions": (self.positions, width)}
        shapes |= {f"norm_{part}": (width,) for part in ("gain", "shift")}
        for layer in range(self.layers):
            sizes = {
                **dict.fromkeys(("query", "key", "value", "join"), (width, width)),
                "up": (self.hidden, width),
                "down": (width, self.hidden),
            }
            shapes |= {f"{layer}.{name}_weight": size for name, size in sizes.items()}
            shapes |= {f"{layer}.{name}_bias": size[:1] for name, size in sizes.items()}
            shapes |= {f"{layer}.{norm}_{part}": (width,) for norm in ("first", "second") for part in ("gain", "shift")}
        return shapes


ENCODERS = {encoder.name: encoder for encoder in (Encoder("all_minilm_l6", 30_522, 512, 384, 6, 12, 1_536),)}
"""all-MiniLM-L6-v2 (Wang et al. 2020, arXiv 2002.10957), tuned on a billion pairs of sentences."""

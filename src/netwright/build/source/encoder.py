"""A trained encoder of sentences, as lines of the file that holds it."""

from __future__ import annotations

from collections.abc import Mapping

from netwright.build.source.draft import Draft, same
from netwright.build.source.imports import Imports
from netwright.build.source.linking import link
from netwright.spec.encoders import EPSILON, Encoder

MAPS = ("query", "key", "value", "join", "up", "down")  # linear maps of a layer
NORMS = ("first", "second")


def encoder_source(encoder: Encoder) -> tuple[Imports, str, Draft]:
    """Return what a file imports that holds an encoder, its text, and where its tensors come from."""
    draft = Draft()
    draft.holds("pieces.weight", "pieces")
    draft.holds("positions.weight", "positions")
    _hold_norm(draft, "norm", "norm")
    for layer in range(encoder.layers):
        for part in MAPS:
            for tensor in ("weight", "bias"):
                draft.holds(f"layers.{layer}.{part}.{tensor}", f"{layer}.{part}_{tensor}", same)
        for part in NORMS:
            _hold_norm(draft, f"layers.{layer}.{part}_norm", f"{layer}.{part}")
    linked = link("encoder", {"Encoder"}, (), sizes_of(encoder))
    return linked.imports, linked.text, draft


def sizes_of(encoder: Encoder) -> Mapping[str, str]:
    """Return the constants of the file, by each name that they define."""
    read = (
        f"PIECES, POSITIONS = {encoder.pieces:_}, {encoder.positions}  # that it knows, and that it can read of a text"
    )
    sizes = (encoder.width, encoder.heads, encoder.hidden, encoder.layers)
    wide = f"WIDTH, HEADS, HIDDEN, LAYERS = {', '.join(f'{size:_}' for size in sizes)}"
    trained = f"EPSILON = {EPSILON!r}  # of the normalisation, as it was trained"
    return {
        **dict.fromkeys(("PIECES", "POSITIONS"), read),
        **dict.fromkeys(("WIDTH", "HEADS", "HIDDEN", "LAYERS"), wide),
        "EPSILON": trained,
    }


def _hold_norm(draft: Draft, name: str, source: str) -> None:
    draft.holds(f"{name}.weight", f"{source}_gain")
    draft.holds(f"{name}.bias", f"{source}_shift")

"""All networks of an exported model, and how their answers are mixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from netwright.build.source.parts.encoder import Encoder
from netwright.build.source.parts.preprocess import encode
from netwright.build.source.parts.printing import print_answers
from netwright.build.source.parts.target import HIGH, LOW, SHIFT, SPREAD
from netwright.build.source.parts.tokens import parted
from netwright.build.source.parts.trunk import Trunk

HERE = Path(__file__).parent
ROWS_AT_ONCE = 1_024


@dataclass(frozen=True)
class Design:
    """One kind of network in the mix.

    Attributes:
        build: makes one.
        share: how much the mean of their answers counts; all shares together are 1.
        networks: how many there are, each of which has learnt from other rows.
    """

    build: Callable[[], nn.Module]
    share: float
    networks: int


DESIGNS: dict[str, Design] = {}
TEMPERATURE = 1.0  # the logits of the mix are divided by it: over 1 it becomes less sure


class Mix(nn.Module):
    """All networks, as one."""

    def __init__(self) -> None:
        super().__init__()
        each = {name: [design.build() for _ in range(design.networks)] for name, design in DESIGNS.items()}
        # if trunk:
        self.trunk = Trunk()
        # end
        # if encoder:
        self.encoder = Encoder()
        # end
        self.networks = nn.ModuleDict({name: nn.ModuleList(networks) for name, networks in each.items()})

    def forward(self, rows: dict[str, Tensor]) -> Tensor:
        # if classes:
        """Return the answers for B rows: probabilities (B, K)."""
        # end
        # if number:
        """Return the answers for B rows: values (B,)."""
        # end
        # if trunk:
        rows = {**rows, "frozen": self.trunk(rows["images"])}
        # end
        # if encoder:
        rows = {**rows, "frozen": self.encoder(rows["word_pieces"])}
        # end
        mixed = torch.zeros(())
        for name, design in DESIGNS.items():
            answers = torch.stack([decoded(network(rows)) for network in self.networks[name].children()])
            mixed = mixed + design.share * answers.mean(dim=0)
        return finished(mixed)


# if classes:
def decoded(outputs: Tensor) -> Tensor:
    # if members:
    """(B, K) or, of members, (B, E, K) outputs → probabilities (B, K)."""
    if outputs.ndim == 3:
        return torch.softmax(outputs, dim=2).mean(dim=1)
    # end
    # if not members:
    """(B, K) outputs → probabilities (B, K)."""
    # end
    return torch.softmax(outputs, dim=1)


def finished(mixed: Tensor) -> Tensor:
    """Return mixed probabilities (B, K), made neither too sure nor too shy (arXiv 1706.04599)."""
    return torch.softmax(mixed.double().clamp_min(1e-7).log() / TEMPERATURE, dim=1)


# end
# if number:
def decoded_numbers(outputs: Tensor) -> Tensor:
    # if members:
    """(B, 1) or, of members, (B, E, 1) outputs → (B, 1)."""
    if outputs.ndim == 3:
        return outputs.mean(dim=1)
    # end
    # if not members:
    """(B, 1) outputs → (B, 1)."""
    # end
    return outputs


def finished_numbers(mixed: Tensor) -> Tensor:
    """Return mixed outputs (B, 1) as values (B,) in the unit of the target, inside the range that was learnt from."""
    return (mixed[:, 0].double() * SPREAD + SHIFT).clamp(LOW, HIGH)


# end


def load(path: Path = HERE / "weights.safetensors") -> Mix:
    """Return the networks with their weights; no code of the file is run, since it holds numbers only."""
    mix = Mix()
    mix.load_state_dict(load_file(path))
    return mix.eval()


def predict(mix: Mix, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    # if classes:
    """Return the answers for N rows: probabilities (N, K) in the order of `LABELS`."""
    # end
    # if number:
    """Return the answers for N rows: values (N,) in the unit of the target."""
    # end
    answers = []
    # if tokens:
    whole = encode(rows)  # of all: a token is described by its neighbours too
    # end
    # if chain:
    parts = parted(whole["positions"][:, 0], ROWS_AT_ONCE)
    # end
    # if not chain:
    parts = [slice(start, start + ROWS_AT_ONCE) for start in range(0, max(1, len(rows)), ROWS_AT_ONCE)]
    # end
    with torch.no_grad():
        for part in parts:
            # if tokens:
            arrays = {name: array[part] for name, array in whole.items()}
            # end
            # if not tokens:
            arrays = encode(rows[part])
            # end
            answers.append(mix({name: torch.from_numpy(array) for name, array in arrays.items()}))
    return torch.cat(answers).numpy()


def main() -> None:
    """Print the answers for the rows of a table."""
    print_answers(lambda rows: predict(load(), rows))


if __name__ == "__main__":
    main()

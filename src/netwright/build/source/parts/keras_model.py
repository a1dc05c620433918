"""All networks of an exported model, and how their answers are mixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from netwright.build.backend import keras
from netwright.build.source.parts.keras_encoder import encoder, whole
from netwright.build.source.parts.keras_trunk import trunk
from netwright.build.source.parts.preprocess import encode
from netwright.build.source.parts.printing import print_answers
from netwright.build.source.parts.target import HIGH, LABELS, LOW, SHIFT, SPREAD
from netwright.build.source.parts.tokens import parted

HERE = Path(__file__).parent
ROWS_AT_ONCE = 1_024
LEAST_CHANCE = 1e-7  # of a probability whose logarithm is taken

Rows = dict[str, np.ndarray]
"""What `preprocess.encode` makes of rows."""


@dataclass(frozen=True)
class Design:
    """One kind of network in the mix.

    Attributes:
        build: makes one.
        share: how much the mean of their answers counts; all shares together are 1.
        networks: how many there are, each of which has learnt from other rows.
    """

    build: Callable[[], keras.Model]
    share: float
    networks: int


DESIGNS: dict[str, Design] = {}
TEMPERATURE = 1.0  # the logits of the mix are divided by it: over 1 it becomes less sure


class Mix:
    """All networks."""

    def __init__(self) -> None:
        self.networks = {name: [design.build() for _ in range(design.networks)] for name, design in DESIGNS.items()}
        # if trunk:
        self.trunk = trunk()
        # end
        # if encoder:
        self.encoder = encoder()
        # end

    def weights(self) -> dict[str, Any]:
        """Return the variables of all networks by name."""
        found: dict[str, Any] = {}
        for name, networks in self.networks.items():
            for place, network in enumerate(networks):
                found |= named_weights(network, f"networks.{name}.{place}.")
        # if trunk:
        found |= named_weights(self.trunk, "trunk.")
        # end
        # if encoder:
        found |= named_weights(self.encoder, "encoder.")
        # end
        return found

    def answers(self, rows: Rows) -> np.ndarray:
        # if classes:
        """Return the answers for B rows: probabilities (B, K)."""
        # end
        # if number:
        """Return the answers for B rows: values (B,)."""
        # end
        # if trunk:
        rows = {**rows, "frozen": outputs_of(self.trunk, rows)}
        # end
        # if encoder:
        rows = {**rows, "frozen": outputs_of(self.encoder, {"word_pieces": whole(rows["word_pieces"])})}
        # end
        mixed: Any = 0.0
        for name, design in DESIGNS.items():
            answers = [decoded(outputs_of(network, rows)) for network in self.networks[name]]
            mixed = mixed + design.share * np.mean(answers, axis=0)
        return finished(mixed)


def named_weights(network: keras.Model, lead: str = "") -> dict[str, Any]:
    """Return the variables of a network by the names of their layers and their own, with a lead before each."""
    return {f"{lead}{layer.name}.{variable.name}": variable for layer in network.layers for variable in layer.weights}


def fed(network: keras.Model, rows: Rows) -> Rows:
    """Return what a network takes of rows, in its types; of a text some networks read fewer pieces than others."""
    return {one.name: rows[one.name][:, : one.shape[1]].astype(one.dtype) for one in network.inputs}


def outputs_of(network: keras.Model, rows: Rows) -> np.ndarray:
    """Return the outputs of a network for B rows, without compiling it."""
    return keras.ops.convert_to_numpy(network(fed(network, rows), training=False))


# if classes:
def softmax(logits: np.ndarray) -> np.ndarray:
    """(..., K) → the same as probabilities."""
    each = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return each / each.sum(axis=-1, keepdims=True)


def decoded(outputs: np.ndarray) -> np.ndarray:
    # if members:
    """(B, K) or, of members, (B, E, K) outputs → probabilities (B, K)."""
    if outputs.ndim == 3:
        return softmax(outputs).mean(axis=1)
    # end
    # if not members:
    """(B, K) outputs → probabilities (B, K)."""
    # end
    return softmax(outputs)


def finished(mixed: np.ndarray) -> np.ndarray:
    """Return mixed probabilities (B, K), made neither too sure nor too shy (arXiv 1706.04599)."""
    return softmax(np.log(np.maximum(mixed.astype(np.float64), LEAST_CHANCE)) / TEMPERATURE)


def nothing() -> np.ndarray:
    """Return the answers for no rows."""
    return np.zeros((0, len(LABELS)))


# end
# if number:
def decoded_numbers(outputs: np.ndarray) -> np.ndarray:
    # if members:
    """(B, 1) or, of members, (B, E, 1) outputs → (B, 1)."""
    if outputs.ndim == 3:
        return outputs.mean(axis=1)
    # end
    # if not members:
    """(B, 1) outputs → (B, 1)."""
    # end
    return outputs


def finished_numbers(mixed: np.ndarray) -> np.ndarray:
    """Return mixed outputs (B, 1) as values (B,) in the unit of the target, inside the range that was learnt from."""
    return (mixed[:, 0].astype(np.float64) * SPREAD + SHIFT).clip(LOW, HIGH)


def no_numbers() -> np.ndarray:
    """Return the answers for no rows."""
    return np.zeros(0)


# end


def load(path: Path = HERE / "weights.safetensors") -> Mix:
    """Return the networks with their weights; no code of the file is run, since it holds numbers only."""
    mix, tensors = Mix(), load_file(path)
    for name, variable in mix.weights().items():
        variable.assign(tensors[name])
    return mix


def predict(mix: Mix, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    # if classes:
    """Return the answers for N rows: probabilities (N, K) in the order of `LABELS`."""
    # end
    # if number:
    """Return the answers for N rows: values (N,) in the unit of the target."""
    # end
    if not rows:
        return nothing()
    answers = []
    # if tokens:
    encoded = encode(rows)  # of all: a token is described by its neighbours too
    # end
    # if chain:
    parts = parted(encoded["positions"][:, 0], ROWS_AT_ONCE)
    # end
    # if not chain:
    parts = [slice(start, start + ROWS_AT_ONCE) for start in range(0, len(rows), ROWS_AT_ONCE)]
    # end
    for part in parts:
        # if tokens:
        arrays = {name: array[part] for name, array in encoded.items()}
        # end
        # if not tokens:
        arrays = encode(rows[part])
        # end
        answers.append(mix.answers(arrays))
    return np.concatenate(answers)


def main() -> None:
    """Print the answers for the rows of a table."""
    print_answers(lambda rows: predict(load(), rows))


if __name__ == "__main__":
    main()

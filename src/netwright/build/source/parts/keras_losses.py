"""What is minimised, and what a network is judged by.

Letters in shapes: B row, E member that shares weights, K output.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from netwright.build.backend import keras, ops
from netwright.build.source.parts.keras_model import ROWS_AT_ONCE, Rows, decoded, fed
from netwright.build.source.parts.keras_tensors import Tensor
from netwright.build.source.parts.recipes import Recipe

OUTPUTS = 1  # of a network


# if chain:
def lost(network: keras.Model) -> Callable[[Tensor, Tensor], Tensor]:
    """Return what is minimised, by what is wanted as `followed` gives it: a chain learns whole sentences."""
    chain = next((layer for layer in network.layers if layer.name == "chain"), None)

    def loss(wanted: Tensor, outputs: Tensor) -> Tensor:
        aim, goes_on = wanted[:, :-1], wanted[:, -1]
        return loss_of(aim, outputs if chain is None else chain.given_those_before(outputs, aim, goes_on))

    return loss


def followed(wanted: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return what is wanted (B, K + 1) of tokens: aims (B, K), and 1 where one follows the one before it, else 0."""
    goes_on = np.diff(positions[:, 0], prepend=positions[0, 0]) == 1
    return np.concatenate([wanted, goes_on[:, None].astype(np.float32)], axis=1)


# end
# if classes:
def aims(targets: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Return what outputs are to come to, as probabilities (N, K), of classes (N,)."""
    certain = np.eye(OUTPUTS, dtype=np.float32)[targets]
    # if smoothing:
    certain = (1 - recipe.label_smoothing) * certain + recipe.label_smoothing / OUTPUTS
    # end
    return certain.astype(np.float32)


def loss_of(wanted: Tensor, outputs: Tensor) -> Tensor:
    # if members:
    """Return the mean cross-entropy of outputs (B, K) or, of members that all learn, (B, E, K)."""
    if len(outputs.shape) == 3:
        wanted = ops.expand_dims(wanted, 1)
    # end
    # if not members:
    """Return the mean cross-entropy of outputs (B, K)."""
    # end
    return -ops.mean(ops.sum(wanted * ops.log_softmax(outputs, axis=-1), axis=-1))


def judge(answers: np.ndarray, targets: np.ndarray) -> float:
    """Return the log-loss of the answers for some rows; infinite where it is not a number."""
    loss = -np.log(np.maximum(answers[np.arange(len(targets)), targets], 1e-7)).mean()
    return float(loss) if np.isfinite(loss) else math.inf


# end
# if number:
def number_aims(targets: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Return what outputs are to come to (N, 1)."""
    return targets[:, None].astype(np.float32)


def loss_of_numbers(wanted: Tensor, outputs: Tensor) -> Tensor:
    # if members:
    """Return the mean squared error of outputs (B, 1) or, of members that all learn, (B, E, 1)."""
    if len(outputs.shape) == 3:
        wanted = ops.expand_dims(wanted, 1)
    # end
    # if not members:
    """Return the mean squared error of outputs (B, 1)."""
    # end
    return ops.mean(ops.square(outputs - wanted))


def judge_numbers(answers: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean squared error of the answers for some rows; infinite where it is not a number."""
    loss = np.square(answers[:, 0] - targets).mean()
    return float(loss) if np.isfinite(loss) else math.inf


# end
def answered(network: keras.Model, rows: Rows, index: np.ndarray, size: int) -> np.ndarray:
    """Return the answers (n, K) of a network for some rows, given `size` at a time, so that it is compiled once."""
    found = []
    # if not chain:
    size = min(size, ROWS_AT_ONCE)
    # end
    for start in range(0, len(index), size):
        some = index[start : start + size]
        outputs = network.predict_on_batch(fed(network, taken(rows, np.resize(some, size))))
        found.append(decoded(outputs)[: len(some)])
    return np.concatenate(found)


def taken(rows: Mapping[str, np.ndarray], index: np.ndarray) -> Rows:
    """Return some of the rows."""
    return {name: array[index] for name, array in rows.items()}


# if mixup:
def mixed(rows: Rows, wanted: np.ndarray, share: float, order: np.ndarray) -> tuple[Rows, np.ndarray]:
    """Return a share of each row and the rest of another one, and what is wanted likewise (arXiv 1710.09412)."""
    blended = {name: blend(array, share, order) if blends(name, array) else array for name, array in rows.items()}
    return blended, blend(wanted, share, order)


def blend(array: np.ndarray, share: float, order: np.ndarray) -> np.ndarray:
    """Return a share of an array and the rest of the same in another order."""
    return (share * array.astype(np.float32) + (1 - share) * array[order].astype(np.float32)).astype(np.float32)


def blends(name: str, array: np.ndarray) -> bool:
    """Return whether numbers are amounts; whole ones name things, such as categories, but for those of pixels."""
    return array.dtype.kind == "f" or name == "images"


# end

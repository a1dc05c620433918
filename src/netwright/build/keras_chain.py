"""A linear chain over the tags of rows that follow each other, as operations that Keras brings.

It is computed as `build.torch_chain.windowed_marginals` does, since plain Keras reads no loop back from a file. Letters
in shapes: B row, M network of the stack and member of it, K tag. Rows lead, as Keras has it.
"""

from __future__ import annotations

from netwright.build.backend import keras
from netwright.build.keras_layers import Array, Value, product, reshaped

WINDOW = 7  # doublings: 128 rows on either side are seen
LEAST = 1e-30  # of a product of messages, whose logarithm is taken
NOWHERE = -2  # what no row goes on with


def marginals(label: str, scores: Value, transitions: Array, positions: Value) -> Value:
    """Return the logarithms of the marginals (B, M, K) of rows, each given all of its stretch.

    Args:
        label: what the layer is called.
        scores: (B, M, K) of tags.
        transitions: (M, K, K) of pairs of neighbouring tags, the first before the second.
        positions: (B, 1) of the rows: see `data.stretches`.
    """
    ops = keras.ops
    own = ops.subtract(scores, ops.max(scores, axis=2, keepdims=True))
    pairs = product(label, "bmk,mik->bmik", ops.ones_like(own), transitions)
    earlier = ops.pad(positions, ((1, 0), (0, 0)), constant_values=NOWHERE)[:-1, :]
    goes_on = reshaped(ops.cast(ops.equal(ops.subtract(positions, earlier), 1), "float32"), 1, 1, 1)
    # Where a stretch begins, nothing is known of what was before.
    known = ops.exp(keras.layers.Multiply()([pairs, goes_on]))
    each = keras.layers.Multiply()([known, reshaped(ops.exp(own), own.shape[1], 1, own.shape[2])])
    left, right = each, _ahead(each, 1)
    for doubling in range(WINDOW):
        far = 2**doubling
        left = _even(ops.matmul(_behind(left, far), left))
        right = _even(ops.matmul(right, _ahead(right, far)))
    both = ops.multiply(ops.sum(left, axis=2), ops.sum(right, axis=3))
    return ops.log_softmax(ops.log(ops.maximum(both, LEAST)), axis=-1)


def _behind(matrices: Value, far: int) -> Value:
    """(B, M, K, K) → those of so many rows before; such as say nothing where there is none."""
    return keras.ops.pad(matrices, ((far, 0), (0, 0), (0, 0), (0, 0)), constant_values=1.0)[:-far, :]


def _ahead(matrices: Value, far: int) -> Value:
    """(B, M, K, K) → those of so many rows behind; such as say nothing where there is none."""
    return keras.ops.pad(matrices, ((0, far), (0, 0), (0, 0), (0, 0)), constant_values=1.0)[far:, :]


def _even(matrices: Value) -> Value:
    """Return matrices (B, M, K, K) whose largest number is 1: what they have in common says nothing."""
    return keras.ops.divide(matrices, keras.ops.max(matrices, axis=(2, 3), keepdims=True))

"""Answers features with a SavedModel. It needs TensorFlow."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

Features = dict[str, np.ndarray]


def load(path: str) -> Callable[[Features], np.ndarray]:
    """Return what gives the answers of N rows, probabilities (N, K) or values (N,), of their features by name.

    Args:
        path: of the folder of the model.
    """
    model = tf.saved_model.load(path)
    types = {name: one.dtype for name, one in model.signatures["serving_default"].structured_input_signature[1].items()}

    def answer(features: Features) -> np.ndarray:
        rows = {name: tf.constant(features[name].astype(kind.as_numpy_dtype)) for name, kind in types.items()}
        (answers,) = model.signatures["serving_default"](**rows).values()
        return answers.numpy()

    return answer

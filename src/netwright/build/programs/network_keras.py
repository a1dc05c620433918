"""Answers features with a model of Keras, which is read in its safe mode. It needs Keras and one of its backends."""

from collections.abc import Callable

import keras
import numpy as np

Features = dict[str, np.ndarray]


def load(path: str) -> Callable[[Features], np.ndarray]:
    """Return what gives the answers of N rows, probabilities (N, K) or values (N,), of their features by name.

    Args:
        path: of a `.keras` file.
    """
    model = keras.saving.load_model(path)
    types = {tensor.name: tensor.dtype for tensor in model.inputs}

    def answer(features: Features) -> np.ndarray:
        return model.predict_on_batch({name: features[name].astype(kind) for name, kind in types.items()})

    return answer

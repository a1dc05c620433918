"""Answers features with a model of TensorFlow Lite. It needs TensorFlow, whose interpreter it uses."""

import warnings
from collections.abc import Callable

import numpy as np
import tensorflow as tf

Features = dict[str, np.ndarray]

warnings.filterwarnings("ignore", message=".*LiteRT.*")  # the interpreter is to become a package of its own


def load(path: str) -> Callable[[Features], np.ndarray]:
    """Return what gives the answers of N rows, probabilities (N, K) or values (N,), of their features by name.

    Args:
        path: of a `.tflite` file.
    """
    serve = tf.lite.Interpreter(path).get_signature_runner("serving_default")
    types = {name: one["dtype"] for name, one in serve.get_input_details().items()}

    def answer(features: Features) -> np.ndarray:
        (answers,) = serve(**{name: features[name].astype(kind) for name, kind in types.items()}).values()
        return answers

    return answer

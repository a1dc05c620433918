"""Keras itself, on a backend that is installed.

Keras looks once, as it is imported, on which backend it is to run, and takes TensorFlow if nobody says so. So whoever
needs Keras imports it from here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from netwright.build.keras_backends import BACKENDS, installed_backends

_CHEAPEST = ("torch", "jax", "tensorflow")  # PyTorch is loaded anyway where a model was trained

if not os.environ.get("KERAS_BACKEND"):
    os.environ["KERAS_BACKEND"] = next((name for name in _CHEAPEST if name in installed_backends()), BACKENDS[0])
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Keras loads TensorFlow where it is installed, which says so

import keras as keras  # noqa: E402 - the environment is read here
from keras import layers as layers  # noqa: E402
from keras import ops as ops  # noqa: E402


@contextmanager
def single_precision() -> Iterator[None]:
    """Make layers in float32, whatever the user has set; afterwards the setting is as it was."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)

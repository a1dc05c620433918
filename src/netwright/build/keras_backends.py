"""What Keras may run on."""

from __future__ import annotations

from importlib.util import find_spec

BACKENDS = ("tensorflow", "jax", "torch")
"""By the names of the packages, which are also what `KERAS_BACKEND` may say."""


def installed_backends() -> tuple[str, ...]:
    """Return the backends that are installed."""
    return tuple(name for name in BACKENDS if find_spec(name) is not None)

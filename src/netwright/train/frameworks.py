"""The frameworks that may train, by the name that a user gives. Only the one that is asked for is loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from netwright.errors import MissingExtra, NotWithFramework, OtherBackend, UnknownFramework
from netwright.importing import without_collecting
from netwright.train.framework import Framework

FRAMEWORKS = ("torch", "tensorflow", "jax")
NEEDED = ("keras", "jinja2")  # by all but PyTorch: the second for the report
STANDARD_ERROR = 2  # the descriptor, which a library writes to that is not written in Python


def find_framework(name: str, device: str = "auto") -> Framework:
    """Return what trains networks.

    Args:
        name: one of `FRAMEWORKS`; tensorflow and jax are Keras on that backend.
        device: for PyTorch cpu, cuda or cuda:1, or auto; the others take what they find, and know auto alone.

    Raises:
        MissingExtra: if it is not installed.
        NoDevice: if there is no such device.
        NotWithFramework: if a device is asked of another than PyTorch.
        OtherBackend: if Keras runs on another backend in this process already.
        UnknownFramework: if there is no such framework.
    """
    if name not in FRAMEWORKS:
        raise UnknownFramework(name, FRAMEWORKS)
    if name == "torch":
        _need("torch", "train")
        with without_collecting():
            from netwright.train.torch import Torch
        return Torch.on(device)
    for package in (name, *NEEDED):
        _need(package, name)
    if device != "auto":
        raise NotWithFramework(f"--device {device}", name)
    with _backend(name), _silence():
        from netwright.train.keras import Keras
    return Keras(name)


def _need(package: str, extra: str) -> None:
    if find_spec(package) is None:
        raise MissingExtra(package, extra)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what a library says on standard error while it is imported to itself: TensorFlow 2.21 heeds no setting."""
    try:
        said = os.dup(STANDARD_ERROR)
    except OSError:  # there is none, so nobody hears
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), STANDARD_ERROR)
        yield
    finally:
        os.dup2(said, STANDARD_ERROR)
        os.close(said)


@contextmanager
def _backend(name: str) -> Iterator[None]:
    """Let Keras be imported on a backend; the environment is as it was afterwards.

    Keras looks once, as it is imported, on which backend it is to run.

    Raises:
        OtherBackend: if it has been imported on another one.
    """
    loaded = sys.modules.get("keras")
    if loaded is not None:
        if loaded.backend.backend() != name:
            raise OtherBackend(name, loaded.backend.backend())
        yield
        return
    before = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = name
    try:
        yield
    finally:
        del os.environ["KERAS_BACKEND"]
        if before is not None:
            os.environ["KERAS_BACKEND"] = before

"""Netwright: a data set, a target and a time limit in, one neural network that you own out.

The names below are imported when they are first asked for, so that `import netwright` is quick and quiet.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from netwright._version import __version__
from netwright.importing import without_collecting

if TYPE_CHECKING:
    from netwright.api import fit, pick
    from netwright.estimators.classifier import Classifier
    from netwright.estimators.regressor import Regressor
    from netwright.evaluation import evaluate
    from netwright.export.forms import export_model
    from netwright.fitting import Run
    from netwright.model import Model, load

_HOMES = {
    "Classifier": "estimators.classifier",
    "fit": "api",
    "Run": "fitting",
    "evaluate": "evaluation",
    "export_model": "export.forms",
    "load": "model",
    "Model": "model",
    "pick": "api",
    "Regressor": "estimators.regressor",
}

__all__ = [
    "Classifier",
    "Model",
    "Regressor",
    "Run",
    "__version__",
    "evaluate",
    "export_model",
    "fit",
    "load",
    "pick",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'netwright' has no attribute {name!r}")
    with without_collecting():
        return getattr(import_module(f"netwright.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""The forms that a model may be exported in, by the name that a user gives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.errors import NothingSaved, NothingToJudgeBy, UnknownExport
from netwright.export.parity import Parity
from netwright.model import Model, load

if TYPE_CHECKING:
    from netwright.export.variants import Variant

SOURCES = ("torch", "keras")  # frameworks that source is written in
FORMS = ("keras", "onnx", "openvino", "source", "tensorflow", "tflite", "torch")
TWO_BYTES = "its weights take two bytes each without it, as float16, which is more exact"  # why there is no bfloat16

Write = Callable[[Model, Path], Parity]
LessPrecise = Callable[[Model, Path], tuple["Variant", ...]]


def export_model(model: Model | str | Path, to: str, out: str | Path, framework: str | None = None) -> Parity:
    """Write a model in a form that runs without Netwright, once its answers are seen to be the same.

    Args:
        model: itself, or the path of its file.
        to: the form, one of `FORMS`.
        out: the folder or file to write.
        framework: of source: torch, as it is without, or keras; other forms have none.

    Returns:
        How near the answers are.

    Raises:
        UnknownExport: if there is no such form, or none in this framework.
        UnequalExport: if the answers are not near enough; nothing is written then.
        BundleError: if the file is no model.
        OutputError: if it cannot be written there.
    """
    write = find_form(to, framework)
    return write(model if isinstance(model, Model) else load(model), Path(out))


def find_precision(form: str, precision: str, data: str | None, most: float) -> LessPrecise:
    """Return the function that writes a model in less precision, and says what was measured.

    Args:
        form: onnx alone.
        precision: one of `variants.PRECISIONS`.
        data: rows with the target.
        most: the share of the score that may be lost.

    Raises:
        NothingSaved: if it is bfloat16.
        NothingToJudgeBy: if there are no rows.
        UnknownExport: if there is no such precision of that form.
    """
    from netwright.export.precision import Precision, write_less_precise
    from netwright.export.variants import PRECISIONS

    if form != "onnx":
        raise UnknownExport("less precise form", form, ("onnx",))
    if precision == "bfloat16":
        raise NothingSaved(precision, TWO_BYTES)
    if precision not in PRECISIONS:
        raise UnknownExport("precision", precision, PRECISIONS)
    if data is None:
        raise NothingToJudgeBy
    return partial(write_less_precise, precision=Precision(precision, data, most))


def find_form(name: str, framework: str | None = None) -> Write:
    """Return the function that writes a model in a form, and says how near its answers are.

    Args:
        name: one of `FORMS`.
        framework: of source, one of `SOURCES`; None for the first of them, and for all other forms.

    Raises:
        UnknownExport: if there is no such form, or none in this framework.
        ModuleNotFoundError: if a package that it needs is not installed.
    """
    if framework is not None and name in FORMS and name != "source":
        raise UnknownExport("form that may be in a framework of your choice", name, ("source",))
    if framework is not None and framework not in SOURCES:
        raise UnknownExport("framework", framework, SOURCES)
    match name:
        case "onnx":
            from netwright.export.onnx import write_onnx

            return write_onnx
        case "source":
            from netwright.export.source import write_source

            return partial(write_source, framework=framework or SOURCES[0])
        case "keras":
            from netwright.export.keras import write_keras

            return write_keras
        case "tensorflow":
            from netwright.export.keras import write_tensorflow

            return write_tensorflow
        case "tflite":
            from netwright.export.keras import write_tflite

            return write_tflite
        case "torch":
            from netwright.export.torch_program import write_torch

            return write_torch
        case "openvino":
            from netwright.export.openvino import write_openvino

            return write_openvino
        case _:
            raise UnknownExport("form", name, FORMS)

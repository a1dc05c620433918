"""What lies beside a network in the form of a framework: a program that takes cells, and what goes in and comes out.

The program needs the framework, numpy and safetensors; features are made of cells by the same `preprocess.py` that the
form as source has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from netwright.data.tagged import SENTENCE
from netwright.errors import FailedExport
from netwright.export.answering import answering, network_program, program
from netwright.export.asking import compare_on_cells
from netwright.export.examples import example_table
from netwright.export.parity import Parity, compare_on_features
from netwright.export.source.preprocess import preprocess_files
from netwright.model import Model
from netwright.tasks.task import frames

ABOUT, PROGRAM = "about.json", "predict.py"
SETUP = """
from network import load
from preprocess import encode

answer = load(sys.argv[2])


def predict(rows):
    return answer(encode(rows))
"""


@dataclass(frozen=True)
class Form:
    """A network in the form of a framework.

    Attributes:
        framework: keras, openvino, tensorflow, tflite or torch.
        name: what it is called in the sentence of an error.
        file: that the framework reads, or `.` for the folder itself.
        features: the names of what the network takes.
    """

    framework: str
    name: str
    file: str
    features: Sequence[str]


def files_beside(model: Model, form: Form) -> dict[str, bytes]:
    """Return what lies beside a network, by name.

    `about.json`; and the program with what it needs, but for models that carry a trained trunk, whose features it
    cannot make.
    """
    target, columns = model.preparation.goal.target, model.preparation.schema.used
    about = {
        "model": form.file,
        "target": target.name,
        "labels": [*target.labels],
        "columns": [{"name": one.name, "kind": one.kind, "format": one.format} for one in columns],
        "features": _shapes(model, form.features),
        "together": "" if model.task.sequences is None else SENTENCE,
    }
    found = {ABOUT: (json.dumps(about, ensure_ascii=False, indent=1) + "\n").encode()}
    if model.preparation.lent.features:
        return found
    made = preprocess_files(model.preparation, () if model.task.sequences is None else ("chosen_tags",))
    return {**found, PROGRAM: program("predict"), **network_program(form.framework), **made}


def _shapes(model: Model, features: Sequence[str]) -> dict[str, Any]:
    """Return the type and the shape of one row of each feature."""
    frame = next(iter(frames(model.task, example_table(model, 1, 0), model.preparation.schema)))
    arrays = model.preparation.encode(frame).arrays
    return {name: {"type": str(arrays[name].dtype), "shape": [*arrays[name].shape[1:]]} for name in features}


def compared(model: Model, form: Form, files: Mapping[str, bytes], source: Path, backend: str) -> Parity:
    """Return how near a network in a framework is: asked with cells if a program takes them, else with features.

    Args:
        model: whose network it is.
        form: that it has.
        files: what will lie beside it.
        source: the file or folder of the network, where it is now.
        backend: of Keras.

    Raises:
        FailedExport: if the framework does not read or answer it.
        UnequalExport: if answers are not near enough.
    """
    if PROGRAM in files:
        failed = partial(FailedExport, form.name)
        return compare_on_cells(model, files, SETUP, form.name, failed, arguments=(str(source),), backend=backend)
    with answering(form.framework, source, backend, form.name) as ask:
        return compare_on_features(model, form.features, ask, form.name)

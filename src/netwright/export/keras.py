"""A model in the forms of Keras and TensorFlow: the networks, their shares and the calibration, from features on.

What they take are the features of rows, by the names and as the arrays that `model.preparation.encode` gives, with
category numbers as int32. How a table becomes features, and answers labels, lies beside them as a program.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from netwright.build.keras_backends import installed_backends
from netwright.build.keras_mix import mixed_model
from netwright.errors import MissingExtra
from netwright.export.answering import run_program
from netwright.export.beside import Form, compared, files_beside
from netwright.export.examples import example_table
from netwright.export.parity import Parity
from netwright.export.written import put_files, put_folder
from netwright.model import Model
from netwright.tasks.task import frames

KERAS, TFLITE = "model.keras", "model.tflite"
SAVED_MODEL = "A SavedModel"


def write_keras(model: Model, folder: Path) -> Parity:
    """Write one `.keras` file and what lies beside it, each all or nothing.

    It holds layers and operations of Keras only: `keras.saving.load_model` reads it in its safe mode, on TensorFlow and
    on JAX. It is read back so on each of these that is installed, in a process of its own, and its answers compared.

    Args:
        model: what is exported.
        folder: where `model.keras` goes: see `written.put_files`.

    Returns:
        How near the answers are, on the backend where they are farthest.

    Raises:
        FailedExport: if a backend does not read or answer it.
        UnequalExport: if answers are not near enough; nothing is written then.
        OutputError: if it cannot be written there.
    """
    backends = [name for name in installed_backends() if name != "torch"] or ["torch"]
    with _built(model) as (source, names):
        form = Form("keras", KERAS, KERAS, names)
        files = files_beside(model, form)
        found = [compared(model, form, files, source, backend) for backend in backends]
        put_files("keras", {KERAS: source, **files}, folder)
    return max(found, key=lambda parity: parity.difference)


def write_tensorflow(model: Model, folder: Path) -> Parity:
    """Write a SavedModel, all or nothing; its signature is `serving_default`.

    Args:
        model: what is exported.
        folder: that of the SavedModel, which `tf.saved_model.load` asks for. It must be empty, or hold an earlier
            export and nothing else, which is replaced.

    Returns:
        How near the answers are.

    Raises:
        FailedExport: if TensorFlow does not make or answer it.
        MissingExtra: if TensorFlow is not installed.
        UnequalExport: if answers are not near enough; nothing is written then.
        OutputError: if it cannot be written there.
    """
    _need_tensorflow()
    with _built(model) as (source, names):
        made = source.with_name("saved")
        run_program("write_tensorflow", [str(source), str(made)], "tensorflow", SAVED_MODEL)
        form = Form("tensorflow", SAVED_MODEL, ".", names)
        files = files_beside(model, form)
        parity = compared(model, form, files, made, "tensorflow")
        put_folder("tensorflow", made, files, folder)
    return parity


def write_tflite(model: Model, folder: Path) -> Parity:
    """Write one file for TensorFlow Lite in float32, and what lies beside it; its signature is `serving_default`.

    Args:
        model: what is exported.
        folder: where `model.tflite` goes: see `written.put_files`.

    Returns:
        How near the answers are.

    Raises:
        FailedExport: if TensorFlow Lite has no operator for a step of the networks.
        MissingExtra: if TensorFlow is not installed.
        UnequalExport: if answers are not near enough; nothing is written then.
        OutputError: if it cannot be written there.
    """
    _need_tensorflow()
    with _built(model) as (source, names):
        made, saved = source.with_name(TFLITE), source.with_name("saved")
        run_program("write_tensorflow", [str(source), str(saved), str(made)], "tensorflow", TFLITE)
        form = Form("tflite", TFLITE, TFLITE, names)
        files = files_beside(model, form)
        parity = compared(model, form, files, made, "tensorflow")
        put_files("tflite", {TFLITE: made, **files}, folder)
    return parity


def _need_tensorflow() -> None:
    if find_spec("tensorflow") is None:
        raise MissingExtra("tensorflow", "tensorflow")


@contextmanager
def _built(model: Model) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Give a `.keras` file in a folder of its own that goes when it is done with, and the names of what it takes."""
    preparation = model.preparation
    first = next(iter(frames(model.task, example_table(model, 1, 0), preparation.schema)))
    shapes = {name: array.shape[1:] for name, array in preparation.encode(first).arrays.items()}
    mix = [(part.candidate.network, part.weights, part.share) for part in model.parts]
    built = mixed_model(mix, preparation.goal, model.temperature, shapes)
    with tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        source = Path(folder, KERAS)
        built.save(source)
        yield source, tuple(tensor.name for tensor in built.inputs)

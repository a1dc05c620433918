"""A model goes out in the forms of Keras, TensorFlow and TensorFlow Lite, which answer the same without Netwright."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if find_spec("keras") is None:  # it must not be imported yet: `build.backend` says on what it runs
    pytest.skip("Keras is not installed", allow_module_level=True)

from netwright.data.frame import Frame
from netwright.errors import FailedExport, InTheWay, UnequalExport
from netwright.export.answering import answering, run_program
from netwright.export.keras import write_keras, write_tensorflow, write_tflite
from netwright.export.parity import BATCHES, MOST
from netwright.model import Model
from netwright.tasks import TASKS
from netwright.testing.models import untrained_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras
needs_tensorflow = pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed")


def made(name: str, parts: int = 2) -> Model:
    """Return an untrained model of a task."""
    return untrained_model(TASKS[name], *TASKS[name].toy(0), parts=parts)


def priced() -> Model:
    """Return an untrained model that answers with a number."""
    data, target = TASKS["tabular"].toy(0)
    price = 1e6 + 2e4 * np.random.default_rng(0).normal(size=len(data))
    return untrained_model(TASKS["tabular"], data.drop(columns=[target]).assign(price=price), "price", parts=1)


@pytest.mark.parametrize("name", [*TASKS])
def test_plain_keras_answers_as_the_model_does(name: str, written: Callable[[str, str], Any]) -> None:
    """On each backend that is installed, for each kind of data."""
    found = written("keras", name)
    assert 0 < found.parity.difference < MOST and found.parity.rows >= sum(BATCHES)
    assert (found.folder / "model.keras").is_file() and (found.folder / "about.json").is_file()


def test_numbers_are_answered_in_their_unit(written: Callable[[str, str], Any]) -> None:
    """A regression gives values."""
    assert 0 < written("keras", "price").parity.difference < MOST


def test_the_file_needs_no_netwright(written: Callable[[str, str], Any]) -> None:
    """Plain Keras reads it where Netwright cannot even be imported, and says what goes in and comes out."""
    path = written("keras", "tabular").folder / "model.keras"
    code = (
        "import sys; sys.modules['netwright'] = None\n"
        "import keras; model = keras.saving.load_model(sys.argv[1])\n"
        "print(sorted(tensor.name for tensor in model.inputs), model.output_shape)"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "'plain'" in done.stdout and "(None, " in done.stdout


def test_answers_that_differ_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is written."""
    model = made("tabular", parts=1)
    right = Model.answers_by_torch

    def wrong(self: Model, frame: Frame) -> np.ndarray:
        return np.roll(right(self, frame), 1, axis=1)

    monkeypatch.setattr(Model, "answers_by_torch", wrong)
    with pytest.raises(UnequalExport, match=r"model\.keras"):
        write_keras(model, tmp_path)
    assert not [*tmp_path.iterdir()]


def test_a_program_that_fails_says_why(tmp_path: Path) -> None:
    """In one sentence, and it is not waited for."""
    (tmp_path / "model.keras").write_bytes(b"no model")
    backend = os.environ["KERAS_BACKEND"]
    with (
        pytest.raises(FailedExport, match="was not written"),
        answering("keras", tmp_path / "model.keras", backend, "model.keras"),
    ):
        pass


def test_a_single_network_goes_out_too(tmp_path: Path) -> None:
    """One part, one fold, no calibration."""
    data, target = TASKS["tabular"].toy(0)
    model = replace(untrained_model(TASKS["tabular"], data, target, parts=1, folds=1), temperature=1.0)
    assert write_keras(model, tmp_path).difference < MOST


@needs_tensorflow
@pytest.mark.parametrize("name", [*TASKS])
def test_plain_tensorflow_answers_as_the_model_does(name: str, tmp_path: Path) -> None:
    """From a SavedModel, for each kind of data."""
    parity = write_tensorflow(made(name), tmp_path / "saved")
    assert 0 < parity.difference < MOST and parity.rows >= sum(BATCHES)
    assert (tmp_path / "saved" / "saved_model.pb").is_file()


@needs_tensorflow
def test_a_saved_model_replaces_its_like_only(tmp_path: Path) -> None:
    """A folder with other files stays as it is."""
    folder = tmp_path / "saved"
    write_tensorflow(priced(), folder)
    write_tensorflow(priced(), folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InTheWay, match=r"letter\.txt is in the way"):
        write_tensorflow(priced(), tmp_path / "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "saved"]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


@needs_tensorflow
@pytest.mark.parametrize("name", [*TASKS])
def test_tensorflow_lite_answers_as_the_model_does(name: str, tmp_path: Path) -> None:
    """With its own operators only, for each kind of data."""
    parity = write_tflite(made(name), tmp_path)
    assert 0 < parity.difference < MOST and parity.rows >= sum(BATCHES)
    assert (tmp_path / "model.tflite").is_file() and (tmp_path / "about.json").is_file()


@needs_tensorflow
def test_what_cannot_be_converted_is_said(tmp_path: Path) -> None:
    """The last words of TensorFlow stand in the error."""
    with pytest.raises(FailedExport, match="not written"):
        run_program("write_tensorflow", [str(tmp_path / "none.keras"), str(tmp_path / "saved")], "tensorflow", "It")

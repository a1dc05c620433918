"""What lies beside a network in the form of a framework takes rows and gives labels, where there is no Netwright."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import netwright as nw
from netwright.export.forms import find_form
from netwright.model import Model
from netwright.tasks import TASKS
from netwright.testing.models import untrained_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras

NEEDS = {"keras": "keras", "tensorflow": "tensorflow", "tflite": "tensorflow", "torch": "torch", "openvino": "openvino"}
REFUSED = ("netwright", "pandas", "pyarrow", "pydantic", "onnx", "onnxruntime", "sklearn", "tokenizers")
"""Packages that the program may not import, as where they are not installed."""

FORMS = [
    pytest.param(name, marks=pytest.mark.skipif(find_spec(package) is None, reason=f"{package} is not installed"))
    for name, package in NEEDS.items()
]


def program(folder: Path, data: Path) -> list[str]:
    """Return what `python predict.py DATA` prints, line by line, where the packages above are not there."""
    code = (
        f"import sys\nfor name in {REFUSED!r}: sys.modules[name] = None\n"
        "import runpy\n"
        f"sys.path.insert(0, '.')\nsys.argv = ['predict.py', {str(data)!r}]\n"
        "runpy.run_path('predict.py', run_name='__main__')"
    )
    backend = "jax" if find_spec("jax") else "tensorflow" if find_spec("tensorflow") else "torch"
    environment = {**os.environ, "KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def toy(name: str, parts: int = 2) -> tuple[Model, pd.DataFrame, str]:
    """Return an untrained model of a task, rows without their answers, and the target."""
    data, target = TASKS[name].toy(0)
    return untrained_model(TASKS[name], data, target, parts=parts), data.drop(columns=target), target


@pytest.mark.parametrize("form", FORMS)
def test_rows_of_a_table_are_labelled(form: str, tmp_path: Path) -> None:
    """Missing and unseen cells among them, as `netwright predict` labels them."""
    model, asked, target = toy("tabular")
    asked.loc[3:9, ["colour", "size"]] = None
    asked.loc[5:7, "day"] = pd.NaT
    asked.loc[11, "colour"] = "never seen"
    find_form(form)(model, tmp_path / "out")
    asked.to_csv(tmp_path / "new.csv", index=False)
    assert program(tmp_path / "out", tmp_path / "new.csv") == [target, *map(str, model.predict(asked))]


@pytest.mark.parametrize("name", ["text", "image", "audio"])
def test_texts_and_files_are_labelled(name: str, tmp_path: Path) -> None:
    """Words and bytes; images and sounds of the sizes learnt from."""
    model, asked, target = toy(name, parts=1)
    asked = asked.iloc[:12]
    find_form("torch")(model, tmp_path / "out")
    if name == "text":
        table = asked
    else:
        paths = [tmp_path / f"{place}.{'png' if name == 'image' else 'wav'}" for place in range(len(asked))]
        for path, content in zip(paths, asked[asked.columns[0]], strict=True):
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                Image.fromarray(content).save(path)
        table = pd.DataFrame({asked.columns[0]: [path.name for path in paths]})
    table.to_csv(tmp_path / "new.csv", index=False)
    assert program(tmp_path / "out", tmp_path / "new.csv") == [target, *map(str, model.predict(asked))]


def test_numbers_are_printed_in_their_unit(tmp_path: Path) -> None:
    """A regression has no labels."""
    data, target = TASKS["tabular"].toy(0)
    price = 1e6 + 2e4 * np.random.default_rng(0).normal(size=len(data))
    table = data.drop(columns=[target]).assign(price=price)
    model = untrained_model(TASKS["tabular"], table, "price", parts=1)
    find_form("torch")(model, tmp_path / "out")
    table.drop(columns="price").to_csv(tmp_path / "new.csv", index=False)
    head, *found = program(tmp_path / "out", tmp_path / "new.csv")
    assert head == "price"
    np.testing.assert_allclose([float(one) for one in found], model.predict(table), rtol=1e-4)


def test_what_goes_in_and_comes_out_is_told(tmp_path: Path) -> None:
    """The names of the labels, the columns, and the features that the network takes."""
    model, _, target = toy("tabular", parts=1)
    find_form("torch")(model, tmp_path)
    about = json.loads((tmp_path / "about.json").read_text())
    assert about["target"] == target and about["labels"] == [*model.labels]
    assert [one["name"] for one in about["columns"]] == [one.name for one in model.preparation.schema.used]
    assert about["features"]["plain"]["type"] == "float32" and about["model"] == "model.pt2"


def test_tokens_are_tagged_by_their_neighbours(tmp_path: Path) -> None:
    """More than are encoded together, so that a sentence would be parted if nobody looked."""
    model, asked, target = toy("tagging", parts=1)
    assert model.parts[0].candidate.network.chained
    asked = pd.concat([asked] * 4, ignore_index=True)
    assert len(asked) > 2_000
    find_form("torch")(model, tmp_path / "out")
    asked.to_csv(tmp_path / "new.csv", index=False)
    assert program(tmp_path / "out", tmp_path / "new.csv") == [target, *model.predict(asked)]


def test_the_program_is_short() -> None:
    """Pages that anybody can read before running them."""
    folder = Path(nw.__file__).parent / "build" / "programs"
    programs = [folder / "predict.py", *folder.glob("network_*.py")]
    assert len(programs) == 6 and max(len(one.read_text().splitlines()) for one in programs) < 100

"""What lies beside a network in the form of a framework takes rows and gives labels, where there is no Netwright."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import netwright as nw

Made = Callable[[str, str], Any]  # see `written` in conftest.py

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


@pytest.mark.parametrize("form", FORMS)
def test_rows_of_a_table_are_labelled(form: str, written: Made, tmp_path: Path) -> None:
    """Missing and unseen cells among them, as `netwright predict` labels them."""
    made = written(form, "tabular")
    asked = made.asked.copy()
    asked.loc[3:9, ["colour", "size"]] = None
    asked.loc[5:7, "day"] = pd.NaT
    asked.loc[11, "colour"] = "never seen"
    asked.to_csv(tmp_path / "new.csv", index=False)
    assert program(made.folder, tmp_path / "new.csv") == [made.target, *map(str, made.model.predict(asked))]


@pytest.mark.parametrize("name", ["text", "image", "audio"])
def test_texts_and_files_are_labelled(name: str, written: Made, tmp_path: Path) -> None:
    """Words and bytes; images and sounds of the sizes learnt from."""
    made = written("torch", name)
    asked = made.asked.iloc[:12]
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
    assert program(made.folder, tmp_path / "new.csv") == [made.target, *map(str, made.model.predict(asked))]


def test_numbers_are_printed_in_their_unit(written: Made, tmp_path: Path) -> None:
    """A regression has no labels."""
    made = written("torch", "price")
    made.asked.to_csv(tmp_path / "new.csv", index=False)
    head, *found = program(made.folder, tmp_path / "new.csv")
    assert head == "price"
    np.testing.assert_allclose([float(one) for one in found], made.model.predict(made.asked), rtol=1e-4)


def test_what_goes_in_and_comes_out_is_told(written: Made) -> None:
    """The names of the labels, the columns, and the features that the network takes."""
    made = written("torch", "tabular")
    model, about = made.model, json.loads((made.folder / "about.json").read_text())
    assert about["target"] == made.target and about["labels"] == [*model.labels]
    assert [one["name"] for one in about["columns"]] == [one.name for one in model.preparation.schema.used]
    assert about["features"]["plain"]["type"] == "float32" and about["model"] == "model.pt2"


def test_tokens_are_tagged_by_their_neighbours(written: Made, tmp_path: Path) -> None:
    """More than are encoded together, so that a sentence would be parted if nobody looked."""
    made = written("torch", "tagging")
    assert made.model.parts[0].candidate.network.chained
    asked = pd.concat([made.asked] * 4, ignore_index=True)
    assert len(asked) > 2_000
    asked.to_csv(tmp_path / "new.csv", index=False)
    assert program(made.folder, tmp_path / "new.csv") == [made.target, *made.model.predict(asked)]


def test_the_program_is_short() -> None:
    """Pages that anybody can read before running them."""
    folder = Path(nw.__file__).parent / "build" / "programs"
    programs = [folder / "predict.py", *folder.glob("network_*.py")]
    assert len(programs) == 6 and max(len(one.read_text().splitlines()) for one in programs) < 100

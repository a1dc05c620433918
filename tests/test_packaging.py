"""What is installed is what is used: no dependency too few, none too many, each with a version that was tried."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

import netwright

ROOT = Path(__file__).parent.parent
SOURCE = Path(netwright.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BY_PANDAS = {"openpyxl"}  # pandas imports it for us, to read Excel
COMPANIONS = {path.stem for path in (SOURCE / "export" / "companion").glob("*.py")} | {
    "bert_words",
    "network",
    "preprocess",
}
"""Programs that are written out, which import each other."""
BY_SERVERS = {"httptools", "python-multipart"}  # uvicorn and Starlette import them for us
BY_KERAS = {"jax"}  # it imports what it runs on
NAMED = {
    "PIL": "pillow",
    "prometheus_client": "prometheus-client",
    "sklearn": "scikit-learn",
    "tensorflow": "tensorflow-cpu",
}  # packages that are imported by another name than they are installed by
FITTING = {"jinja2", "markupsafe", "optuna", "pyarrow"}  # whatever trains


def names(requirements: list[str]) -> set[str]:
    """Return the names of packages, without versions and extras."""
    return {re.split(r"[\[<>=~! ;]", line)[0].lower() for line in requirements}


def imported(folder: Path) -> set[str]:
    """Return the packages that the source names in imports, Python's own and this one left out."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"netwright"} - COMPANIONS


def test_every_package_that_is_used_is_declared_and_the_other_way_round() -> None:
    """The core, what training adds, what kinds of data, the hub, serving and frameworks need, together and apart."""
    core = names(PROJECT["dependencies"])
    extras = {name: names(lines) for name, lines in PROJECT["optional-dependencies"].items() if name != "dev"}
    used = {NAMED.get(name, name) for name in imported(SOURCE)} | BY_PANDAS | BY_SERVERS | BY_KERAS
    assert core.union(*extras.values()) == used
    assert extras["train"] == {"scipy", "torch"} | FITTING
    assert extras["image"] == {"pillow"} and extras["audio"] == {"pillow", "soundfile"}
    assert extras["text"] == {"tokenizers"} and extras["hub"] == {"huggingface_hub"}
    assert extras["serve"] == {"fastapi", "starlette", "uvicorn", "prometheus-client"} | BY_SERVERS
    assert extras["ray"] == {"ray"}
    assert extras["openvino"] == {"openvino"} and extras["parquet"] == {"pyarrow"}
    assert extras["sklearn"] == {"scikit-learn"}
    assert extras["tensorflow"] == {"keras", "tensorflow-cpu"} | FITTING
    assert extras["jax"] == {"keras", "jax"} | FITTING


def test_every_dependency_has_a_version_that_was_tried() -> None:
    """One exact version each in constraints.txt, and it lies within what is declared."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    pinned = dict(line.lower().split("==") for line in lines)
    extras = PROJECT["optional-dependencies"]
    declared = [*PROJECT["dependencies"], *(line for lines in extras.values() for line in lines)]
    assert names(declared) <= set(pinned)
    for line in declared:
        lowest = re.search(r">=([\d.]+)", line)
        if lowest is not None:
            (name,) = names([line])
            assert [*map(int, lowest[1].split("."))] <= [int(part) for part in pinned[name].split(".")[:3]], name


def test_the_command_is_installed_under_its_name() -> None:
    """And leads to the function that runs it."""
    assert PROJECT["scripts"] == {"netwright": "netwright.cli:main"}
    assert PROJECT["requires-python"] == ">=3.11"


@pytest.mark.parametrize("name", ["py.typed", "report/templates/report.html", "serve/page.html"])
def test_what_is_no_code_is_packed_too(name: str) -> None:
    """The wheel takes the whole folder."""
    assert (SOURCE / name).is_file()

"""Importing is light and silent: PyTorch, pandas and the rest are loaded when they are first needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "pandas", "numpy", "scipy", "sklearn", "pyarrow", "matplotlib", "jinja2", "openpyxl"}


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a statement loads in a fresh interpreter; it must print nothing."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    return set(json.loads(done.stdout))


def test_importing_netwright_loads_nothing_heavy() -> None:
    """The package itself is a few names."""
    assert not loaded_by("import netwright") & (HEAVY | {"typer", "rich", "pydantic"})


def test_the_command_line_loads_nothing_heavy_before_it_is_told_what_to_do() -> None:
    """`netwright --help` answers at once."""
    assert not loaded_by("import netwright.cli") & HEAVY


@pytest.mark.parametrize("name", ["load", "evaluate", "Model"])
def test_a_model_is_loaded_and_shown_without_torch(name: str) -> None:
    """Only fitting and predicting need PyTorch."""
    assert not loaded_by(f"from netwright import {name}\nimport netwright.report.text") & {
        "torch",
        "sklearn",
        "matplotlib",
    }


def test_every_public_name_is_there() -> None:
    """What `__all__` says can be had."""
    import netwright

    assert all(getattr(netwright, name) is not None for name in netwright.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'fitt'"):
        _ = netwright.fitt

"""Importing is light and silent: PyTorch, pandas and the rest are loaded when they are first needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

COMMAND_LINE = {
    *(
        "typer",
        "click",
        "rich",
        "shellingham",
        "pygments",
        "markdown_it",
        "mdurl",
        "colorama",
    ),  # the words and the screen
    *("pydantic", "pydantic_core", "annotated_types", "typing_inspection"),  # newer releases of typer use them
    *("typing_extensions", "annotated_doc"),  # types
    *("psutil", "_psutil_linux", "_psutil_posix", "_psutil_osx", "_psutil_windows"),  # when this process began
}
"""What may be loaded before a command is known. Nothing here reads a table, trains or predicts."""


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a statement loads in a fresh interpreter; it must print nothing."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    return set(json.loads(done.stdout))


def brought_by(statement: str) -> set[str]:
    """Return the packages beyond Python's own that a statement loads, and that a bare interpreter does not."""
    return loaded_by(statement) - loaded_by("pass") - sys.stdlib_module_names


def test_importing_netwright_loads_nothing_else() -> None:
    """The package itself is a few names."""
    assert brought_by("import netwright") == {"netwright"}


def test_the_command_line_loads_only_what_reads_and_prints() -> None:
    """`netwright --help` answers at once: an allow-list, so that whatever is added has to be wanted."""
    assert brought_by("import netwright.cli") <= {"netwright", *COMMAND_LINE}


@pytest.mark.parametrize("name", ["load", "evaluate", "Model"])
def test_a_model_is_loaded_and_shown_without_torch(name: str) -> None:
    """Only fitting needs PyTorch."""
    assert not loaded_by(f"from netwright import {name}\nimport netwright.report.text") & {
        "torch",
        "sklearn",
        "matplotlib",
    }


def test_a_run_is_got_ready_without_any_framework() -> None:
    """The one that is asked for is loaded when it is asked for."""
    assert not loaded_by("import netwright.api") & {"torch", "keras", "jax", "tensorflow"}


def test_serving_loads_what_it_serves_with_and_nothing_that_trains() -> None:
    """What a model needs to predict is loaded with the model."""
    loaded = loaded_by("import netwright.serve.run")
    assert "fastapi" in loaded
    assert not loaded & {"torch", "optuna", "sklearn", "jinja2", "PIL", "soundfile"}


def test_every_public_name_is_there() -> None:
    """What `__all__` says can be had."""
    import netwright

    assert all(getattr(netwright, name) is not None for name in netwright.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'fitt'"):
        _ = netwright.fitt

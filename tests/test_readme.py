"""The README is true: every block of code in it runs, and its first one stands near the top."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```(bash|python)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
LIMIT = re.compile(r"\b(?:15|20)s\b")  # of the examples: a third of it shows the same


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the examples in it, where the blocks run one after another as a reader would run them."""
    path = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", path / "examples")
    return path


def test_the_code_blocks_run_in_order(folder: Path) -> None:
    """Each ends well, and what the text says is written is there."""
    assert len(BLOCKS) >= 3
    for language, written in BLOCKS:
        code = LIMIT.sub("6s", written)
        command = (
            ["bash", "-euo", "pipefail", "-c", code]
            if language == "bash"
            else [sys.executable, "-W", "error", "-c", code]
        )
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=240, env={"PATH": path, "HOME": str(folder)}
        )
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    for name in ("answers.csv", "netwright-run/model.nw", "netwright-run/report.html", "netwright-run/journal.sqlite"):
        assert (folder / name).stat().st_size > 0


def test_the_first_block_stands_before_line_20() -> None:
    """A reader sees what to type without scrolling."""
    lines = (ROOT / "README.md").read_text().splitlines()
    assert next(number for number, line in enumerate(lines, 1) if line.startswith("```")) < 20

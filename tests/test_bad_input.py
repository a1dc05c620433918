"""Whatever is wrong with the input is said in one or two sentences, with status 2, and nothing half-written is left."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from netwright import cli

Write = Callable[[Path], object]


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    """Return the exit status and standard error of a command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["netwright", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    status = ended.value.code
    return (0 if status is None else int(status)), capsys.readouterr().err


def table(rows: int = 40, **columns: object) -> pd.DataFrame:
    """Return a sound table with a numeric, a categorical and a target column, some of it replaced."""
    generator = np.random.default_rng(0)
    usual: dict[str, object] = {
        "size": generator.normal(size=rows),
        "colour": generator.choice(["red", "blue"], rows),
        "label": generator.choice(["yes", "no"], rows),
    }
    return pd.DataFrame({**usual, **columns})


BAD: dict[str, tuple[Write | None, tuple[str, ...], tuple[str, ...]]] = {
    "missing file": (None, ("--target", "label"), ("no file",)),
    "empty file": (lambda path: path.write_bytes(b""), ("--target", "label"), ("empty",)),
    "header only": (lambda path: path.write_text("a,label\n"), ("--target", "label"), ("no rows",)),
    "binary": (lambda path: path.write_bytes(bytes(range(256)) * 40), ("--target", "label"), ("table",)),
    "a folder": (lambda path: path.mkdir(), ("--target", "label"), ("holds no image",)),
    "misspelt target": (
        lambda path: table().to_csv(path, index=False),
        ("--target", "lable"),
        ("'lable'", "Did you mean 'label'?"),
    ),
    "constant target": (
        lambda path: table(label="yes").to_csv(path, index=False),
        ("--target", "label"),
        ("'yes'", "nothing to learn"),
    ),
    "missing target": (lambda path: table(label=None).to_csv(path, index=False), ("--target", "label"), ("'label'",)),
    "few rows": (lambda path: table(9).to_csv(path, index=False), ("--target", "label"), ("9", "10")),
    "duplicate columns": (
        lambda path: path.write_text("a,a,label\n" + "1,2,yes\n3,4,no\n" * 20),
        ("--target", "label"),
        ("'a'",),
    ),
    "one column": (lambda path: table()[["label"]].to_csv(path, index=False), ("--target", "label"), ("column",)),
    "nothing but a constant": (
        lambda path: table(size=1, colour="red").to_csv(path, index=False),
        ("--target", "label"),
        ("constant",),
    ),
    "a ragged row": (
        lambda path: path.write_text("a,label\n" + "1,yes\n2,no\n" * 10 + "1,2,3,4\n"),
        ("--target", "label"),
        ("22", "cells"),
    ),
    "no time": (
        lambda path: table().to_csv(path, index=False),
        ("--target", "label", "--time", "0"),
        ("more than zero",),
    ),
    "no duration": (lambda path: table().to_csv(path, index=False), ("--target", "label", "--time", "soon"), ("60s",)),
    "no trials": (
        lambda path: table().to_csv(path, index=False),
        ("--target", "label", "--trials", "0"),
        ("1 or more",),
    ),
    "unknown metric": (
        lambda path: table().to_csv(path, index=False),
        ("--target", "label", "--metric", "acuracy"),
        ("Did you mean 'accuracy'?",),
    ),
    "unknown task": (
        lambda path: table().to_csv(path, index=False),
        ("--target", "label", "--task", "regresion"),
        ("Did you mean 'regression'?",),
    ),
    "regression on words": (
        lambda path: table().to_csv(path, index=False),
        ("--target", "label", "--task", "regression"),
        ("words",),
    ),
    "unknown kind": (
        lambda path: table().to_csv(path, index=False),
        ("--target", "label", "--kind", "size=numerical"),
        ("Did you mean 'numeric'?",),
    ),
    "kind of a column that is not there": (
        lambda path: table().to_csv(path, index=False),
        ("--target", "label", "--kind", "sise=numeric"),
        ("Did you mean 'size'?",),
    ),
    "kind without a sign": (
        lambda path: table().to_csv(path, index=False),
        ("--target", "label", "--kind", "numeric"),
        ("COL=KIND",),
    ),
    "unknown option": (
        lambda path: table().to_csv(path, index=False),
        ("--target", "label", "--tiem", "5s"),
        ("--tiem",),
    ),
    "no target": (lambda path: table().to_csv(path, index=False), (), ("--target",)),
}


@pytest.mark.parametrize("case", BAD, ids=BAD.keys())
def test_bad_input_is_refused_in_plain_words(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 2, the thing at fault named, no traceback, and no output folder with half a result."""
    write, options, words = BAD[case]
    path, out = tmp_path / "data.csv", tmp_path / "out"
    if write:
        write(path)
    status, said = run(capsys, monkeypatch, "fit", str(path), *options, "--out", str(out))
    assert status == 2, said
    assert "Traceback" not in said
    for word in words:
        assert word in said
    assert not out.exists()


def test_an_output_folder_that_cannot_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file where the folder should be."""
    data = tmp_path / "data.csv"
    table().to_csv(data, index=False)
    (tmp_path / "out").write_text("in the way")
    status, said = run(capsys, monkeypatch, "fit", str(data), "--target", "label", "--out", str(tmp_path / "out"))
    assert status == 2
    assert "cannot be written" in said
    assert (tmp_path / "out").read_text() == "in the way"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Predictions to a full device end with a sentence."""
    from netwright.errors import CannotWrite
    from netwright.storage import replace_file

    def full(file: object) -> None:
        raise OSError(28, os.strerror(28))

    with pytest.raises(CannotWrite, match="No space left"):
        replace_file(tmp_path / "model.nw", full)
    assert list(tmp_path.iterdir()) == []

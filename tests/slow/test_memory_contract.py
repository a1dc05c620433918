"""The memory contract on a table of 2 GB: `make slow` runs it, in some minutes and with 5 GB of disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

import netwright as nw
from netwright.journal import Journal

pytestmark = pytest.mark.slow

SIZE = 2 * 10**9  # bytes
TOGETHER = 200_000  # rows that are made at one time


def make(path: Path) -> int:
    """Write a table of numbers, categories, dates and a class that hangs on some of them; return its rows."""
    generator, rows = np.random.default_rng(0), 0
    towns = np.array([f"town {number}" for number in range(300)])
    with path.open("wb") as file:
        while file.tell() < SIZE:
            numbers = generator.normal(size=(TOGETHER, 10)).round(6)
            town = generator.integers(0, 300, TOGETHER)
            score = numbers[:, 0] * numbers[:, 1] + numbers[:, 2] + (town % 7 - 3) / 3
            days = np.datetime64("2020-01-01T00:00:00") + generator.integers(0, 10**8, TOGETHER).astype("m8[s]")
            part = pa.table(
                {
                    **{f"x{place}": numbers[:, place] for place in range(10)},
                    "town": towns[town],
                    "day": days,
                    "class": np.array(["low", "middle", "high"])[np.digitize(score, [-0.5, 0.5])],
                }
            )
            pyarrow.csv.write_csv(part, file, pyarrow.csv.WriteOptions(include_header=rows == 0))
            rows += TOGETHER
    return rows


@dataclass(frozen=True)
class Ended:
    """How a process ended: its status, what it wrote, and the most bytes that it held."""

    status: int
    out: str
    err: str
    peak: int


def fit(folder: Path, *words: str) -> Ended:
    """Run the command in a process of its own."""
    with (folder / "out").open("w+") as out, (folder / "err").open("w+") as err:
        code = "from netwright.cli import main; main()"
        process = subprocess.Popen([sys.executable, "-c", code, "fit", *words], stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return Ended(process.returncode, out.read(), err.read(), usage.ru_maxrss * 1024)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Return a table of 2 GB, and its rows."""
    path = tmp_path_factory.mktemp("large") / "large.csv"
    return path, make(path)


@pytest.mark.parametrize("limit", ["1200MB", "4GB"])
def test_a_table_of_2_gb_is_learnt_from_under_the_limit(large: tuple[Path, int], limit: str, tmp_path: Path) -> None:
    """The peak of the process as the system counts it, the time limit as everywhere, and a model that has learnt."""
    path, rows = large
    out = tmp_path / "run"
    ended = fit(
        tmp_path, str(path), "--target", "class", "--time", "180s", "--memory", limit, "--out", str(out), "--json"
    )
    assert ended.status == 0, ended.err
    assert ended.peak < int(limit.replace("GB", "000MB").removesuffix("MB")) * 10**6
    told = json.loads(ended.out)
    assert told["memory_bytes"] <= ended.peak
    with Journal.open(out / "journal.sqlite") as journal:
        data, streamed = journal.data(), journal.streamed()
    assert data is not None and streamed is not None
    assert data.large == rows and data.rows + streamed.rows == rows
    assert streamed.written > 0.1 * rows
    assert told["score"] > 0.8
    assert sorted(one.name for one in out.iterdir()) == ["journal.sqlite", "model.nw", "report.html", "trials.nw"]
    assert nw.load(out / "model.nw").result.score == told["score"]

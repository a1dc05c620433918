"""A record is untrusted input: whatever is not as Netwright writes it is refused in one plain sentence."""

from __future__ import annotations

import os
import random
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from netwright.errors import DamagedJournal, MissingJournal, NetwrightError, NewerJournal, NotAJournal
from netwright.events import BestImproved, DataRead, EpochDone, RunFinished, RunStarted, TrialFinished, TrialStarted
from netwright.journal import Journal
from netwright.result import Result

ENDLESS = """
CREATE VIEW best AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c)
SELECT x AS seconds, x AS score, x AS loss, x AS members FROM c
"""


@pytest.fixture
def path(tmp_path: Path, outcome: Result) -> Path:
    """The record of a finished run."""
    path = tmp_path / "journal.sqlite"
    with Journal.create(path) as journal:
        journal.record(RunStarted({"target": "y"}))
        journal.record(DataRead(0.1, {}, (), 10, 1))
        journal.record(TrialStarted(0.2, 0, "wide", "portfolio", {}, 9))
        journal.record(EpochDone(0.3, 0, 1, 1, 0.5))
        journal.record(TrialFinished(0.4, 0, 0.9, 0.3, 0.2))
        journal.record(BestImproved(0.5, 0.9, 0.3, 1))
        journal.record(RunFinished(0.6, outcome))
    return path


def read_all(path: Path) -> None:
    """Read everything that a record holds."""
    with Journal.open(path) as journal:
        journal.settings()
        journal.data()
        journal.trials()
        journal.curve()
        journal.result()


def change(path: Path, *statements: str) -> None:
    """Do to a record what Netwright never does."""
    connection = sqlite3.connect(path)
    connection.executescript(";".join(statements))
    connection.close()


def test_a_missing_record_is_said_plainly(tmp_path: Path) -> None:
    """Opening what is not there makes no file."""
    with pytest.raises(MissingJournal, match="There is no record of a run"):
        Journal.open(tmp_path / "journal.sqlite")
    assert not os.listdir(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes of this kind there")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe and a folder are refused at once."""
    os.mkfifo(tmp_path / "journal.sqlite")
    for place in (tmp_path / "journal.sqlite", tmp_path):
        with pytest.raises(NotAJournal):
            Journal.open(place)


def test_a_newer_record_is_refused(path: Path) -> None:
    """A format that this version does not know is named, with the remedy."""
    change(path, "PRAGMA user_version = 3")
    with pytest.raises(NewerJournal, match=r"format 3; this one reads up to 2\).*pip install"):
        Journal.open(path)


@pytest.mark.parametrize(
    "statements",
    [
        ("ALTER TABLE best RENAME TO real", ENDLESS),
        ("CREATE TRIGGER t AFTER INSERT ON best BEGIN DELETE FROM trial; END",),
        ("CREATE TABLE more (x)",),
        ("DROP TABLE epoch",),
    ],
)
def test_other_tables_are_refused(path: Path, statements: tuple[str, ...]) -> None:
    """A record with a view, a trigger, or a table more or less is not read, so that none can run for ever."""
    change(path, *statements)
    with pytest.raises(DamagedJournal, match="its tables are not those of a run"):
        Journal.open(path)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET body = '{' WHERE kind = 'started'",
        "UPDATE event SET body = '[]' WHERE kind = 'started'",
        "UPDATE event SET body = x'ff' WHERE kind = 'data'",
        "UPDATE event SET body = replace(body, '\"rows\": 10', '\"rows\": \"10\"') WHERE kind = 'data'",
        "UPDATE event SET body = '{}' WHERE kind = 'finished'",
        "UPDATE event SET body = replace(body, '\"trials\": 2', '\"trials\": 2, \"x\": 1') WHERE kind = 'finished'",
        "UPDATE event SET body = replace(body, '\"score\": 0.9', '\"score\": \"0.9\"') WHERE kind = 'finished'",
        "UPDATE event SET body = '" + "[" * 100_000 + "' WHERE kind = 'finished'",
        "UPDATE event SET body = zeroblob(100000000) WHERE kind = 'finished'",
        "UPDATE trial SET status = 'winning'",
        "UPDATE trial SET name = x'00ff'",
        "UPDATE trial SET candidate = '[]'",
        "UPDATE trial SET candidate = 'import os'",
        "UPDATE trial SET parameters = 'many'",
        "UPDATE epoch SET epoch = 'one'",
        "UPDATE best SET members = 1.5",
    ],
)
def test_other_content_is_refused(path: Path, statement: str) -> None:
    """Values of another type, form or size than Netwright writes are refused, wherever they stand."""
    change(path, statement)
    with pytest.raises(DamagedJournal, match="Netwright"):
        read_all(path)


def _truncated(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def _flipped(content: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(chance.randrange(1, 40)):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


@pytest.mark.parametrize("damage", [_truncated, _flipped])
def test_damage_never_surprises(path: Path, damage: Callable[[bytes, random.Random], bytes]) -> None:
    """However a record is damaged, it is read or refused by an error of ours."""
    whole, refused = path.read_bytes(), 0
    for seed in range(150):
        path.write_bytes(damage(whole, random.Random(seed)))
        try:
            read_all(path)
        except NetwrightError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 20

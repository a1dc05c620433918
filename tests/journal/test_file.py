"""A record is untrusted input: whatever is not as Netwright writes it is refused in one plain sentence."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netwright.errors import (
    DamagedJournal,
    MissingJournal,
    NetwrightError,
    NewerJournal,
    NotAJournal,
    UnreadableJournal,
)
from netwright.events import BestImproved, DataRead, EpochDone, RunFinished, RunStarted, TrialFinished, TrialStarted
from netwright.journal import Journal, bounds
from netwright.journal.bounds import Row
from netwright.result import Result

sys.path.insert(0, str(Path(__file__).parents[2] / "attacks"))

import fuzz_runs

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


# --- what stands in its place, or beside it ---------------------------------------------------------------------------

MAGIC = bytes.fromhex("d9d505f920a163d7")  # with which a file begins that holds pages as they were before


def half_written(path: Path) -> bytes:
    """Change the head of a record; return the file that lies beside it meanwhile, once that is on disk."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("PRAGMA user_version = 77")
    half = path.with_name(path.name + "-journal").read_bytes()
    connection.execute("COMMIT")
    connection.close()
    return MAGIC + (1).to_bytes(4) + half[12:]  # SQLite puts these in when it syncs: one page follows


def test_a_record_whose_process_was_killed_while_it_closed_it_is_gone_on_with(path: Path) -> None:
    """Its head is put back; who may only read it is told how that is done."""
    path.with_name(path.name + "-journal").write_bytes(half_written(path))
    with pytest.raises(UnreadableJournal, match="repeating its netwright fit mends"):
        Journal.open(path)
    with Journal.go_on(path) as journal:
        assert journal.settings() == {"target": "y"} and journal.finished
    assert os.listdir(path.parent) == [path.name]
    read_all(path)


def test_a_record_that_was_half_closed_is_replaced(path: Path) -> None:
    """By a run that begins anew."""
    path.with_name(path.name + "-journal").write_bytes(half_written(path))
    with Journal.create(path) as journal:
        assert journal.settings() == {}


def test_a_file_beside_it_that_names_others_is_refused(path: Path, tmp_path: Path) -> None:
    """SQLite would delete what it names."""
    victim = tmp_path / "victim"
    victim.write_text("of somebody else")
    name = str(victim).encode()
    tail = (0x40000000 // 4096 + 1).to_bytes(4) + name + len(name).to_bytes(4) + sum(name).to_bytes(4) + MAGIC
    path.with_name(path.name + "-journal").write_bytes(half_written(path) + tail)
    with pytest.raises(DamagedJournal, match="was not made for it"):
        Journal.go_on(path)
    assert victim.exists()


def test_a_large_file_beside_it_is_refused(path: Path) -> None:
    """No change of the head needs so much."""
    path.with_name(path.name + "-journal").write_bytes(half_written(path) + bytes(100_000))
    with pytest.raises(DamagedJournal, match="was not made for it"):
        Journal.go_on(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes of this kind there")
@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "dangling", "circle"])
def test_what_is_no_file_is_neither_waited_for_nor_followed(path: Path, ending: str, kind: str) -> None:
    """In the place of the record, or of what SQLite keeps beside it."""
    place, whole = path.with_name(path.name + ending), path.read_bytes()
    elsewhere = path.with_name("elsewhere")
    elsewhere.write_bytes(whole)
    place.unlink(missing_ok=True)
    match kind:
        case "pipe":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case _:
            place.symlink_to({"link": elsewhere, "dangling": "nowhere", "circle": place.name}[kind])
    for use in (Journal.open, Journal.go_on, Journal.create):
        with pytest.raises(NotAJournal, match=place.name):
            use(path)
    assert elsewhere.read_bytes() == whole


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="root alone may become somebody else")
def test_a_record_of_somebody_else_is_said_plainly(path: Path, tmp_path: Path) -> None:
    """In a folder that is closed to the user, which the system does not even let be looked into."""
    tmp_path.chmod(0o700)
    code = """if True:
        import os, sys
        from pathlib import Path
        from netwright.errors import NetwrightError
        from netwright.journal import Journal, bounds
        os.setuid(65_534)
        for use in (Journal.open, Journal.go_on, Journal.create):
            try:
                use(Path(sys.argv[1]))
            except NetwrightError as error:
                print(error)
    """
    ended = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert len(ended.stdout.splitlines()) == 3 and ended.stdout.count("Permission denied") == 3
    assert ended.stderr == ""


# --- what never ends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["epoch", "trial", "best", "event", "search", "sqlite_master"])
def test_a_table_with_rows_without_end_is_not_read_to_its_end(
    path: Path, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its pages names the next one as its child some hundred times: the file has 70 kB."""
    monkeypatch.setattr(bounds, "MOST_LOOKS", 20_000)
    monkeypatch.setattr("netwright.journal.record.MOST_STEPS", 1_000)
    monkeypatch.setattr("netwright.journal.record.MOST_TRIALS", 1_000)
    fuzz_runs.make_endless(path, table)
    for read in (Journal.settings, Journal.spent, Journal.trials, Journal.curve, Journal.search):
        with contextlib.suppress(DamagedJournal), Journal.open(path) as journal:
            read(journal)
    if table in ("epoch", "trial", "best", "event"):
        with pytest.raises(DamagedJournal), Journal.open(path) as journal:
            journal.spent()


def test_only_one_answer_of_a_record_without_end_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked a dozen things, each of which would take as long; other records are waited for as before."""
    monkeypatch.setattr(bounds, "MOST_LOOKS", 20_000)
    monkeypatch.setattr(bounds, "FEW_LOOKS", 20)
    asked: list[bool] = []

    def fetch(*given: Any, patient: bool) -> list[Row]:
        asked.append(patient)
        return bounds.fetch(*given, patient=patient)

    monkeypatch.setattr("netwright.journal.record.fetch", fetch)
    with Journal.open(path) as journal:
        for _ in range(3):
            journal.settings()
    fuzz_runs.make_endless(path, "event")
    with Journal.open(path) as journal:
        for read in (journal.spent, journal.spent, journal.spent):
            with pytest.raises(DamagedJournal):
                read()
    assert asked == [True, True, True, True, False, False]


def test_an_answer_of_too_many_bytes_or_values_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows they are in."""
    change(path, "INSERT INTO search (kind, body) VALUES ('told', '[[],[],[],[]]'), ('told', '[[],[],[],[]]')")
    with Journal.open(path) as journal:
        for name, most in (("LARGEST_ANSWER", 200), ("MOST_VALUES", 12)):
            with monkeypatch.context() as patch:
                patch.setattr(bounds, name, most)
                with pytest.raises(DamagedJournal, match="cannot be read"):
                    journal.search()


@pytest.mark.parametrize("value", ["'abc'", "x'00'", "-1.0", "9e999", "1e13", "zeroblob(1000)"])
@pytest.mark.parametrize("column", ["event.seconds", "epoch.seconds", "best.seconds", "trial.started"])
def test_a_time_that_is_none_is_refused(path: Path, column: str, value: str) -> None:
    """A column of SQLite holds what one puts there; time that was spent is subtracted from the limit."""
    table, name = column.split(".")
    change(path, f"UPDATE {table} SET {name} = {value}")
    with Journal.open(path) as journal:
        if value == "-1.0":
            assert journal.spent() >= 0
        else:
            with pytest.raises(DamagedJournal, match="a time in it is none"):
                journal.spent()


@pytest.mark.parametrize("limit", ["NaN", "Infinity", "-3.0", "1e300", '"60s"', "[60]"])
def test_a_limit_that_is_none_is_refused(path: Path, limit: str) -> None:
    """It is what is left of the time that counts."""
    change(path, f"UPDATE event SET body = '{{\"time\": {limit}}}' WHERE kind = 'started'")
    with Journal.open(path) as journal, pytest.raises(DamagedJournal, match="a time in it is none"):
        journal.limit()


@pytest.mark.parametrize(
    "finding", ['{"message": "x"}', '{"kind": 1, "column": null, "message": "x"}', '{"kind": "a", "more": 1}']
)
def test_a_finding_that_is_none_is_refused(path: Path, finding: str) -> None:
    """It is shown as it stands."""
    change(path, f"UPDATE event SET body = replace(body, '\"findings\": []', '\"findings\": [{finding}]')")
    with Journal.open(path) as journal, pytest.raises(DamagedJournal, match="what was noticed in its data"):
        journal.data()

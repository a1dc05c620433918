"""A table that memory does not hold is learnt from as a whole, and judged by rows that nobody learnt from."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import netwright as nw
from netwright.data import needs
from netwright.data.large import LargeParquet
from netwright.data.needs import MOST_AGAIN
from netwright.engine.bench import Bench
from netwright.errors import CannotGoOn, DifferentRun, NoTarget
from netwright.events import DataRead, Event, ResourcesUsed, RowsEncoded, RowsStreamed, RunResumed, TrialFinished
from netwright.intake.sources import MEMORY, TIME, read_tables
from netwright.intake.streamed import Streamed
from netwright.journal import Journal
from netwright.resources.budget import Budget
from netwright.resources.memory import LOADED, Memory
from netwright.tasks import TASKS

ROWS, HELD = 5_600, 700
UNHURRIED = Budget().left


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every table for one that memory does not hold, and hold few of its rows."""
    monkeypatch.setattr(needs, "TIMES", dict.fromkeys(needs.TIMES, 1e9))
    monkeypatch.setattr(needs, "FRAME_TIMES", 1e9)
    monkeypatch.setattr(needs, "MOST_JUDGED", HELD)


def table(rows: int = ROWS) -> pd.DataFrame:
    """Return columns of several kinds, and two classes that hang on them in a way that takes many rows to learn."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(rows, 3)).round(4), columns=["a", "b", "c"])
    frame["colour"] = generator.choice(["red", "green", "blue"], rows)
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 300, rows), unit="D")
    frame["person"] = [f"p{number}" for number in generator.integers(0, 40, rows)]
    frame["kind"] = np.where(frame["a"] * frame["b"] + (frame["colour"] == "red") > 0.3, "yes", "no")
    return frame


def counted(events: list[Event]) -> RowsStreamed:
    """Return what came of the rows that were not held."""
    (found,) = (event for event in events if isinstance(event, RowsStreamed))
    return found


def heard(data: Any, out: Path, **options: Any) -> tuple[nw.Run, list[Event]]:
    """Return a short run, and what happened in it."""
    events: list[Event] = []
    run = nw.fit(data, "kind", **{"time": "4s", **options}, out=out, listener=events.append)
    return run, events


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the table as a file, with a row in ten of an unknown class and some that are there twice."""
    frame = table()
    frame.loc[::10, "kind"] = np.nan
    path = tmp_path / "data.csv"
    pd.concat([frame, frame.iloc[1:301]]).to_csv(path, index=False)
    return path


def test_all_rows_are_learnt_from_and_some_are_judged_on(path: Path, tmp_path: Path) -> None:
    """It is told what was held, what was read, what it took; and the folder holds nothing of the rows."""
    run, events = heard(path, tmp_path / "run")
    (read,) = (event for event in events if isinstance(event, DataRead))
    assert (read.large, read.drawn) == (ROWS + 300, HELD) and 500 < read.rows < HELD
    streamed = counted(events)
    assert streamed.rows == streamed.read == ROWS + 300 - HELD
    assert 0.8 * streamed.rows < streamed.written < 0.91 * streamed.rows  # not those without a class, nor copies
    assert streamed.size > 20 * streamed.written
    assert any(isinstance(event, RowsEncoded) for event in events)
    assert run.findings[0].kind == "short_of_memory"
    assert f"{read.rows:,} of its 5,900 rows" in run.findings[0].message
    assert sorted(one.name for one in run.folder.iterdir()) == [
        "journal.sqlite",
        "model.nw",
        "report.html",
        "trials.nw",
    ]
    report = run.report.read_text()
    assert f"{read.rows + streamed.written:,} rows" in report and "are judged on" in report
    with Journal.open(run.journal) as journal:
        assert journal.streamed() == streamed
        assert journal.resources() == run.resources
    assert run.resources is not None and run.resources.rows == streamed.size and run.resources.checkpoints > 0
    assert nw.load(run.bundle).predict(table(50)).shape == (50,)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let memory hold all tables, and take long over each."""
    monkeypatch.undo()
    monkeypatch.setattr(needs, "MOST_JUDGED", HELD)
    monkeypatch.setattr(needs, "PREPARED", 1_000)
    monkeypatch.setattr(needs, "PREPARED_IN_ANY_CASE", 1_000)


def test_a_table_that_takes_too_long_is_learnt_from_as_far_as_there_is_time(
    path: Path, slow: None, tmp_path: Path
) -> None:
    """As one that memory does not hold; with a number of trials it is held."""
    run, events = heard(path, tmp_path / "run")
    assert run.findings[0].kind == "short_of_time"
    assert "The table takes more time than there is: " in run.findings[0].message
    assert 0 < counted(events).read <= ROWS + 300 - HELD
    held, events = heard(path, tmp_path / "held", time=None, trials=1)
    assert "short_of_time" not in {finding.kind for finding in held.findings}
    assert not any(isinstance(event, RowsStreamed) for event in events)


def test_rows_to_test_on_are_as_many_as_there_is_time_for(path: Path, slow: None) -> None:
    """Drawn at random, which is told."""
    tables = read_tables(path, "kind", path, "auto", memory=Memory(4 * 10**9), left=lambda: 10.0)
    assert tables.short_of == TIME and tables.tested is not None and len(tables.tested) <= HELD
    assert "takes more time than there is" in tables.findings[0].message
    tables = read_tables(path, "kind", path, "auto", memory=Memory(LOADED + 1), left=lambda: 10.0)
    assert tables.short_of == MEMORY


@pytest.mark.parametrize("name", ["data.xlsx", "data.json"])
def test_what_is_not_read_in_parts_is_held_however_long_it_takes(name: str, slow: None, tmp_path: Path) -> None:
    """Memory suffices, and the rows come at once or not at all."""
    if name == "data.xlsx":
        table(30).to_excel(tmp_path / name, index=False)
    else:
        table(30).to_json(tmp_path / name, orient="records", date_format="iso")
    tables = read_tables(tmp_path / name, "kind", None, "auto", memory=Memory(4 * 10**9), left=lambda: 1.0)
    assert tables.large is None and len(tables.table) == 30


def test_more_rows_make_a_better_model(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Than those that are held alone; both are judged on rows that nobody has seen."""
    unseen = table(9_000).iloc[ROWS:]
    whole, _ = heard(path, tmp_path / "whole", test=unseen, time=None, trials=2)
    for module in ("rows", "preparing"):
        monkeypatch.setattr(f"netwright.intake.{module}.streamed_from_disk", lambda order: False)
    held, events = heard(path, tmp_path / "held", test=unseen, time=None, trials=2)
    assert not any(isinstance(event, RowsStreamed) for event in events)
    assert "only they are learnt from" in held.findings[0].message
    assert whole.result.test_metrics["log_loss"] < 0.8 * held.result.test_metrics["log_loss"]
    kinds = [finding.kind for finding in whole.findings]
    assert "test_sampled" in kinds


def check_equal(run: nw.Run, other: nw.Run) -> None:
    """Check that two runs made the same model."""
    assert run.result.score == other.result.score
    for part, same in zip(run.model.parts, other.model.parts, strict=True):
        for name, tensor in part.weights.items():
            np.testing.assert_array_equal(tensor, same.weights[name])


def test_a_seed_gives_one_model_and_a_run_that_was_cut_off_comes_to_the_same(path: Path, tmp_path: Path) -> None:
    """The same rows are held and the others come in the same order, also where there is more room by then."""
    whole, _ = heard(path, tmp_path / "whole", trials=2)

    class CutOff(BaseException):
        """Stands for the end of a process."""

    def cut(event: Event) -> None:
        if isinstance(event, TrialFinished):
            raise CutOff

    with pytest.raises(CutOff):
        nw.fit(path, "kind", trials=2, out=tmp_path / "cut", listener=cut)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(needs, "TIMES", dict.fromkeys(needs.TIMES, 1.0))
        patch.setattr(needs, "MOST_JUDGED", 10**6)
        run, events = heard(path, tmp_path / "cut", trials=2)
    check_equal(run, whole)
    assert counted(events).rows == ROWS + 300 - HELD


@pytest.mark.parametrize(("drawn", "held"), [(HELD + 100, HELD + 100), (10**12, MOST_AGAIN * HELD)])
def test_a_record_does_not_say_how_much_memory_is_taken(drawn: int, held: int, path: Path) -> None:
    """As many rows are drawn again as it says, but no more than twice those that there is room for."""
    before = DataRead(1.0, {}, (), HELD, 6, drawn=drawn)
    tables = read_tables(path, "kind", None, "auto", memory=Memory(4 * 10**9), left=UNHURRIED, before=before)
    assert tables.sample is not None and len(tables.sample.numbers) == held


def test_a_table_that_was_held_is_not_held_again_at_any_price(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With half of the memory it is, and with less the run is refused before it is read."""
    before, size = DataRead(1.0, {}, (), ROWS, 6), path.stat().st_size
    monkeypatch.setattr(needs, "TIMES", dict.fromkeys(needs.TIMES, 1e6))
    monkeypatch.setattr(needs, "ROW", 0.0)
    enough, less = (Memory(int(share * 1e6 * size) + LOADED) for share in (0.6, 0.4))
    assert read_tables(path, "kind", None, "auto", memory=enough, left=UNHURRIED, before=before).large is None
    with pytest.raises(CannotGoOn, match="--memory"):
        read_tables(path, "kind", None, "auto", memory=less, left=UNHURRIED, before=before)


def test_a_run_on_other_data_does_not_say_what_is_held(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small table had been held whole; that the large one is another is what is said of it."""
    small, out = tmp_path / "small.csv", tmp_path / "run"
    table(200).to_csv(small, index=False)
    with monkeypatch.context() as patch:
        patch.setattr(needs, "TIMES", dict.fromkeys(needs.TIMES, 1.0))
        nw.fit(small, "kind", trials=1, out=out)
    with pytest.raises(DifferentRun, match="its data is"):
        nw.fit(path, "kind", trials=1, out=out)


def test_a_run_that_memory_does_not_hold_any_more_is_refused_and_can_be_gone_on_with_later(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its record stays as it was until there is as much memory again; one that says that all were held is refused."""

    class CutOff(BaseException):
        """Stands for the end of a process."""

    def cut(event: Event) -> None:
        if isinstance(event, TrialFinished | RunResumed):
            raise CutOff

    out = tmp_path / "run"
    with pytest.raises(CutOff):
        nw.fit(path, "kind", trials=2, out=out, listener=cut)
    with monkeypatch.context() as patch, pytest.raises(CannotGoOn, match=r"hold as many .* by --memory"):
        for name in ("MOST_JUDGED", "FEWEST_JUDGED"):
            patch.setattr(needs, name, HELD // 7)
        nw.fit(path, "kind", trials=2, out=out)
    with pytest.raises(CutOff):
        nw.fit(path, "kind", trials=2, out=out, listener=cut)
    with closing(sqlite3.connect(out / "journal.sqlite", isolation_level=None)) as connection:
        connection.execute("UPDATE event SET body = json_set(body, '$.drawn', 1000000000000) WHERE kind = 'data'")
    with pytest.raises(CannotGoOn, match=r"hold as many .* by --memory"):
        nw.fit(path, "kind", trials=2, out=out)


def test_a_frame_is_read_in_parts_too(tmp_path: Path) -> None:
    """It lies in memory, but what would be made of it does not."""
    run, events = heard(table(), tmp_path, time=None, trials=1)
    streamed = counted(events)
    assert streamed.read == streamed.written == ROWS - HELD
    assert run.result.score > 0.6


def test_nobody_is_judged_on_a_group_that_was_learnt_from(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row of a group that is held is barred from the networks that are judged on it."""
    seen: list[Bench] = []
    monkeypatch.setattr("netwright.intake.preparing.digest_of_bench", lambda bench: seen.append(bench) or "")
    heard(path, tmp_path, group="person", time=None, trials=1)
    (bench,) = seen
    assert bench.more is not None and bench.more.barred is not None
    assert len(bench.more.barred) == len(bench.more) > 4_000
    counts = np.bincount(bench.more.barred + 1, minlength=len(bench.splits) + 1)
    assert counts[0] == 0 and (counts[1:] > 100).all()  # all forty are held


def test_a_numbered_group_is_known_in_every_part_of_a_parquet_file(tmp_path: Path) -> None:
    """Parts with and without a gap among the numbers have another type, and are of the same people all the same."""
    frame = table()
    frame["person"] = frame["person"].str[1:].astype("Int64")
    frame.loc[: ROWS // 2 : 7, "person"] = pd.NA
    frame.to_parquet(tmp_path / "data.parquet", row_group_size=ROWS // 4)
    large = LargeParquet(tmp_path / "data.parquet")
    sample = large.sample(HELD, 0)
    folds = np.arange(HELD) % 2
    rest = Streamed(large, sample.numbers, sample.table["person"], TASKS["tabular"], tmp_path, 0, Budget(None), print)
    loaded = SimpleNamespace(places=np.arange(HELD))
    barred = rest._barred(loaded, folds)  # type: ignore[arg-type]
    assert barred is not None
    for part in large.rest(sample.numbers, 0):
        known = part["person"].notna().to_numpy()
        assert ((barred(part, np.arange(len(part))) >= 0) == known).all()  # all forty are held


def test_copies_of_rows_that_are_held_are_left_out_unless_equal_rows_are_many(tmp_path: Path) -> None:
    """Where columns have few values and truths differ, equal rows are no copies."""
    generator = np.random.default_rng(0)
    unlike = table(3_000)
    twice = pd.concat([unlike, unlike], ignore_index=True)
    _, events = heard(twice, tmp_path / "copies", time=None, trials=1)
    streamed = counted(events)
    assert streamed.rows - streamed.written == pytest.approx(HELD * (6_000 - HELD) / 6_000, rel=0.15)
    few = pd.DataFrame({"a": generator.integers(0, 3, 5_000), "b": generator.integers(0, 2, 5_000)})
    few["kind"] = generator.choice(["x", "y"], 5_000)
    _, events = heard(few, tmp_path / "few", kinds={"a": "categorical"}, time=None, trials=1)
    assert counted(events).written == 5_000 - HELD


def test_texts_are_learnt_from_as_far_as_they_are_held(tmp_path: Path) -> None:
    """That is told: nearly equal texts would have to be looked for in all rows."""
    generator = np.random.default_rng(0)
    words = np.array(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"])
    texts = [" ".join(generator.choice(words, 8)) + f" {place}" for place in range(2_000)]
    frame = pd.DataFrame({"text": texts, "kind": ["yes" if "one" in text else "no" for text in texts]})
    run, events = heard(frame, tmp_path, pretrained="none", time=None, trials=1)
    assert not any(isinstance(event, RowsStreamed) for event in events)
    assert "texts are not read from disk" in run.findings[0].message


def test_a_run_that_has_no_time_to_read_all_says_so(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It learns from the rows that it has read, which are from all over the file."""
    monkeypatch.setattr("netwright.data.large.PART_ROWS", 300)
    monkeypatch.setattr("netwright.intake.streamed.ENCODING_SHARE", 0.0)
    events: list[Event] = []
    run = nw.fit(table(), "kind", time="8s", out=tmp_path, listener=events.append)
    streamed = counted(events)
    assert 0 < streamed.read <= 300 < streamed.rows
    assert "there was no time" in run.report.read_text()


def test_the_end_does_not_wait_for_rows_that_an_earlier_run_had_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are finished trials, they are handed over at once; a later run reads all the same rows again."""
    monkeypatch.setattr("netwright.data.large.PART_ROWS", 300)
    budget, seen = Budget(trials=3), list[RowsEncoded]()

    class CutOff(BaseException):
        """Stands for the end of a process."""

    def cut(event: Event) -> None:
        if isinstance(event, TrialFinished):
            raise CutOff

    def end(event: Event) -> None:
        if isinstance(event, RowsEncoded):
            seen.append(event)
            budget.end()

    with pytest.raises(CutOff):
        nw.fit(table(), "kind", trials=3, out=tmp_path, listener=cut)
    run = nw.fit(table(), "kind", budget=budget, out=tmp_path, listener=end)
    assert len(seen) == 1 and run.result.ended_early and run.result.trials >= 1 and run.result.failed == 0
    with Journal.open(run.journal) as journal:
        streamed = journal.streamed()
    assert streamed is not None and streamed.read == streamed.rows == ROWS - HELD


def test_what_a_run_takes_is_told_for_any_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for one that memory holds."""
    monkeypatch.undo()
    run, events = heard(table(300), tmp_path, time=None, trials=1)
    (used,) = (event for event in events if isinstance(event, ResourcesUsed))
    assert run.resources == used and used.rows == 0 < used.checkpoints
    assert 10**8 < used.memory < used.allowed
    again = nw.fit(table(300), "kind", trials=1, out=tmp_path)
    assert again.before and again.resources == used


def test_a_large_table_without_a_target_is_told_of(path: Path, tmp_path: Path) -> None:
    """As a small one."""
    with pytest.raises(NoTarget):
        nw.fit(path, trials=1, out=tmp_path / "run")

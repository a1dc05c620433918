"""A run that is cut off goes on when its command is repeated: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import netwright as nw
from netwright.bundle import Contents, read_bundle, write_bundle
from netwright.engine.attempt import Attempt
from netwright.engine.bench import Bench
from netwright.engine.checkpoints import FOLDER, SavedStack
from netwright.engine.digests import digest, digest_of_bench
from netwright.engine.resuming import _whole, carried_over, differences
from netwright.errors import (
    CannotGoOn,
    CannotWrite,
    DamagedJournal,
    DifferentRun,
    NothingToAddTo,
    NoTrialFinished,
)
from netwright.events import (
    BestImproved,
    DataRead,
    EpochDone,
    Event,
    NotKept,
    Proposed,
    RunFinished,
    RunResumed,
    StackKept,
    Told,
    TrialFinished,
    TrialResumed,
    TrialStarted,
)
from netwright.journal import Journal

TRIALS = 7
FEWER = 5  # where it does not matter what comes after


class Cut(BaseException):
    """Stands for the end of a process: what is on disk is all that is left."""


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Return the irises with the names of their species."""
    data = load_iris(as_frame=True)
    return data.frame.assign(target=data.target_names[data.target])


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """Return a place for what happened in `whole`."""
    return []


@pytest.fixture(scope="module")
def whole(table: pd.DataFrame, events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a run that nobody cut off."""
    return nw.fit(table, "target", trials=TRIALS, out=tmp_path_factory.mktemp("whole"), listener=events.append)


def cutting(when: Callable[[Event], bool]) -> Callable[[Event], None]:
    """Return a listener that cuts a run off at the first event of which that is true."""

    def listen(event: Event) -> None:
        if when(event):
            raise Cut

    return listen


def unless_cut(table: pd.DataFrame, out: Path, listener: Callable[[Event], None]) -> nw.Run | None:
    """Return a run; nothing where it was cut off."""
    try:
        return nw.fit(table, "target", trials=TRIALS, out=out, listener=listener)
    except Cut:
        return None


def check_equal(run: nw.Run, other: nw.Run) -> None:
    """Check that two runs made the same model of the same trials."""
    assert [(one.trial, one.loss, one.weight) for one in run.result.leaderboard] == [
        (one.trial, one.loss, one.weight) for one in other.result.leaderboard
    ]
    assert run.result.score == other.result.score
    assert run.model.temperature == other.model.temperature
    for part, same in zip(run.model.parts, other.model.parts, strict=True):
        assert part.candidate == same.candidate
        for name, tensor in part.weights.items():
            np.testing.assert_array_equal(tensor, same.weights[name])


@pytest.mark.parametrize("place", [0.02, 0.4, 0.8, 1.0])
def test_a_run_cut_off_anywhere_ends_as_if_it_had_not_been(
    place: float, table: pd.DataFrame, whole: nw.Run, events: list[Event], tmp_path: Path
) -> None:
    """The same trials, bit for bit; those that had finished are not trained again."""
    by_time = EpochDone | BestImproved | StackKept  # how many there are hangs on the machine
    told = [event for event in events if not isinstance(event, by_time)]
    kind = type(told[int(place * (len(told) - 1))])
    turn = sum(type(event) is kind for event in told[: int(place * (len(told) - 1)) + 1])
    left = iter(range(turn - 1, -1, -1))
    with pytest.raises(Cut):
        nw.fit(
            table,
            "target",
            trials=TRIALS,
            out=tmp_path,
            listener=cutting(lambda event: type(event) is kind and next(left) == 0),
        )
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        finished = {record.trial for record in journal.trials() if record.status == "finished"}
    after: list[Event] = []
    run = nw.fit(table, "target", trials=TRIALS, out=tmp_path, listener=after.append)
    check_equal(run, whole)
    assert finished.isdisjoint({event.trial for event in after if isinstance(event, TrialStarted)})
    assert not (tmp_path / FOLDER).exists()
    with Journal.open(run.journal) as journal:
        assert {record.status for record in journal.trials()} == {"finished"}
        assert len(journal.trials()) == TRIALS
        assert journal.finished


@pytest.mark.parametrize("epochs", [30, 150])
def test_a_trial_in_training_goes_on_from_where_it_was_kept(
    epochs: int, table: pd.DataFrame, whole: nw.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends as it would have, and what it had done is not done again."""
    monkeypatch.setattr("netwright.engine.attempt.KEPT_EVERY", 0.02)
    monkeypatch.setattr("netwright.engine.attempt.KEEPING_SHARE", 0)
    heard = 0

    def listen(event: Event) -> None:
        nonlocal heard
        heard += isinstance(event, EpochDone)
        if heard >= epochs and list((tmp_path / FOLDER).glob("stack-*.nw")):
            raise Cut

    with pytest.raises(Cut):
        nw.fit(table, "target", trials=TRIALS, out=tmp_path, listener=listen)
    kept = len(list((tmp_path / FOLDER).glob("stack-*.nw")))
    after: list[Event] = []
    run = nw.fit(table, "target", trials=TRIALS, out=tmp_path, listener=after.append)
    check_equal(run, whole)
    resumed = {event.trial for event in after if isinstance(event, TrialResumed)}
    assert len(resumed) >= kept > 0
    assert resumed.isdisjoint({event.trial for event in after if isinstance(event, TrialStarted)})
    with Journal.open(run.journal) as journal:
        for record in journal.trials():
            passes = [epoch for _, epoch, _ in record.curve]
            assert passes == sorted(set(passes))


def test_the_time_until_a_stack_was_kept_is_spent(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a run that is cut off between two checks would have that time once more, with what it had learnt in it."""
    monkeypatch.setattr("netwright.engine.attempt.KEPT_EVERY", 0.02)
    monkeypatch.setattr("netwright.engine.attempt.KEEPING_SHARE", 0)
    kept: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, StackKept):
            kept.append(event.seconds)
            raise Cut

    with pytest.raises(Cut):
        nw.fit(table, "target", trials=TRIALS, out=tmp_path, listener=listen)
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        assert journal.spent() >= kept[0]


def test_a_run_may_be_cut_off_again_and_again(table: pd.DataFrame, whole: nw.Run, tmp_path: Path) -> None:
    """Each time the search hears of one more trial."""
    cut = cutting(lambda event: isinstance(event, Told))
    cuts = 0
    while (run := unless_cut(table, tmp_path, cut)) is None:
        cuts += 1
        assert cuts <= TRIALS
    assert cuts >= 3
    check_equal(run, whole)


def test_a_killed_process_leaves_all_that_had_finished(table: pd.DataFrame, whole: nw.Run, tmp_path: Path) -> None:
    """SIGKILL while a network learns: no half file hinders the run that goes on."""
    table.to_parquet(tmp_path / "irises.parquet")
    out = tmp_path / "run"
    command = [sys.executable, "-m", "netwright.cli", "fit", str(tmp_path / "irises.parquet"), "--target", "target"]
    command = [sys.executable, "-c", "from netwright.cli import main; main()", *command[3:]]
    command += ["--trials", str(TRIALS), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while finished_in(out) < 2:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = finished_in(out)
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert f"{before} finished trials are carried over" in ended.stderr
    assert nw.load(out / "model.nw").result.trials == TRIALS


def finished_in(folder: Path) -> int:
    """Return how many trials have finished by the record in a folder; none where there is no record yet."""
    if not (folder / "journal.sqlite").exists():
        return 0
    with Journal.open(folder / "journal.sqlite") as journal:
        return sum(record.status == "finished" for record in journal.trials())


def test_a_stack_that_was_kept_in_part_is_trained_again_as_it_was() -> None:
    """Of a number of trials: the rest alone would come to other last digits. What is recorded as ended stays."""
    kept: dict[int, Any] = {number: f"trial {number}" for number in (1, 2, 4, 5, 7)}
    steps = [
        Proposed(tuple((number, {}, "random") for number in numbers), asked=asked)
        for numbers, asked in (((1,), True), ((2, 3), True), ((4, 5, 6), True), ((7,), False), ((8,), True))
    ]
    assert {*_whole(kept, steps, {1})} == {1, 7}
    assert {*_whole(kept, steps, {1, 3, 4})} == {1, 2, 4, 7}
    assert {*_whole(kept, [*steps, Told(6, None)], {1, 3, 6})} == {1, 2, 4, 5, 7}


def test_a_damaged_checkpoint_costs_its_trial_only(table: pd.DataFrame, whole: nw.Run, tmp_path: Path) -> None:
    """It counts as not there: the trial keeps its place in the list, and its weights are gone."""
    ended = 0

    def listen(event: Event) -> None:
        nonlocal ended
        ended += isinstance(event, Told)
        if ended == 4:
            raise Cut

    with pytest.raises(Cut):
        nw.fit(table, "target", trials=TRIALS, out=tmp_path, listener=listen)
    files = sorted((tmp_path / FOLDER).glob("*.nw"))
    files[0].write_bytes(files[0].read_bytes()[:-100])
    run = nw.fit(table, "target", trials=TRIALS, out=tmp_path)
    assert run.result.trials == TRIALS
    assert {one.trial for one in run.result.leaderboard} == {one.trial for one in whole.result.leaderboard}


def test_a_run_goes_on_where_nothing_can_be_kept(table: pd.DataFrame, tmp_path: Path) -> None:
    """A full disk costs the way back, not the run."""
    told: list[Event] = []

    def listen(event: Event) -> None:
        told.append(event)
        if isinstance(event, DataRead):
            (tmp_path / FOLDER).write_text("a file stands where the folder should")

    run = nw.fit(table, "target", trials=2, out=tmp_path, listener=listen)
    assert run.result.trials == 2
    assert any(isinstance(event, NotKept) and "cannot be written" in event.reason for event in told)


def test_a_finished_run_is_given_back(table: pd.DataFrame, whole: nw.Run, tmp_path: Path) -> None:
    """Repeating its command costs nothing and changes nothing; with more trials it goes on."""
    out = tmp_path / "run"
    shutil.copytree(whole.folder, out)
    before = (out / "model.nw").read_bytes()
    (out / "report.html").unlink()  # as if it had been cut off while this was written
    told: list[Event] = []
    run = nw.fit(table, "target", trials=TRIALS, out=out, listener=told.append)
    assert run.before and not told
    assert run.result == whole.result and run.findings == whole.findings
    assert (out / "model.nw").read_bytes() == before and run.report.exists()
    more = nw.fit(table, "target", trials=TRIALS + 3, out=out, listener=told.append)
    assert not more.before and more.result.trials == TRIALS + 3
    assert sum(isinstance(event, TrialFinished) for event in told) == 3
    assert [event.trials for event in told if isinstance(event, RunResumed)] == [TRIALS]


def test_a_report_of_an_earlier_end_is_not_taken_for_that_of_this_one(
    table: pd.DataFrame, whole: nw.Run, tmp_path: Path
) -> None:
    """A run that was gone on with is killed when all is recorded and its report is not yet written."""
    out = tmp_path / "run"
    shutil.copytree(whole.folder, out)
    with pytest.raises(Cut):
        nw.fit(
            table, "target", trials=TRIALS + 1, out=out, listener=cutting(lambda event: isinstance(event, RunFinished))
        )
    run = nw.fit(table, "target", trials=TRIALS + 1, out=out)
    assert run.before and run.result.trials == TRIALS + 1
    assert run.report.read_bytes() != whole.report.read_bytes()


def test_time_that_was_spent_counts_and_more_can_be_added(table: pd.DataFrame, tmp_path: Path) -> None:
    """A run of six seconds that was cut off after some has the rest; another four make it ten."""
    cut = cutting(lambda event: isinstance(event, TrialFinished) and event.seconds > 2.5)
    with pytest.raises(Cut):
        nw.fit(table, "target", time="6s", out=tmp_path, listener=cut)
    told: list[Event] = []
    run = nw.fit(table, "target", time="6s", out=tmp_path, listener=told.append)
    (resumed,) = (event for event in told if isinstance(event, RunResumed))
    assert resumed.seconds > 2.5 and resumed.limit == 6.0 and resumed.trials > 0
    assert run.result.seconds > resumed.seconds
    assert nw.fit(table, "target", time="6s", out=tmp_path).before
    more = nw.fit(table, "target", time="+4s", out=tmp_path, listener=told.append)
    assert [event.limit for event in told if isinstance(event, RunResumed)] == [6.0, 10.0]
    assert more.result.trials > run.result.trials
    seconds = [seconds for seconds, _ in more.result.curve]
    assert seconds == sorted(seconds)
    with Journal.open(more.journal) as journal:
        assert journal.limit() == 10.0 and journal.finished


def test_a_run_that_is_given_less_time_ends_in_that(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack in training had been allowed more, by a limit that does not count any longer."""
    monkeypatch.setattr("netwright.engine.attempt.KEPT_EVERY", 0.02)
    monkeypatch.setattr("netwright.engine.attempt.KEEPING_SHARE", 0)
    ended = 0

    def in_training(event: Event) -> bool:
        nonlocal ended
        ended += isinstance(event, Told)
        stacks = [int(path.stem.removeprefix("stack-")) for path in (tmp_path / FOLDER).glob("stack-*.nw")]
        return ended >= 2 and isinstance(event, EpochDone) and max(stacks, default=0) > 2  # none of a first glance

    with pytest.raises(Cut):
        nw.fit(table, "target", time="1h", out=tmp_path, listener=cutting(in_training))
    until: list[float] = []
    real = Attempt._go_on_from

    def go_on_from(self: Attempt, begun: SavedStack) -> None:
        real(self, begun)
        until.append(self._stepping + self.seconds)

    monkeypatch.setattr(Attempt, "_go_on_from", go_on_from)
    with pytest.raises(Cut):
        resumed = cutting(lambda event: isinstance(event, TrialResumed))
        nw.fit(table, "target", time="60s", out=tmp_path, listener=resumed)
    assert until and max(until) < 60


def test_there_is_nothing_to_add_to_where_no_run_is(table: pd.DataFrame, tmp_path: Path) -> None:
    """Nor when one is to begin anew."""
    with pytest.raises(NothingToAddTo):
        nw.fit(table, "target", time="+1m", out=tmp_path)
    with pytest.raises(NothingToAddTo):
        nw.fit(table, "target", time="+1m", out=tmp_path, fresh=True)


def test_another_run_in_the_same_folder_is_refused(table: pd.DataFrame, whole: nw.Run, tmp_path: Path) -> None:
    """The sentence says what differs; what is there stays as it was, until somebody wants to begin anew."""
    out = tmp_path / "run"
    shutil.copytree(whole.folder, out)
    before = (out / "model.nw").read_bytes()
    with pytest.raises(DifferentRun, match=r"its seed is 0, not 1.*--out.*--fresh"):
        nw.fit(table, "target", trials=TRIALS, seed=1, out=out)
    with pytest.raises(DifferentRun, match="what is in a data frame has changed"):
        nw.fit(table.iloc[1:], "target", trials=TRIALS, out=out)
    with pytest.raises(DifferentRun, match="one ends after a time"):
        nw.fit(table, "target", time="5s", out=out)
    with pytest.raises(DifferentRun, match="its metric is 'auto', not 'log_loss'"):
        nw.fit(table, "target", trials=TRIALS, metric="log_loss", out=out)
    assert (out / "model.nw").read_bytes() == before
    assert nw.fit(table, "target", trials=1, seed=1, out=out, fresh=True).result.trials == 1


def test_a_run_of_a_cluster_is_gone_on_with_on_one_machine_and_the_other_way_round() -> None:
    """Where the device was left to the cluster, which one there was does not tell runs apart; else it does."""
    there, here = {"device": "auto", "cluster": "auto"}, {"device": "cuda", "cluster": None}
    assert differences(there, here) == differences(here, there) == []
    assert differences(here, {**here, "device": "cpu"}) == ["its device is 'cuda', not 'cpu'"]
    assert differences({**there, "device": "cpu"}, here) == ["its device is 'cpu', not 'cuda'"]
    assert differences({**here, "device_asked": "auto"}, {**here, "device_asked": "cuda"}) == []


def test_rows_that_are_prepared_in_another_way_are_not_gone_on_with(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by another version: its networks would eat other features."""
    with pytest.raises(Cut):
        nw.fit(table, "target", trials=2, out=tmp_path, listener=cutting(lambda event: isinstance(event, Told)))
    monkeypatch.setattr("netwright.intake.preparing.digest_of_bench", lambda bench: "other")
    with pytest.raises(CannotGoOn, match="prepared in another way"):
        nw.fit(table, "target", trials=2, out=tmp_path)


def test_data_are_told_apart(tmp_path: Path, table: pd.DataFrame) -> None:
    """A changed cell, a changed file of a folder, other pixels; and equal data are equal."""
    path = tmp_path / "a.csv"
    table.to_csv(path)
    first = digest(path)
    path.write_text(path.read_text().replace("5.1", "5.2", 1))
    assert digest(path) != first
    assert digest(table) == digest(table.copy())
    assert digest(table) != digest(table.assign(target=table["target"].str.upper()))
    assert digest(table) != digest(table.rename(columns={"target": "kind"}))
    images = np.zeros((3, 4, 4), np.uint8)
    assert digest(images) != digest(images + 1)
    cells = pd.DataFrame({"image": [*images], "tags": [["a"], ["b"], []]})
    assert digest(cells) == digest(cells.copy()) != digest(cells.iloc[::-1])
    before = digest(tmp_path)
    (tmp_path / "b.csv").write_text("x")
    assert digest(tmp_path) != before
    assert digest(tmp_path / "nowhere") == digest(tmp_path / "nowhere")


def test_the_journal_knows_how_the_search_went(events: list[Event], whole: nw.Run) -> None:
    """What it reads back is what was told."""
    with Journal.open(whole.journal) as journal:
        assert journal.search() == tuple(event for event in events if isinstance(event, Proposed | Told))
        assert journal.spent() == max(event.seconds for event in events if isinstance(event, RunFinished))


# --- folders that are not trusted ------------------------------------------------------------------------------------


def keep_often(patch: pytest.MonkeyPatch) -> None:
    """Let one stack be trained at a time, and be kept after every few steps."""
    patch.setattr("netwright.engine.attempt.KEPT_EVERY", 0.02)
    patch.setattr("netwright.engine.attempt.KEEPING_SHARE", 0)
    patch.setattr("netwright.train.torch.lanes_of", lambda device: 1)


@pytest.fixture(scope="module")
def cut_off(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bench]:
    """Return the folder of a run that was cut off with finished trials and one in training, and what it prepared."""
    folder, heard, seen = tmp_path_factory.mktemp("cut"), list[Event](), list[Bench]()

    def listen(event: Event) -> None:
        heard.append(event)
        ended = sum(isinstance(one, Told) for one in heard)
        if ended >= 3 and isinstance(event, EpochDone) and list((folder / FOLDER).glob("stack-*.nw")):
            raise Cut

    def digest_of(bench: Bench) -> str:
        seen.append(bench)
        return digest_of_bench(bench)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Cut):
        keep_often(patch)
        patch.setattr("netwright.intake.preparing.digest_of_bench", digest_of)
        nw.fit(table, "target", trials=FEWER, out=folder, listener=listen)
    return folder, seen[0]


@pytest.fixture
def cut(cut_off: tuple[Path, Bench], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of that folder."""
    keep_often(monkeypatch)
    shutil.copytree(cut_off[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


def change(folder: Path, *statements: str) -> None:
    """Do to the record of a run what Netwright never does."""
    with closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        connection.executescript(";".join(statements))


def forge(path: Path, documents: dict[str, Any], arrays: dict[str, np.ndarray[Any, Any]] | None = None) -> None:
    """Write a file of a run anew, with other documents, and other arrays beside the weights."""
    contents = read_bundle(path)
    tensors = contents.tensors if arrays is None else (contents.tensors[0], arrays)
    write_bundle(path, Contents({**contents.documents, **documents}, tensors))


@pytest.mark.parametrize(
    "answers",
    [
        np.zeros((), np.float32),
        np.zeros((150, 2), np.float32),
        np.zeros(150, np.float32),
        np.zeros((150, 3, 1), np.float32),
        np.zeros((150, 3), np.int64),
        np.full((150, 3), 2.0, np.float32),
        np.full((150, 3), -0.5, np.float32),
    ],
)
def test_a_forged_trial_is_left_out(cut_off: tuple[Path, Bench], cut: Path, answers: np.ndarray[Any, Any]) -> None:
    """Of answers that are none for these rows; its numbers stay."""
    path = min((cut / FOLDER).glob("trial-*.nw"))
    number = int(path.stem.removeprefix("trial-"))

    def taken() -> tuple[bool, bool]:
        with Journal.open(cut / "journal.sqlite") as journal:
            carried = carried_over(journal, cut, cut_off[1])
        whole, dropped = ({one.ticket.number for one in kept} for kept in (carried.trials, carried.dropped))
        return number in whole, number in dropped

    assert taken() == (True, False)
    forge(path, {}, {"predictions": answers})
    assert taken() == (False, True)


def test_a_run_goes_on_without_a_forged_trial(table: pd.DataFrame, cut: Path) -> None:
    """It counts, and has no share in the model."""
    path = min((cut / FOLDER).glob("trial-*.nw"))
    forge(path, {}, {"predictions": np.zeros((150, 2), np.float32)})
    run = nw.fit(table, "target", trials=FEWER, out=cut)
    number = int(path.stem.removeprefix("trial-"))
    assert run.result.trials == FEWER
    assert {one.trial: one.weight for one in run.result.leaderboard}[number] == 0
    assert len(nw.load(run.bundle).predict(table)) == len(table)


def test_a_trial_of_other_folds_is_left_out(table: pd.DataFrame, cut: Path) -> None:
    """Its networks are not those of these folds."""
    path = min((cut / FOLDER).glob("trial-*.nw"))
    contents = read_bundle(path)
    weights = {name: tensor[:2] for name, tensor in contents.tensors[0].items()}
    write_bundle(path, Contents(contents.documents, (weights, contents.tensors[1])))
    run = nw.fit(table, "target", trials=FEWER, out=cut)
    number = int(path.stem.removeprefix("trial-"))
    assert {one.trial: one.weight for one in run.result.leaderboard}[number] == 0


@pytest.mark.parametrize("epochs", [100_000, 1])
def test_a_stack_that_is_to_be_trained_otherwise_begins_again(table: pd.DataFrame, cut: Path, epochs: int) -> None:
    """Than its point says: one of very many epochs would never end."""
    (path,) = (cut / FOLDER).glob("stack-*.nw")
    spec = json.loads(json.dumps(read_bundle(path).documents["spec"]))
    for candidate in spec["candidates"]:
        candidate["recipe"]["epochs"] = epochs
    forge(path, {"spec": spec})
    told: list[Event] = []
    run = nw.fit(table, "target", trials=FEWER, out=cut, listener=told.append)
    assert not any(isinstance(event, TrialResumed) for event in told)
    assert run.result.trials == FEWER


@pytest.mark.parametrize(("name", "value"), [("results", 10**12), ("holders", []), ("share", "x"), ("number", -7)])
def test_a_stack_that_stands_nowhere_is_a_trial_that_failed(
    table: pd.DataFrame, cut: Path, name: str, value: object
) -> None:
    """Nothing is made as large as it says."""
    (path,) = (cut / FOLDER).glob("stack-*.nw")
    card = read_bundle(path).documents["card"]
    forge(path, {"card": {**card, "numbers": {**card["numbers"], name: value}}})
    run = nw.fit(table, "target", trials=FEWER, out=cut)
    assert run.result.failed == len(card["tickets"])
    with Journal.open(run.journal) as journal:
        reasons = {record.reason for record in journal.trials() if record.status == "failed"}
    assert reasons == {"what was kept of its training cannot be gone on with"}


def test_what_was_half_written_is_removed(table: pd.DataFrame, cut: Path) -> None:
    """At once, and not when the run ends: it may be killed many times before. What a link leads to stays."""
    half = cut / FOLDER / ".netwright-00.tmp"
    half.write_bytes(b"half of a stack")
    with pytest.raises(Cut):
        nw.fit(table, "target", trials=FEWER, out=cut, listener=cutting(lambda event: isinstance(event, DataRead)))
    assert not half.exists()
    elsewhere = (cut / FOLDER).rename(cut / "elsewhere")
    (cut / FOLDER).symlink_to(elsewhere)
    (elsewhere / half.name).write_bytes(b"of somebody else")
    with pytest.raises(Cut):
        nw.fit(table, "target", trials=FEWER, out=cut, listener=cutting(lambda event: isinstance(event, DataRead)))
    assert (elsewhere / half.name).exists()


def test_a_trial_that_had_failed_is_not_trained_on(table: pd.DataFrame, cut: Path) -> None:
    """Though what it was kept as lies there: its process was killed before it could be removed."""
    (path,) = (cut / FOLDER).glob("stack-*.nw")
    number = int(path.stem.removeprefix("stack-"))
    change(cut, f"UPDATE trial SET status = 'failed', reason = 'broken' WHERE trial = {number}")
    told: list[Event] = []
    run = nw.fit(table, "target", trials=FEWER, out=cut, listener=told.append)
    assert not any(isinstance(event, TrialResumed) for event in told)
    assert (run.result.trials, run.result.failed) == (FEWER - 1, 1)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE search SET body = '{\"trial\": 999, \"loss\": 0.5}' WHERE kind = 'told'", "had not handed out"),
        ("DELETE FROM search WHERE step = 1", "one after another|had not handed out"),
        ("UPDATE search SET body = replace(body, '\"depth\"', '\"deep\"')", "does not search"),
        ("UPDATE search SET body = '{}'", "is not what Netwright writes"),
        ("UPDATE epoch SET seconds = 'abc'", "a time in it is none"),
        ("UPDATE event SET seconds = 9e999", "a time in it is none"),
    ],
)
def test_a_forged_record_is_refused(table: pd.DataFrame, cut: Path, statement: str, words: str) -> None:
    """In a sentence."""
    change(cut, statement)
    with pytest.raises((CannotGoOn, DamagedJournal), match=words):
        nw.fit(table, "target", trials=FEWER, out=cut)


def test_trials_without_numbers_are_not_told_of(table: pd.DataFrame, cut: Path) -> None:
    """No model file holds a number that is none."""
    for path in (cut / FOLDER).glob("trial-*.nw"):
        path.unlink()
    change(cut, "UPDATE trial SET score = 9e999 WHERE trial = 1", "INSERT INTO best VALUES (1.0, 9e999, 0.5, 1)")
    run = nw.fit(table, "target", trials=FEWER, out=cut)
    assert 1 not in {one.trial for one in run.result.leaderboard}
    assert nw.load(run.bundle).result == run.result


def test_a_run_of_which_all_failed_begins_anew(
    table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory that was short may suffice now; nothing would come of it otherwise, however often it is repeated."""

    def broken(*given: object) -> None:
        raise ValueError("broken")

    with monkeypatch.context() as patch:
        patch.setattr("netwright.train.torch.train_population", broken)
        with pytest.raises(NoTrialFinished):
            nw.fit(table, "target", trials=2, out=tmp_path)
    run = nw.fit(table, "target", trials=2, out=tmp_path)
    assert (run.result.trials, run.result.failed) == (2, 0)


def test_a_folder_in_the_place_of_the_trials_is_said(table: pd.DataFrame, tmp_path: Path) -> None:
    """And not after the run, nor by a traceback where it begins anew."""
    (tmp_path / "trials.nw").mkdir()
    for fresh in (False, True):
        with pytest.raises(CannotWrite, match=r"trials\.nw cannot be written: it is a folder"):
            nw.fit(table, "target", trials=1, out=tmp_path, fresh=fresh)

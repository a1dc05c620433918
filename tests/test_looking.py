"""A trained trunk looks at all rows in pieces: the end of a run may come meanwhile; one that goes on need not look."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netwright as nw
from netwright.build.pretrained import installed_weights
from netwright.bundle import Contents, read_bundle, write_bundle
from netwright.cli.progress import notice
from netwright.engine.checkpoints import FOLDER, Checkpoints
from netwright.errors import CannotGoOn, NotLookedAgain
from netwright.events import BenchSet, Event, TrialFinished, TrialStarted
from netwright.intake import preparing
from netwright.intake.preparing import LOOKING_SHARE, _asking, _CutShort
from netwright.journal import Journal
from netwright.pretrained import extended, trunks
from netwright.pretrained.extended import Extended, trunk_of, with_trunk
from netwright.pretrained.trunks import BACKBONE, ROWS, ImageTrunk, image_trunk
from netwright.resources.budget import Ask, Budget
from netwright.tasks.image import TASK, toy
from netwright.tasks.task import Request

TABLE, TARGET = toy(0)
LOADED = TASK.load(Request(TABLE, TARGET, {}, "auto"))
INNER = TASK.prepare(LOADED, 0)
IMAGES = LOADED.frame.columns["image"]
PIECES = -(-len(TABLE) // ROWS)
SEEN = "seen-000000.nw"
TRIALS = 3


class Cut(BaseException):
    """Stands for the end of a process: what is on disk is all that is left."""


class Ended(Exception):
    """What somebody raises who is asked whether to go on."""


def weights() -> Path:
    """Return the file that a package carries."""
    path = installed_weights(BACKBONE)
    assert path is not None
    return path


def asks_until(most: int) -> tuple[Ask, list[int]]:
    """Return what is asked, and ends the look when it is asked more often than that; and how often it was."""
    asked = [0]

    def ask() -> None:
        asked[0] += 1
        if asked[0] > most:
            raise Ended

    return ask, asked


def fit(out: Path, listener: Callable[[Event], None] | None = None) -> nw.Run:
    """Return a short run whose trunk comes from the package."""
    return nw.fit(TABLE, TARGET, trials=TRIALS, pretrained=weights(), out=out, listener=listener)


def cut_after_first_trial(event: Event) -> None:
    """Cut a run off when its first trial has finished."""
    if isinstance(event, TrialFinished):
        raise Cut


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was cut off after its first trial."""
    folder = tmp_path_factory.mktemp("cut") / "run"
    with pytest.raises(Cut):
        fit(folder, cut_after_first_trial)
    return folder


@pytest.fixture
def folder(cut_off: Path, tmp_path: Path) -> Path:
    """Return a copy of it."""
    return Path(shutil.copytree(cut_off, tmp_path / "run"))


def ends_while_it_looks(monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    """Let runs be asked to end as soon as that many pieces are looked at; pieces: at which their trunk looks."""
    real = _asking

    def asking(budget: Budget, *, again: bool) -> Ask:
        ask, asked = real(budget, again=again), [0]

        def counted() -> None:
            asked[0] += 1
            if asked[0] > pieces:
                budget.end()
            ask()

        return counted

    monkeypatch.setattr(preparing, "_asking", asking)


def bench_of(folder: Path) -> BenchSet:
    """Return how a run prepared its rows, as its record says."""
    with Journal.open(folder / "journal.sqlite") as journal:
        bench = journal.bench()
    assert bench is not None
    return bench


def test_images_are_looked_at_in_pieces_as_at_once() -> None:
    """Bit for bit; somebody is asked before each, and may end it."""
    trunk = image_trunk(weights(), IMAGES, None)
    assert trunk is not None
    ask, asked = asks_until(PIECES)
    found = trunk.look(LOADED.frame, LOADED.schema, ask=ask)
    assert PIECES > 2 and asked[0] == PIECES
    assert np.array_equal(found, trunk.see(LOADED.frame, LOADED.schema))
    ask, asked = asks_until(1)
    with pytest.raises(Ended):
        trunk.look(LOADED.frame, LOADED.schema, ask=ask)
    assert asked[0] == 2


def test_what_takes_long_before_that_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sizes at which it could be trained further are timed one by one."""
    monkeypatch.setattr(trunks, "_tuning_seconds", lambda *given: 0.0)
    ask, asked = asks_until(3)
    with pytest.raises(Ended):
        with_trunk(INNER, TASK, LOADED, weights(), 1e9, ask=ask)
    assert asked[0] == 4


def test_time_and_the_wish_to_end_are_looked_at() -> None:
    """By a run that begins also how long it takes; with the reason in words."""
    now = [10.0]
    budget = Budget(100.0, started=0.0, clock=lambda: now[0])
    first, again = _asking(budget, again=False), _asking(budget, again=True)
    now[0] += LOOKING_SHARE * 90 - 1
    first()
    now[0] += 2
    with pytest.raises(_CutShort, match="three times as long as planned"):
        first()
    again()
    now[0] = 100.0
    with pytest.raises(_CutShort, match="time was over"):
        again()
    budget.end()
    with pytest.raises(_CutShort, match="asked to end"):
        again()
    endless = Budget(None, started=0.0, clock=lambda: now[0])
    now[0] = 1e9
    _asking(endless, again=False)()


def test_a_run_that_is_asked_to_end_while_it_looks_goes_on_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says why, hands over what it has, and is gone on with in the same way: nobody looks at anything then."""
    heard: list[Event] = []
    with monkeypatch.context() as patch:
        ends_while_it_looks(patch, 3)
        run = fit(tmp_path, heard.append)
    bench = bench_of(tmp_path)
    assert bench.trunk == {} and "asked to end while it looked" in bench.left_out
    assert run.result.ended_early and not isinstance(nw.load(run.bundle).preparation, Extended)
    assert [notice(event) for event in heard if isinstance(event, BenchSet)] == [
        f"there is no trained network that looks at the rows: {bench.left_out}"
    ]
    assert bench.left_out in run.report.read_text()
    monkeypatch.setattr(extended, "image_trunk", lambda *given: pytest.fail("it looks again"))
    after = fit(tmp_path)
    assert after.result.trials == TRIALS and not after.before
    assert bench_of(tmp_path).digest == bench.digest


def test_a_run_that_goes_on_need_not_look_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the trunk saw lies beside the trials until the end; so nobody asks whether there is time."""
    bench = bench_of(folder)
    assert bench.trunk["name"] == BACKBONE.name and len(bench.trunk["tuned"]) == 2 and bench.left_out == ""
    assert (folder / FOLDER / SEEN).stat().st_size > IMAGES.shape[0] * BACKBONE.features * 4
    monkeypatch.setattr(ImageTrunk, "look", lambda *given, **named: pytest.fail("it looks again"))
    monkeypatch.setattr(extended, "tuned_blocks", lambda *given: pytest.fail("its speed is measured again"))
    ends_while_it_looks(monkeypatch, 0)
    run = fit(folder)
    assert bench_of(folder).digest == bench.digest and run.result.trials == TRIALS
    assert not (folder / FOLDER).exists()
    assert run.resources is not None and run.resources.checkpoints > IMAGES.shape[0] * BACKBONE.features * 4


@pytest.mark.parametrize("harm", ["gone", "cut", "rows", "features", "numbers", "link"])
def test_what_a_trunk_saw_is_not_trusted(harm: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is none of these rows, it looks again."""
    path = folder / FOLDER / SEEN
    contents = read_bundle(path)
    seen = np.array(contents.tensors[0]["seen"])
    changed = {"rows": seen[1:], "features": seen[:, 1:], "numbers": np.full_like(seen, np.nan)}
    if harm in changed:
        write_bundle(path, Contents(contents.documents, ({"seen": changed[harm]},)))
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        path.unlink()
    if harm == "link":
        (folder / FOLDER).rename(folder / "elsewhere")
        (folder / FOLDER).symlink_to(folder / "elsewhere")

    def look(*given: Any, **named: Any) -> Any:
        raise Cut  # that it looks is all that is asked; how it goes on then is the next test

    monkeypatch.setattr(ImageTrunk, "look", look)
    with pytest.raises(Cut):
        fit(folder)


def test_a_run_that_has_to_look_again_and_is_asked_to_end_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its trials learnt from what is not there yet; nothing is lost, and the same command looks again and goes on."""
    (folder / FOLDER / SEEN).unlink()
    bench = bench_of(folder)
    with monkeypatch.context() as patch:
        ends_while_it_looks(patch, 2)
        with pytest.raises(NotLookedAgain, match="Nothing is lost"):
            fit(folder)
    assert bench_of(folder) == bench and len([*(folder / FOLDER).glob("trial-*.nw")]) >= 1
    looked, real = [0], ImageTrunk.look

    def look(*given: Any, **named: Any) -> Any:
        looked[0] += 1
        return real(*given, **named)

    monkeypatch.setattr(ImageTrunk, "look", look)
    after: list[Event] = []
    assert fit(folder, after.append).result.trials == TRIALS and looked[0] == 1
    assert 1 not in [event.trial for event in after if isinstance(event, TrialStarted)]


def test_a_trunk_is_trained_further_at_the_size_that_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """However fast the machine is just now; sizes that are none are refused."""
    made = with_trunk(INNER, TASK, LOADED, weights(), None)
    chosen = dict(trunk_of(made))
    assert isinstance(made, Extended) and made.tuned and made.known is not None
    monkeypatch.setattr(extended, "tuned_blocks", lambda *given: pytest.fail("its speed is measured again"))
    again = with_trunk(INNER, TASK, LOADED, weights(), 1e9, chosen, seen=made.known[1])
    assert isinstance(again, Extended) and again.tuned == made.tuned
    none = with_trunk(INNER, TASK, LOADED, weights(), 1e9, chosen | {"tuned": None}, seen=made.known[1])
    assert isinstance(none, Extended) and none.tuned == () and trunk_of(none)["tuned"] is None
    for forged in ([0, 8], [8], "8x8", [1e3, 8.0], [8, 10**6], {}):
        with pytest.raises(CannotGoOn):
            with_trunk(INNER, TASK, LOADED, weights(), 1e9, chosen | {"tuned": forged}, seen=made.known[1])


def test_a_full_disk_costs_the_way_back_only(tmp_path: Path) -> None:
    """A run goes on where what its trunk saw cannot be kept."""
    (tmp_path / FOLDER).write_text("a file in its place")
    assert Checkpoints(tmp_path).keep_seen(np.zeros((3, 2), np.float32))
    assert Checkpoints(tmp_path).read_seen(3) is None

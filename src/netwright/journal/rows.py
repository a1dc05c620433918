"""Rows of a record as values, and back. What is read is not trusted: it is checked as strictly as a model file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from netwright.errors import DamagedJournal
from netwright.events import (
    BenchSet,
    BestImproved,
    DataRead,
    Example,
    MistakesFound,
    Proposed,
    ResourcesUsed,
    RowsStreamed,
    RunResumed,
    TeamStarted,
    Told,
    WorkerLost,
)
from netwright.journal.bounds import Row
from netwright.result import Result

Curve = tuple[tuple[float, int, float], ...]


@dataclass(frozen=True)
class TrialRecord:
    """A trial as the journal holds it.

    Attributes:
        trial: its number; name, origin, candidate, parameters: as in `TrialStarted`.
        started: seconds since the start of the command.
        status: running, finished or failed; running is also one that the end of its process cut off.
        reason: why it failed; else None.
        score: as in `TrialFinished`, as are loss and duration; None unless it finished, or where it is not a number.
        curve: (seconds, epoch, loss) after each epoch, thinned where there are very many; NaN where it diverged.
    """

    trial: int
    name: str
    origin: str
    candidate: dict[str, Any]
    parameters: int
    started: float
    status: Literal["running", "finished", "failed"]
    reason: str | None
    score: float | None
    loss: float | None
    duration: float | None
    curve: Curve


TRIAL_COLUMNS = tuple(field.name for field in fields(TrialRecord) if field.name != "curve")
BEST_COLUMNS = tuple(field.name for field in fields(BestImproved))

_TRIALS = TypeAdapter(tuple[TrialRecord, ...])
_BESTS = TypeAdapter(tuple[BestImproved, ...])
_RESULT, _DATA, _SETTINGS = TypeAdapter(Result), TypeAdapter(DataRead), TypeAdapter(dict[str, Any])
_MISTAKES, _RESUMED, _BENCH = TypeAdapter(MistakesFound), TypeAdapter(RunResumed), TypeAdapter(BenchSet)
_STREAMED, _RESOURCES = TypeAdapter(RowsStreamed), TypeAdapter(ResourcesUsed)
_PROPOSED, _TOLD = TypeAdapter(Proposed), TypeAdapter(Told)
_REASON = TypeAdapter(dict[str, str])
_TEAM, _LOST = TypeAdapter(TeamStarted), TypeAdapter(WorkerLost)
_BASE64 = re.compile("[A-Za-z0-9+/]*={0,2}")
_FINDING: dict[str, Any] = {"kind": str, "column": str | None, "message": str}
MOST_SECONDS = 1e12  # thirty thousand years

T = TypeVar("T")


def text(value: Any) -> str:
    """Return a value as JSON that can be stored."""
    return sound(json.dumps(value, ensure_ascii=False, default=str))


def sound(words: str) -> str:
    """Return a text with question marks for halves of surrogate pairs, which a header can hold, but no database."""
    return words.encode("utf-8", errors="replace").decode("utf-8")


def settings_of(path: Path, body: str) -> dict[str, Any]:
    """Return the settings that a row describes."""
    return _checked(path, lambda: _SETTINGS.validate_json(body))


def data_of(path: Path, body: str) -> DataRead:
    """Return the data that a row describes; its findings have to be such as are shown."""
    data = _checked(path, lambda: _DATA.validate_json(body, strict=True))
    for finding in data.findings:
        if set(finding) != set(_FINDING) or not all(isinstance(finding[name], kind) for name, kind in _FINDING.items()):
            raise DamagedJournal(path, "what was noticed in its data is not told as Netwright tells it")
    if data.files is not None and data.files < 0:
        raise DamagedJournal(path, "the number of its files is less than none")
    return data


def seconds_of(path: Path, value: Any) -> float:
    """Return a time that was spent or allowed; a column of SQLite may hold anything, whatever it was declared as."""
    if isinstance(value, int | float) and 0 <= value <= MOST_SECONDS:  # not where it is not a number
        return float(value)
    raise DamagedJournal(path, "a time in it is none")


def reason_of(path: Path, body: str) -> str:
    """Return the reason that a row holds."""
    return _checked(path, lambda: _REASON.validate_json(body, strict=True)["reason"])


def resumed_of(path: Path, body: str) -> RunResumed:
    """Return how a run was gone on with, as a row describes it."""
    return _checked(path, lambda: _RESUMED.validate_json(body, strict=True))


def bench_of(path: Path, body: str) -> BenchSet:
    """Return how the rows of a run were prepared, as a row describes it."""
    bench = _checked(path, lambda: _BENCH.validate_json(body, strict=True))
    for seconds in (bench.looking, bench.training):
        if seconds is not None:
            seconds_of(path, seconds)
    return bench


def streamed_of(path: Path, body: str) -> RowsStreamed:
    """Return what came of rows that are not held in memory, as a row describes it."""
    return _checked(path, lambda: _STREAMED.validate_json(body, strict=True))


def resources_of(path: Path, body: str) -> ResourcesUsed:
    """Return what a run took beside its time, as a row describes it."""
    return _checked(path, lambda: _RESOURCES.validate_json(body, strict=True))


def team_of(path: Path, body: str) -> TeamStarted:
    """Return the workers that a row describes."""
    return _checked(path, lambda: _TEAM.validate_json(body, strict=True))


def lost_of(path: Path, rows: Iterable[Row]) -> tuple[WorkerLost, ...]:
    """Return the workers that were lost, as rows of (body,) describe them."""
    return _checked(path, lambda: tuple(_LOST.validate_json(body, strict=True) for (body,) in rows))


def search_of(path: Path, rows: Iterable[Row]) -> tuple[Proposed | Told, ...]:
    """Return the steps of a search that rows of (kind, body) describe."""
    return _checked(path, lambda: tuple(_step(kind, body) for kind, body in rows))


def _step(kind: str, body: str) -> Proposed | Told:
    if kind == "proposed":
        return _PROPOSED.validate_json(body, strict=True)
    if kind == "told":
        return _TOLD.validate_json(body, strict=True)
    raise ValueError(f"{kind!r} is no step of a search")


def mistakes_of(path: Path, body: str) -> tuple[Example, ...]:
    """Return the examples that a row describes; an image has to be the text of one, since a report shows it."""
    found = _checked(path, lambda: _MISTAKES.validate_json(body, strict=True)).examples
    if not all(one.kind != "image" or _BASE64.fullmatch(one.content) for one in found):
        raise DamagedJournal(path, "an image in it is none")
    return found


def result_of(path: Path, body: str) -> Result:
    """Return the result that a row describes, which has to be one and nothing more."""
    result = _checked(path, lambda: _RESULT.validate_json(body, strict=True))
    if _comparable(body) != _comparable(text(result.to_json())):
        raise DamagedJournal(path, "its result has parts that Netwright does not write")
    return result


def trials_of(path: Path, rows: Iterable[Row], epochs: Iterable[Row]) -> tuple[TrialRecord, ...]:
    """Return the trials that rows of `TRIAL_COLUMNS` and of (trial, seconds, epoch, loss) describe."""
    curves: dict[int, list[Row]] = {}
    for trial, seconds, epoch, loss in epochs:
        curves.setdefault(trial, []).append((seconds, epoch, math.nan if loss is None else loss))

    def named(row: Row) -> dict[str, Any]:
        values = dict(zip(TRIAL_COLUMNS, row, strict=True))
        return {**values, "candidate": json.loads(values["candidate"]), "curve": curves.get(row[0], [])}

    return _checked(path, lambda: _TRIALS.validate_json(json.dumps([named(row) for row in rows]), strict=True))


def bests_of(path: Path, rows: Iterable[Row]) -> tuple[BestImproved, ...]:
    """Return the improvements that rows of `BEST_COLUMNS` describe; SQLite stores what is not a number as nothing."""

    def named(row: Row) -> dict[str, Any]:
        return {name: math.nan if value is None else value for name, value in zip(BEST_COLUMNS, row, strict=True)}

    return _checked(path, lambda: _BESTS.validate_json(json.dumps([named(row) for row in rows]), strict=True))


def _comparable(body: str) -> Any:
    """Return JSON with NaN, which equals nothing, as a word."""
    return json.loads(body, parse_constant=str)


def _checked(path: Path, read: Callable[[], T]) -> T:
    """Return what `read` makes of the content.

    Raises:
        DamagedJournal: if it is not what Netwright writes.
    """
    try:
        return read()
    except (ValidationError, ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise DamagedJournal(path, "its content is not what Netwright writes") from error

"""What a run has come to as files, so that one that is cut off goes on: finished trials, stacks in training, and more.

Each file has the format of a model file: written whole or not at all, read as strictly, with a hash of every part.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import threading
from collections.abc import Collection, Container, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from netwright.bundle import Contents, read_bundle, write_bundle
from netwright.engine.bench import Trial
from netwright.errors import BundleError, CannotWrite, UnfitBundle, UnwritableModel
from netwright.model import checked_weights
from netwright.spec.network import Candidate
from netwright.storage import make_folder, remove_leftovers
from netwright.train.control import Snapshot, Trained

FOLDER = "checkpoints"
LONGEST = 10**6  # epochs; a recipe asks for a tenth of them at the most
_NAMES = {kind: re.compile(rf"{kind}-([0-9]{{1,9}})\.nw") for kind in ("trial", "stack", "seen")}

Array = NDArray[Any]


@dataclass(frozen=True)
class _Card:
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    trial: int
    folds: int
    score: float
    loss: float
    seconds: float


@dataclass(frozen=True)
class _StackCard:
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    tickets: Annotated[tuple[int, ...], Field(min_length=1)]
    places: tuple[int, ...]
    batch_size: Annotated[int, Field(ge=1)]
    shown: tuple[float | None, ...]
    began: float
    stepping: float
    seconds: float | None
    rungs: tuple[float, ...]
    inherits: bool
    numbers: dict[str, Any]
    ended: tuple[tuple[int, float | None, int], ...]


_CARD, _CANDIDATE = TypeAdapter(_Card), TypeAdapter(Candidate)
_STACK_CARD, _CANDIDATES = TypeAdapter(_StackCard), TypeAdapter(tuple[Candidate, ...])


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class Saved:
    """What a file holds of a finished trial: as `bench.Trial`, without its ticket."""

    trial: int
    candidate: Candidate
    weights: Mapping[str, Array]
    folds: int
    predictions: Array
    score: float
    loss: float
    seconds: float


@dataclass(frozen=True, eq=False)
class SavedStack:
    """Trials in training, at the moment when they were kept.

    Attributes:
        tickets: numbers of all trials that had a place in the stack, in the order in which they began.
        places: numbers of those that have one now, by place.
        candidates: of `tickets`.
        batch_size: rows of a step, which may be fewer than asked for.
        shown: by place, the loss at which a trial was last shown.
        began: when it was begun, in seconds of the run; stepping: when its first step was taken, from which on its
            time counts; seconds: that it was allowed.
        rungs: those that are to come.
        inherits: whether it went on from a finished trial.
        snapshot: of the training.
    """

    tickets: tuple[int, ...]
    places: tuple[int, ...]
    candidates: tuple[Candidate, ...]
    batch_size: int
    shown: tuple[float, ...]
    began: float
    stepping: float
    seconds: float
    rungs: tuple[float, ...]
    inherits: bool
    snapshot: Snapshot


class Checkpoints:
    """The files of one run. Used from any thread: each trial and each stack has a file of its own."""

    def __init__(self, run: Path) -> None:
        """Look after the files of the run in a folder; nothing is written yet."""
        self._folder = run / FOLDER
        self._most, self._measuring = self.size, threading.Lock()

    def keep(self, trial: Trial) -> str:
        """Write a finished trial; return why that cannot be done, an empty text where it was.

        A run goes on without: it only has more to do again should it be cut off.
        """
        card = _Card(trial.ticket.number, trial.folds, trial.score, trial.loss, trial.seconds)
        weights = dict(trial.weights)
        tensors = (weights, {"predictions": trial.predictions})
        return self._write(self._path(trial.ticket.number), trial.candidate.to_json(), asdict(card), tensors)

    def keep_stack(self, stack: SavedStack) -> str:
        """Write a stack in training in the place of how it was before; return as `keep` does."""
        snapshot = stack.snapshot
        card = _StackCard(
            tickets=stack.tickets,
            places=stack.places,
            batch_size=stack.batch_size,
            shown=tuple(_finite(loss) for loss in stack.shown),
            began=stack.began,
            stepping=stack.stepping,
            seconds=_finite(stack.seconds),
            rungs=stack.rungs,
            inherits=stack.inherits,
            numbers=dict(snapshot.numbers),
            ended=tuple((turn, _finite(one.loss), one.steps) for turn, one in snapshot.ended.items()),
        )
        ended = (
            {
                **{f"weights.{name}": tensor for name, tensor in one.weights.items()},
                **{f"predictions.{fold}": array for fold, array in enumerate(one.predictions)},
            }
            for one in snapshot.ended.values()
        )
        spec = {"candidates": [candidate.to_json() for candidate in stack.candidates]}
        return self._write(self._stack_path(stack.tickets[0]), spec, asdict(card), (snapshot.arrays, *ended))

    def keep_seen(self, seen: NDArray[np.float32]) -> str:
        """Write what a trained trunk saw in the rows (N, F); return as `keep` does."""
        return self._write(self._seen_path, {}, {}, ({"seen": seen},))

    def read_seen(self, rows: int) -> NDArray[np.float32] | None:
        """Return what a trained trunk saw in so many rows (N, F); None where no file holds that."""
        if self._leads_out:
            return None
        try:
            (tensors,) = read_bundle(self._seen_path).tensors
            seen = np.array(tensors["seen"])
        except (BundleError, ValueError, KeyError, OSError):
            return None  # it looks again
        fits = seen.dtype == np.float32 and seen.ndim == 2 and len(seen) == rows and np.isfinite(seen).all()
        return seen if fits else None

    def _write(self, path: Path, spec: Any, card: Any, tensors: tuple[Mapping[str, Array], ...]) -> str:
        try:
            if self._leads_out:
                raise CannotWrite(self._folder, "it is a link to another place")
            make_folder(self._folder)
            write_bundle(path, Contents({"schema": {}, "preprocess": {}, "spec": spec, "card": card}, tensors))
        except (CannotWrite, UnwritableModel) as error:
            return str(error)
        except MemoryError:
            return f"memory did not suffice to write {path}"
        with self._measuring:
            self._most = max(self._most, self.size)
        return ""

    def sweep(self) -> None:
        """Remove what a killed process had half written; nobody may be writing now."""
        if not self._leads_out:
            remove_leftovers(self._folder)

    def drop(self, numbers: Collection[int]) -> None:
        """Remove the files of trials that are no longer needed, where there are any."""
        for number in numbers:
            self._remove(self._path(number))

    def read(self, numbers: Container[int], rows: int) -> dict[int, Saved]:
        """Return those of these trials that are there, by number; a file that is damaged counts as none.

        Args:
            numbers: of the trials that are asked for; no other file is read.
            rows: of the data, for each of which a trial has an answer.
        """
        found = ((number, _read(path, rows)) for number, path in self._files("trial") if number in numbers)
        return {number: saved for number, saved in found if saved is not None and saved.trial == number}

    def drop_stack(self, number: int) -> None:
        """Remove the file of the stack whose first trial has that number, where there is one."""
        self._remove(self._stack_path(number))

    def read_stacks(self, numbers: Container[int]) -> tuple[SavedStack, ...]:
        """Return the stacks that are there and begin with one of these trials; a damaged file counts as none."""
        found = ((number, _read_stack(path)) for number, path in self._files("stack") if number in numbers)
        return tuple(stack for number, stack in found if stack is not None and stack.tickets[0] == number)

    def _files(self, kind: str) -> list[tuple[int, Path]]:
        """Return the files of one kind with the number that is in their names, rising."""
        if self._leads_out:
            return []
        names = ((_NAMES[kind].fullmatch(path.name), path) for path in self._folder.glob(f"{kind}-*.nw"))
        return sorted((int(match[1]), path) for match, path in names if match)

    @property
    def _leads_out(self) -> bool:
        """Whether a link stands in the place of the folder: files elsewhere are not ours to read, write or remove."""
        return self._folder.is_symlink()

    def _remove(self, path: Path) -> None:
        if not self._leads_out:
            with suppress(OSError):  # one that stays is no harm: what is in it has ended
                path.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        sizes = 0
        for kind in _NAMES:
            for _, path in self._files(kind):
                with suppress(OSError):  # one that another lane has removed meanwhile
                    sizes += path.stat().st_size
        return sizes

    @property
    def most(self) -> int:
        """The most bytes that all files took, after any of them was written."""
        return self._most

    def clear(self) -> None:
        """Remove all files: the run is at its end, or begins anew. What a link leads to is left alone."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"trial-{number:06}.nw"

    @property
    def _seen_path(self) -> Path:
        return self._folder / "seen-000000.nw"

    def _stack_path(self, number: int) -> Path:
        return self._folder / f"stack-{number:06}.nw"


def _finite(number: float) -> float | None:
    """Return a number as JSON can hold it; None stands for infinity."""
    return number if math.isfinite(number) else None


def _number(value: float | None) -> float:
    return math.inf if value is None else value


def _read(path: Path, rows: int) -> Saved | None:
    """Return the trial that a file holds; nothing where it is none."""
    try:
        contents = read_bundle(path)
        card = _CARD.validate_json(json.dumps(contents.documents["card"]))
        candidate = _CANDIDATE.validate_json(json.dumps(contents.documents["spec"]))
        weights, more = contents.tensors
        checked = checked_weights(path, candidate, weights)
        predictions = more["predictions"]
        if predictions.shape[:1] != (rows,) or not np.isfinite(predictions).all():
            raise UnfitBundle(path, "it has not one answer for every row")
    except (BundleError, ValidationError, ValueError, KeyError, OSError):
        return None  # its trial is trained again
    own = {name: np.array(tensor) for name, tensor in checked.items()}  # what is read may not be written to
    return Saved(card.trial, candidate, own, card.folds, predictions, card.score, card.loss, card.seconds)


def _read_stack(path: Path) -> SavedStack | None:
    """Return the stack that a file holds; nothing where it is none."""
    try:
        contents = read_bundle(path)
        card = _STACK_CARD.validate_json(json.dumps(contents.documents["card"]))
        candidates = _CANDIDATES.validate_json(json.dumps(contents.documents["spec"]["candidates"]))
        arrays, *ended = ({name: np.array(tensor) for name, tensor in one.items()} for one in contents.tensors)
        once = len({*card.places}) == len(card.places) == len(card.shown) and len({*card.tickets}) == len(card.tickets)
        if len(candidates) != len(card.tickets) or not {*card.places} <= {*card.tickets} or not once:
            raise UnfitBundle(path, "its trials are not those that it has designs of")
        epoch = card.numbers.get("epoch")
        if not card.places or not 0 <= card.began <= card.stepping or type(epoch) is not int or not 0 < epoch < LONGEST:
            raise UnfitBundle(path, "it does not say where its training stands")
        snapshot = Snapshot(
            arrays,
            card.numbers,
            {turn: _trained(more, loss, steps) for (turn, loss, steps), more in zip(card.ended, ended, strict=True)},
        )
    except (BundleError, ValidationError, ValueError, KeyError, TypeError, OSError):
        return None  # it is trained again from its beginning
    return SavedStack(
        tickets=card.tickets,
        places=card.places,
        candidates=candidates,
        batch_size=card.batch_size,
        shown=tuple(_number(loss) for loss in card.shown),
        began=card.began,
        stepping=card.stepping,
        seconds=_number(card.seconds),
        rungs=card.rungs,
        inherits=card.inherits,
        snapshot=snapshot,
    )


def _trained(more: Mapping[str, Array], loss: float | None, steps: int) -> Trained:
    start = "weights."
    weights = {name.removeprefix(start): array for name, array in more.items() if name.startswith(start)}
    folds = len(more) - len(weights)
    return Trained(weights, tuple(more[f"predictions.{fold}"] for fold in range(folds)), _number(loss), steps)

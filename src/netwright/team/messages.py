"""What the driver and a worker say to each other, as values and as frames.

The driver speaks first and the worker answers each time, within the seconds that it is given. So a worker that has
nothing to tell says that it is busy, and one that says nothing at all is lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from netwright.data.features import Features
from netwright.spec.network import Candidate, Network, Recipe
from netwright.team.frames import Array, BadFrame, Frame, Groups, pack, unpack
from netwright.train.control import Folds, Heir, Progress, Snapshot, Trained
from netwright.train.framework import Split
from netwright.train.pace import StepModel

_CANDIDATES, _HEIRS = TypeAdapter(tuple[Candidate, ...]), TypeAdapter(tuple[Heir, ...])


@dataclass(frozen=True)
class Steering:
    """What the driver has to say to a training, at one moment.

    Attributes:
        used: share of the time allowed that has gone, 0 to 1; rate: by how much it grows a second, as the worker counts
            until it hears of it again.
        stop: whether to give up at once with what there is.
        due: whether to make a snapshot after the next step.
        wait: seconds that the worker may wait for something to tell before it answers that it is busy.
        heirs: the answer to `HeirsWanted`; None where there was no question.
        go: whether this answers `Readied`.
    """

    used: float = 0.0
    rate: float = 0.0
    stop: bool = False
    due: bool = False
    wait: float = 0.0
    heirs: tuple[Heir, ...] | None = None
    go: bool = False


@dataclass(frozen=True, eq=False)
class Job:
    """A training, but for the blocks that a worker holds.

    Attributes:
        network: the common shape; recipes, loss, seeds, snapshot: as for `train.framework.Trainer.train`.
        rows: the block of the rows; splits: that of the folds; begun: that of the weights to begin with, None for
            random ones.
        needed: blocks that may be wanted again; the worker lets go of all others.
        steering: how things stand as it begins.
    """

    network: Network
    recipes: tuple[Recipe, ...]
    loss: str
    seeds: tuple[int, ...]
    snapshot: Snapshot | None
    rows: int
    splits: int
    begun: int | None
    needed: tuple[int, ...]
    steering: Steering


@dataclass(frozen=True)
class Facts:
    """What a worker is, the first that it says.

    Attributes:
        device: where it trains; stacked, pace: as of `train.framework.Framework`.
        versions: of Python and the packages by name, which have to be those of the driver.
    """

    device: str
    stacked: int
    pace: StepModel
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Busy:
    """There is nothing to tell. `looked`: how often the training has asked for the time: who trains asks again."""

    looked: int


@dataclass(frozen=True, eq=False)
class Checked:
    """A check was made. Predictions are there of those trials alone that got better by what is worth showing."""

    progress: Progress


@dataclass(frozen=True, eq=False)
class HeirsWanted:
    """A rung was reached; the training waits for the answer. Predictions are left out."""

    progress: Progress


@dataclass(frozen=True)
class Readied:
    """The first step is to be taken; the training waits to hear that it may."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A snapshot was made."""

    snapshot: Snapshot


@dataclass(frozen=True, eq=False)
class Done:
    """The training has come to its end."""

    trained: tuple[Trained, ...]


@dataclass(frozen=True)
class Broken:
    """The training has failed.

    Attributes:
        kind: memory, trial (it diverged), device (which computes no more) or other.
        words: of the error.
    """

    kind: str
    words: str


Said = Facts | Busy | Checked | HeirsWanted | Readied | Kept | Done | Broken


# --- what the driver says --------------------------------------------------------------------------------------------


def ask_facts() -> bytes:
    """Return the question what a worker is."""
    return pack({"ask": "facts"})


def ask_on(steering: Steering) -> bytes:
    """Return the word that a training may go on."""
    return pack({"ask": "on", "steering": asdict(steering)})


def ask_train(job: Job) -> bytes:
    """Return the order for a training."""
    candidates = [Candidate(job.network, recipe).to_json() for recipe in job.recipes]
    document = {
        "ask": "train",
        "candidates": candidates,
        "loss": job.loss,
        "seeds": [int(seed) for seed in job.seeds],
        "blocks": {"rows": job.rows, "splits": job.splits, "begun": job.begun, "needed": [*job.needed]},
        "steering": asdict(job.steering),
    }
    if job.snapshot is None:
        return pack(document)
    about, groups = _snapshot_to(job.snapshot)
    return pack({**document, "snapshot": about}, groups)


def read_steering(document: Mapping[str, Any]) -> Steering:
    """Return what the driver has to say; the other way of `ask_on`."""
    said = Steering(**document)
    if said.heirs is None:
        return said
    return replace(said, heirs=_HEIRS.validate_json(json.dumps(document["heirs"])))


def read_job(frame: Frame) -> Job:
    """Return the training that was ordered; the other way of `ask_train`.

    Raises:
        BadFrame: if none was.
    """
    said = frame.document
    try:
        candidates = _CANDIDATES.validate_json(json.dumps(said["candidates"]))
        blocks = said["blocks"]
        snapshot = _snapshot_of(said["snapshot"], frame) if "snapshot" in said else None
        return Job(
            network=candidates[0].network,
            recipes=tuple(candidate.recipe for candidate in candidates),
            loss=said["loss"],
            seeds=tuple(said["seeds"]),
            snapshot=snapshot,
            rows=blocks["rows"],
            splits=blocks["splits"],
            begun=blocks["begun"],
            needed=tuple(blocks["needed"]),
            steering=read_steering(said["steering"]),
        )
    except (ValidationError, KeyError, TypeError, ValueError, IndexError) as error:
        raise BadFrame(f"it orders no training: {str(error).partition(chr(10))[0]}") from error


# --- what workers hold -----------------------------------------------------------------------------------------------


def rows_groups(features: Features, targets: Array, quantiles: Array) -> Groups:
    """Return the rows of a run as groups of arrays."""
    return {"features": features.arrays, "targets": {"targets": targets}, "quantiles": {"quantiles": quantiles}}


def rows_of(frame: Frame) -> tuple[Features, Array, Array]:
    """Return features, targets and quantiles; the other way of `rows_groups`."""
    features = Features(frame.group("features"))
    return features, frame.groups["targets"]["targets"], frame.groups["quantiles"]["quantiles"]


def splits_groups(splits: Sequence[Split]) -> Groups:
    """Return folds as groups of arrays, a group a fold."""
    return {str(fold): {"train": split.train, "valid": split.valid} for fold, split in enumerate(splits)}


def splits_of(frame: Frame) -> tuple[Split, ...]:
    """Return folds in their order; the other way of `splits_groups`."""
    folds = (frame.groups[str(fold)] for fold in range(len(frame.groups)))
    return tuple(Split(one["train"], one["valid"]) for one in folds)


# --- what a worker says ----------------------------------------------------------------------------------------------


def say(said: Said) -> bytes:
    """Return what a worker has to tell as a frame."""
    match said:
        case Facts() | Broken() | Busy() | Readied():
            return pack({"say": type(said).__name__, **asdict(said)})
        case Checked(progress) | HeirsWanted(progress):
            shown = {str(place): _folds_to(folds) for place, folds in enumerate(progress.predictions) if folds}
            numbers = {"epoch": progress.epoch, "epochs": progress.epochs, "share": progress.share}
            losses = {"losses": [*progress.losses], "best": [*progress.best]}
            return pack({"say": type(said).__name__, **numbers, **losses}, shown)
        case Kept(snapshot):
            about, groups = _snapshot_to(snapshot)
            return pack({"say": "Kept", "snapshot": about}, groups)
    assert isinstance(said, Done)
    abouts, groups = _trained_to(dict(enumerate(said.trained)))
    return pack({"say": "Done", "trained": abouts}, groups)


def hear(buffer: bytes | bytearray) -> Said:
    """Return what a worker says; the other way of `say`. Arrays can be written to if the buffer can.

    Raises:
        BadFrame: if it is nothing that a worker says.
    """
    frame = unpack(buffer)
    try:
        said = dict(frame.document)
        kind = said.pop("say")
        if kind == "Facts":
            return Facts(**{**said, "pace": StepModel(**said["pace"])})
        if kind in _PLAIN:
            return _PLAIN[kind](**said)
        if kind in _REPORTS:
            return _REPORTS[kind](_progress_of(said, frame))
        if kind == "Kept":
            return Kept(_snapshot_of(said["snapshot"], frame))
        if kind == "Done":
            return Done(tuple(_trained_of(said["trained"], frame).values()))
    except (KeyError, TypeError, ValueError) as error:
        raise BadFrame(f"it says nothing that is understood: {error}") from error
    raise BadFrame(f"nothing is called {kind!r}")


_PLAIN: Mapping[str, Callable[..., Said]] = {"Broken": Broken, "Busy": Busy, "Readied": Readied}
_REPORTS: Mapping[str, Callable[[Progress], Said]] = {"Checked": Checked, "HeirsWanted": HeirsWanted}


def _progress_of(said: Mapping[str, Any], frame: Frame) -> Progress:
    shown = tuple(_folds_of(frame.group(str(place))) for place in range(len(said["losses"])))
    return Progress(said["epoch"], said["epochs"], said["share"], tuple(said["losses"]), tuple(said["best"]), shown)


def _folds_to(folds: Folds) -> dict[str, Array]:
    return {str(fold): array for fold, array in enumerate(folds)}


def _folds_of(group: Mapping[str, Array]) -> Folds:
    return tuple(group[str(fold)] for fold in range(len(group)))


def _trained_to(trained: Mapping[int, Trained]) -> tuple[dict[str, Any], dict[str, Mapping[str, Array]]]:
    """Return loss and steps of trainings by number, and their arrays."""
    abouts = {str(number): [one.loss, one.steps] for number, one in trained.items()}
    groups: dict[str, Mapping[str, Array]] = {}
    for number, one in trained.items():
        groups[f"weights {number}"], groups[f"predictions {number}"] = one.weights, _folds_to(one.predictions)
    return abouts, groups


def _trained_of(abouts: Mapping[str, Any], frame: Frame) -> dict[int, Trained]:
    """Return trainings by number; the other way of `_trained_to`."""
    return {
        int(number): Trained(
            frame.group(f"weights {number}"), _folds_of(frame.group(f"predictions {number}")), float(loss), int(steps)
        )
        for number, (loss, steps) in abouts.items()
    }


def _snapshot_to(snapshot: Snapshot) -> tuple[dict[str, Any], Groups]:
    abouts, groups = _trained_to(snapshot.ended)
    return {"numbers": dict(snapshot.numbers), "ended": abouts}, {"snapshot": snapshot.arrays, **groups}


def _snapshot_of(about: Mapping[str, Any], frame: Frame) -> Snapshot:
    """Return a snapshot of its own memory: who goes on from it writes to it."""
    arrays = {name: np.array(array) for name, array in frame.group("snapshot").items()}
    return Snapshot(arrays, about["numbers"], _trained_of(about["ended"], frame))

"""The trials of a run that are kept: all that choosing among them needs, in memory and as a file.

The file has the format of a model file. Its parts are all kept trials, whatever their share, and one member more holds
what they answered out of fold, the truth, and some encoded rows. It is read as strictly as a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.bundle import Contents, read_bundle, write_bundle
from netwright.bundle.short import half_where_equal
from netwright.data.features import Features
from netwright.data.schema import Outcome
from netwright.errors import UnfitBundle
from netwright.inference.folds import Sessions
from netwright.metrics import Metric, metrics_for
from netwright.model import Model, Part, model_documents, read_model
from netwright.result import Result
from netwright.spec.network import Candidate
from netwright.tasks.task import Preparation, Task
from netwright.train.framework import Predict

Array = NDArray[Any]
OPTIONAL = {"groups", "stretches"}  # arrays with a number for each row, which not all have
SAMPLE = "sample."  # in front of the names of the encoded rows, among those of other arrays


def bytes_of(weights: Mapping[str, Array]) -> int:
    """Return the bytes that weights take in a file."""
    return sum(tensor.nbytes for tensor in half_where_equal(weights).values())


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class Kept:
    """A finished trial, ready to be mixed.

    Attributes:
        trial: its number.
        candidate: its design and recipe.
        weights: tensors (S, ...) by name, as they would be handed over.
        predictions: of rows that its networks have not learnt from, (N, K) probabilities or (N,) values.
    """

    trial: int
    candidate: Candidate
    weights: Mapping[str, Array]
    predictions: Array

    @property
    def folds(self) -> int:
        """The number of its networks S, one a fold."""
        return len(next(iter(self.weights.values())))

    @cached_property
    def size(self) -> int:
        """Bytes of its weights in a file: to tell it, every number is looked at."""
        return bytes_of(self.weights)


@dataclass(frozen=True, eq=False)
class Shelf:
    """The kept trials of a run, best first, and what is chosen by.

    Attributes:
        truth: (N,) class numbers or values of the rows that are judged on.
        folds: (N,) the part of each, as for `estimate`.
        groups: (N,) numbers that rows share which were drawn together; None where each was by itself.
        sample: some rows of the table, encoded, on which the networks of different folds are compared.
        seed: of intervals.
        predict: what answers for the networks of each fold.
    """

    task: Task
    preparation: Preparation
    metric: Metric
    truth: Array
    folds: NDArray[np.int64]
    groups: NDArray[np.int64] | None
    sample: Features
    seed: int
    kept: tuple[Kept, ...]
    predict: Predict

    @property
    def outcome(self) -> Outcome:
        """Binary, multiclass or regression."""
        return self.preparation.schema.target.outcome


def write_shelf(path: Path, shelf: Shelf, result: Result) -> None:
    """Write the kept trials as one file, all or nothing.

    Raises:
        OutputError: if it cannot be written there.
    """
    parts = tuple(Part(kept.candidate, kept.weights, 0.0) for kept in shelf.kept)
    more = {
        "truth": shelf.truth,
        "folds": shelf.folds,
        "seed": np.array([shelf.seed]),
        "trials": np.array([kept.trial for kept in shelf.kept]),
        "predictions": np.stack([kept.predictions for kept in shelf.kept]),
        **({} if shelf.metric.stretches is None else {"stretches": shelf.metric.stretches}),
        **({} if shelf.groups is None else {"groups": shelf.groups}),
        **{f"{SAMPLE}{name}": array for name, array in shelf.sample.arrays.items()},
    }
    documents = model_documents(shelf.task, shelf.preparation, parts, 1.0, result)
    weights = (half_where_equal(part.weights) for part in parts)
    write_bundle(path, Contents(documents, (shelf.preparation.tensors(), *weights, more)))


def read_shelf(path: Path) -> tuple[Shelf, Result]:
    """Return the kept trials of a run, and the result of its own model; nothing of the file is run.

    Raises:
        BundleError: if the file is damaged, hostile, of a newer format, or its parts do not fit together.
    """
    contents = read_bundle(path)
    if len(contents.tensors) < 2:
        raise UnfitBundle(path, "it keeps no trials")
    *weights, more = contents.tensors
    model = read_model(path, Contents(contents.documents, tuple(weights)))
    target = model.preparation.schema.target
    _check(path, more, len(model.parts), len(target.labels))
    sample = _sample(path, more, model)
    metrics = {metric.name: metric for metric in metrics_for(target.outcome)}
    if model.result.metric not in metrics:
        raise UnfitBundle(path, "its metric is none that Netwright knows for such a target")
    kept = tuple(
        Kept(int(number), part.candidate, part.weights, predictions)
        for number, part, predictions in zip(more["trials"], model.parts, more["predictions"], strict=True)
    )
    metric, seed = metrics[model.result.metric].within(more.get("stretches")), int(more["seed"][0])
    folds, groups, predict = more["folds"], more.get("groups"), Sessions().predict
    made = Shelf(model.task, model.preparation, metric, more["truth"], folds, groups, sample, seed, kept, predict)
    return made, model.result


def _check(path: Path, more: Mapping[str, Array], parts: int, classes: int) -> None:
    """Refuse arrays that do not belong together: what is chosen by must have a number for every row."""
    names = {name for name in more if not name.startswith(SAMPLE)} - OPTIONAL
    if names != {"truth", "folds", "seed", "trials", "predictions"} or not all(
        np.isfinite(array).all() for array in more.values()
    ):
        raise UnfitBundle(path, "the arrays beside its networks are not those that Netwright writes")
    rows = len(more["truth"]) if more["truth"].ndim else 0
    shape = (parts, rows, classes) if classes else (parts, rows)
    of_rows = [more["folds"], *(more[name] for name in OPTIONAL if name in more)]
    whole = all(array.dtype == np.int64 for array in (more["seed"], more["trials"], *of_rows))
    fits = (
        rows >= 2
        and whole
        and more["truth"].dtype == (np.int64 if classes else np.float64)
        and all(array.shape == (rows,) for array in (more["truth"], *of_rows))
        and more["predictions"].shape == shape
        and more["predictions"].dtype in (np.float32, np.float64)
        and more["trials"].shape == (parts,)
        and more["seed"].shape == (1,)
        and int(more["seed"][0]) >= 0
        and all(len(np.unique(more[name])) >= 2 for name in ("folds", "groups") if name in more)
        and (not classes or 0 <= int(more["truth"].min()) <= int(more["truth"].max()) < classes)
    )
    if not fits:
        raise UnfitBundle(path, "the arrays beside its networks do not belong together")


def _sample(path: Path, more: Mapping[str, Array], model: Model) -> Features:
    """Return the encoded rows, if they are such as the model's preparation gives."""
    schema = model.preparation.schema
    nothing = pd.DataFrame({column.name: pd.Series([], dtype=object) for column in schema.columns})
    like = model.preparation.encode(model.task.parse(nothing, schema)).arrays
    arrays = {name.removeprefix(SAMPLE): array for name, array in more.items() if name.startswith(SAMPLE)}
    fits = set(arrays) == set(like) and all(
        array.dtype == like[name].dtype and array.shape[1:] == like[name].shape[1:] for name, array in arrays.items()
    )
    lengths = {len(array) for array in arrays.values()}
    if not fits or len(lengths) != 1 or 0 in lengths or not model.preparation.holds(Features(arrays)):
        raise UnfitBundle(path, "the encoded rows beside its networks are not such as its preprocessing gives")
    return Features(arrays)

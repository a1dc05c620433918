"""One network in the place of many: it learns what the whole model answers (Hinton et al. 2015, arXiv 1503.02531).

The student is trained on the model's answers for the rows of the table, drawn somewhat towards the truth, and for rows
made from them (Bucila, Caruana and Niculescu-Mizil 2006; Fakoor et al. 2020, arXiv 2006.14284), of which the teacher
can label as many as are wanted.

What it costs in score is measured honestly: beside the student of all rows stand students of each fold. A fold's
student learns from the rows of the other folds, labelled by the model's networks that did not see this fold either,
and is judged on the fold. All of them are trained as one stack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.augment import swapped
from netwright.data.features import Features, joined
from netwright.data.schema import Outcome
from netwright.data.stretches import POSITIONS, edges_of
from netwright.engine.bench import Bench
from netwright.model import Model
from netwright.select.calibrate import spread_rows
from netwright.spec.network import Candidate, Recipe
from netwright.train.control import Control
from netwright.train.framework import Split

MOST_ROWS = 12_000  # that one student learns from: more answers of the teacher cost more time than they bring
MADE = 4  # made rows for each row of the table, where there is room for them
SWAPPED = 0.15  # of the cells of a made row come from another row
TRUTH = 0.3  # weight of the truth beside the teacher's answer


@dataclass(frozen=True)
class Student:
    """A network that learnt from a model.

    Attributes:
        candidate: its design and recipe.
        weights: tensors (1, ...) by name.
        predictions: out of fold, by the students of the folds: probabilities (N, K), or values (N,).
    """

    candidate: Candidate
    weights: dict[str, NDArray[np.float32]]
    predictions: NDArray[Any]


@dataclass(frozen=True)
class _Lessons:
    """Rows with soft labels and, for each student, which of them it learns from and is judged on."""

    features: Features
    targets: NDArray[np.float32]
    splits: tuple[Split, ...]


def distil(
    bench: Bench,
    model: Model,
    candidate: Candidate,
    time_used: Callable[[], float],
    seed: int,
    ready: Callable[[], None] = lambda: None,
) -> Student:
    """Return one network that answers as the model does.

    Args:
        bench: the table and its folds.
        model: the teacher; its parts have a network for each fold.
        candidate: the student's design and the recipe to begin from.
        time_used: share of the time for it that has gone, 0 to 1.
        seed: of its weights and of the made rows.
        ready: told before the first step, if it took long to get there: see `train.control.Control`.

    Raises:
        TrialError: if its training diverged.
    """
    recipe = _gentler(candidate.recipe)
    lessons = _lessons(bench, model, seed)
    trainer = bench.framework.over(lessons.features, lessons.targets, bench.preparation.quantiles)
    loss = "soft_cross_entropy" if _classes(bench) else bench.preparation.goal.loss
    control = Control(time_used, lambda: False, lambda progress: None, ready=ready)
    (trained,) = trainer.train(candidate.network, [recipe], lessons.splits, loss, control, [seed])
    judged = trained.predictions[: len(bench.splits)]  # the last is the student of all
    weights = {name: tensor[-1:] for name, tensor in trained.weights.items()}
    return Student(Candidate(candidate.network, recipe), weights, bench.answers(judged))


def _classes(bench: Bench) -> bool:
    return bench.loaded.schema.target.outcome != Outcome.REGRESSION


def _gentler(recipe: Recipe) -> Recipe:
    """Return the recipe for soft labels, which are smooth already, and for rows that made ones were added to."""
    return replace(
        recipe,
        label_smoothing=0.0,
        dropout=recipe.dropout / 2,
        epochs=max(8, recipe.epochs // 2),
        batch_size=min(2 * recipe.batch_size, 1024),
    )


def _lessons(bench: Bench, model: Model, seed: int) -> _Lessons:
    """Return what students learn from and are judged on.

    The rows stand once as they are, with the truth, to judge by; then, for each student, once more with the labels that
    its teacher gives, and after them the made rows.
    """
    generator = np.random.default_rng(seed)
    own = bench.features
    chosen = _taught(own)
    copies = 0 if "images" in own.arrays else max(0, min(MADE, MOST_ROWS // len(chosen) - 1))  # no half of an image
    base = own.rows(chosen)
    lessons, source = base, chosen  # source: the row of the table that each comes from
    for _ in range(copies):
        lessons, source = joined(lessons, swapped(base, SWAPPED, generator)), np.concatenate([source, chosen])
    truth = _soft_truth(bench)
    labels = _labels(bench, model, lessons, truth[chosen])  # (S + 1, L, ...)
    features, targets = own, truth
    splits, of_fold = [], len(bench.splits[0].valid)
    for student in range(len(labels)):
        start = len(targets)
        features, targets = joined(features, lessons), np.concatenate([targets, labels[student]])
        everyone = student == len(bench.splits)
        learnt = np.arange(len(source)) if everyone else np.flatnonzero(bench.cut.folds[source] != student)
        judged = chosen[:: max(1, len(chosen) // of_fold)] if everyone else bench.splits[student].valid
        splits.append(Split(start + learnt, judged))
    return _Lessons(features, targets, tuple(splits))


def _taught(own: Features) -> NDArray[np.int64]:
    """Return the rows that students learn from, evenly spread, about `MOST_ROWS` at the most.

    Of those that follow each other whole sequences are taken: single ones would teach a chain nothing of neighbours.
    """
    if POSITIONS not in own.arrays or len(own) <= MOST_ROWS:
        return spread_rows(len(own), MOST_ROWS)
    edges = edges_of(own[POSITIONS][:, 0])
    count = len(edges) - 1
    some = spread_rows(count, max(1, count * MOST_ROWS // len(own)))
    return np.concatenate([np.arange(edges[one], edges[one + 1]) for one in some])


def _soft_truth(bench: Bench) -> NDArray[np.float32]:
    """Return the truth as a network learns it: chances (N, K), all on one class, or scaled values (N,)."""
    if _classes(bench):
        return np.asarray(np.eye(bench.preparation.goal.outputs)[bench.loaded.truth], np.float32)
    return np.asarray(bench.preparation.goal.targets(bench.loaded.truth), np.float32)


def _labels(bench: Bench, model: Model, lessons: Features, truth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the labels (S + 1, L, ...) that each student learns: its teacher's, mixed with the truth for real rows."""
    by_fold = model.answers_by_fold(lessons, bench.predict)
    answers = np.concatenate([by_fold, by_fold.mean(axis=0, keepdims=True)])
    soft = answers if _classes(bench) else np.stack([bench.preparation.goal.targets(each) for each in answers])
    labels = np.asarray(soft, np.float32)
    labels[:, : len(truth)] += TRUTH * (truth - labels[:, : len(truth)])
    return labels

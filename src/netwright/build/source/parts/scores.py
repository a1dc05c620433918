"""What results are measured by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netwright.entities import best_tags, entity_counts


def accuracy(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the share of rows whose most probable class is the true one."""
    return float((answers.argmax(axis=1) == truth).mean())


def log_loss(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the mean of -ln of the probability of the true class."""
    return float(-np.log(np.clip(answers[np.arange(len(truth)), truth], 1e-15, 1)).mean())


def roc_auc(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the area under the receiver operating characteristic, by mean ranks."""
    positive = truth == 1
    count = int(positive.sum())
    _, inverse, sizes = np.unique(answers[:, 1], return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[inverse]
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(truth) - count)))


def balanced_accuracy(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the mean, over the classes, of the share of their rows that were told rightly."""
    hits = answers.argmax(axis=1) == truth
    return float(np.mean([hits[truth == one].mean() for one in np.unique(truth)]))


def macro_f1(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the mean F1 over the classes."""
    chosen, classes = answers.argmax(axis=1), answers.shape[1]
    found = np.bincount(truth[chosen == truth], minlength=classes)
    named = np.bincount(truth, minlength=classes) + np.bincount(chosen, minlength=classes)
    return float(np.mean(2 * found[named > 0] / named[named > 0]))


def entity_f1(truth: np.ndarray, answers: np.ndarray, sentences: np.ndarray) -> float:
    """Return the F1 of entities: one is found where it begins, ends and is named as a true one is (CoNLL-2000).

    Args:
        truth: (N,) classes of tags: 0 outside, 2k + 1 for the first token of an entity of type k, 2k + 2 inside.
        answers: (N, K) the probability of each.
        sentences: (N,) the number of the sentence of each token, out of which no entity reaches.
    """
    first = np.concatenate([np.ones(1, bool), np.diff(sentences) != 0])
    found, said, true = entity_counts(truth, best_tags(answers, first), first)
    return 2 * float(found.sum()) / max(1.0, float(said.sum() + true.sum()))


def rmse(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the root of the mean squared error, in the unit of the target."""
    return float(np.sqrt(np.mean(np.square(truth - answers))))


def mae(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the mean absolute error, in the unit of the target."""
    return float(np.mean(np.abs(truth - answers)))


def r2(truth: np.ndarray, answers: np.ndarray) -> float:
    """Return the share of the variance that is explained."""
    return 1 - float(np.sum(np.square(truth - answers)) / np.sum(np.square(truth - truth.mean())))


METRIC = "accuracy"
SCORE: Callable[..., float] = accuracy

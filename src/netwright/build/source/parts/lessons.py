"""What is learnt from: rows, what is known of each, and the folds that they are dealt to."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netwright.build.source.parts.preprocess import encode, read_rows
from netwright.build.source.parts.scores import METRIC, SCORE
from netwright.build.source.parts.target import SHIFT, SPREAD, TARGET, class_numbers, target_values
from netwright.build.source.parts.tokens import sentence_numbers, tag_numbers

FOLDS = 8  # parts of the rows: each network learns from all but one of them


@dataclass(frozen=True)
class Lessons:
    """N rows to learn from.

    Attributes:
        arrays: the rows as `preprocess.encode` gives them.
        # if classes:
        truth: (N,) the class of each.
        targets: (N,) the same.
        # end
        # if number:
        truth: (N,) the value of each, in the unit of the target.
        targets: (N,) what networks are to come to: values of mean 0 and deviation 1.
        # end
        folds: (N,) the fold of each.
    """

    arrays: dict[str, np.ndarray]
    truth: np.ndarray
    targets: np.ndarray
    folds: np.ndarray

    def score(self, answers: np.ndarray) -> str:
        """Return how good the answers for all rows are, in words."""
        # if spans:
        value = SCORE(self.truth, answers, self.arrays["sentences"])
        # end
        # if not spans:
        value = SCORE(self.truth, answers)
        # end
        return f"{METRIC} {value:.4f}"


def read_arguments(designs: int) -> argparse.Namespace:
    """Return what the command line says of a training of so many designs."""
    parser = argparse.ArgumentParser(description="Trains the networks of model.py on a table and prints their score.")
    # if maps:
    parser.add_argument("table", type=Path, help="a folder with a folder for each class, or a table with paths")
    # end
    # if tokens:
    parser.add_argument("table", type=Path, help="CoNLL columns, or comma-separated values with sentence and token")
    # end
    # if rows:
    parser.add_argument("table", type=Path, help="a file of comma-separated values with a header")
    # end
    parser.add_argument("target", nargs="?", default=TARGET, help="the column to predict")
    parser.add_argument("--designs", type=int, default=designs, help="how many designs, the weightiest first")
    parser.add_argument("--separator", default=",")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="where to write the weights, such as weights.safetensors")
    return parser.parse_args()


def read_lessons(arguments: argparse.Namespace) -> Lessons:
    """Return what the table that is named tells; rows without an answer are left out."""
    table = read_rows(arguments.table, arguments.separator)
    # if tokens:
    truth = tag_numbers(table, arguments.target)
    known = truth >= 0
    arrays = {name: array[known] for name, array in encode(table).items()}
    truth, sentences = truth[known], sentence_numbers(table)[known]
    # if spans:
    arrays["sentences"] = sentences
    # end
    targets = truth
    folds = deal_sentences(sentences, arguments.seed)
    # end
    # if singles:
    truth = class_numbers(table, arguments.target)
    table = [row for row, one in zip(table, truth, strict=True) if one >= 0]
    targets = truth = truth[truth >= 0]
    # end
    # if number:
    truth = target_values(table, arguments.target)
    table = [row for row, one in zip(table, truth, strict=True) if np.isfinite(one)]
    truth = truth[np.isfinite(truth)]
    targets = ((truth - SHIFT) / SPREAD).astype(np.float32)
    # end
    # if not tokens:
    arrays = encode(table)
    folds = deal_folds(arrays, truth, arguments.seed)
    # end
    return Lessons(arrays, truth, targets, folds)


def deal_folds(arrays: Mapping[str, np.ndarray], truth: np.ndarray, seed: int) -> np.ndarray:
    """Return the fold of each row (N,): answers are spread evenly, and rows that repeat each other stay together."""
    things: dict[tuple[Any, bytes], list[int]] = {}
    for place, answer in enumerate(truth.tolist()):
        content = b"".join(array[place].tobytes() for array in arrays.values())
        things.setdefault((answer, hashlib.sha256(content).digest()), []).append(place)
    groups = [*things.values()]
    answers = np.array([truth[group[0]] for group in groups])
    # if number:
    answers = np.argsort(np.argsort(answers)) * 10 // len(answers)  # tenths
    # end
    order = np.random.default_rng(seed).permutation(len(groups))
    order = order[np.argsort(answers[order], kind="stable")]
    folds = np.zeros(len(truth), np.int64)
    for number, group in enumerate(order):
        folds[groups[group]] = number % FOLDS
    return folds


def deal_sentences(sentences: np.ndarray, seed: int) -> np.ndarray:
    """Return the fold of each token (N,), the same for all of a sentence."""
    _, numbers = np.unique(sentences, return_inverse=True)
    return np.random.default_rng(seed).permutation(int(numbers.max()) + 1)[numbers] % FOLDS

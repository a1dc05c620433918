"""Rows that are the tokens of sentences, each described by itself and by what stands around it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netwright.build.source.parts.constants import ARRAYS
from netwright.build.source.parts.target import LABELS, TARGET
from netwright.data.context import FEATURES, context_buckets, context_numbers
from netwright.data.tags import as_iob2
from netwright.entities import best_tags

SENTENCE, TOKEN = "sentence", "token"  # columns of the rows


def encode(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return what the networks take of N tokens: `plain` (N, P), `gram_weights` (N, G) float32, `grams` (N, G) int32.

    # if chain:
    And `positions` (N, 1) int32: one more than that of the token before where they follow each other in a sentence.

    # end
    Args:
        rows: a dictionary for each token, in their order, with its text and what tells its sentence from the one
            before. A sentence is given whole, since each token is described by its neighbours too.
    """
    tokens = np.array([str(row[TOKEN] or "") for row in rows], object)
    sentences = sentence_numbers(rows)
    buckets, found = ARRAYS["buckets"], context_buckets(tokens, sentences)
    places = np.minimum(np.searchsorted(buckets, found), max(0, len(buckets) - 1))
    kept = buckets[places] == found if len(buckets) else np.zeros(found.shape, bool)
    return {
        "plain": context_numbers(tokens, sentences),
        "grams": np.where(kept, places + 1, 0).astype(np.int32),
        "gram_weights": kept.astype(np.float32) / np.sqrt(FEATURES).astype(np.float32),
        # if chain:
        "positions": (np.arange(len(rows)) + sentences)[:, None].astype(np.int32),
        # end
    }


def sentence_numbers(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return the number of the sentence of each token (N,), from 0: tokens one after the other that say the same."""
    names = [row[SENTENCE] for row in rows]
    begins = [bool(place) and names[place] != names[place - 1] for place in range(len(names))]
    return np.cumsum(np.array(begins, np.int64))


def parted(positions: np.ndarray, size: int) -> list[slice]:
    """Return which tokens (N) are looked at together, by their positions: about `size` of them, and whole sentences."""
    ends = [*(np.flatnonzero(np.diff(positions) != 1) + 1).tolist(), len(positions)]
    parts, start = [], 0
    for end in ends:
        if end - start >= size or end == len(positions):
            parts.append(slice(start, end))
            start = end
    return parts


def chosen_tags(answers: np.ndarray, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    # if entities:
    """Return the tag of each token (N,) as its place in `LABELS`: those of a sentence that are likeliest together."""
    if len(rows):
        return best_tags(answers, np.append(True, np.diff(sentence_numbers(rows)) != 0))
    # end
    # if not entities:
    """Return the likeliest tag of each token (N,) as its place in `LABELS`."""
    # end
    return answers.argmax(axis=1)


def tag_numbers(rows: Sequence[Mapping[str, Any]], target: str = TARGET) -> np.ndarray:
    """Return the class of each token's tag (N,), as its place in `LABELS`; -1 where it is unknown."""
    numbers = {str(label): place for place, label in enumerate(LABELS)}
    given = [str(row[target]) if row[target] else None for row in rows]
    # if entities:
    edges = np.flatnonzero(np.diff(sentence_numbers(rows))) + 1
    parts = np.split(np.arange(len(given)), edges)
    given = [tag for part in parts for tag in as_iob2([given[place] for place in part])]
    # end
    return np.array([-1 if tag is None else numbers.get(tag, -1) for tag in given], np.int64)


def read_rows(path: Path, separator: str = ",") -> list[dict[str, Any]]:
    """Return the tokens of a table with the columns `sentence` and `token`, or of columns as those of CoNLL.

    Args:
        path: of a table (.csv, .tsv), or of text with a token a line, first its text and last its tag, where there is
            one, and a blank line after each sentence; in UTF-8.
        separator: between the cells of a table.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        if path.suffix.lower() in (".csv", ".tsv"):
            return list(csv.DictReader(file, delimiter=separator))
        rows, sentence = [], 0
        for line in file.read().splitlines():
            cells = line.split("\t") if "\t" in line else line.split()
            if not cells or line.startswith("-DOCSTART-"):
                sentence += 1
                continue
            rows.append({SENTENCE: sentence, TOKEN: cells[0], **({TARGET: cells[-1]} if len(cells) > 1 else {})})
        return rows

"""From the rows of a table to the arrays that networks take."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netwright.build.source.parts.texts import (
    WORD_PIECE_COUNT,
    WORD_PIECES,
    bags,
    joined_texts,
    piece_numbers,
    spelled,
)
from netwright.data.bert_words import word_pieces

COLUMNS: dict[str, Any] = {}


def encode(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return what the networks take of N rows.

    Args:
        rows: a dictionary for each, with a text or a number for each of `COLUMNS`; None or an empty text is missing.

    Returns:
        # if texts:
        `numeric` (N, F) and `plain` (N, P) float32, `categories` (N, C) int64, and what networks for texts read.
        # end
        # if not texts:
        `numeric` (N, F) and `plain` (N, P) float32, `categories` (N, C) int64.
        # end
    """
    pieces = [column.encode([row[name] for row in rows]) for name, column in COLUMNS.items()]
    # if texts:
    texts = joined_texts(rows)
    # end
    return {
        "numeric": side_by_side([one for piece in pieces for one in piece.numeric], len(rows), np.float32),
        "plain": side_by_side([one for piece in pieces for one in piece.plain], len(rows), np.float32),
        "categories": side_by_side([one for piece in pieces for one in piece.categories], len(rows), np.int64),
        # if bags:
        **bags(texts),
        # end
        # if pieces:
        "pieces": piece_numbers(texts),
        # end
        # if bytes:
        "bytes": spelled(texts),
        # end
        # if word_pieces:
        "word_pieces": word_pieces(texts, WORD_PIECES, WORD_PIECE_COUNT),
        # end
    }


def side_by_side(features: Sequence[np.ndarray], rows: int, kind: type) -> np.ndarray:
    """Return features (N,) as columns (N, F)."""
    return np.stack(features, axis=1).astype(kind) if features else np.zeros((rows, 0), kind)


def read_rows(path: Path, separator: str = ",") -> list[dict[str, str]]:
    """Return the rows of a table that is text with a header, in UTF-8."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file, delimiter=separator))

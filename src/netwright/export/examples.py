"""Rows made up at random, like those that a model was fitted on, to compare two ways of computing its answers.

No row of the user's is needed, so that any model file can be checked anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from netwright.data.categories import CategoryEncoding
from netwright.data.clip import Clip
from netwright.data.encoding import Encoding
from netwright.data.moments import MomentEncoding
from netwright.data.numeric import NumberEncoding, PairEncoding
from netwright.data.schema import Column, Kind
from netwright.data.wave import as_wave
from netwright.model import Model

MISSING = 0.1  # share of the cells
UNSEEN = 0.05  # of the categories
LONGEST = 40  # tokens of a sentence; the shortest have one
DISTINCT_FILES = 32  # images or sounds: others are the same again
WORDS = ("a", "plain", "Text", "of", "42", "words", "naïve", "日本語", "Привет", "!", "🙂", "ends.", "x" * 30)


def example_table(model: Model, rows: int, seed: int) -> pd.DataFrame:
    """Return rows with random cells in each column that the model uses: missing, far and unseen ones too.

    Args:
        model: says what its columns hold.
        rows: how many.
        seed: of the random numbers.
    """
    generator = np.random.default_rng(seed)
    if model.task.sequences is not None:
        tokens = [word for text in _texts(generator, rows) for word in text.split()][:rows]
        ends = np.cumsum(generator.permutation(rows) % LONGEST + 1)
        return pd.DataFrame({"sentence": np.searchsorted(ends, np.arange(rows), side="right"), "token": tokens})
    encoder = model.preparation.encoder
    encodings = {} if encoder is None else encoder.columns
    columns = {one.name: _cells(one, encodings.get(one.name), generator, rows) for one in model.preparation.schema.used}
    return pd.DataFrame(columns)


def _cells(column: Column, encoding: Encoding | None, generator: np.random.Generator, rows: int) -> Any:
    absent = generator.random(rows) < MISSING
    match encoding:
        case NumberEncoding():
            return np.where(absent, np.nan, _numbers(encoding, generator, rows))
        case PairEncoding() if column.kind == Kind.BOOLEAN:
            return _or_none(generator.choice([True, False], rows).tolist(), absent)
        case PairEncoding(low, high):
            return np.where(absent, np.nan, generator.choice([low, high, (low + high) / 2, 3 * high], rows))
        case MomentEncoding():
            days = encoding.centre + generator.normal(size=rows) / max(encoding.factor, 1e-3)
            seconds = np.clip(days * 86_400, -6e10, 2e11).astype("datetime64[s]")  # from the year 68 to 8307
            return np.where(absent, np.datetime64("NaT"), seconds).astype("datetime64[s]")
        case CategoryEncoding():
            unseen = generator.random(rows) < UNSEEN
            levels = generator.choice(np.array([*encoding.levels, ""], object), rows)
            words = ["never seen" if new else level for new, level in zip(unseen, levels.tolist(), strict=True)]
            return _or_none(words, absent)
        case _:
            return _or_none(_texts(generator, rows), absent) if column.kind == Kind.TEXT else _files(column, rows)


def _numbers(encoding: NumberEncoding, generator: np.random.Generator, rows: int) -> Any:
    """Return numbers about as far from the middle as those learnt from, some of them very far, some the common one."""
    spread = 1 / encoding.factor if encoding.factor else 1.0
    values = encoding.centre + spread * generator.standard_t(2, rows)
    values[generator.random(rows) < 0.02] *= 1e12
    if encoding.common is not None:
        values[generator.random(rows) < 0.3] = encoding.common
    return values


def _or_none(cells: Sequence[Any], absent: Any) -> list[Any]:
    return [None if gone else cell for cell, gone in zip(cells, absent, strict=True)]


def _texts(generator: np.random.Generator, rows: int) -> list[str]:
    lengths = generator.integers(1, 40, rows)
    return [" ".join(generator.choice(WORDS, length)) for length in lengths]


def _files(column: Column, rows: int) -> list[Any]:
    """Return images or sounds; of smooth shapes and of noise, so that convolutions have something to find."""
    made = [_file(column, np.random.default_rng(place)) for place in range(min(rows, DISTINCT_FILES))]
    return [made[place % len(made)] for place in range(rows)]


def _file(column: Column, generator: np.random.Generator) -> Any:
    clip = Clip.parse(column.format) if column.kind == Kind.SOUND else None
    if clip is not None:
        rate = 2 * clip.highest
        time = np.arange(round(clip.seconds * rate)) / rate
        tone = np.sin(2 * np.pi * generator.uniform(80, clip.highest / 2) * time)
        return as_wave(0.4 * tone + generator.uniform(-0.1, 0.1, len(time)), rate)
    size = column.map_size
    assert size is not None
    slope = np.linspace(0, generator.uniform(0, 200), size.height)[:, None, None]
    noise = generator.integers(0, 56, (size.height, size.width, size.channels))
    return (slope + noise).astype(np.uint8)

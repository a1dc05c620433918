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
FAR, BEYOND = 0.02, 0.02  # of the numbers: far from all others, and infinite or as large as a float64 can be
LONGEST = 40  # tokens of a sentence; the shortest have one
DISTINCT_FILES = 32  # images or sounds: others are the same again
EMPTY, FULL = 3, 4  # the places of a black image or silence, and of a white one or the loudest sound, among many rows
FEW = 8  # rows that are not many
LONG = 100_000  # letters of the longest category, token and text
LARGEST = float(np.finfo(np.float64).max)
HUGE = (np.inf, -np.inf, LARGEST, -LARGEST)
NEVER_SEEN = ("never seen", "\0", "never\0seen", " ", "🙂")
ODD_TEXTS = ("", " \t\n ", "\0", "before\0and behind", "\ufeff", "\u0301", "_ _", "?")
ODD_TOKENS = ("", None, "\0", "in\0side", "\u0301", "x" * LONG)
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
        tokens = _with_odd([word for text in _texts(generator, rows) for word in text.split()][:rows], ODD_TOKENS)
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
            others = ((low + high) / 2, 3 * high, *HUGE)
            return np.where(absent, np.nan, generator.choice([*(low, high) * len(others), *others], rows))
        case MomentEncoding():
            days = encoding.centre + generator.normal(size=rows) / max(encoding.factor, 1e-3)
            seconds = np.clip(days * 86_400, -6e10, 2e11).astype("datetime64[s]")  # from the year 68 to 8307
            return np.where(absent, np.datetime64("NaT"), seconds).astype("datetime64[s]")
        case CategoryEncoding():
            return _or_none(_words(encoding, generator, rows), absent)
        case _ if column.kind == Kind.TEXT:
            texts = _with_odd(_or_none(_texts(generator, rows), absent), ODD_TEXTS)
            # Not among many, since all would be laid in step with it.
            return [*texts[:-1], "a long text, " * (LONG // 13)] if 1 < rows <= FEW else texts
        case _:
            return _files(column, rows)


def _numbers(encoding: NumberEncoding, generator: np.random.Generator, rows: int) -> Any:
    """Return numbers about as far from the middle as those learnt from, some of them very far, some the common one."""
    spread = 1 / encoding.factor if encoding.factor else 1.0
    values = encoding.centre + spread * generator.standard_t(2, rows)
    values[generator.random(rows) < FAR] *= 1e12
    values = np.where(generator.random(rows) < BEYOND, generator.choice(HUGE, rows), values)
    if encoding.common is not None:
        values[generator.random(rows) < 0.3] = encoding.common
    return values


def _words(encoding: CategoryEncoding, generator: np.random.Generator, rows: int) -> list[str]:
    """Return categories, some of which were never seen; also known ones with a sign behind them that is not shown."""
    known = generator.choice(np.array([*encoding.levels, ""], object), rows).tolist()
    unseen = [*NEVER_SEEN, *(f"{level}\0" for level in known[:FEW])]
    places = np.where(generator.random(rows) < UNSEEN, generator.integers(0, len(unseen), rows), -1).tolist()
    words = [level if place < 0 else unseen[place] for level, place in zip(known, places, strict=True)]
    return _with_odd(words, ("x" * LONG,))


def _with_odd(cells: Sequence[Any], odd: Sequence[Any]) -> list[Any]:
    """Return cells of many rows with odd ones in the place of the last of them; those of few rows as they are."""
    return [*cells[: -len(odd)], *odd] if len(cells) > max(FEW, len(odd)) else [*cells]


def _or_none(cells: Sequence[Any], absent: Any) -> list[Any]:
    return [None if gone else cell for cell, gone in zip(cells, absent, strict=True)]


def _texts(generator: np.random.Generator, rows: int) -> list[str]:
    lengths = generator.integers(1, 40, rows)
    return [" ".join(generator.choice(WORDS, length)) for length in lengths]


def _files(column: Column, rows: int) -> list[Any]:
    """Return images or sounds; of smooth shapes and of noise, so that convolutions have something to find."""
    made = [_file(column, place) for place in range(min(rows, DISTINCT_FILES))]
    return [made[place % len(made)] for place in range(rows)]


def _file(column: Column, place: int) -> Any:
    generator = np.random.default_rng(place)
    clip = Clip.parse(column.format) if column.kind == Kind.SOUND else None
    if clip is not None:
        rate = 2 * clip.highest
        time = np.arange(round(clip.seconds * rate)) / rate
        tone = np.sin(2 * np.pi * generator.uniform(80, clip.highest / 2) * time)
        wave = 0.4 * tone + generator.uniform(-0.1, 0.1, len(time))
        return as_wave({EMPTY: np.zeros(len(time)), FULL: np.sign(tone)}.get(place, wave), rate)
    size = column.map_size
    assert size is not None
    if place in (EMPTY, FULL):
        return np.full((size.height, size.width, size.channels), 255 * (place == FULL), np.uint8)
    slope = np.linspace(0, generator.uniform(0, 200), size.height)[:, None, None]
    noise = generator.integers(0, 56, (size.height, size.width, size.channels))
    return (slope + noise).astype(np.uint8)

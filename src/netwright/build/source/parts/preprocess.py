"""From the rows of a table to the arrays that networks take."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from netwright.build.source.parts.cells import read_code, read_moment, read_number, read_truth, read_word
from netwright.data.ngrams import COARSE, UNSPACED, Reading, blocks, count_grams, plain

HERE = Path(__file__).parent
LARGEST = 1e150  # of any number: differences and squares of such are still finite
FURTHEST = 1e6  # of a scaled number: beyond it, its float32 is the limit of 3 anyway


def read_constants() -> dict[str, Any]:
    """Return the longer constants, which stand in a file beside this one."""
    return json.loads((HERE / "preprocess.json").read_text(encoding="utf-8"))


def read_arrays() -> dict[str, np.ndarray]:
    """Return the arrays, which stand in a file beside this one."""
    return load_file(HERE / "preprocess.safetensors")


STORED: dict[str, Any] = {}


def stored(column: str, part: str) -> Any:
    """Return a longer constant of a column."""
    return STORED["columns"][column][part]


ARRAYS: dict[str, np.ndarray] = {}


@dataclass(frozen=True)
class Piece:
    """What comes of one column: numbers that are embedded, numbers taken as they are, numbers of categories."""

    numeric: Sequence[np.ndarray] = ()
    plain: Sequence[np.ndarray] = ()
    categories: Sequence[np.ndarray] = ()


def squashed(values: np.ndarray) -> np.ndarray:
    """Return z / √(1 + (z/3)²): nearly z around 0, within ±3 everywhere; 0 where z is not a number."""
    z = np.clip(values, -FURTHEST, FURTHEST)
    return known(z / np.sqrt(1 + np.square(z / 3)))


def known(values: np.ndarray) -> np.ndarray:
    """Return values with 0 in the place of NaN."""
    return np.nan_to_num(values.astype(np.float32), nan=0.0)


def scaled(values: np.ndarray, centre: float, factor: float) -> np.ndarray:
    """Return (x - centre) · factor, squashed; 0 where x is missing."""
    furthest = FURTHEST / factor if factor else LARGEST
    return squashed(np.clip(np.clip(values, -LARGEST, LARGEST) - centre, -furthest, furthest) * factor)


def flags(mask: Iterable[bool]) -> np.ndarray:
    """Return 1 where something is so, and 0 elsewhere."""
    return np.array([*mask], np.float32)


@dataclass(frozen=True)
class Number:
    """A number, scaled by its median and quartiles.

    Attributes:
        centre: the median of the rows that were learnt from.
        factor: 1 / (third quartile - first quartile) of the same.
        flagged: whether a feature tells that a cell is missing.
        # if common:
        common: a value that many rows have, told by a feature of its own.
        # end
        # if normal_scores:
        knots: quantiles of a column with far values, for scores of a normal distribution from -3 to 3.
        # end
        # if marks:
        mark: the decimal mark of numbers that are text.
        # end
    """

    centre: float
    factor: float
    flagged: bool = False
    # if common:
    common: float | None = None
    # end
    # if normal_scores:
    knots: Sequence[float] = ()
    # end
    # if marks:
    mark: str = "."
    # end

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        # if marks:
        values = np.array([read_number(cell, self.mark) for cell in cells], np.float64)
        # end
        # if not marks:
        values = np.array([read_number(cell) for cell in cells], np.float64)
        # end
        numeric = [scaled(values, self.centre, self.factor)]
        plain_features = []
        # if normal_scores:
        if self.knots:
            numeric.append(normal_scores(values, np.array(self.knots)))
        # end
        # if common:
        if self.common is not None:
            plain_features.append(flags(values == self.common))
        # end
        if self.flagged:
            plain_features.append(flags(np.isnan(values)))
        return Piece(numeric, plain_features)


def normal_scores(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return the scores of a normal distribution from -3 to 3, interpolated between quantiles; 0 where missing."""
    distinct, places, counts = np.unique(knots, return_inverse=True, return_counts=True)
    scores = np.bincount(places, weights=np.linspace(-3, 3, len(knots))) / counts
    return known(np.interp(np.clip(values, -LARGEST, LARGEST), distinct, scores))


@dataclass(frozen=True)
class TwoNumbers:
    """A number of which there were two values, as -1 and 1; 0 where it is missing."""

    low: float
    high: float
    flagged: bool = False
    # if marks:
    mark: str = "."  # of decimals
    # end

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        # if marks:
        values = np.array([read_number(cell, self.mark) for cell in cells], np.float64)
        # end
        # if not marks:
        values = np.array([read_number(cell) for cell in cells], np.float64)
        # end
        return two_values(values, self)


@dataclass(frozen=True)
class TrueOrFalse:
    """A truth value, as -1 and 1; 0 where it is missing."""

    flagged: bool = False
    low: float = 0.0
    high: float = 1.0

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        return two_values(np.array([read_truth(cell) for cell in cells], np.float64), self)


def two_values(values: np.ndarray, column: Any) -> Piece:
    """Return values as -1 for the low and 1 for the high one of a column; others lie on the line through them."""
    low, high = column.low, column.high
    near = np.clip(values, 1.5 * low - 0.5 * high, 1.5 * high - 0.5 * low)  # nothing overflows
    place = known(np.clip((near - low) / (high - low) * 2 - 1, -2, 2))
    return Piece(plain=[place, flags(np.isnan(values))] if column.flagged else [place])


@dataclass(frozen=True)
class FewCategories:
    """A category of few: a feature for each, 1 where the cell is that one; of two categories one feature, -1 and 1.

    Attributes:
        levels: the categories.
        flagged: whether a feature tells that a cell is missing.
        # if codes:
        digits: of a code, which may have lost zeros in front; 0 for words.
        # end
    """

    levels: Sequence[str]
    flagged: bool = False
    # if codes:
    digits: int = 0
    # end

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        # if codes:
        words = read_codes(cells, self.digits)
        # end
        # if not codes:
        words = [read_word(cell) for cell in cells]
        # end
        features = [flags(word == level for word in words) for level in self.levels]
        if len(features) == 2:
            features = [features[1] - features[0]]
        return Piece(plain=[*features, flags(word is None for word in words)] if self.flagged else features)


@dataclass(frozen=True)
class ManyCategories:
    """A category of many: its number, of which 0 is for all that is not known, and how frequent it is.

    Attributes:
        levels: the categories, the first of which is number 1.
        shares: the logarithm of the rows of number 0 and of each level, scaled.
        flagged: whether a feature tells that a cell is missing.
        # if codes:
        digits: of a code, which may have lost zeros in front; 0 for words.
        # end
    """

    levels: Sequence[str]
    shares: Sequence[float]
    flagged: bool = False
    # if codes:
    digits: int = 0
    # end

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        # if codes:
        words = read_codes(cells, self.digits)
        # end
        # if not codes:
        words = [read_word(cell) for cell in cells]
        # end
        numbers = {level: number for number, level in enumerate(self.levels, start=1)}
        codes = np.array([numbers.get(word, 0) if word is not None else 0 for word in words], np.int64)
        missing = [flags(word is None for word in words)] if self.flagged else []
        return Piece([np.array(self.shares, np.float32)[codes]], missing, [codes])


def read_codes(cells: Sequence[Any], digits: int) -> list[str | None]:
    """Return cells as words, or as codes of so many digits; None where they are missing."""
    return [read_code(cell, digits) if digits else read_word(cell) for cell in cells]


DAY = 86_400  # seconds
LONGEST = {"year": 366, "month": 31, "week": 7, "day": DAY}


@dataclass(frozen=True)
class Moment:
    """A date or time: days since 1970, scaled, and what comes round again as points on circles.

    Attributes:
        order: how dates that are text are written, see `cells`.
        centre, factor: of the scaling.
        cycles: what comes round: year, month, week, day.
        flagged: whether a feature tells that a cell is missing.
    """

    order: str
    centre: float
    factor: float
    cycles: Sequence[str] = ()
    flagged: bool = False

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        moments = np.array([read_moment(cell, self.order) for cell in cells], "datetime64[s]")
        missing = np.isnat(moments)
        features = []
        for cycle in self.cycles:
            place = place_in(cycle, moments)
            angle = 2 * np.pi * (place / LONGEST[cycle])
            features += [np.sin(angle), np.cos(angle)]
            if cycle == "week":
                features.append(np.isin(place, (0, 6)))  # the weekend
        seen = [np.where(missing, 0, feature).astype(np.float32) for feature in features]
        days = np.where(missing, np.nan, moments.astype(np.int64) / DAY)
        return Piece([scaled(days, self.centre, self.factor)], [*seen, flags(missing)] if self.flagged else seen)


def place_in(cycle: str, moments: np.ndarray) -> np.ndarray:
    """Return how far a cycle has gone, from 0: days, or seconds for the day."""
    days = moments.astype("datetime64[D]")
    if cycle == "week":
        return (days.astype(np.int64) + 4) % 7  # 1970 began on a Thursday
    if cycle == "day":
        return (moments - days.astype("datetime64[s]")).astype(np.int64)
    unit = {"year": "datetime64[Y]", "month": "datetime64[M]"}[cycle]
    return (days - moments.astype(unit).astype("datetime64[D]")).astype(np.int64)


@dataclass(frozen=True)
class Text:
    """Free text: a few numbers that its n-grams come to (latent semantic analysis), and how long it is.

    Attributes:
        letters, words: (centre, factor) of the scaling of the logarithms of their numbers.
        arrays: what the names of its arrays begin with.
        flagged: whether a feature tells that a cell is missing.
    """

    letters: tuple[float, float]
    words: tuple[float, float]
    arrays: str
    flagged: bool = False

    def encode(self, cells: Sequence[Any]) -> Piece:
        """Return the features of N cells."""
        texts = [read_word(cell) for cell in cells]
        letters = [math.nan if text is None else math.log1p(len(text)) for text in texts]
        words = [math.nan if text is None else math.log1p(len(text.split())) for text in texts]
        numeric = [scaled(np.array(letters), *self.letters), scaled(np.array(words), *self.words)]
        features = [*self.projected(texts).T]
        return Piece(numeric, [*features, flags(text is None for text in texts)] if self.flagged else features)

    def projected(self, texts: Sequence[str | None]) -> np.ndarray:
        """Return texts as (N, D) numbers within ±3, 0 for those without a word."""
        rarity, axes, middle = (ARRAYS[f"{self.arrays}.{name}"] for name in ("rarity", "axes", "middle"))
        out = np.zeros((len(texts), axes.shape[1]), np.float32)
        for block in blocks(texts):
            grams = count_grams(texts[block])
            values = (1 + np.log(grams.counts)) * rarity[grams.buckets]
            half = 2 * grams.rows + (grams.buckets >= COARSE.half)  # a text's words are of length 1, and so its letters
            lengths = np.sqrt(np.bincount(half, weights=np.square(values), minlength=2 * grams.texts))
            terms = axes[grams.buckets] * (values / lengths[half]).astype(np.float32)[:, None]
            filled, starts = np.unique(grams.rows, return_index=True)
            if len(filled):
                out[block.start + filled] = squashed(np.add.reduceat(terms, starts, axis=0) - middle)
        return out


# --- texts as networks for texts read them ----------------------------------------------------------------------------

FINE = Reading(bits=22, letters=20_000, spelled=400)  # eight million buckets: hardly two n-grams share one
TEXTS: tuple[str, ...] = ()  # the columns of free text, which are read one after the other
GRAMS = 1  # n-grams of a text that are kept: its weightiest
PIECES: dict[str, int] = {}
PIECE_COUNT = 1
BYTE_COUNT = 1


def joined_texts(rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Return the texts of each row, one after the other; None where all are missing."""
    most = FINE.letters // len(TEXTS)  # of each, so that the last column is read too
    found = [[read_word(row[name]) for name in TEXTS] for row in rows]
    texts = [[text[:most] for text in row if text is not None] for row in found]
    return ["\n".join(row) if row else None for row in texts]


def bags(texts: Sequence[str | None]) -> dict[str, np.ndarray]:
    """Return the n-grams of texts (N, G), counted from 1, and their weights (N, G); 0 where a text has fewer.

    A weight is (1 + log count) · rarity. The words of a text have length 1 together, and so have its runs of letters.
    """
    buckets, rarity = ARRAYS["buckets"], ARRAYS["rarity"]
    names = np.zeros((len(texts), GRAMS), np.int32)
    weights = np.zeros((len(texts), GRAMS), np.float32)
    for block in blocks(texts, FINE) if len(buckets) else ():
        grams = count_grams(texts[block], FINE)
        places = np.minimum(np.searchsorted(buckets, grams.buckets), len(buckets) - 1)
        kept = buckets[places] == grams.buckets
        rows, places = grams.rows[kept], places[kept]
        values = (1 + np.log(grams.counts[kept])) * rarity[places]
        half = 2 * rows + (grams.buckets[kept] >= FINE.half)
        lengths = np.sqrt(np.bincount(half, weights=np.square(values), minlength=2 * grams.texts))
        values = (values / lengths[half]).astype(np.float32)
        order = np.lexsort((places, -values, rows))  # the weightiest n-grams of each text first
        rows, places, values = rows[order], places[order], values[order]
        rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
        fits = rank < GRAMS
        names[block.start + rows[fits], rank[fits]] = places[fits] + 1
        weights[block.start + rows[fits], rank[fits]] = values[fits]
    return {"grams": names, "gram_weights": weights}


UNSPACED_LETTERS = "".join(f"{chr(low)}-{chr(high)}" for low, high in UNSPACED)
WORD = re.compile(rf"[{UNSPACED_LETTERS}]|(?:(?![{UNSPACED_LETTERS}_])\w)+|\S")


def piece_numbers(texts: Sequence[str | None]) -> np.ndarray:
    """Return the numbers of the first words and pieces of words (N, L) of each text; 0 behind its end."""
    found = np.zeros((len(texts), PIECE_COUNT), np.int32)
    for row, text in enumerate(texts):
        numbers: list[int] = []
        for word in WORD.findall(plain(text or "", 8 * PIECE_COUNT)):
            numbers += [PIECES[word]] if word in PIECES else cut(word[:40])
            if len(numbers) >= PIECE_COUNT:
                break
        found[row, : len(numbers)] = numbers[:PIECE_COUNT]
    return found


def cut(word: str) -> list[int]:
    """Return the numbers of the pieces of a word: from the left the longest known ones, without unknown letters."""
    numbers, place = [], 0
    while place < len(word):
        mark = "+" if place else ""  # stands in front of a piece inside a word
        ends = range(min(len(word), place + (5 if place else 40)), place, -1)
        end = next((end for end in ends if mark + word[place:end] in PIECES), None)
        if end is not None:
            numbers.append(PIECES[mark + word[place:end]])
        place = end or place + 1
    return numbers


def spelled(texts: Sequence[str | None]) -> np.ndarray:
    """Return the first bytes of each text in UTF-8 (N, L); 0 behind its end, 255 for the letter NUL."""
    found = np.zeros((len(texts), BYTE_COUNT), np.uint8)
    for row, text in enumerate(texts):
        content = (text or "")[:BYTE_COUNT].encode("utf-8", "surrogatepass")[:BYTE_COUNT].replace(b"\0", b"\xff")
        found[row, : len(content)] = np.frombuffer(content, np.uint8)
    return found


# --- the whole table --------------------------------------------------------------------------------------------------

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
    }


def side_by_side(features: Sequence[np.ndarray], rows: int, kind: type) -> np.ndarray:
    """Return features (N,) as columns (N, F)."""
    return np.stack(features, axis=1).astype(kind) if features else np.zeros((rows, 0), kind)


# --- the target -------------------------------------------------------------------------------------------------------

TARGET = ""
LABELS: tuple[Any, ...] = ()
WORDS = tuple((read_word(label) or str(label),) for label in LABELS)  # of each class: how it may be written
SHIFT, SPREAD = 0.0, 1.0  # mean and deviation of the target
MARK = "."  # of decimals
LOW, HIGH = 0.0, 1.0  # its range, which predictions do not leave


def class_numbers(rows: Sequence[Mapping[str, Any]], target: str = TARGET) -> np.ndarray:
    """Return the class of each row (N,), as its place in `LABELS`; -1 where it is unknown."""
    numbers = {word: number for number, words in enumerate(WORDS) for word in words}
    return np.array([numbers.get(read_word(row[target]) or "", -1) for row in rows], np.int64)


def target_values(rows: Sequence[Mapping[str, Any]], target: str = TARGET) -> np.ndarray:
    """Return the target of each row (N,); NaN where it is unknown."""
    return np.array([read_number(row[target], MARK) for row in rows], np.float64)


def read_rows(path: Path, separator: str = ",") -> list[dict[str, str]]:
    """Return the rows of a table that is text with a header, in UTF-8."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file, delimiter=separator))

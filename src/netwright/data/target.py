"""What a target asks for: one of two classes, one of several, or a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.cells import MISSING_NUMBERS, is_missing, read_number, read_word, uses_decimal_comma
from netwright.data.columns import by_distinct, distinct_texts, texts_of, values_of
from netwright.data.findings import Finding
from netwright.data.numeric import LARGEST
from netwright.data.schema import Label, Outcome, Target
from netwright.errors import (
    ConstantTarget,
    NotANumber,
    TooFewRows,
    TooManyClasses,
    UnknownTask,
    WordyTarget,
    WrongClassCount,
    nearest,
)

FEWEST_ROWS = 10
MOST_CLASSES = 1_000
NUMBER_CLASSES = 20  # distinct whole numbers up to which they are classes, not amounts
SCORES = 10  # distinct whole numbers up to which they are classes however they are spread, as digits are
ROWS_A_CLASS = 5  # rows per distinct whole number, at least, for it to be a class
FEW_ROWS = 5  # in a class: fewer than there are folds
MOSTLY = 0.9  # share of cells that must be numbers for words among them to be slips
OUTCOMES = ("auto", "classification", "binary", "multiclass", "regression")


@dataclass(frozen=True)
class _Answers:
    """The cells of a target.

    Attributes:
        name: of the column.
        words: its distinct cells as words, without missing ones; counts: the rows of each.
        written: each of them as it stands in the table.
        numbers: each of them as a number, NaN where it is none.
        rows: cells that are not missing; missing: cells that are.
        mark: the decimal mark of numbers that are text.
        kind: the numpy kind of a typed column; `O` for text.
        category: whether it is a pandas category.
    """

    name: str
    words: tuple[str, ...]
    written: tuple[str, ...]
    counts: NDArray[np.int64]
    numbers: NDArray[np.float64]
    missing: int
    mark: str
    kind: str
    category: bool

    @property
    def rows(self) -> int:
        return int(self.counts.sum())

    @property
    def numeric(self) -> bool:
        """Whether every class is a different number."""
        return bool(np.isfinite(self.numbers).all()) and len(np.unique(self.numbers)) == len(self.numbers)


def infer_target(
    cells: pd.Series, task: str, read: Callable[[str], str | None] = read_word
) -> tuple[Target, tuple[Finding, ...]]:
    """Return the target, and what was noticed in it.

    Texts, booleans and pandas categories are classes. Whole numbers, and texts that are written as such, are classes if
    there are at most `NUMBER_CLASSES` of them, each in `ROWS_A_CLASS` rows on average, and they are not spread like a
    score (see `_is_score`); two different numbers always are. With more, and with fractions, the target is a number; so
    it is if `MOSTLY` all of its many values are. `task` overrules. `read` gives the word that a cell stands for, None
    where it is missing, as of `parse_target`.

    Raises:
        DataError: if it is constant, missing, in too few rows, or does not fit the task.
        UnknownTask: if there is no such task.
    """
    name = str(cells.name)
    if task not in OUTCOMES:
        raise UnknownTask(task, OUTCOMES, nearest(task, OUTCOMES))
    answers = _answers(cells, name, read)
    if answers.rows < FEWEST_ROWS:
        raise TooFewRows(name, answers.rows, FEWEST_ROWS)
    if len(answers.words) < 2:
        raise ConstantTarget(name, answers.words[0])
    outcome = _outcome(answers, task)
    if outcome == Outcome.REGRESSION:
        return _number(answers, cells)
    if len(answers.words) > MOST_CLASSES:
        raise TooManyClasses(name, len(answers.words), MOST_CLASSES)
    if len(answers.words) > max(NUMBER_CLASSES, 0.5 * answers.rows):
        what = f"has {len(answers.words)} different values in {answers.rows} rows, so that hardly any repeats"
        raise WordyTarget(name, what)
    findings = (*_missing_rows(name, answers.missing), *_rare(answers))
    return Target(name, outcome, _labels(answers)), findings


def _answers(cells: pd.Series, name: str, read: Callable[[str], str | None]) -> _Answers:
    values = values_of(cells)
    if values is None:
        found, counts = distinct_texts(texts_of(cells))
        mark, kind = "," if uses_decimal_comma(found) else ".", _type_of_objects(cells)
    elif values.dtype.kind == "M":
        raise WordyTarget(name, "holds dates")
    else:
        distinct, counts = np.unique(values, return_counts=True)
        found, mark, kind = [_word_of_number(value) for value in distinct], ".", _type_of(cells)
    tally: dict[str, int] = {}
    written: dict[str, str] = {}
    for cell, count in zip(found, counts.tolist(), strict=True):
        word = read(cell)
        if word is not None:
            tally[word] = tally.get(word, 0) + count
            written[word] = min(cell, written.get(word, cell))  # the same one whatever the order of the rows
    numbers = np.array([read_number(word, mark) for word in tally], np.float64)
    return _Answers(
        name=name,
        words=tuple(tally),
        written=tuple(written.values()),
        counts=np.array(list(tally.values()), np.int64),
        numbers=numbers,
        missing=len(cells) - sum(tally.values()),
        mark=mark,
        kind=kind,
        category=isinstance(cells.dtype, pd.CategoricalDtype),
    )


def _type_of(cells: pd.Series) -> str:
    """Return the numpy kind of a typed column, of its categories if it has some."""
    dtype = cells.dtype
    return str(getattr(dtype.categories.dtype if isinstance(dtype, pd.CategoricalDtype) else dtype, "kind", "O"))


def _type_of_objects(cells: pd.Series) -> str:
    """Return `b` for a column of Python's booleans, `O` for texts, though they say true and false."""
    return "b" if cells.dtype == object and pd.api.types.infer_dtype(cells, skipna=True) == "boolean" else "O"


def _word_of_number(value: float) -> str:
    """Return a typed number as a word; infinite ones are missing, as everywhere."""
    return (read_word(value) or "") if np.isfinite(value) else ""


def _outcome(answers: _Answers, wanted: str) -> Outcome:
    readable = np.isfinite(answers.numbers)
    numbers = int(answers.counts[readable].sum())
    if wanted == "regression":
        if numbers < max(FEWEST_ROWS, 0.5 * answers.rows) or answers.kind == "b":
            words = [word for word, number in zip(answers.words, readable, strict=True) if not number]
            raise NotANumber(answers.name, (words or list(answers.words))[0])
        return Outcome.REGRESSION
    classes = len(answers.words)
    count = Outcome.BINARY if classes == 2 else Outcome.MULTICLASS
    if wanted == "binary" and count != Outcome.BINARY:
        raise WrongClassCount(answers.name, classes)
    if wanted != "auto" or classes == 2 or answers.kind == "b" or answers.category:
        return Outcome.MULTICLASS if wanted == "multiclass" else count
    if not readable.all():
        slips = numbers >= MOSTLY * answers.rows and int(readable.sum()) > NUMBER_CLASSES
        return Outcome.REGRESSION if slips else count
    whole = bool((answers.numbers % 1 == 0).all())
    few = classes <= NUMBER_CLASSES and answers.rows >= ROWS_A_CLASS * classes
    return count if whole and few and not _is_score(answers) else Outcome.REGRESSION


def _is_score(answers: _Answers) -> bool:
    """Return whether more than ten whole numbers without a gap become steadily more frequent, and then less.

    Names of classes have no order that their frequencies could follow; ages, counts and scores have.
    """
    order = np.argsort(answers.numbers)
    counts, numbers = answers.counts[order], answers.numbers[order]
    if len(numbers) <= SCORES or (np.diff(numbers) != 1).any() or counts.max() < 3 * counts.min():
        return False
    peak = int(counts.argmax())
    return bool((np.diff(counts[: peak + 1]) > 0).all() and (np.diff(counts[peak:]) < 0).all())


def _number(answers: _Answers, cells: pd.Series) -> tuple[Target, tuple[Finding, ...]]:
    """Return a target that is a number."""
    readable = np.isfinite(answers.numbers)
    rows = int(answers.counts[readable].sum())
    if rows < FEWEST_ROWS:
        raise TooFewRows(answers.name, rows, FEWEST_ROWS)
    distinct = np.unique(answers.numbers[readable])
    if len(distinct) < 2:
        raise ConstantTarget(answers.name, str(distinct[0]))
    if np.abs(distinct).max() > LARGEST:
        raise WordyTarget(
            answers.name, f"holds numbers beyond {LARGEST:g}, the squares of which are too large for any error"
        )
    blank = [is_missing(word, MISSING_NUMBERS) for word in answers.words]
    unread = int(answers.counts[~readable & ~np.array(blank)].sum())
    missing = len(cells) - rows - unread
    slips = _unread(answers, cells, unread) if unread else ()
    findings = (*_missing_rows(answers.name, missing), *slips)
    return Target(answers.name, Outcome.REGRESSION, (), answers.mark), findings


def _missing_rows(name: str, missing: int) -> tuple[Finding, ...]:
    what = "1 row has no value" if missing == 1 else f"{missing} rows have no value"
    text = f"{what} in the target {name!r}; what has no answer is left out."
    return (Finding("missing_target", name, text),) if missing else ()


def _unread(answers: _Answers, cells: pd.Series, unread: int) -> tuple[Finding, ...]:
    texts = texts_of(cells)
    odd = ~np.isfinite(texts.numbers(answers.mark))
    odd &= ~by_distinct(texts, lambda text: is_missing(text, MISSING_NUMBERS), True, bool)
    row = int(odd.argmax())
    what = "1 cell is no number" if unread == 1 else f"{unread} cells are no numbers"
    example = f"row {row + 1}: {texts.first(row, 40)!r}"
    text = f"In the target {answers.name!r} {what} ({example}); what has no answer is left out."
    return (Finding("mixed_types", answers.name, text),)


def _labels(answers: _Answers) -> tuple[Label, ...]:
    """Return the classes sorted, numbers by value, with the type that the user gave them.

    Text that is written as whole numbers are gives ints, since a file of text cannot say what it means; other texts,
    `True` and `False` among them, stay as they are written.
    """
    if answers.kind == "b":
        return (False, True)
    if not answers.numeric:
        return tuple(sorted(answers.written))
    ordered = [answers.words[place] for place in np.argsort(answers.numbers, kind="stable")]
    if answers.kind == "f":
        return tuple(float(word) for word in ordered)
    if all(_is_whole(word) for word in ordered):
        return tuple(int(word) for word in ordered)
    return tuple(ordered)


def _is_whole(word: str) -> bool:
    digits = word.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) <= 18 and str(int(word)) == word


def _rare(answers: _Answers) -> tuple[Finding, ...]:
    rows = zip(answers.counts.tolist(), answers.words, strict=True)
    ordered = sorted((count, word) for count, word in rows if count < FEW_ROWS)
    if not ordered:
        return ()
    listed = ", ".join(f"{word!r}: {count}" for count, word in ordered[:5]) + (" and more" if len(ordered) > 5 else "")
    text = (
        f"Of the {len(answers.words)} classes of {answers.name!r}, {len(ordered)} with fewer than {FEW_ROWS} rows "
        f"({listed}): they are learnt from, but little can be said of how well."
    )
    return (Finding("rare_class", answers.name, text),)

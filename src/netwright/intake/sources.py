"""What a run learns from and is tested on, as the user names it: read, its target found, its groups set apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.findings import Finding
from netwright.data.folders import CLASS, column_of_folder, parted
from netwright.data.groups import check_groups, kept_together
from netwright.data.large import LargeTable, Sample
from netwright.data.needs import MOST_AGAIN, judged_rows, large_table, needed, preparable
from netwright.data.reading import read_table
from netwright.data.tagged import TAG, is_tagged
from netwright.engine.resuming import LESS_MEMORY
from netwright.errors import (
    CannotGoOn,
    DataError,
    GroupOfTarget,
    NoClasses,
    NoTarget,
    OneGroup,
    UnequalLengths,
    UnknownColumn,
    nearest,
)
from netwright.events import DataRead
from netwright.resources.memory import Memory
from netwright.tasks import reader
from netwright.tasks.task import Loaded

if TYPE_CHECKING:
    import pandas as pd


MEMORY, TIME = "memory", "time"  # what all rows of a table take too much of
TEST_SEED = 1  # another than that of the rows to learn from: both files may be one


@dataclass(frozen=True, eq=False)  # frames have no equality of one bit
class Tables:
    """What was read.

    Attributes:
        table: what to learn from; of a large table the rows that are held.
        target: the column to predict.
        tested: what to test on; None where there is nothing.
        large: the whole of a table that takes too much memory or time; None for one that is held.
        short_of: which of the two, `MEMORY` or `TIME`.
        sample: the rows of it that are held.
        findings: what is to be told of how it was read.
    """

    table: pd.DataFrame
    target: str
    tested: pd.DataFrame | None
    large: LargeTable | None = None
    short_of: str = ""
    sample: Sample | None = None
    findings: tuple[Finding, ...] = ()


def read_tables(
    data: str | Path | pd.DataFrame | NDArray[Any],
    target: str | Sequence[Any] | NDArray[Any] | None,
    test: str | Path | pd.DataFrame | None,
    task: str,
    *,
    memory: Memory,
    left: Callable[[], float],
    seed: int = 0,
    before: DataRead | None = None,
) -> Tables:
    """Return the table to learn from, the column to predict, and the table to test on if there is one.

    Args:
        data: as of `api.fit`, as are `target`, `test` and `task`.
        target: the column to predict, or labels.
        test: rows to judge the finished model on.
        task: what the user calls it.
        memory: that may be taken. Of a table that it does not hold some rows are drawn.
        left: → seconds of the run that are left, infinite without a limit. Of a table that they do not suffice to
            prepare, the same.
        seed: by which they are drawn.
        before: what an earlier run read of the same data, which this one goes on with: as many are drawn again.

    Raises:
        CannotGoOn: if the earlier run held all rows, and there is far less memory now.
        DataError: if one of them cannot be read, or nobody said what to predict.
    """
    if before is None:
        large, short_of = _large(data, task, memory.room, left)
    else:
        large, short_of = _large_again(data, task, before, memory.room)
    if large is not None:
        if not isinstance(target, str):
            raise NoTarget
        most = judged_rows(large, memory.room, 1)
        if before is not None and before.drawn is not None:
            most = max(1, min(before.drawn, MOST_AGAIN * most))
        sample = large.sample(most, seed)
        tested, findings = _to_test_on(test, task, memory, left)
        return Tables(sample.table, target, tested, large, short_of, sample, findings)
    table, part = parted(reader(task, data)(data))
    if isinstance(data, np.ndarray) and target is not None and not isinstance(target, str):
        if len(target) != len(table):
            raise UnequalLengths(len(table), len(target))
        table, target = table.assign(**{CLASS: [*target]}), CLASS
    if target is None and column_of_folder(table) and CLASS in table.columns:
        target = CLASS
        if table[CLASS].isna().all():
            raise NoClasses(data)
    if target is None and is_tagged(table) and TAG in table.columns:
        target = TAG
    if not isinstance(target, str):
        raise NoTarget
    tested, findings = _to_test_on(test, task, memory, left)
    return Tables(table, target, part if test is None else tested, findings=findings)


def _large(source: Any, task: str, room: float, left: Callable[[], float]) -> tuple[LargeTable | None, str]:
    """Return a table that takes too much, and of what; None for one that does not, and for what is no table."""
    if reader(task, source) is not read_table:
        return None, ""
    in_time = preparable(left())
    least = min(room, in_time)
    if needed(source, least) <= least:
        return None, ""
    if _short_of(source, room) == MEMORY:
        return large_table(source, room), MEMORY
    try:
        return large_table(source, in_time), TIME
    except DataError:  # it is read as a whole: that takes as long as it takes, or says what is wrong with it
        return None, ""


def _short_of(source: Any, room: float) -> str:
    """Return what all rows of a large table take too much of."""
    return MEMORY if needed(source, room) > room else TIME


def _large_again(source: Any, task: str, before: DataRead, room: float) -> tuple[LargeTable | None, str]:
    """Return a table that an earlier run did not hold either, whatever memory and time there is now; and `_short_of`.

    Raises:
        CannotGoOn: if it held it, and there is far less memory now.
    """
    if before.drawn is not None:
        return (None, "") if needed(source, 0.0) == 0 else (large_table(source, room), _short_of(source, room))
    if reader(task, source) is read_table and needed(source, MOST_AGAIN * room) > MOST_AGAIN * room:
        raise CannotGoOn(LESS_MEMORY)
    return None, ""


def _to_test_on(
    test: str | Path | pd.DataFrame | None, task: str, memory: Memory, left: Callable[[], float]
) -> tuple[pd.DataFrame | None, tuple[Finding, ...]]:
    """Return the table to test on, or some of its rows where it takes too much, and what is told of that."""
    if test is None:
        return None, ()
    room = min(memory.room, memory.left)  # the rows to learn from are held already
    large, short_of = _large(test, task, room, left)
    if large is None:
        rest, judged = parted(reader(task, test)(test))
        return rest if judged is None else judged, ()
    sample = large.sample(judged_rows(large, room, 1), TEST_SEED)
    text = (
        f"The data to test on takes more {short_of} than there is: the model is tested on {len(sample.table):,} of its "
        f"{large.rows:,} rows, drawn at random."
    )
    return sample.table, (Finding("test_sampled", None, text),)


def without_group(table: pd.DataFrame, target: str, group: str | None) -> tuple[pd.DataFrame, pd.Series[Any] | None]:
    """Return the table without the column of groups, and that column.

    Raises:
        SettingError: if there is no such column beside the target.
    """
    if group is None:
        return table, None
    if group == target:
        raise GroupOfTarget(group)
    if group not in table.columns:
        raise UnknownColumn(group, nearest(group, [*table.columns]))
    return table.drop(columns=group), table[group]


def grouped(loaded: Loaded, cells: pd.Series[Any] | None) -> Loaded:
    """Return the rows with those kept together that have equal cells.

    Raises:
        OneGroup: if that is all of them.
    """
    if cells is None:
        return loaded
    own = cells.iloc[loaded.places]
    groups, words = kept_together(loaded.groups, own), own.map(str).nunique()
    if groups.max() == 0 or words < 2:
        raise OneGroup(str(cells.name))
    findings = (*loaded.findings, *check_groups(groups, loaded.truth, loaded.schema.target))
    return replace(loaded, groups=groups, findings=findings, drawn_together=True)

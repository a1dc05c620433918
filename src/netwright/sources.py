"""What a run learns from and is tested on, as the user names it: read, its target found, its groups set apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.folders import CLASS, column_of_folder, parted
from netwright.data.groups import check_groups, kept_together
from netwright.data.tagged import TAG, is_tagged
from netwright.errors import GroupOfTarget, NoClasses, NoTarget, OneGroup, UnequalLengths, UnknownColumn, nearest
from netwright.tasks import reader
from netwright.tasks.task import Loaded

if TYPE_CHECKING:
    import pandas as pd


def read_tables(
    data: str | Path | pd.DataFrame | NDArray[Any],
    target: str | Sequence[Any] | NDArray[Any] | None,
    test: str | Path | pd.DataFrame | None,
    task: str,
) -> tuple[pd.DataFrame, str, pd.DataFrame | None]:
    """Return the table to learn from, the column to predict, and the table to test on if there is one.

    Raises:
        DataError: if one of them cannot be read, or nobody said what to predict.
    """
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
    if test is None:
        return table, target, part
    rest, judged = parted(reader(task, test)(test))
    return table, target, rest if judged is None else judged


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

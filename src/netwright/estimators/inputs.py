"""What scikit-learn's users give, as tables: frames with the kinds of their columns, arrays and lists as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_consistent_length, validate_data

from netwright.data.reading import as_table
from netwright.data.schema import Kind
from netwright.errors import EmptyTable


@dataclass(frozen=True)
class Learnt:
    """Rows to learn from, as `api.fit` takes them.

    Attributes:
        table: the inputs, the target and, where rows belong together, their groups.
        target: the name of its column; groups: that of the groups, None without any.
        task: the task that they are of.
        kinds: column → kind, where it is known.
    """

    table: pd.DataFrame
    target: str
    groups: str | None
    task: str
    kinds: Mapping[str, str]


def table_of(estimator: Any, inputs: Any, *, reset: bool) -> pd.DataFrame:
    """Return inputs (N, F) as a table; of arrays and lists the columns are named x0, x1, ….

    Args:
        estimator: gets `n_features_in_` and, of a frame, `feature_names_in_`; or is asked whether these agree.
        inputs: a frame, an array, or lists of rows.
        reset: whether it is to be learnt from.

    Raises:
        ValueError: if it is no table, holds none, or has other columns than were learnt from.
        TypeError: if it is sparse.
    """
    if isinstance(inputs, pd.DataFrame):
        validate_data(estimator, inputs, reset=reset, skip_check_array=True)
        if reset and not inputs.size:
            raise EmptyTable("The data frame", f"it has {inputs.shape[0]} rows and {inputs.shape[1]} columns")
        return as_table(inputs)
    least = 2 if reset else 1  # fewer than `fit` needs are refused there, in its words
    cells = validate_data(estimator, inputs, reset=reset, dtype=None, ensure_all_finite=False, ensure_min_samples=least)
    return pd.DataFrame(cells, columns=[f"x{place}" for place in range(cells.shape[1])])


def kinds_of(inputs: Any, table: pd.DataFrame) -> dict[str, str]:
    """Return the kinds of the columns that are known without a look at them: in an array of numbers, all are numbers.

    A frame says more: there a column that numbers its rows is one that a person has put there, and is left out.
    """
    if isinstance(inputs, pd.DataFrame):
        return {}
    return {str(name): Kind.NUMERIC for name in table.columns if table[name].dtype.kind in "iuf"}


def learnt_from(
    table: pd.DataFrame, target: Any, answers: NDArray[Any], groups: Any, kinds: Mapping[str, str], outcome: str
) -> Learnt:
    """Return inputs (N, F), answers (N,) and groups (N,) or None as one table; the inputs are left as they are.

    Args:
        table: the inputs.
        target: what was given as answers; where it is a column with a name, that is kept.
        answers: the same as an array.
        groups: rows with one value are learnt from or judged on together.
        kinds: column → kind, where it is known.
        outcome: classification or regression.

    Raises:
        ValueError: if there are not as many of each.
    """
    check_consistent_length(table, answers, *([] if groups is None else [groups]))
    numbers = len(kinds) == len(table.columns)  # so that no column need be asked whether it names images
    name = _free_name(getattr(target, "name", None) or "target", table)
    whole = table.copy(deep=False)
    whole[name] = answers
    grouping = None if groups is None else _free_name("groups", whole)
    if grouping is not None:
        whole[grouping] = np.asarray(groups)
    return Learnt(whole, name, grouping, f"tabular_{outcome}" if numbers else outcome, kinds)


def _free_name(wanted: Any, table: pd.DataFrame) -> str:
    """Return a name that no column has."""
    name = str(wanted)
    while name in table.columns:
        name += "_"
    return name

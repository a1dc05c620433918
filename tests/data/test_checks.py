"""What is odd about a table as a whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from netwright.data.checks import check_table
from netwright.data.findings import Finding
from netwright.data.inference import infer_schema
from netwright.data.parsing import parse_frame, parse_target

ROWS = 400


def check(table: pd.DataFrame, target: str = "y", task: str = "auto") -> tuple[Finding, ...]:
    """Return what is odd about a table."""
    schema, _ = infer_schema(table, target, kinds={}, task=task)
    return check_table(parse_frame(table, schema), schema, parse_target(table, schema.target))


def classes(rows: int = ROWS, count: int = 3, seed: int = 0) -> tuple[np.random.Generator, np.ndarray, pd.DataFrame]:
    """Return a generator, class numbers and a table of noise with them as target."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, count, rows)
    return generator, truth, pd.DataFrame({"noise": generator.normal(size=rows), "y": np.array(list("uvwxyz"))[truth]})


def leaks(findings: tuple[Finding, ...]) -> list[str | None]:
    """Return the columns that are said to leak."""
    return [finding.column for finding in findings if finding.kind == "leak"]


@pytest.mark.parametrize("count", [2, 3])
def test_a_column_that_is_the_target_in_disguise_is_told(count: int) -> None:
    """Renamed classes, their numbers with noise, and finer groups of them are leaks; what is only good is not."""
    generator, truth, table = classes(count=count)
    table["renamed"] = np.array(["rot", "grün", "blau"])[truth]
    table["shifted"] = truth * 10.0 + generator.normal(size=ROWS)
    table["finer"] = [f"{label}{generator.integers(4)}" for label in truth]
    table["good"] = np.where(generator.random(ROWS) < 0.9, truth, 0) + generator.normal(size=ROWS) * 0.1
    found = check(table)
    assert leaks(found) == ["renamed", "shifted", "finer"]
    message = next(finding.message for finding in found if finding.column == "renamed")
    assert "accuracy 1.000" in message and "It is used" in message


def test_being_missing_may_leak() -> None:
    """A column that is filled for one class only tells it, whatever it holds."""
    generator, truth, table = classes(count=2)
    table["boat"] = np.where(truth == 1, generator.choice(["a", "b", "c"], ROWS), None)
    table["body"] = np.where(truth == 1, generator.normal(size=ROWS), np.nan)
    assert leaks(check(table)) == ["boat", "body"]


def test_rare_classes_are_no_excuse() -> None:
    """Where one class has 97 % of the rows, a column leaks only if it finds the others."""
    generator = np.random.default_rng(0)
    truth = (generator.random(4_000) < 0.03).astype(int)
    table = pd.DataFrame(
        {"noise": generator.normal(size=4_000), "leak": truth + generator.normal(size=4_000) * 0.01, "y": truth}
    )
    assert leaks(check(table)) == ["leak"]


def test_a_number_in_disguise_is_told() -> None:
    """The target in another unit, on another scale or with a breath of noise leaks; a strong input does not."""
    generator = np.random.default_rng(0)
    truth = generator.normal(size=2_000)
    table = pd.DataFrame(
        {
            "miles": truth * 0.62,
            "exponential": np.exp(truth),
            "noisy": truth + generator.normal(size=2_000) * 0.001,
            "strong": truth + generator.normal(size=2_000) * 0.2,
            "noise": generator.normal(size=2_000),
            "y": truth,
        }
    )
    assert leaks(check(table)) == ["miles", "exponential", "noisy"]


def test_enormous_numbers_are_no_obstacle() -> None:
    """The largest floats there are, with missing cells beside them, can be looked at like others."""
    _, truth, table = classes(count=2)
    table["huge"] = np.where(truth == 1, 1.7e308, -1.7e308)
    table["holes"] = np.where(truth == 1, 1.7e308, np.nan)
    assert leaks(check(table)) == ["huge", "holes"]


def test_many_columns_of_noise_do_not_leak_by_luck() -> None:
    """In a small table of a thousand columns some fit by chance; none is called a leak."""
    generator = np.random.default_rng(0)
    table = pd.DataFrame(generator.normal(size=(60, 1_001))).rename(columns=str)
    table["y"] = generator.integers(0, 2, 60)
    found = check(table)
    assert leaks(found) == []
    assert [finding.kind for finding in found] == ["many_columns"]


def test_repeated_rows_are_told() -> None:
    """Rows that repeat another are counted, and what is done with them is said."""
    _, _, table = classes()
    found = check(pd.concat([table, table.iloc[:7]]))
    assert [finding.kind for finding in found] == ["duplicate_rows"] and found[0].message.startswith("7 rows")


def test_repeated_columns_are_told() -> None:
    """Columns of the same cells are named together."""
    generator, _, table = classes()
    table["again"], table["other"] = table["noise"], generator.normal(size=ROWS)
    table["word"] = generator.choice(["a", "b"], ROWS)
    table["word again"] = table["word"]
    found = [finding for finding in check(table) if finding.kind == "duplicate_columns"]
    assert [finding.column for finding in found] == ["again", "word again"]
    assert "'noise'" in found[0].message


def test_a_clean_table_gets_no_remark() -> None:
    """Nothing odd, nothing said, and the cells stay as they are."""
    _, _, table = classes()
    assert check(table) == ()

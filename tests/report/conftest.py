"""Runs as the engine would record them, for the tests of the report."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from netwright.events import (
    BestImproved,
    DataRead,
    EpochDone,
    RunFinished,
    RunStarted,
    TrialFailed,
    TrialFinished,
    TrialStarted,
)
from netwright.journal import Journal
from netwright.result import Baseline, Result, Standing

HOSTILE = '"><script>alert(1)</script>'
SETTINGS = {
    "data": "kunden 2025.csv",
    "target": "Vertragsart",
    "time": 60.0,
    "trials": None,
    "seed": 0,
    "task": "auto",
    "metric": "auto",
    "kinds": {"PLZ": "categorical"},
    "netwright": "0.1.0",
}
LABELS = ("monthly", "yearly", "两年合同", HOSTILE)
COLUMNS = (
    ("age", "numeric", False, 0.0, 71),
    ("PLZ", "categorical", True, 0.013, 1422),
    ("备注", "text", False, 0.45, 9120),
    ("signed on", "datetime", False, 0.0, 2210),
    ("customer number", "identifier", False, 0.0, 12480),
    ("country", "constant", False, 0.0, 1),
    ("fax", "constant", False, 1.0, 0),
    (HOSTILE, "boolean", False, 0.02, 2),
)


def classes() -> Result:
    """Return what came of a run with four classes."""
    board = (
        Standing(7, "periodic, 3 × 256 SiLU, 16 members", "portfolio", 0.8612, 0.4011, 0.52, 1_204_224, 9.41),
        Standing(11, "piecewise, residual 4 × 192", "mutation", 0.8579, 0.4105, 0.31, 2_644_100, 12.8),
        Standing(4, "plain, 2 × 128 ReLU", "random", 0.8433, 0.4498, 0.17, 88_000, 2.1),
        Standing(1, "plain, 1 × 64", "portfolio", 0.8102, 0.5301, 0.0, 12_000, 0.4),
    )
    return Result(
        task="tabular_multiclass",
        metric="accuracy",
        greater_is_better=True,
        score=0.8634,
        score_low=0.8572,
        score_high=0.8694,
        estimate="Each row was predicted by networks that were not trained on it.",
        metrics={"accuracy": 0.8634, "log_loss": 0.3972, "balanced_accuracy": 0.7911},
        test_metrics={"accuracy": 0.8605, "log_loss": 0.4020, "balanced_accuracy": math.nan},
        baselines=(Baseline("always the usual answer", 0.5502), Baseline("untuned default network", 0.8433)),
        leaderboard=board,
        seconds=58.7,
        trials=14,
        failed=2,
        labels=LABELS,
        confusion=((6400, 301, 120, 45), (402, 2501, 88, 20), (150, 92, 1503, 31), (60, 33, 41, 693)),
        reliability=tuple((0.3 + 0.1 * i, 0.28 + 0.098 * i, 30.0 * 2**i) for i in range(7)),
        importance=(("age", 0.1213), ("备注", 0.0871), ("PLZ", 0.0322), (HOSTILE, 0.0104), ("signed on", -0.0002)),
        ended_early=False,
    )


def numbers() -> Result:
    """Return what came of a run that predicts a number."""
    pairs = tuple((200_000 + 900 * i, 195_000 + 900 * i + 30_000 * math.sin(7 * i), 1.0) for i in range(300))
    return Result(
        task="tabular_regression",
        metric="rmse",
        greater_is_better=False,
        score=24_318.4,
        score_low=22_910.0,
        score_high=25_922.3,
        estimate="Each row was predicted by networks that were not trained on it.",
        metrics={"rmse": 24_318.4, "mae": 16_120.0, "r2": 0.8731},
        test_metrics={},
        baselines=(Baseline("always the usual answer", 79_400.0),),
        leaderboard=(Standing(1, "plain, 1 × 64", "portfolio", 24_318.4, 0.34, 1.0, 12_000, 0.4),),
        seconds=7380.0,
        trials=1,
        failed=0,
        labels=(),
        confusion=(),
        reliability=pairs,
        importance=(),
        ended_early=True,
    )


def tell(journal: Journal, result: Result) -> None:
    """Record a run that came to this result."""
    columns = [dict(zip(("name", "kind", "stated", "missing", "distinct"), column, strict=True)) for column in COLUMNS]
    findings = (
        {"kind": "duplicate_rows", "column": None, "message": "32 rows repeat another row."},
        {"kind": "leak", "column": HOSTILE, "message": f"Column {HOSTILE!r} alone predicts the target."},
    )
    schema = {"columns": columns, "target": {"name": "Vertragsart"}}
    journal.record(RunStarted(SETTINGS))
    journal.record(DataRead(0.8, schema, findings, 12_480, len(columns)))
    for trial in range(14):
        journal.record(TrialStarted(1.0 + 4 * trial, trial, f"plain, {trial}", "random", {}, 1000))
        for epoch in range(1, 40):
            loss = 0.4 + 0.02 * trial + 0.9 * math.exp(-epoch / (5 + trial))
            journal.record(EpochDone(1.0 + 4 * trial + epoch / 10, trial, epoch, 40, loss))
        if trial in (3, 9):
            journal.record(TrialFailed(5.0 + 4 * trial, trial, f"the loss was not a number {HOSTILE}"))
            continue
        journal.record(TrialFinished(5.0 + 4 * trial, trial, 0.8, 0.4 + 0.02 * trial, 3.9))
    for place, seconds in enumerate((0.9, 1.6, 3.2, 7.5, 19.0, 44.0)):
        better = result.score * (1 - (1 if result.greater_is_better else -1) * 0.12 * 0.5**place)
        journal.record(BestImproved(seconds, better, 0.4, place + 1))
    journal.record(RunFinished(result.seconds, result))


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[[Result], Path]:
    """Return a function that records a run with a result, and returns where."""

    def record(result: Result) -> Path:
        path = tmp_path / "journal.sqlite"
        with Journal.create(path) as journal:
            tell(journal, result)
        return path

    return record


@pytest.fixture
def of_classes() -> Result:
    """The result of a run with four classes."""
    return classes()


@pytest.fixture
def of_numbers() -> Result:
    """The result of a run that predicts a number."""
    return numbers()

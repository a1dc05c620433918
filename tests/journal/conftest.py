"""What the tests of the record share."""

from __future__ import annotations

import math

import pytest

from netwright.result import Baseline, Result, Standing


@pytest.fixture
def outcome() -> Result:
    """Return a result with something in every field."""
    return Result(
        task="tabular_binary",
        metric="accuracy",
        greater_is_better=True,
        score=0.9,
        score_low=0.85,
        score_high=0.94,
        estimate="Each row was predicted by networks that did not see it.",
        metrics={"accuracy": 0.9, "roc_auc": math.inf},
        test_metrics={"accuracy": 0.89},
        baselines=(Baseline("always the usual answer", 0.6),),
        leaderboard=(Standing(1, "wide", "portfolio", 0.9, 0.3, 1.0, 1234, 2.5),),
        seconds=12.5,
        trials=2,
        failed=1,
        labels=("是", "</script>"),
        confusion=((5, 1), (2, 7)),
        reliability=((0.5, 0.6, 10.0),),
        importance=(("größe", 0.2),),
        ended_early=False,
    )

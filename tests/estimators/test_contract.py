"""The estimators pass every check of scikit-learn's contract; none is expected to fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from netwright import Classifier, Regressor

QUICK = {"trials": 1, "device": "cpu"}


@pytest.mark.filterwarnings("ignore:The number of unique classes")
@parametrize_with_checks([Classifier(**QUICK), Regressor(**QUICK)])
def test_a_check_of_scikit_learn(estimator: Any, check: Callable[[Any], None]) -> None:
    """Each is a test of its own."""
    check(estimator)

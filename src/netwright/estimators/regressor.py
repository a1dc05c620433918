"""A regressor after scikit-learn's contract."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import assert_all_finite, column_or_1d, validate_data

from netwright.estimators.estimator import Estimator
from netwright.estimators.inputs import kinds_of, learnt_from, table_of


class Regressor(RegressorMixin, Estimator):
    """Predicts numbers: designs, trains and selects a network in a given time, as `netwright.fit` does.

    Inputs are frames with columns of any kind, arrays, or lists of rows; cells may be missing. The columns of an array
    of numbers are all learnt from as numbers; of a frame, those that number its rows are left out, as for `fit`.

    Args:
        time: wall clock of `fit`, such as `"60s"` or `"5m"`. Ignored when `trials` is given.
        trials: a number of trials instead of a time; the same `random_state` then gives the same model.
        metric: what to choose by: auto (rmse), mae, r2 and others of `netwright.fit`.
        search: the way to search: auto, evolution, local, mixed, random or tpe.
        kinds: column → kind, where the inferred one is wrong; columns of an array are named x0, x1, ….
        pretrained: weights that others have trained, for texts and images: see `netwright.fit`.
        single: hand over one network in place of a mix.
        max_latency: what predicting one row may take, such as `"1ms"`.
        max_size: what the model file may take, such as `"2MB"`.
        device: where networks are trained: auto, cpu, cuda, cuda:1.
        memory: what the process may hold at its peak, such as `"4GB"`; None is 80 % of what is free.
        workers: how many processes train; None trains in this one.
        cluster: a Ray cluster that trains in their place: see `netwright.fit`.
        out: the folder for model.nw, the report and the journal; by default a temporary one, removed after `fit`.
        random_state: the seed; None draws one from NumPy's own generator.

    Attributes:
        model_: the `netwright.Model`.
        n_features_in_: the number of columns learnt from.
        feature_names_in_: (F,) their names, if a frame with names was learnt from.
    """

    def fit(self, X: Any, y: Any, groups: Any = None) -> Regressor:
        """Learn from rows and their numbers.

        Args:
            X: (N, F) inputs; sparse ones are refused.
            y: (N,) numbers, all finite and not all the same.
            groups: (N,) rows with one value, such as the person that they are of, are learnt from or judged on
                together.

        Returns:
            The regressor itself.

        Raises:
            ValueError: if the rows, the numbers or a setting cannot be used; the sentence says where and why.
            TypeError: if `X` is sparse.
        """
        table = table_of(self, X, reset=True)
        validate_data(self, X, y, reset=False, skip_check_array=True)  # refuses that there is no y
        numbers = column_or_1d(y, dtype=np.float64, warn=True)
        assert_all_finite(numbers, input_name="y")
        self._learn(learnt_from(table, y, numbers, groups, kinds_of(X, table), "regression"))
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the number (N,) of each row, in the unit of what was learnt from.

        Raises:
            NotFittedError: if nothing was learnt yet.
            ValueError: if the columns are others than were learnt from.
        """
        return np.asarray(self._answers(X))

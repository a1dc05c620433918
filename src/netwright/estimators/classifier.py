"""A classifier after scikit-learn's contract."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, column_or_1d, validate_data

from netwright.data.cells import read_word
from netwright.data.parsing import parse_target
from netwright.data.tagged import looks_tagged
from netwright.data.tags import iob2_labels, marks_entities
from netwright.errors import MixedLabels, OneClass, OtherTags
from netwright.estimators.estimator import Estimator
from netwright.estimators.inputs import kinds_of, learnt_from, table_of


class Classifier(ClassifierMixin, Estimator):
    """Predicts classes: designs, trains and selects a network in a given time, as `netwright.fit` does.

    Inputs are frames with columns of any kind, arrays, or lists of rows; cells may be missing. The columns of an array
    of numbers are all learnt from as numbers; of a frame, those that number its rows are left out, as for `fit`.

    Args:
        time: wall clock of `fit`, such as `"60s"` or `"5m"`. Ignored when `trials` is given.
        trials: a number of trials instead of a time; the same `random_state` then gives the same model.
        metric: what to choose by: auto (accuracy), balanced_accuracy, log_loss, roc_auc and others of `netwright.fit`.
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
        classes_: (K,) the classes, sorted, with the type that they were given in.
        n_features_in_: the number of columns learnt from.
        feature_names_in_: (F,) their names, if a frame with names was learnt from.
    """

    classes_: NDArray[Any]
    _order: NDArray[np.int64]

    def fit(self, X: Any, y: Any, groups: Any = None) -> Classifier:
        """Learn from rows and their classes.

        Args:
            X: (N, F) inputs; sparse ones are refused.
            y: (N,) classes: texts, whole numbers or truth values.
            groups: (N,) rows with one value, such as the person that they are of, are learnt from or judged on
                together.

        Returns:
            The classifier itself.

        Raises:
            ValueError: if the rows, the classes or a setting cannot be used; the sentence says where and why.
            TypeError: if `X` is sparse.
        """
        table = table_of(self, X, reset=True)
        validate_data(self, X, y, reset=False, skip_check_array=True)  # refuses that there is no y
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        classes, numbers_of_rows = _classes(labels)
        check_classification_targets(labels)
        spoken = _spoken(classes)
        learnt = learnt_from(table, y, spoken[numbers_of_rows], groups, kinds_of(X, table), "classification")
        if not self.kinds and looks_tagged(learnt.table, learnt.target):
            _check_tags(classes.tolist())
        self._learn(learnt)
        named = pd.DataFrame({learnt.target: spoken})
        self._order = parse_target(named, self.model_.preparation.schema.target).astype(np.int64)
        self.classes_ = classes
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class (N,) of each row.

        Raises:
            NotFittedError: if nothing was learnt yet.
            ValueError: if the columns are others than were learnt from.
        """
        chosen = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[chosen])

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the calibrated probability of each class (N, K), in the order of `classes_`.

        Raises:
            NotFittedError: if nothing was learnt yet.
            ValueError: if the columns are others than were learnt from.
        """
        answers = self._answers(X)
        return np.asarray(answers[:, self._order])


def _classes(labels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the classes (K,), sorted, and the number of each row's class (N,).

    Raises:
        DataError: if they cannot be put in order, or there is only one.
    """
    try:
        classes, rows = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise MixedLabels(sorted({type(label).__name__ for label in labels.tolist()})) from error
    if len(classes) == 1:
        raise OneClass(str(classes[0]))
    return classes, rows.astype(np.int64)


def _check_tags(tags: list[str]) -> None:
    """Refuse tags that a model of tokens does not answer in: it marks entities by the scheme IOB2.

    Raises:
        OtherTags: if there are some.
    """
    others = {*tags} - {*iob2_labels(tags)} if marks_entities(tags) else set()
    if others:
        raise OtherTags(min(others))


def _spoken(classes: NDArray[Any]) -> NDArray[Any]:
    """Return classes (K,) as the model names them: themselves, unless a cell of a table cannot say them.

    In a table `NA` says that there is no answer, and `a` and `a ` are one word. Then they are called by their numbers.
    """
    plain = all(isinstance(label, str | bool | numbers.Real) for label in classes.tolist())
    words = [read_word(label) for label in classes.tolist()] if plain else []
    if plain and None not in words and len({*words}) == len(classes):
        return classes
    return np.array([f"class {place}" for place in range(len(classes))], object)

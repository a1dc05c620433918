"""What users of scikit-learn expect beyond its checks: pipelines, searches, files, frames, groups, odd labels."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import netwright as nw
from netwright.errors import BundleError, DataError, OtherTags, SettingError
from netwright.estimators.inputs import learnt_from

ROWS = 120


def classes(**options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of numbers, and which of two classes each is of."""
    return make_classification(ROWS, 5, class_sep=2.0, random_state=0, **options)


def quick(**settings: Any) -> nw.Classifier:
    """Return a classifier that is soon fitted."""
    return nw.Classifier(trials=1, device="cpu", **settings)


@pytest.fixture(scope="module")
def fitted() -> nw.Classifier:
    """Return a classifier of texts, fitted on an array."""
    inputs, labels = classes()
    return quick().fit(inputs, np.array(["no", "yes"])[labels])


def mixed_frame() -> tuple[pd.DataFrame, pd.Series]:
    """Return columns of several kinds, a missing cell in each, and a target with a name."""
    generator = np.random.default_rng(0)
    size, colour = generator.normal(size=ROWS), generator.choice(["red", "blue"], ROWS)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 400, ROWS), unit="D")
    frame = pd.DataFrame({"size": size, "colour": colour, "day": day}, index=np.arange(ROWS)[::-1] + 7)
    target = pd.Series(np.where(size + (colour == "red") > 0.5, "large", "small"), index=frame.index, name="kind")
    frame.iloc[3, 0], frame.iloc[4, 1], frame.iloc[5, 2] = np.nan, None, pd.NaT
    return frame, target


def test_frames_with_columns_of_any_kind() -> None:
    """Words, dates and missing cells are learnt from, the model knows the names, and nothing given is changed."""
    frame, target = mixed_frame()
    before = frame.copy(deep=True)
    estimator = quick().fit(frame, target)
    pd.testing.assert_frame_equal(frame, before)
    assert estimator.score(frame, target) > 0.8
    assert [*estimator.feature_names_in_] == ["size", "colour", "day"] and estimator.n_features_in_ == 3
    schema = estimator.model_.preparation.schema
    assert schema.target.name == "kind" and schema.target.labels == ("large", "small")
    with pytest.raises(ValueError, match="Feature names"):
        estimator.predict(frame[["colour", "size", "day"]])


def test_a_target_may_be_called_like_a_column() -> None:
    """It then gets another name in the model."""
    frame, target = mixed_frame()
    estimator = quick().fit(frame, target.rename("size"))
    assert estimator.model_.preparation.schema.target.name == "size_"
    assert estimator.score(frame, target) > 0.8


@pytest.mark.parametrize("name", ["self", "groups", "size", 7])
def test_a_target_may_have_any_name(name: Any) -> None:
    """That of the groups or of a column, too; and what is learnt from is left as it is."""
    frame, target = mixed_frame()
    columns = [*frame.columns]
    found = learnt_from(frame, target.rename(name), target.to_numpy(), target.to_numpy(), {}, "classification")
    assert found.table[found.target].tolist() == found.table[found.groups].tolist() == target.tolist()
    assert len(found.table.columns) == len(columns) + 2 and [*frame.columns] == columns


def test_a_pipeline_is_cross_validated() -> None:
    """The score on rows left out is that of something learnt."""
    inputs, labels = classes()
    scores = cross_val_score(make_pipeline(StandardScaler(), quick()), inputs, labels, cv=2)
    assert scores.mean() > 0.8


def test_a_grid_is_searched() -> None:
    """Settings are changed by their names, and the best model is refitted."""
    inputs, labels = classes()
    search = GridSearchCV(quick(), {"trials": [1, 2], "metric": ["log_loss"]}, cv=2, scoring="neg_log_loss")
    search.fit(inputs, labels)
    assert search.best_params_["trials"] in (1, 2) and search.best_estimator_.score(inputs, labels) > 0.8


def test_a_clone_has_the_settings_and_no_model(fitted: nw.Classifier) -> None:
    """As of every estimator."""
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(classes()[0])


def test_a_pickle_holds_the_bytes_of_the_model_file(fitted: nw.Classifier, tmp_path: Path) -> None:
    """They are those that `save` writes, and a copy answers bit for bit as the original."""
    inputs, _ = classes()
    fitted.save(tmp_path / "model.nw")
    assert fitted.__getstate__()["model_"] == (tmp_path / "model.nw").read_bytes()
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict_proba(inputs), fitted.predict_proba(inputs))
    assert nw.load(tmp_path / "model.nw").labels == ("no", "yes")


def test_damaged_bytes_in_a_pickle_are_refused(fitted: nw.Classifier) -> None:
    """By the checks of `netwright.load`, before anything of the model is used."""
    state = fitted.__getstate__()
    content = bytearray(state["model_"])
    content[len(content) // 2] ^= 1
    with pytest.raises(BundleError, match="damaged"):
        nw.Classifier().__setstate__({**state, "model_": bytes(content)})


def test_a_row_is_answered_the_same_alone_and_among_others(fitted: nw.Classifier) -> None:
    """To the precision that scikit-learn asks for, wherever it stands."""
    inputs, _ = classes()
    together = fitted.predict_proba(inputs)
    alone = np.concatenate([fitted.predict_proba(inputs[place : place + 1]) for place in range(20)])
    found = ((alone, together[:20]), (fitted.predict_proba(inputs[:7]), together[:7]))
    for one, other in (*found, (fitted.predict_proba(inputs[::-1]), together[::-1])):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-7)


def test_a_sentence_is_answered_as_it_is_and_tags_of_other_schemes_are_refused() -> None:
    """No token is put behind the last one so that rows are even; and a tag that a model has not is no other tag."""
    asked: list[int] = []
    tokens = pd.DataFrame({"sentence": [0, 0, 1, 1, 1], "token": ["Ada", "slept", "so", "did", "Emmy"]})
    for sequences, rows in ((len, 5), (None, 8)):
        estimator = nw.Classifier()
        estimator.n_features_in_, estimator._columns = 2, [*tokens.columns]
        estimator.feature_names_in_ = np.array(tokens.columns, object)
        estimator.model_ = SimpleNamespace(  # type: ignore[assignment]
            task=SimpleNamespace(sequences=sequences),
            answers=lambda table: asked.append(len(table)) or np.zeros((len(table), 2)),  # type: ignore[func-returns-value]
        )
        assert len(estimator._answers(tokens)) == 5 and asked[-1] == rows
    table = pd.concat([tokens] * 8, ignore_index=True).assign(sentence=lambda each: each.index // 5)
    with pytest.raises(OtherTags, match="'S-PER'"):
        quick().fit(table, ["S-PER", "O", "O", "O", "S-PER"] * 8)


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(["NA", "None"], id="words for missing cells"),
        pytest.param(["a", "a "], id="texts that differ in blanks"),
        pytest.param(["10", "9"], id="numbers as texts"),
        pytest.param([False, True], id="truth values"),
        pytest.param([-5, 10**12], id="whole numbers"),
        pytest.param([1.0, 2.0], id="whole numbers as fractions"),
        pytest.param(["", "\N{SNOWMAN}"], id="nothing"),
        pytest.param(np.array(["2024-01-01", "2025-01-01"], "M8[D]"), id="days"),
    ],
)
def test_classes_come_back_as_they_were_given(labels: list[Any]) -> None:
    """With their type, and each with its own probability, whatever a table would take them for."""
    inputs, numbers = classes()
    given = np.array(labels)[numbers]
    estimator = quick().fit(inputs, given)
    assert estimator.classes_.dtype == given.dtype and [*estimator.classes_] == [*np.unique(given)]
    assert estimator.predict(inputs).dtype == given.dtype
    assert estimator.score(inputs, given) > 0.8


def test_one_seed_gives_one_model() -> None:
    """Bit for bit with a number of trials; another seed gives another one; NumPy's own generator is left alone."""
    inputs, labels = classes()
    np.random.seed(7)
    state = np.random.get_state()[1].copy()  # type: ignore[index]
    answers = [quick(random_state=seed).fit(inputs, labels).predict_proba(inputs) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # type: ignore[index]
    np.testing.assert_array_equal(answers[0], answers[1])
    assert not np.array_equal(answers[0], answers[2])


def test_a_generator_draws_the_seed() -> None:
    """As every estimator takes it; None is NumPy's own."""
    inputs, labels = classes()
    one, two = (
        quick(random_state=np.random.RandomState(5)).fit(inputs, labels).predict_proba(inputs) for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)
    np.random.seed(1)
    assert quick(random_state=None)._seed() != quick(random_state=None)._seed()


def test_groups_are_kept_together() -> None:
    """The column of groups is no input, and groups may be given to cross-validation too."""
    inputs, labels = classes()
    people = np.arange(ROWS) % 12
    estimator = quick().fit(inputs, labels, groups=people)
    assert [column.name for column in estimator.model_.preparation.schema.columns] == [
        f"x{place}" for place in range(5)
    ]
    with pytest.raises(DataError, match="all rows belong together"):
        quick().fit(inputs, labels, groups=np.zeros(ROWS))
    assert len(cross_val_score(quick(), inputs, labels, groups=people, cv=GroupKFold(2))) == 2


def test_columns_that_number_the_rows_are_learnt_from_in_an_array() -> None:
    """An array has no names that would say what is an identifier."""
    places = np.arange(ROWS, dtype=float)[:, None]
    estimator = nw.Regressor(trials=1, device="cpu").fit(places, 3.0 * places.ravel())
    assert estimator.score(places, 3.0 * places.ravel()) > 0.8
    constant = np.ones((ROWS, 2))
    assert np.isfinite(nw.Regressor(trials=1, device="cpu").fit(constant, places.ravel()).predict(constant)).all()


def test_empty_columns_and_infinite_cells_are_missing_ones() -> None:
    """They do not end a fit, and give finite answers."""
    inputs, target = make_regression(ROWS, 4, random_state=0)
    inputs[:, 0], inputs[3, 1], inputs[4, 2] = np.nan, np.inf, -np.inf
    estimator = nw.Regressor(trials=1, device="cpu").fit(inputs, target)
    assert np.isfinite(estimator.predict(inputs)).all()


def test_sparse_inputs_are_refused_in_a_sentence() -> None:
    """With what to do."""
    inputs, labels = classes()
    with pytest.raises(TypeError, match="dense data is required"):
        quick().fit(scipy.sparse.csr_array(inputs), labels)


def test_faults_of_data_and_settings_are_value_errors() -> None:
    """So that scikit-learn's searches handle them as those of its own estimators."""
    inputs, labels = classes()
    with pytest.raises(ValueError, match="one class, '1'") as one:
        quick().fit(inputs, np.ones(ROWS, int))
    assert isinstance(one.value, DataError)
    with pytest.raises(ValueError, match="without a common order: int, str") as mixed:
        quick().fit(inputs[:20], np.array([1, "a"] * 10, object))
    assert isinstance(mixed.value, ValueError)
    with pytest.raises(ValueError, match="Did you mean 'log_loss'") as named:
        quick(metric="logloss").fit(inputs, labels)
    assert isinstance(named.value, SettingError)
    with pytest.raises(ValueError, match="at least 10 are needed"):
        quick().fit(inputs[:8], [0, 1] * 4)
    with pytest.raises(ValueError, match="holds no data"):
        quick().fit(pd.DataFrame({"a": []}), [])


def test_a_folder_is_kept_where_one_is_named(tmp_path: Path) -> None:
    """With the report; else nothing is left."""
    inputs, target = make_regression(ROWS, 3, random_state=0)
    estimator = nw.Regressor(trials=1, device="cpu", out=tmp_path / "run").fit(inputs, target)
    assert (tmp_path / "run" / "report.html").exists()
    np.testing.assert_allclose(
        nw.load(tmp_path / "run" / "model.nw").predict(pd.DataFrame(inputs, columns=["x0", "x1", "x2"])),
        estimator.predict(inputs),
    )


def test_a_model_is_exported(fitted: nw.Classifier, tmp_path: Path) -> None:
    """To any form that a model file can be."""
    parity = fitted.export("onnx", tmp_path / "onnx")
    assert parity.difference < 1e-4 and any((tmp_path / "onnx").iterdir())
    with pytest.raises(NotFittedError):
        quick().save(tmp_path / "nothing.nw")

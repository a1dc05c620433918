"""From a table to a model: what a user is promised, on data sets that scikit-learn ships."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

import netwright as nw
from netwright.bundle import Contents, read_bundle, write_bundle
from netwright.errors import DataError, MissingColumns, NoProbabilities, UnfitBundle, UnfitTest, UnknownSearch
from netwright.events import BestImproved, DataRead, Event, RunFinished, TrialFinished, TrialStarted
from netwright.journal import Journal
from netwright.resources.budget import Budget
from netwright.train.torch import Torch


def iris() -> pd.DataFrame:
    """Return the irises with the names of their species."""
    data = load_iris(as_frame=True)
    return data.frame.assign(target=data.target_names[data.target])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a short run on the irises."""
    return nw.fit(iris(), "target", trials=2, out=tmp_path_factory.mktemp("iris"))


def test_a_model_learns(run: nw.Run) -> None:
    """The irises are told apart far better than by chance, and the estimate says so."""
    assert run.result.score > 0.9
    assert run.result.score_low <= run.result.score <= run.result.score_high
    assert run.result.baselines[0].score < 0.5
    assert (run.model.predict(iris()) == iris()["target"]).mean() > 0.9


def test_a_single_network_can_be_asked_for(tmp_path: Path, run: nw.Run) -> None:
    """It is one, it is small, it knows the irises, and the mix that it learnt from stands beside it."""
    single = nw.fit(iris(), "target", trials=2, single=True, out=tmp_path)
    assert len(single.model.parts) == 1
    assert {tensor.shape[0] for tensor in single.model.parts[0].weights.values()} == {1}
    assert single.bundle.stat().st_size < run.bundle.stat().st_size
    assert (nw.load(single.bundle).predict(iris()) == iris()["target"]).mean() > 0.9
    assert single.result.distilled and "had learnt" in single.result.estimate
    assert not any(standing.weight for standing in single.result.leaderboard)
    picked = nw.pick(tmp_path).result
    assert not picked.distilled and [other.name for other in picked.baselines] == [
        other.name for other in run.result.baselines
    ]
    teacher = single.result.baselines[-1]
    assert teacher.name == "the mix that it learnt from"
    assert abs(teacher.score - single.result.score) < 0.1


def test_rows_that_no_model_could_be_judged_on_are_refused_before_the_search(tmp_path: Path) -> None:
    """Without the target, without a column, or without a known class: at once, and nothing is written."""
    for test in (iris().drop(columns="target"), iris().drop(columns=iris().columns[0]), iris().assign(target="rose")):
        with pytest.raises(UnfitTest, match="test data"):
            nw.fit(iris(), "target", trials=1, test=test, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_saved_model_gives_the_same_answers(run: nw.Run) -> None:
    """Bit for bit, on all rows and on one."""
    loaded = nw.load(run.bundle)
    assert np.array_equal(loaded.predict_proba(iris()), run.model.predict_proba(iris()))
    assert loaded.result == run.result
    one = loaded.predict_proba(iris().iloc[[3]])
    assert np.abs(one - run.model.predict_proba(iris())[[3]]).max() < 1e-5


def test_a_model_of_no_networks_is_refused(run: nw.Run, tmp_path: Path) -> None:
    """Weights of no fold have the shapes of the network, but there is nothing that could answer."""
    contents = read_bundle(run.bundle)
    first, *parts = contents.tensors
    empty = tuple({name: tensor[:0] for name, tensor in part.items()} for part in parts)
    write_bundle(tmp_path / "none.nw", Contents(contents.documents, (first, *empty)))
    with pytest.raises(UnfitBundle, match="shapes of its weights"):
        nw.load(tmp_path / "none.nw")


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_model_of_weights_that_are_no_numbers_is_refused(run: nw.Run, tmp_path: Path, broken: float) -> None:
    """One of them would do: its answers would be none either."""
    contents = read_bundle(run.bundle)
    *others, last = contents.tensors
    name, tensor = next(iter(last.items()))
    spoilt = np.array(tensor)
    spoilt.flat[-1] = broken
    write_bundle(tmp_path / "spoilt.nw", Contents(contents.documents, (*others, {**last, name: spoilt})))
    with pytest.raises(UnfitBundle, match="not all of its weights are finite"):
        nw.load(tmp_path / "spoilt.nw")


@pytest.mark.parametrize(("factor", "said"), [(0.5, "sum to 0.5"), (0.0, "sum to 0,"), (0.999, "sum to 0.999,")])
def test_a_model_whose_shares_are_not_all_of_it_is_refused(
    run: nw.Run, tmp_path: Path, factor: float, said: str
) -> None:
    """Its answers would be probabilities that sum to something else, or values of another size."""
    contents = read_bundle(run.bundle)
    spec = contents.documents["spec"]
    parts = [{**part, "share": factor * part["share"]} for part in spec["parts"]]
    documents = {**contents.documents, "spec": {**spec, "parts": parts}}
    write_bundle(tmp_path / "less.nw", Contents(documents, contents.tensors))
    with pytest.raises(UnfitBundle, match=said):
        nw.load(tmp_path / "less.nw")


@pytest.mark.parametrize("share", [-0.25, 1.5])
def test_a_share_that_is_none_is_refused(run: nw.Run, tmp_path: Path, share: float) -> None:
    """Even where others make up for it."""
    contents = read_bundle(run.bundle)
    spec, (first, *others) = contents.documents["spec"], contents.tensors
    part, weights = spec["parts"][0], others[0]
    parts = [{**part, "share": share}, {**part, "share": 1 - share}]
    documents = {**contents.documents, "spec": {**spec, "parts": parts}}
    write_bundle(tmp_path / "odd.nw", Contents(documents, (first, weights, weights)))
    with pytest.raises(UnfitBundle, match="description of networks"):
        nw.load(tmp_path / "odd.nw")


def test_order_and_extra_columns_do_not_matter_but_missing_ones_do(run: nw.Run) -> None:
    """All missing columns are named at once."""
    shuffled = iris()[iris().columns[::-1]].assign(extra=1)
    assert np.array_equal(run.model.predict(shuffled), run.model.predict(iris()))
    with pytest.raises(MissingColumns, match=r"petal length.*petal width"):
        run.model.predict(iris().drop(columns=["petal length (cm)", "petal width (cm)"]))


def test_unseen_missing_and_infinite_cells_are_answered(run: nw.Run) -> None:
    """No cell makes an answer that is not a number; no row is an answer too."""
    odd = iris().head(4).drop(columns="target").astype(object)
    odd.iloc[0, 0], odd.iloc[1, 1], odd.iloc[2, 2], odd.iloc[3, 3] = np.nan, np.inf, None, "what?"
    assert np.isfinite(run.model.predict_proba(odd)).all()
    assert run.model.predict(iris().head(0)).shape == (0,)
    assert run.model.predict_proba(iris().head(0)).shape == (0, 3)


def test_two_runs_with_one_seed_are_one_model_bit_for_bit(tmp_path: Path) -> None:
    """With a number of trials instead of a time nothing depends on the clock; another seed is another model."""
    runs = [nw.fit(iris(), "target", trials=2, seed=seed, out=tmp_path / str(i)) for i, seed in enumerate((3, 3, 4))]
    first, second, other = (run.model for run in runs)
    assert [part.candidate for part in first.parts] == [part.candidate for part in second.parts]
    for left, right in zip(first.parts, second.parts, strict=True):
        assert all(np.array_equal(left.weights[name], right.weights[name]) for name in left.weights)
    assert np.array_equal(first.predict_proba(iris()), second.predict_proba(iris()))
    assert not np.array_equal(first.predict_proba(iris()), other.predict_proba(iris()))


def test_the_caller_s_data_and_random_states_are_left_alone(tmp_path: Path) -> None:
    """A fit changes neither the frame nor the global generators nor PyTorch's threads."""
    table = iris()
    before = table.copy(deep=True)
    states = (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
        torch.get_num_threads(),
    )
    nw.fit(table, "target", trials=1, out=tmp_path)
    after = (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
        torch.get_num_threads(),
    )
    assert states == after
    pd.testing.assert_frame_equal(table, before)


def test_the_way_to_search_is_chosen_and_kept(tmp_path: Path) -> None:
    """Random search begins with the two quick networks and without the portfolio; the journal says what was chosen."""
    run = nw.fit(iris(), "target", trials=4, search="random", out=tmp_path)
    origins = {standing.trial: standing.origin for standing in run.result.leaderboard}
    assert [origins[trial] for trial in sorted(origins)] == ["portfolio", "portfolio", "random", "random"]
    with Journal.open(run.journal) as journal:
        assert journal.settings()["search"] == "random"
    with pytest.raises(UnknownSearch, match="Did you mean 'random'"):
        nw.fit(iris(), "target", search="randm", out=tmp_path)


def test_a_number_is_predicted_with_an_estimate_near_the_truth(tmp_path: Path) -> None:
    """On the diabetes data the error is well below that of the mean, and probabilities are refused."""
    table = load_diabetes(as_frame=True).frame
    run = nw.fit(table.head(300), "target", trials=2, out=tmp_path)
    assert run.result.metric == "rmse"
    assert run.result.score < 0.85 * run.result.baselines[0].score
    test = nw.evaluate(nw.load(run.bundle), table.tail(142))
    assert test["rmse"] < 1.3 * run.result.score
    with pytest.raises(NoProbabilities):
        run.model.predict_proba(table)


def test_a_time_limit_is_kept_and_the_result_is_good(tmp_path: Path) -> None:
    """Five seconds of the processor, everything included: those that others use do not count, nor make it fail."""
    table = load_breast_cancer(as_frame=True).frame
    budget = Budget(seconds=5.0, started=time.process_time(), clock=time.process_time)
    run = nw.fit(table, "target", budget=budget, out=tmp_path)
    assert budget.elapsed() < 1.5 * 5.0
    assert run.result.score > 0.93
    assert run.model.outcome == "binary"
    assert set(run.model.predict(table)) <= {0, 1}


def test_a_run_that_is_asked_to_end_hands_over_the_best_so_far(tmp_path: Path) -> None:
    """Asked at the first finished trial, it ends at once with a complete result."""
    budget, late = Budget(seconds=60), list[Event]()

    def listener(event: Event) -> None:
        if budget.ended_early:
            late.append(event)
        if isinstance(event, TrialFinished):
            budget.end()

    run = nw.fit(iris(), "target", out=tmp_path, listener=listener, budget=budget)
    assert run.result.ended_early
    assert sum(isinstance(event, TrialStarted) for event in late) <= Torch().lanes  # those that had just begun
    assert run.bundle.exists() and run.report.exists()


def test_events_and_journal_tell_the_same_story(tmp_path: Path) -> None:
    """Every trial is started and ended once, and the journal holds what the listener heard."""
    heard: list[Event] = []
    run = nw.fit(iris(), "target", trials=3, out=tmp_path, listener=heard.append)
    started = [event.trial for event in heard if isinstance(event, TrialStarted)]
    assert sorted(started) == [1, 2, 3]
    assert sum(isinstance(event, DataRead) for event in heard) == 1
    assert isinstance(heard[-1], RunFinished)
    with Journal.open(run.journal) as journal:
        assert [trial.trial for trial in journal.trials()] == [1, 2, 3]
        assert journal.result() == run.result
        assert run.result.curve == tuple((best.seconds, best.score) for best in journal.curve())
        assert journal.curve() == tuple(event for event in heard if isinstance(event, BestImproved))


def test_every_kind_of_column_and_any_script_works(tmp_path: Path) -> None:
    """Chinese headers, labels and words, dates, booleans, money, many categories and an identifier in one table."""
    generator = np.random.default_rng(0)
    rows = 160
    good = generator.random(rows) < 0.5
    table = pd.DataFrame(
        {
            "编号": [f"客户-{number:05}" for number in range(rows)],
            "价格": [f"¥{number:,}" for number in generator.integers(900, 5_000, rows)],
            "日期": pd.Timestamp("2023-01-01") + pd.to_timedelta(generator.integers(0, 500, rows), unit="D"),
            "会员": generator.random(rows) < 0.3,
            "城市": generator.choice(["北京", "上海", "广州", None], rows),
            "مدينة": generator.choice([f"حي {number}" for number in range(30)], rows),
            "评论": [
                ("这个产品非常好用我很喜欢" if ok else "质量太差了完全不值这个价") + str(number)
                for number, ok in enumerate(good)
            ],
            "结果": np.where(good, "满意 😀", "不满意"),
        }
    )
    run = nw.fit(table, "结果", trials=2, out=tmp_path)
    kinds = {column.name: str(column.kind) for column in run.model.preparation.schema.columns}
    assert (
        kinds["评论"] == "text"
        and kinds["价格"] == "numeric"
        and kinds["日期"] == "datetime"
        and kinds["会员"] == "boolean"
    )
    assert kinds["编号"] == "identifier" and kinds["城市"] == "categorical"
    assert set(run.model.labels) == {"满意 😀", "不满意"}
    assert run.result.score > 0.9
    table.to_csv(tmp_path / "表.csv", index=False)
    assert nw.evaluate(nw.load(run.bundle), tmp_path / "表.csv")["accuracy"] > 0.9


def test_a_leak_is_reported_and_a_class_of_one_row_is_handled(tmp_path: Path) -> None:
    """The column that is the target in disguise is named; the lonely class is among the labels."""
    table = iris().assign(code=lambda frame: frame["target"].str.upper())
    table.loc[0, "target"] = "unique"
    run = nw.fit(table, "target", trials=1, out=tmp_path)
    assert {"leak", "rare_class"} <= {finding.kind for finding in run.findings}
    assert "unique" in run.model.labels


@pytest.mark.parametrize("labels", [(False, True), (0, 1), (0.0, 1.0), ("no", "yes")], ids=str)
def test_labels_come_back_with_the_type_they_had(labels: tuple[object, object], tmp_path: Path) -> None:
    """Booleans, whole numbers, floats and texts."""
    table = iris().assign(target=[labels[int(name == "setosa")] for name in iris()["target"]])
    run = nw.fit(table, "target", trials=1, out=tmp_path, task="classification")
    answers = nw.load(run.bundle).predict(table)
    assert {type(answer.item() if hasattr(answer, "item") else answer) for answer in answers} == {type(labels[0])}


def test_a_wide_table_is_fitted(tmp_path: Path) -> None:
    """Two thousand columns, of which two matter."""
    generator = np.random.default_rng(0)
    values = generator.normal(size=(80, 2_000)).astype(np.float32)
    table = pd.DataFrame(values, columns=[f"c{number}" for number in range(2_000)])
    table["y"] = np.where(values[:, 0] + values[:, 1] > 0, "up", "down")
    run = nw.fit(table, "y", trials=1, out=tmp_path)
    assert run.bundle.stat().st_size < 10e6
    assert {"many_columns"} <= {finding.kind for finding in run.findings}


def test_notebooks_show_a_run(run: nw.Run) -> None:
    """A small table of numbers, for a run and for a model."""
    assert "accuracy" in run._repr_html_()
    assert "accuracy" in run.model._repr_html_()


def test_data_that_cannot_be_used_leaves_nothing_behind(tmp_path: Path) -> None:
    """The folder is not even made."""
    with pytest.raises(DataError):
        nw.fit(iris().head(5), "target", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()

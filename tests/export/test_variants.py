"""Less precision is measured before it is believed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from onnx import TensorProto
from sklearn.datasets import load_digits
from typer.testing import CliRunner

import netwright as nw
from netwright.bundle.short import MATRICES
from netwright.cli import app
from netwright.errors import (
    LosesTooMuch,
    NothingSaved,
    NothingToJudgeBy,
    NothingToQuantize,
    UndefinedMetric,
    UnknownExport,
)
from netwright.export.examples import example_table
from netwright.export.forms import find_precision
from netwright.export.int8 import FIXED, FOUND, with_halves
from netwright.export.onnx import fed_with, graph_of, write_onnx
from netwright.export.parity import rows_of
from netwright.export.precision import Precision, write_less_precise
from netwright.export.variants import PLAIN, PRECISIONS, less_precise, relative_loss
from netwright.model import Model
from netwright.spec.blocks import Dense, Head, Identity, TableInput
from netwright.spec.network import Candidate, Network, Recipe
from netwright.tasks import TASKS
from netwright.tasks.task import Request
from netwright.testing.models import model_of, untrained_model


def digits() -> pd.DataFrame:
    """Return the digits that scikit-learn ships, as a table."""
    data = load_digits(as_frame=True)
    return data.frame.assign(target=data.frame["target"].map("digit {}".format))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a run on the first hundreds of them."""
    return nw.fit(digits()[:600], "target", trials=2, out=tmp_path_factory.mktemp("digits"))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_variant_is_measured_and_the_last_is_written(run: nw.Run, tmp_path: Path, precision: str) -> None:
    """Score, bytes and time of float32 and of each variant; the written graph answers nearly as the model does.

    What they are compared with is the file that is written without it, and not one with weights of four bytes each.
    """
    held_out = digits()[1000:]
    whole, *variants = write_less_precise(run.model, tmp_path, Precision(precision, held_out, most=0.05))
    assert whole.name == PLAIN and all(one.name.startswith(precision) for one in variants)
    assert whole.score == pytest.approx((run.model.predict(held_out) == held_out["target"]).mean(), abs=2e-3)
    write_onnx(run.model, tmp_path / "plain")
    assert whole.size == (tmp_path / "plain" / "model.onnx").stat().st_size
    assert variants[-1].size == (tmp_path / "model.onnx").stat().st_size
    most = 0.7 if precision == "int8" else 1.1
    assert all(one.size < most * whole.size and one.latency > 0 for one in variants)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    cells = {one.name: held_out[one.name].to_numpy(np.float64)[:, None] for one in session.get_inputs()}
    labels = session.run(["label"], cells)[0]
    assert (labels == held_out["target"]).mean() == pytest.approx(variants[-1].score, abs=2e-3)


def test_weights_of_two_bytes_are_what_a_model_is_made_of(run: nw.Run) -> None:
    """So bfloat16, which has as many, could save nothing: the matrices of a model are rounded to float16 already."""
    exact, short = (graph_of(run.model, halves=halves).ByteSize() for halves in (False, True))
    weights = (one for part in run.model.parts for one in part.weights.items())
    assert exact - short > 1.9 * sum(tensor.size for name, tensor in weights if name.endswith(MATRICES))


def fed(model: Model, rows: int, seed: int) -> dict[str, np.ndarray]:
    """Return what the graph of a model takes of rows made up at random."""
    (found,) = rows_of(model, example_table(model, rows, seed))
    names = {one.name for one in graph_of(model, halves=False).graph.input}
    return {name: array for name, array in fed_with(model, found).items() if name in names}


@pytest.mark.parametrize("name", ["tabular", "text", "tagging", "image", "audio"])
def test_eight_bits_are_smaller_than_what_is_written_without_them(name: str) -> None:
    """For each kind of data, in both ways; and they answer nearly as before."""
    model = untrained_model(TASKS[name], *TASKS[name].toy(0))
    exact = graph_of(model, halves=False)
    made = less_precise(exact, "int8", lambda: [fed(model, 8, 1)])
    assert {FIXED} <= {*made} <= {FOUND, FIXED}
    asked = fed(model, 8, 2)
    (wanted,) = onnxruntime.InferenceSession(exact.SerializeToString()).run(["probabilities"], asked)
    for one in made.values():
        assert one.ByteSize() < graph_of(model, halves=True).ByteSize()
        (found,) = onnxruntime.InferenceSession(one.SerializeToString()).run(["probabilities"], asked)
        assert np.abs(found - wanted).mean() < 0.05


@pytest.mark.parametrize("name", ["tabular", "text", "tagging"])
def test_only_products_with_learnt_weights_have_eight_bits(name: str) -> None:
    """What n-grams weigh is multiplied as before, and of what enters a product alone ranges are fixed."""
    model = untrained_model(TASKS[name], *TASKS[name].toy(0))
    exact = graph_of(model, halves=False)
    graph = less_precise(exact, "int8", lambda: [fed(model, 8, 1)])[FIXED].graph
    short = [one.name for one in graph.initializer if one.name.endswith("_quantized")]
    assert short and all(one.startswith("weight") for one in short)
    given = {name: node for node in graph.node for name in node.output}
    quantised = [node for node in graph.node if node.op_type == "QuantizeLinear"]
    products = [
        node
        for node in graph.node
        if node.op_type == "MatMul" and node.input[1] in given and given[node.input[1]].input[0] in short
    ]
    assert len(products) == len(short)
    assert len(quantised) == len({node.input[0] for node in products})


def test_what_would_be_no_smaller_is_refused(tmp_path: Path) -> None:
    """A network of a few dozen weights gains nothing by eight bits, and a sentence says so."""
    table = digits()[["pixel_2_2", "pixel_3_3", "target"]]
    task = TASKS["tabular"]
    loaded = task.load(Request(table, "target", {}, "auto"))
    preparation = task.prepare(loaded, 0)
    arrays = preparation.encode(loaded.frame).arrays
    first = TableInput(arrays["numeric"].shape[1], arrays["plain"].shape[1], (), Identity())
    network = Network((first, Dense(6), Head(10)))
    assert preparation.accepts(network)
    model = model_of(task, preparation, [Candidate(network, Recipe())])
    with pytest.raises(NothingSaved, match="no smaller"):
        write_less_precise(model, tmp_path / "none", Precision("int8", table, most=1.0))
    assert not (tmp_path / "none").exists()


def test_waves_of_sounds_are_computed_and_not_stored(tmp_path: Path) -> None:
    """As a table they took 3.3 MB of a file whose networks may be a hundredth of that."""
    model = untrained_model(TASKS["audio"], *TASKS["audio"].toy(0), parts=1)
    write_onnx(model, tmp_path)
    exact = graph_of(model, halves=False)
    graphs = [exact, *less_precise(exact, "int8", lambda: [fed(model, 4, 1)]).values()]
    for graph in graphs:
        tables = [one for one in graph.graph.initializer if one.data_type in (TensorProto.DOUBLE, TensorProto.INT64)]
        assert 0 < sum(one.ByteSize() for one in tables) < 28_000  # no weight is of these types
    assert (tmp_path / "model.onnx").stat().st_size < with_halves(exact).ByteSize() + 28_000


def test_what_loses_too_much_is_not_written(run: nw.Run, tmp_path: Path) -> None:
    """The sentence says how much would have been lost."""
    with pytest.raises(LosesTooMuch, match="loses at least"):
        write_less_precise(run.model, tmp_path / "none", Precision("int8", digits()[1000:], most=-0.5))
    assert not (tmp_path / "none").exists()


def test_rows_on_which_the_metric_is_not_defined_are_refused(tmp_path: Path) -> None:
    """Of one class alone there is no curve whose area could be measured."""
    table, target = TASKS["tabular"].toy(0)
    table = table[table[target].isin([*dict.fromkeys(table[target])][:2])]
    model = untrained_model(TASKS["tabular"], table, target, parts=1)
    model = replace(model, result=replace(model.result, metric="roc_auc"))
    alone = table[table[target] == table[target].iloc[0]]
    with pytest.raises(UndefinedMetric, match="roc_auc"):
        write_less_precise(model, tmp_path / "none", Precision("float16", alone, most=1.0))
    assert not (tmp_path / "none").exists()


def test_a_loss_is_a_share_of_the_score() -> None:
    """Positive where the score is worse, whichever way is better."""
    assert relative_loss(0.8, 0.6, greater_is_better=True) == pytest.approx(0.25)
    assert relative_loss(10.0, 12.0, greater_is_better=False) == pytest.approx(0.2)
    assert relative_loss(0.8, 0.9, greater_is_better=True) < 0


def test_settings_that_cannot_be_are_refused() -> None:
    """Before the model is read."""
    with pytest.raises(NothingToJudgeBy):
        find_precision("onnx", "int8", None, 0.005)
    with pytest.raises(UnknownExport, match="int8"):
        find_precision("onnx", "int9", "rows.csv", 0.005)
    with pytest.raises(NothingSaved, match="two bytes each without it"):
        find_precision("onnx", "bfloat16", "rows.csv", 0.005)
    found = CliRunner().invoke(app, ["export", "none.nw", "--to", "onnx", "--data", "rows.csv"])
    assert isinstance(found.exception, NothingToQuantize)


def test_the_command_prints_a_table(run: nw.Run, tmp_path: Path) -> None:
    """In 80 columns; and as JSON."""
    digits()[1000:].to_csv(tmp_path / "held_out.csv", index=False)
    words = ["export", str(run.bundle), "--to", "onnx", "-o", str(tmp_path / "out"), "--quantize", "int8"]
    words += ["--data", str(tmp_path / "held_out.csv"), "--max-loss", "5"]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    assert PLAIN in found.output and "fixed ranges" in found.output
    assert max(map(len, found.output.splitlines()[:4])) <= 80
    values = json.loads(CliRunner().invoke(app, [*words, "--json"]).output.splitlines()[-1])
    assert {"name", "score", "bytes", "ms"} == {*values["variants"][0]} and values["metric"] == "accuracy"

"""A model goes out as one graph that answers the same, in plain ONNX Runtime."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import netwright as nw
from netwright.cli import app
from netwright.data.frame import Frame
from netwright.data.schema import Outcome
from netwright.errors import UnequalExport, UnknownExport
from netwright.export.examples import example_table
from netwright.export.forms import find_form
from netwright.export.onnx import rows_fed_together, write_onnx
from netwright.export.parity import BATCHES, MOST, compare
from netwright.inference.session import Session, start
from netwright.model import Model
from netwright.spec.costs import widest
from netwright.tasks import TASKS, find_task
from netwright.tasks.task import Request
from netwright.testing.models import model_of, untrained_model

ROWS = 160


def rows(seed: int) -> pd.DataFrame:
    """Return a table of mixed columns whose names are hard: spaces, dots, words of the standard, names of outputs."""
    generator = np.random.default_rng(seed)
    size = generator.normal(size=ROWS)
    colour = generator.choice(["red", "grün", "青い"], ROWS)
    word = [f"w{number}" for number in generator.integers(0, 30, ROWS)]
    day = pd.Timestamp("2024-01-31 10:00") + pd.to_timedelta(generator.integers(0, 10**7, ROWS), unit="s")
    kind = np.where(size + (colour == "red") > 0.3, "größer", np.where(size < -0.5, "small one", "Mul"))
    return pd.DataFrame(
        {
            "a size.in cm": np.where(generator.random(ROWS) < 0.1, np.nan, size),
            "label": colour,
            "probabilities": word,
            "Concat": generator.integers(0, 5, ROWS).astype(float),
            "day": day,
            "open": generator.random(ROWS) < 0.5,
            "kind": kind,
        }
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nw.Run:
    """Return a short run on such a table: three classes."""
    return nw.fit(rows(0), "kind", trials=3, out=tmp_path_factory.mktemp("mixed"))


@pytest.fixture(scope="module")
def graph(run: nw.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of its graph."""
    folder = tmp_path_factory.mktemp("graph")
    parity = write_onnx(run.model, folder)
    assert 0 < parity.difference < MOST and parity.rows == sum(BATCHES)
    return folder / "model.onnx"


def fed(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return cells as the documentation of the graph says, by hand."""
    cells = {name: table[name].to_numpy(np.float64)[:, None] for name in ("a size.in cm", "Concat")}
    cells["open"] = table["open"].to_numpy(np.float64)[:, None]
    cells["day"] = table["day"].to_numpy().astype("datetime64[s]").astype(np.int64)[:, None]
    return {**cells, **{name: table[name].to_numpy(object)[:, None] for name in ("label", "probabilities")}}


def test_the_graph_takes_cells_and_gives_labels(run: nw.Run, graph: Path) -> None:
    """Plain ONNX Runtime answers as the model does, with names as in the table."""
    session = onnxruntime.InferenceSession(graph)
    assert [one.name for one in session.get_outputs()] == ["label_output", "probabilities_output"]
    labels, chances = session.run(None, fed(rows(1)))
    np.testing.assert_allclose(chances, run.model.predict_proba(rows(1)), atol=MOST)
    assert labels.tolist() == run.model.predict(rows(1)).tolist()


def test_the_graph_is_one_file_of_the_standard(graph: Path) -> None:
    """No operator of somebody's own, no weights beside it, and every node known to the checker."""
    model = onnx.load(graph)
    onnx.checker.check_model(model, full_check=True)
    assert {one.domain for one in model.opset_import} <= {"", "ai.onnx.ml"}
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert not model.functions and not model.graph.sparse_initializer


def test_any_number_of_rows_is_taken(graph: Path) -> None:
    """One, none, and many at once; each row is on its own."""
    session = onnxruntime.InferenceSession(graph)
    all_rows = session.run(None, fed(rows(2)))[1]
    one = session.run(None, fed(rows(2).iloc[7:8]))[1]
    np.testing.assert_allclose(one[0], all_rows[7], atol=1e-5)
    many = pd.concat([rows(2)] * 100)
    np.testing.assert_allclose(session.run(None, fed(many))[1][-ROWS:], all_rows, atol=1e-5)
    assert session.run(None, fed(rows(2).iloc[:0]))[1].shape == (0, 3)


def test_missing_and_unseen_cells_are_answered(run: nw.Run, graph: Path) -> None:
    """As by the model: missing numbers, dates and words, infinite numbers, words that no row had."""
    session = onnxruntime.InferenceSession(graph)
    table = rows(3)
    table.loc[:20, "a size.in cm"] = np.inf
    table.loc[10:30, ["label", "probabilities"]] = "never seen"
    table.loc[25:40, "day"] = pd.NaT
    table.loc[35:50, ["label", "probabilities"]] = None
    cells = fed(table)
    for name in ("label", "probabilities"):
        cells[name][35:51] = ""
    np.testing.assert_allclose(session.run(None, cells)[1], run.model.predict_proba(table), atol=MOST)


def test_numbers_are_answered_in_their_unit(tmp_path: Path) -> None:
    """A regression gives values, as float64."""
    table = rows(0).assign(price=1e6 + 1e4 * rows(0)["a size.in cm"].fillna(0))
    model = untrained_model(TASKS["tabular"], table, "price", parts=1)
    write_onnx(model, tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    words = fed(rows(1))
    words["kind"] = rows(1)["kind"].to_numpy(object)[:, None]
    values = session.run(["value"], words)[0]
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, model.predict(rows(1)), rtol=1e-5)


@pytest.mark.parametrize("labels", [[True, False], [3, 5], [0.5, 1.5]])
def test_labels_keep_their_type(tmp_path: Path, labels: list[object]) -> None:
    """Truth values, whole numbers and fractions come back as such."""
    table = rows(0).drop(columns="kind")
    table["y"] = np.where(table["a size.in cm"].fillna(0) > 0, labels[0], labels[1])
    task, outcome = find_task("classification", table, "y", {})
    preparation = task.prepare(task.load(Request(table, "y", {}, outcome)), 0)
    model = model_of(task, preparation, [task.candidate(task.default_network(ROWS), preparation)])
    write_onnx(model, tmp_path)
    found = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(None, fed(rows(1)))[0]
    assert found.tolist() == model.predict(rows(1)).tolist() and len({*found.tolist()}) == 2
    assert type(found.tolist()[0]) is type(labels[0])


def test_images_are_fed_as_pixels(tmp_path: Path) -> None:
    """Uint8 in, a label out."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 100, (80, 12, 10, 1), dtype=np.uint8)
    images[::2, 3:7, 3:7] += 120
    truth = np.tile(["square", "none"], 40)
    run = nw.fit(images, truth, trials=1, pretrained="none", out=tmp_path / "run")
    write_onnx(run.model, tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    name = session.get_inputs()[0].name
    larger = np.stack([np.asarray(Image.fromarray(image[:, :, 0]).resize((37, 29))) for image in images])[..., None]
    smaller = np.stack([np.asarray(Image.fromarray(image[:, :, 0]).resize((7, 9))) for image in images])[..., None]
    for others in (larger, smaller):  # Pillow rounds twice on its way to another size, and the graph once
        chances = session.run(["probabilities"], {name: others})[0]
        np.testing.assert_allclose(chances, run.model.predict_proba(others), atol=0.02)
    found = dict(zip(("label", "probabilities"), session.run(["label", "probabilities"], {name: images}), strict=True))
    np.testing.assert_allclose(found["probabilities"], run.model.predict_proba(images), atol=MOST)


def test_answers_that_differ_are_not_written(run: nw.Run, tmp_path: Path) -> None:
    """An export whose answers are not those of PyTorch fails, and says by how much."""
    first, *rest = run.model.parts
    weights = {name: tensor + np.float32(0.3) for name, tensor in first.weights.items()}
    other = Model(
        run.model.task,
        run.model.preparation,
        (replace(first, weights=weights), *rest),
        run.model.temperature,
        run.model.result,
    )
    with pytest.raises(UnequalExport, match="differ"):
        compare(run.model, lambda rows: other.answers_of(rows.frame), "model.onnx")


def test_answers_of_pytorch_that_are_no_numbers_are_not_matched(run: nw.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the other form answers there: the difference would be no number either, and not too large."""

    def broken(model: Model, frame: Frame) -> np.ndarray:
        answers = model.answers_of(frame)
        answers[-1] = np.nan
        return answers

    monkeypatch.setattr(Model, "answers_by_torch", broken)
    with pytest.raises(UnequalExport):
        compare(run.model, lambda rows: run.model.answers_of(rows.frame), "model.onnx")


class Counting:
    """Runs a graph and notes how many rows it is fed."""

    def __init__(self, engine: onnxruntime.InferenceSession, fed: list[int]) -> None:
        self.engine, self.fed = engine, fed

    def run(self, names: list[str], values: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Run it."""
        self.fed.append(len(next(iter(values.values()))))
        return list(self.engine.run(names, values))


def wide(name: str) -> Model:
    """Return a model of many networks of a task; a thousand of its rows have no room in the caches."""
    task, (data, target) = TASKS[name], TASKS[name].toy(0)
    loaded = task.load(Request(data, target, {}, "auto"))
    preparation = task.prepare(loaded, 0)
    point = task.portfolio(preparation, len(loaded.truth))[0]
    point = {**point, "width": 256, "members": 8, "body": "plain"} if name == "tabular" else point
    model = model_of(task, preparation, [task.candidate(point, preparation)], folds=5)
    assert rows_fed_together(model) < max(BATCHES)
    return model


@pytest.mark.parametrize(("name", "most"), [("tabular", 1_000), ("tagging", 1_000), ("tabular", 100), ("image", 16)])
def test_the_graph_is_fed_as_many_rows_as_the_program_feeds_it(
    name: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a table and of tokens a thousand at once, though in pieces it is faster; fewer where memory asks for it."""
    model, fed = wide(name), list[int]()

    def counting(graph: onnx.ModelProto, rows: int) -> Session:
        session = start(graph, rows)
        return replace(session, engine=Counting(session.engine, fed))

    monkeypatch.setattr("netwright.export.onnx.start", counting)
    if most < max(BATCHES):
        numbers = most * 5 * widest(model.parts[0].candidate.network)
        monkeypatch.setattr("netwright.export.onnx.FED", numbers)
        monkeypatch.setattr("netwright.export.onnx.rows_together", lambda mix: most)
    assert write_onnx(model, tmp_path).rows == sum(BATCHES)
    assert fed == [1, 2, *([most] * (1_000 // most)), *([1_000 % most] if 1_000 % most else [])]
    about = onnxruntime.InferenceSession(tmp_path / "model.onnx").get_modelmeta().custom_metadata_map
    assert about["rows"] == str(most)


def test_made_up_rows_hold_what_is_hard(run: nw.Run) -> None:
    """Missing and far cells, unseen words, and each column that the model uses."""
    table = example_table(run.model, 1_000, 0)
    assert {*table.columns} == {column.name for column in run.model.preparation.schema.used}
    assert table.isna().any().all() == table.isna().any().all()
    assert table["label"].isna().any() and (table["label"] == "never seen").any()
    assert table["a size.in cm"].abs().max() > 1e9


def test_the_command_says_where_and_how_near(run: nw.Run, tmp_path: Path) -> None:
    """Beside the model, if nothing else is asked for."""
    found = CliRunner().invoke(app, ["export", str(run.bundle), "--to", "onnx", "--json"])
    assert found.exit_code == 0, found.output
    said = json.loads(found.output.splitlines()[-1])
    assert said["difference"] < MOST and said["rows"] == sum(BATCHES)
    assert Path(said["output"]).name == "model-onnx"
    assert (Path(said["output"]) / "model.onnx").is_file() and (Path(said["output"]) / "predict.py").is_file()


def test_it_is_a_function_too(run: nw.Run, tmp_path: Path) -> None:
    """Of a model, or of its file."""
    first = nw.export_model(run.model, "onnx", tmp_path / "one")
    second = nw.export_model(run.bundle, "onnx", tmp_path / "two")
    assert first == second and first.difference < MOST
    assert (tmp_path / "one" / "model.onnx").read_bytes() == (tmp_path / "two" / "model.onnx").read_bytes()


def test_a_form_that_there_is_not_is_named_with_those_that_there_are() -> None:
    """Before the model is read."""
    with pytest.raises(UnknownExport, match="onnx"):
        find_form("onx")


def test_a_model_answers_without_pytorch(run: nw.Run, tmp_path: Path) -> None:
    """Loading and predicting import neither torch nor what else only training needs."""
    rows(5).to_csv(tmp_path / "new.csv", index=False)
    code = (
        "import sys\nfor name in ('torch', 'optuna', 'jinja2'): sys.modules[name] = None\n"
        "from netwright.cli import main\n"
        f"sys.argv = ['netwright', 'predict', {str(run.bundle)!r}, {str(tmp_path / 'new.csv')!r}]\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[1:-1] == run.model.predict(rows(5)).tolist()
    assert run.model.outcome == Outcome.MULTICLASS

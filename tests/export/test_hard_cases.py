"""What users do to exported models sooner or later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

import netwright as nw
from netwright.errors import CannotWrite
from netwright.export.onnx import fed_with, write_onnx
from netwright.export.parity import rows_of
from netwright.model import Model

RELEASED = Path(__file__).parent.parent / "bundle" / "released" / "format-1"


def session_of(model: Model, folder: Path) -> onnxruntime.InferenceSession:
    """Return the exported graph of a model, in plain ONNX Runtime."""
    assert write_onnx(model, folder).difference < 1e-4
    return onnxruntime.InferenceSession(folder / "model.onnx")


def fed(model: Model, session: onnxruntime.InferenceSession, table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return what the graph takes of a table."""
    (rows,) = rows_of(model, table)
    cells = fed_with(model, rows)
    return {one.name: cells[one.name] for one in session.get_inputs()}


def table(rows: int) -> pd.DataFrame:
    """Return rows such as the released model of a table takes."""
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": generator.normal(size=rows),
            "colour": generator.choice(["red", "green", "blue", "never seen"], rows),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 700, rows), unit="D"),
            "open": generator.random(rows) < 0.5,
        }
    )


def test_a_hundred_thousand_rows_at_once(tmp_path: Path) -> None:
    """By the model, which takes them in pieces, and by the graph, which takes them whole."""
    model = nw.load(RELEASED / "tabular.nw")
    session = session_of(model, tmp_path)
    many = table(100_000)
    answers = model.predict_proba(many)
    assert answers.shape == (100_000, 3)
    np.testing.assert_allclose(session.run(["probabilities"], fed(model, session, many))[0], answers, atol=1e-5)


@pytest.mark.parametrize("members", [1, 20])
def test_mixes_of_one_and_of_twenty_networks(tmp_path: Path, members: int) -> None:
    """Each with weights and a share of its own, in one graph."""
    single = nw.load(RELEASED / "tabular.nw")
    (part,) = single.parts
    generator = np.random.default_rng(0)
    shares = generator.dirichlet(np.ones(members))
    parts = []
    for share in shares:
        noise = {name: generator.normal(0, 0.2, tensor.shape) for name, tensor in part.weights.items()}
        weights = {
            name: tensor if name.endswith("knots") else (tensor + noise[name]).astype(np.float32)
            for name, tensor in part.weights.items()
        }
        parts.append(replace(part, weights=weights, share=float(share)))
    model = Model(single.task, single.preparation, tuple(parts), 0.7, single.result)
    session = session_of(model, tmp_path)
    chances = session.run(["probabilities"], fed(model, session, table(50)))[0]
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)


def test_a_text_of_a_megabyte(tmp_path: Path) -> None:
    """It is read as far as texts are read; and no text at all is one too."""
    model = nw.load(RELEASED / "text.nw")
    session = session_of(model, tmp_path)
    (column, *others) = [one.name for one in model.preparation.schema.used]
    rows = pd.DataFrame({column: ["word naïve 日本 " * 80_000, "", None, "short"], **dict.fromkeys(others, 1)})
    answers = model.predict_proba(rows)
    np.testing.assert_allclose(session.run(["probabilities"], fed(model, session, rows))[0], answers, atol=1e-4)


def test_no_half_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing is broken off, what was there before is there still, and nothing else."""
    model = nw.load(RELEASED / "number.nw")
    write_onnx(model, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("netwright.storage.os.fsync", broken)
    with pytest.raises(KeyboardInterrupt):
        write_onnx(model, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(CannotWrite):
        write_onnx(nw.load(RELEASED / "number.nw"), tmp_path / "taken")

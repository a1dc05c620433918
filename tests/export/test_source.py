"""A model as source: it runs where there is no Netwright, answers as the model does, and reads as a person's code."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from packaging.requirements import Requirement
from PIL import Image

import netwright as nw
from netwright.build.pretrained import installed_encoder, installed_weights
from netwright.build.source.dialects import DIALECTS
from netwright.build.source.parts import cells as written_cells
from netwright.build.source.parts import images as written_images
from netwright.build.torch import initial_weights
from netwright.data import cells, dates, images, sounds
from netwright.data.reading import read_table
from netwright.data.size import Size
from netwright.errors import MissingExtra, NoSource, UnequalExport
from netwright.export.source import write_source
from netwright.export.source.checking import check
from netwright.export.source.folder import source_files
from netwright.export.written import SUMS
from netwright.model import Model, Part
from netwright.pretrained.extended import extend
from netwright.pretrained.trunks import BACKBONE, ENCODER, image_trunk, text_trunk
from netwright.result import Result
from netwright.spec.network import Recipe, seen_by_trunk
from netwright.spec.spaces import sample
from netwright.tasks import TASKS
from netwright.tasks.task import Request
from netwright.testing.models import model_of

ROOT = Path(__file__).parents[2]
PENGUINS = ROOT / "examples" / "data" / "penguins.csv"
BACKEND = "jax" if find_spec("jax") else "tensorflow"  # that folders in Keras are run on
NEEDED = {"torch": ("torch", "numpy", "safetensors"), "keras": ("keras", BACKEND, "numpy", "safetensors")}
needs_keras = pytest.mark.skipif(
    find_spec("keras") is None or find_spec(BACKEND) is None, reason="Keras or a backend of it is not installed"
)
FRAMEWORKS = ["torch", pytest.param("keras", marks=needs_keras)]
SLOW = (needs_keras, pytest.mark.slow)  # each network is compiled by itself: a minute
FRAMEWORKS_SLOWLY = ["torch", pytest.param("keras", marks=SLOW)]


def framework_of(folder: Path) -> str:
    """Return what a written folder is in."""
    return "keras" if "import keras" in (folder / "model.py").read_text() else "torch"


def allowed_packages(framework: str) -> set[str]:
    """Return the packages of an environment into which only those were installed that a framework needs."""
    found, open_names = set[str](), [*NEEDED[framework]]
    while open_names:
        name = open_names.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        for text in distribution(name).requires or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                open_names.append(needed.name)
    return found


GUARD = """
import json, runpy, sys
refused = set(json.loads(sys.argv[1]))


class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in refused else self.finder.find_spec(name, path, target)


sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
folder, program = sys.argv[2:4]
sys.path.insert(0, folder)
sys.argv = sys.argv[3:]
runpy.run_path(program, run_name="__main__")
"""
"""Runs a program as if only some packages were installed: every other one of this environment is refused."""


def run_bare(folder: Path, program: Path, *arguments: object, besides: tuple[str, ...] = ()) -> str:
    """Return what a program prints that sees a written folder, its bare framework, and packages besides."""
    framework = framework_of(folder)
    allowed = allowed_packages(framework) | {*besides}
    others = {
        top
        for top, names in packages_distributions().items()
        if not {name.lower().replace("_", "-") for name in names} & allowed
    }
    others |= {"netwright"}
    command = [
        sys.executable,
        "-I",
        "-B",
        *(("-W", "error") if framework == "torch" else ()),  # Keras and JAX warn of each other
        "-c",
        GUARD,
        json.dumps(sorted(others)),
        str(folder),
        str(program),
    ]
    environment = {**os.environ, "KERAS_BACKEND": BACKEND, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, timeout=580, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" or framework == "keras"
    return done.stdout


ASK = """
import json, sys
from pathlib import Path
from model import load, predict
from preprocess import read_rows
print(json.dumps(predict(load(), read_rows(Path(sys.argv[1]))).tolist()))
"""


def answers_of(folder: Path, table: Path) -> np.ndarray:
    """Return what a written folder answers for the rows of a file."""
    program = folder.parent / "ask.py"
    program.write_text(ASK)
    return np.array(json.loads(run_bare(folder, program, table)))


def result_of(metric: str) -> Result:
    """Return a result of no run."""
    return Result(
        "made", metric, True, 0.5, 0.4, 0.6, "It was made up.", {}, {}, (), (), 1.0, 1, 0, (), (), (), (), False
    )


def untrained(task_name: str, table: pd.DataFrame, target: str, most: int = 12, networks: int = 2) -> Model:
    """Return a model of the portfolio's networks and of random ones, with random weights: what it answers is of use to
    nobody, but a difference anywhere would show.
    """
    task = TASKS[task_name]
    loaded = task.load(Request(table, target, {}, "auto"))
    preparation = task.prepare(loaded, 0)
    rows, generator = len(loaded.truth), np.random.default_rng(3)
    space = task.space(preparation, rows)
    drawn = [sample(space, generator) for _ in range(most)]
    points = [point for pair in zip(task.portfolio(preparation, rows), drawn, strict=False) for point in pair]
    candidates = [task.candidate(point, preparation) for point in points][:most]
    quantiles = torch.from_numpy(preparation.quantiles)
    parts = []
    for place, candidate in enumerate(candidates):
        weights = initial_weights(candidate.network, quantiles, [10 * place + one for one in range(networks)])
        arrays = {name: tensor.numpy() for name, tensor in weights.items()}
        parts.append(Part(candidate, arrays, (place + 1) / sum(range(1, len(candidates) + 1))))
    metric = "accuracy" if loaded.schema.target.labels else "rmse"
    return Model(
        task, preparation.for_networks(tuple(one.network for one in candidates)), tuple(parts), 1.3, result_of(metric)
    )


def one_network(task_name: str, data: Any, target: str, metric: str) -> Model:
    """Return a model of an untrained network of the first shape that a run would try, as a run by this metric would."""
    task = TASKS[task_name]
    loaded = task.load(Request(data, target, {}, "auto"))
    preparation, rows = task.prepare(loaded, 0), len(loaded.truth)
    point = task.portfolio(preparation, rows)[0] if task.sequences is not None else task.first_glance(rows)
    model = model_of(task, preparation, [task.candidate(point, preparation)], folds=1)
    return replace(model, result=result_of(metric))


def put(model: Model, folder: Path, framework: str = "torch") -> Path:
    """Write a folder, and return it; it is not asked first, as by `write_source`, which other tests look at."""
    folder.mkdir()
    for name, content in source_files(model, DIALECTS[framework]).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def few_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let folders be asked about few rows made up at random where each takes long."""
    monkeypatch.setattr("netwright.export.parity.BATCHES", (1, 2, 30))


def odd_table(rows: int, seed: int) -> pd.DataFrame:
    """Return a table of text with every kind of column, and cells of every sort of oddity."""
    random = np.random.default_rng(seed)
    size, start = random.normal(size=rows), pd.Timestamp("2021-03-01")
    days = start + pd.to_timedelta(random.integers(0, 900, rows), unit="D")
    hours = start + pd.to_timedelta(random.integers(0, 900 * 24, rows), unit="h")
    words = ["good", "bad", "größer", "漢字", "हिन्दी", "rather", "plain!", "so-so"]
    table = {
        "size, in cm": [f"{one:.3f}" for one in size],
        'in "come"': [f"$ {one:,.2f}" for one in np.exp(3 * random.normal(size=rows))],
        "Komma.größe": [f"{one:.2f}".replace(".", ",") for one in random.normal(size=rows) * 1000],
        "children": random.choice(["0", "0", "0", *map(str, range(1, 14))], rows),
        "Add": random.choice(["3", "7.5"], rows),
        "open": random.choice(["yes", "no"], rows),
        "colour": random.choice(["red", "green", 'the "blue"', "NaN or so"], rows),
        "都市": random.choice([f"city {one}" for one in range(40)], rows),
        "zip": random.choice([f"{one:05}" for one in range(900, 960)], rows),
        "day": [str(one) for one in days],
        "hour": [f"{one.day}/{one.month}/{one.year} {one:%H:%M}" for one in hours],
        "note": [" ".join(random.choice(words, 6)) for _ in range(rows)],
        "weight": [f"{one:.4f}" for one in 70 + 10 * size + random.normal(size=rows)],
        "class": random.choice(["low", "größer 大", "high's"], rows),
    }
    frame = pd.DataFrame(table).astype(object)
    for name in frame.columns.drop(["class", "weight"]):
        frame.loc[random.random(rows) < 0.05, name] = None
    return frame


def spoilt(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return a table with cells that were never met in training."""
    random = np.random.default_rng(seed)
    table = table.copy()
    odd = [
        "",
        "NA",
        "inf",
        "1e400",
        "-3",
        "(12)",
        "12 %",
        "unheard of",
        "2024-02-30",
        "1,234.5",
        "nan",
        "−5",
        "0",
        " x ",
    ]
    for name in table.columns:
        table.loc[random.random(len(table)) < 0.1, name] = random.choice(odd)
    return table


@pytest.fixture(scope="module", params=FRAMEWORKS_SLOWLY)
def tables(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Model, Path]]:
    """Return models of tables and of texts, with the folders that were written of them in a framework."""
    table = odd_table(400, 1)
    notes = table[["note", "size, in cm", "都市", "class"]]
    models = {
        "classes": untrained("tabular", table.drop(columns="weight"), "class"),
        "number": untrained("tabular", table.drop(columns="class"), "weight", most=4),
        "alone": untrained("tabular", table[["size, in cm", "colour", "class"]], "class", most=1, networks=1),
        "texts": untrained("text", notes, "class"),
    }
    folder = tmp_path_factory.mktemp("source")
    for name, model in models.items():
        write_source(model, folder / name, request.param)
    return {name: (model, folder / name) for name, model in models.items()}


@pytest.mark.parametrize("name", ["classes", "number", "alone", "texts"])
def test_a_folder_answers_as_its_model(tables: dict[str, tuple[Model, Path]], name: str, tmp_path: Path) -> None:
    """Without Netwright, on rows that it has met and on rows of oddities."""
    model, folder = tables[name]
    rows = pd.concat([odd_table(60, 2), spoilt(odd_table(60, 3), 4)], ignore_index=True)
    path = tmp_path / "rows.csv"
    rows.to_csv(path, index=False)
    wanted = model.answers(read_table(path))
    found = answers_of(folder, path)
    assert found.shape == wanted.shape
    scale = 1.0 if model.labels else float(np.std(wanted)) or 1.0
    assert np.abs(found - wanted).max() < 1e-4 * scale


@pytest.mark.parametrize("name", ["classes", "number", "alone", "texts"])
def test_a_folder_is_as_ruff_wants_it(tables: dict[str, tuple[Model, Path]], name: str) -> None:
    """By the rules of this project: documented, named and formatted as its own code is."""
    check_by_ruff(tables[name][1])


def check_by_ruff(folder: Path) -> None:
    """Lint a folder by the rules of this project, and see that it is formatted."""
    config = ["--no-cache", "--config", str(ROOT / "pyproject.toml"), "--config", f"src = [{json.dumps(str(folder))}]"]
    for words in (["check"], ["format", "--check", "--diff"]):
        command = [sys.executable, "-m", "ruff", *words, *config, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_no_rows_have_no_answers(tables: dict[str, tuple[Model, Path]], tmp_path: Path) -> None:
    """A table with a header alone."""
    for name, shape in (("classes", (0, 3)), ("number", (0,)), ("texts", (0, 3))):
        folder = tables[name][1]
        path = tmp_path / f"{name}.csv"
        odd_table(1, 2).iloc[:0].to_csv(path, index=False)
        assert answers_of(folder, path).size == np.zeros(shape).size


def test_a_folder_carries_only_what_it_needs(tables: dict[str, tuple[Model, Path]]) -> None:
    """A small network has neither the layers nor the files of a large one."""
    alone, large = (tables[name][1] for name in ("alone", "texts"))
    assert {path.name for path in alone.iterdir()} == {
        *("README.md", "cells.py", "model.py", "preprocess.py", "train.py", "weights.safetensors", SUMS),
    }
    assert {path.name for path in large.iterdir()} >= {"ngrams.py", "preprocess.json", "preprocess.safetensors"}
    source = (alone / "model.py").read_text()
    assert "GRU" not in source and "MemberLinear" not in source
    assert "netwright" not in "".join(path.read_text().lower() for path in alone.glob("*.py"))


def test_the_answers_are_printed(tables: dict[str, tuple[Model, Path]], tmp_path: Path) -> None:
    """As CSV, with the label first and the probabilities behind it."""
    model, folder = tables["alone"]
    path = tmp_path / "rows.csv"
    odd_table(3, 5).to_csv(path, index=False)
    lines = run_bare(folder, folder / "model.py", path).splitlines()
    assert lines[0] == "class," + ",".join(map(str, model.labels))
    assert len(lines) == 4
    assert lines[1].split(",")[0] in model.labels


# --- images ----------------------------------------------------------------------------------------------------------

ASK_IMAGES = """
import json, sys
import numpy as np
from model import load, predict
rows = [{"image": image} for image in np.load(sys.argv[1])]
print(json.dumps(predict(load(), rows).tolist()))
"""


@pytest.mark.parametrize(
    ("framework", "channels"),
    [  # sounds have one channel too
        pytest.param("torch", 1, marks=pytest.mark.slow),
        ("torch", 3),
        pytest.param("keras", 3, marks=SLOW),
    ],
)
@pytest.mark.usefixtures("few_asked")
def test_a_folder_for_images_answers_as_its_model(framework: str, channels: int, tmp_path: Path) -> None:
    """Of every sort of network for images; arrays of the right size need nothing but numpy."""
    random = np.random.default_rng(channels)
    shown = random.integers(0, 256, (60, 24, 20, channels), dtype=np.uint8)
    table = pd.DataFrame({"image": [*shown], "class": random.choice(["cat", "dog"], 60)})
    model = untrained("image", table, "class", most=5, networks=1)
    write_source(model, tmp_path / "source", framework)
    np.save(tmp_path / "images.npy", shown[:9])
    (tmp_path / "ask.py").write_text(ASK_IMAGES)
    found = json.loads(run_bare(tmp_path / "source", tmp_path / "ask.py", tmp_path / "images.npy"))
    assert np.abs(np.array(found) - model.answers(table.iloc[:9])).max() < 1e-4
    check_by_ruff(tmp_path / "source")


@pytest.mark.parametrize("framework", FRAMEWORKS_SLOWLY)
@pytest.mark.usefixtures("few_asked")
def test_a_folder_for_sounds_answers_as_its_model(framework: str, tmp_path: Path) -> None:
    """From samples, which need no decoder."""
    table, target = TASKS["audio"].toy(0)
    model = untrained("audio", table[:60], target, most=3, networks=1)
    write_source(model, tmp_path / "source", framework)
    found = [sounds.decode(sound) for sound in table["sound"][:4]]
    np.savez(tmp_path / "sounds.npz", *[samples for samples, _ in found], rates=[rate for _, rate in found])
    (tmp_path / "ask.py").write_text(ASK_SOUNDS)
    answers = json.loads(run_bare(tmp_path / "source", tmp_path / "ask.py", tmp_path / "sounds.npz"))
    assert np.abs(np.array(answers) - model.answers(table.iloc[:4])).max() < 1e-4
    check_by_ruff(tmp_path / "source")


ASK_SOUNDS = """
import json, sys
import numpy as np
from model import load, predict
held = np.load(sys.argv[1])
rows = [{"sound": (held[f"arr_{place}"], int(rate))} for place, rate in enumerate(held["rates"])]
print(json.dumps(predict(load(), rows).tolist()))
"""


def pictures() -> list[Image.Image]:
    """Return images of every mode."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    colour = Image.fromarray(pixels[:, :, :3])
    wide = pixels[:, :, 0].astype(np.uint16) * 16
    return [
        *(colour, colour.convert("L"), colour.convert("P"), colour.convert("1"), colour.convert("CMYK")),
        *(Image.fromarray(pixels), Image.fromarray(wide), colour.convert("LA"), colour.resize((16, 12))),
    ]


@pytest.mark.parametrize("number", range(len(pictures())))
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_decoded_as_netwright_decodes_them(
    number: int, channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From files of every mode, bit for bit."""
    picture = pictures()[number]
    path = tmp_path / ("image.tiff" if picture.mode in ("CMYK", "I;16") else "image.png")
    picture.save(path)
    for name, value in (("HEIGHT", 12), ("WIDTH", 16), ("CHANNELS", channels)):
        monkeypatch.setattr(written_images, name, value)
    wanted = images.decode(path, Size(12, 16, channels))
    assert np.array_equal(written_images.decoded_image(path), wanted)
    assert np.array_equal(written_images.decoded_image(path.read_bytes()), wanted)


def test_the_recipe_for_images_learns(tmp_path: Path) -> None:
    """On bars that lie, stand or slant, from a folder for each class; what it has learnt answers in its place."""
    table, target = TASKS["image"].toy(0)
    for place, (pixels, name) in enumerate(zip(table["image"][:120], table[target][:120], strict=True)):
        (tmp_path / "bars" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "bars" / name / f"{place}.png")
    folder = put(one_network("image", read_table(tmp_path / "bars"), "class", "accuracy"), tmp_path / "source")
    out = folder / "weights.safetensors"
    printed = run_bare(folder, folder / "train.py", tmp_path / "bars", "--out", out, besides=("pillow",))
    assert score_of(printed) > 0.8
    answers = run_bare(folder, folder / "model.py", tmp_path / "bars", besides=("pillow",)).splitlines()
    assert answers[0] == "path,class,lying,slanting,standing"
    right = [Path(path).parent.name == name for path, name in (line.split(",")[:2] for line in answers[1:])]
    assert len(right) == 120
    assert np.mean(right) > 0.8


# --- images that a trained trunk sees ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seen_images() -> tuple[Model, pd.DataFrame]:
    """Return a model of networks with and without a trained trunk, and rows."""
    task, (table, target) = TASKS["image"], TASKS["image"].toy(0)
    loaded = task.load(Request(table[:60], target, {}, "auto"))
    path = installed_weights(BACKBONE)
    assert path is not None
    prepared = extend(
        task.prepare(loaded, 0), loaded.frame, image_trunk(path, loaded.frame.columns["image"], seconds=None)
    )
    candidates = [task.candidate(point, prepared) for point in task.portfolio(prepared, 60)]
    seen = [one for one in candidates if seen_by_trunk(one.network)][:1]
    others = [one for one in candidates if not seen_by_trunk(one.network) and not one.recipe.trunk_rate][:1]
    assert seen and others
    return model_of(task, prepared, [*seen, *others], folds=1), table[:60]


@pytest.mark.parametrize("framework", FRAMEWORKS_SLOWLY)
@pytest.mark.usefixtures("few_asked")
def test_a_folder_with_a_trained_trunk_answers_as_its_model(
    framework: str, seen_images: tuple[Model, pd.DataFrame], tmp_path: Path
) -> None:
    """The trunk stands in a file of its own, its weights among the others; the recipe runs too."""
    model, table = seen_images
    write_source(model, tmp_path / "source", framework)
    check_by_ruff(tmp_path / "source")
    assert (tmp_path / "source" / "trunk.py").is_file()
    np.save(tmp_path / "images.npy", np.stack(table["image"][:9]))
    (tmp_path / "ask.py").write_text(ASK_IMAGES)
    found = json.loads(run_bare(tmp_path / "source", tmp_path / "ask.py", tmp_path / "images.npy", besides=("pillow",)))
    assert np.abs(np.array(found) - model.answers(table.iloc[:9])).max() < 1e-4
    for place, (pixels, name) in enumerate(zip(table["image"][:30], table["class"][:30], strict=True)):
        (tmp_path / "bars" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "bars" / name / f"{place}.png")
    train = shortened(tmp_path / "short", tmp_path / "source")
    out = tmp_path / "new.safetensors"
    printed = run_bare(tmp_path / "short", train, tmp_path / "bars", "--out", out, besides=("pillow",))
    assert np.isfinite(score_of(printed))
    (tmp_path / "short" / "weights.safetensors").write_bytes(out.read_bytes())
    assert (
        len(json.loads(run_bare(tmp_path / "short", tmp_path / "ask.py", tmp_path / "images.npy", besides=("pillow",))))
        == 9
    )


def test_networks_that_began_as_a_trunk_have_no_recipe(seen_images: tuple[Model, pd.DataFrame]) -> None:
    """Their first weights stand in no file of the model, which the folder tells."""
    model, _ = seen_images
    recipe = replace(model.parts[1].candidate.recipe, trunk_rate=0.1)
    candidate = replace(model.parts[1].candidate, recipe=recipe)
    files = source_files(replace(model, parts=(model.parts[0], replace(model.parts[1], candidate=candidate))))
    assert "train.py" not in files and b"There is no `train.py`" in files["README.md"]


def read_texts() -> tuple[Model, pd.DataFrame]:
    """Return a model of networks with and without a trained encoder of sentences, and rows."""
    task, (table, target) = TASKS["text"], TASKS["text"].toy(0)
    table = table[:60]
    loaded = task.load(Request(table, target, {}, "auto"))
    folder = installed_encoder(ENCODER)
    assert folder is not None
    prepared = extend(task.prepare(loaded, 0), loaded.frame, text_trunk(folder, len(table), None))
    candidates = [task.candidate(point, prepared) for point in task.portfolio(prepared, 60)]
    seen = [one for one in candidates if seen_by_trunk(one.network)][:1]
    others = [one for one in candidates if not seen_by_trunk(one.network)][:1]
    assert seen and others
    return model_of(task, prepared, [*seen, *others], folds=1), table


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_folder_with_a_trained_encoder_answers_as_its_model(framework: str, tmp_path: Path) -> None:
    """The encoder stands in a file of its own, its weights among the others, its pieces of words beside them."""
    model, table = read_texts()
    assert write_source(model, tmp_path / "source", framework).rows >= 1_000
    check_by_ruff(tmp_path / "source")
    assert {"encoder.py", "bert_words.py"} <= {path.name for path in (tmp_path / "source").iterdir()}
    rows = table.iloc[:9].copy()
    rows.loc[0, "review"] = None
    rows.loc[1, "review"] = "Größe: naïve 東京, don't! " * 40
    rows.to_csv(tmp_path / "rows.csv", index=False)
    wanted = model.answers(read_table(tmp_path / "rows.csv"))
    assert np.abs(answers_of(tmp_path / "source", tmp_path / "rows.csv") - wanted).max() < 1e-4
    train, out = shortened(tmp_path / "short", tmp_path / "source"), tmp_path / "new.safetensors"
    table.to_csv(tmp_path / "all.csv", index=False)
    assert np.isfinite(score_of(run_bare(tmp_path / "short", train, tmp_path / "all.csv", "--out", out)))
    (tmp_path / "short" / "weights.safetensors").write_bytes(out.read_bytes())
    assert len(answers_of(tmp_path / "short", tmp_path / "rows.csv")) == 9


# --- tokens ----------------------------------------------------------------------------------------------------------


def as_conll(table: pd.DataFrame, path: Path) -> None:
    """Write tagged tokens as columns, with a blank line after each sentence."""
    parts = [part for _, part in table.groupby("sentence", sort=False)]
    lines = ["\n".join(f"{row.token}\t{row.tag}" for row in part.itertuples()) for part in parts]
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize("framework", FRAMEWORKS_SLOWLY)
def test_a_folder_for_tags_answers_as_its_model(framework: str, tmp_path: Path) -> None:
    """Of tokens in a table, and in columns as those of CoNLL; the neighbours of a token count."""
    table, target = TASKS["tagging"].toy(0)
    model = untrained("tagging", TASKS["tagging"].read(table), target, most=3, networks=1)
    write_source(model, tmp_path / "source", framework)
    check_by_ruff(tmp_path / "source")
    some = table[table["sentence"] < 7]
    some.to_csv(tmp_path / "rows.csv", index=False)
    as_conll(some, tmp_path / "rows.conll")
    wanted = model.answers(some)
    for name in ("rows.csv", "rows.conll"):
        assert np.abs(answers_of(tmp_path / "source", tmp_path / name) - wanted).max() < 1e-4
    lines = run_bare(tmp_path / "source", tmp_path / "source" / "model.py", tmp_path / "rows.conll").splitlines()
    assert lines[0] == "sentence,token,tag,O,B-LOC,I-LOC,B-PER,I-PER" and len(lines) == 1 + len(some)


@pytest.mark.parametrize("framework", FRAMEWORKS_SLOWLY)
def test_the_recipe_for_tags_learns(framework: str, tmp_path: Path) -> None:
    """The F1 of entities, with the tokens of a sentence in one fold, of networks with a chain over the tags."""
    table, target = TASKS["tagging"].toy(0)
    as_conll(table, tmp_path / "rows.conll")
    model = one_network("tagging", TASKS["tagging"].read(tmp_path / "rows.conll"), target, "entity_f1")
    assert model.parts[0].candidate.network.chained
    folder = put(model, tmp_path / "source", framework)
    printed = run_bare(folder, folder / "train.py", tmp_path / "rows.conll")
    assert "entity_f1" in printed and score_of(printed) > 0.9


# --- names that stand in the source ----------------------------------------------------------------------------------

ODD_NAMES = ('a"""b', "line\nend", "back\\slash", "'; import os #", "{braces}", "\u202eright", "x" * 130, "# end", "\\")


def test_names_are_never_code(tmp_path: Path) -> None:
    """Of columns, of the target, of classes and of the metric: they stand in the source as texts."""
    random = np.random.default_rng(0)
    for target in ODD_NAMES:
        others = [name for name in ODD_NAMES if name != target]
        table = pd.DataFrame({name: random.choice([*others[:3], *others[-3:]], 120) for name in others})
        table[target] = random.choice(ODD_NAMES, 120)
        model = untrained("tabular", table, target, most=1)
        files = source_files(replace(model, result=result_of("print(1)")))
        assert b"print(1)" not in files["train.py"]
        for name in ("model.py", "train.py", "preprocess.py"):
            for node in ast.walk(ast.parse(files[name])):
                assert not isinstance(node, ast.Import) or "os" not in [alias.name for alias in node.names]
    assert check(model, files).difference < 1e-4
    write_source(model, tmp_path / "source")
    check_by_ruff(tmp_path / "source")


# --- training --------------------------------------------------------------------------------------------------------


def score_of(printed: str) -> float:
    """Return the score of the mix, which is told last."""
    return float(printed.split()[-1])


@pytest.mark.parametrize("framework", FRAMEWORKS_SLOWLY)
def test_the_recipe_reproduces_the_score(framework: str, tmp_path: Path) -> None:
    """On the penguins, trained from the beginning by the written loop, within the interval of the estimate."""
    run = nw.fit(PENGUINS, "species", trials=3, out=tmp_path / "run")
    write_source(run.model, tmp_path / "source", framework)
    out = tmp_path / "new.safetensors"
    printed = run_bare(tmp_path / "source", tmp_path / "source" / "train.py", PENGUINS, "species", "--out", out)
    assert run.result.score_low <= score_of(printed) <= run.result.score_high
    (tmp_path / "source" / "weights.safetensors").write_bytes(out.read_bytes())
    found = answers_of(tmp_path / "source", PENGUINS)
    truth = pd.read_csv(PENGUINS)["species"]
    assert (np.array(run.model.labels)[found.argmax(axis=1)] == truth).mean() > 0.95


def shortened(folder: Path, written: Path) -> Path:
    """Copy a written folder to another one, with two epochs for each recipe; return its program that trains."""
    folder.mkdir()
    for source in written.iterdir():
        (folder / source.name).write_bytes(source.read_bytes())
    train = folder / "train.py"
    lines = train.read_text().split("\n")
    train.write_text("\n".join("        epochs=2," if line.strip().startswith("epochs=") else line for line in lines))
    return train


def test_every_recipe_runs(tables: dict[str, tuple[Model, Path]], tmp_path: Path) -> None:
    """Of all sorts of networks, for classes and numbers; with few epochs, since nothing can be learnt here."""
    path = tmp_path / "rows.csv"
    odd_table(80, 6).to_csv(path, index=False)
    for name in ("classes", "number", "texts"):
        train = shortened(tmp_path / name, tables[name][1])
        some = () if framework_of(tables[name][1]) == "torch" else ("--designs", 5)  # each is compiled by itself
        assert np.isfinite(score_of(run_bare(tmp_path / name, train, path, *some)))


ORTHOGONAL = Recipe(
    optimiser="muon", growth=0.5, averaging=0.1, mixup=0.2, label_smoothing=0.1, batch_size=8, dropout=0.1
)
CHANGED = Recipe(flips="all", distortion=0.5, warp=0.5, masking=0.5, schedule="flat_cosine", batch_size=8)
DESCENDING = Recipe(optimiser="sgd", schedule="one_cycle", batch_size=8)


@pytest.mark.parametrize(
    ("framework", "medium", "recipes"),
    [
        ("torch", "image", (ORTHOGONAL, CHANGED)),
        ("torch", "audio", (ORTHOGONAL, CHANGED)),
        ("torch", "image", (DESCENDING, CHANGED)),
        ("torch", "image", (DESCENDING, ORTHOGONAL)),
        pytest.param("keras", "image", (DESCENDING, ORTHOGONAL), marks=SLOW),
        pytest.param("keras", "audio", (CHANGED, ORTHOGONAL), marks=SLOW),
    ],
)
def test_every_recipe_for_images_and_sounds_runs(
    framework: str, medium: str, recipes: tuple[Recipe, Recipe], tmp_path: Path
) -> None:
    """With every way to change them, growth, averages of weights, and all optimisers."""
    table, target = TASKS[medium].toy(0)
    table, column = table[:32], table.columns[0]
    model = untrained(medium, table, target, most=2, networks=1)
    parts = zip(model.parts, recipes, strict=True)
    model = replace(
        model, parts=tuple(replace(part, candidate=replace(part.candidate, recipe=recipe)) for part, recipe in parts)
    )
    put(model, tmp_path / "source", framework)
    check_by_ruff(tmp_path / "source")
    for place, (cell, name) in enumerate(zip(table[column], table[target], strict=True)):
        folder = tmp_path / "files" / str(name)
        folder.mkdir(parents=True, exist_ok=True)
        if medium == "image":
            Image.fromarray(cell).save(folder / f"{place}.png")
        else:
            (folder / f"{place}.wav").write_bytes(cell)
    train = shortened(tmp_path / "short", tmp_path / "source")
    besides = ("pillow",) if medium == "image" else ("soundfile", "cffi", "pycparser")
    assert np.isfinite(score_of(run_bare(tmp_path / "short", train, tmp_path / "files", besides=besides)))


# --- cells -----------------------------------------------------------------------------------------------------------

ODD_CELLS: Sequence[Any] = (
    *(None, "", " ", "NA", "None", "none", "nan", "inf", "-inf", "∞", "3", "3.0", " 3.10 ", "+3", "- 3", "(3)", "12 %"),
    *("1,234.5", "1.234,5", "1'234", "1 234", "$ 12", "12 €", "USD 5", "5 kr", "12,34,567", "1e3", "1e400", "٣", "−5"),
    *(
        True,
        False,
        "True",
        "FALSE",
        "yes",
        "ja",
        "нет",
        "はい",
        0,
        1,
        2,
        -7,
        2.5,
        3.0,
        float("nan"),
        float("inf"),
        10**18,
    ),
    *("2024-01-31", "2024-1-5 7:30", "2024-02-30", "31/12/2024 5:30 pm", "12/31/24", "1 Jan 2024", "Jan 1st, 2024"),
    *(
        "20240131",
        "1999",
        "07:45",
        "7:45:10 am",
        "1700000000",
        "1700000000000",
        "2024年3月5日",
        "2024-01-31T10:00:00+02:00",
    ),
    *("a word", "01234", "0", "x" * 50),
)


@pytest.mark.parametrize("cell", ODD_CELLS, ids=repr)
def test_cells_are_read_as_netwright_reads_them(cell: Any) -> None:
    """Numbers with either mark, truth values, words, codes, and moments in every order."""
    for mark in (".", ","):
        assert str(written_cells.read_number(cell, mark)) == str(cells.read_number(cell, mark))
    assert str(written_cells.read_truth(cell)) == str(cells.read_truth(cell))
    assert written_cells.read_word(cell) == cells.read_word(cell)
    assert written_cells.read_code(cell, 5) == cells.read_code(cell, 5)
    for order in (*dates.ORDERS, *dates.EPOCHS):
        if isinstance(cell, str):
            assert str(written_cells.read_moment(cell, order)) == str(dates.read_date(cell, order))


# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_folder_that_does_not_run_or_answers_otherwise_is_not_written(
    tables: dict[str, tuple[Model, Path]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is asked before a file is made, and what it says is told."""
    model = tables["alone"][0]
    files = source_files(model)
    broken = {**files, "model.py": files["model.py"] + b"\nraise ValueError('of no use')\n"}
    with pytest.raises(NoSource, match="of no use"):
        check(model, broken)
    other = replace(model, temperature=1.31)
    monkeypatch.setattr("netwright.export.source.folder.source_files", lambda *_: source_files(other))
    with pytest.raises(UnequalExport, match="differ"):
        write_source(model, tmp_path / "source")
    assert not (tmp_path / "source").exists()


def test_keras_is_asked_for_where_it_is_not_installed(
    tables: dict[str, tuple[Model, Path]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By the extra that brings it."""
    monkeypatch.setattr("netwright.export.source.checking.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match="keras"):
        write_source(tables["alone"][0], tmp_path / "source", "keras")
    assert not (tmp_path / "source").exists()

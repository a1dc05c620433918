"""A run loads the framework that it trains with and no other, and says plainly why it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import netwright as nw
from netwright.errors import MissingExtra, NoDevice, NotWithFramework, OtherBackend, UnknownFramework
from netwright.spec.spaces import Choice
from netwright.tasks import TASKS
from netwright.tasks.pinned import pinned
from netwright.tasks.task import Request
from netwright.train import frameworks
from netwright.train.frameworks import find_framework

TABLE = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20, "kind": ["a", "b"] * 20})
OTHERS = ("jax", "tensorflow")

FIT = """
import json, sys, warnings
warnings.simplefilter("ignore")


class WithoutTorch:
    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, *rest):
        return None if name.partition(".")[0] == "torch" else self.finder.find_spec(name, *rest)


sys.meta_path[:] = [WithoutTorch(finder) for finder in sys.meta_path]
import numpy as np
import netwright as nw
from netwright.tasks import TASKS

framework, task, target, out, settings = sys.argv[1:]
table, column = TASKS[task].toy(0)
run = nw.fit(table, target or column, task=task, framework=framework, out=out, **json.loads(settings))
model = nw.load(run.bundle)
answers = model.predict(table)
same = np.array_equal(answers, run.model.predict(table))
picked = nw.pick(out, max_size="60kB")
told = {"score": run.result.score, "usual": run.result.baselines[0].score, "same": same, "trials": run.result.trials}
told |= {"networks": len(next(iter(model.parts[0].weights.values()))), "missed": picked.result.missed}
told |= {"others": sorted({"torch", "jax", "tensorflow"} & {name for name, found in sys.modules.items() if found})}
told |= {"spread": float(np.std(answers)) if answers.dtype.kind == "f" else 0.0}
print(json.dumps(told))
"""


def fitted(framework: str, task: str, target: str, out: Path, **settings: object) -> dict[str, object]:
    """Return what came of a run in a process that cannot import PyTorch."""
    if find_spec(framework) is None or find_spec("keras") is None:
        pytest.skip(f"{framework} is not installed")
    command = [sys.executable, "-c", FIT, framework, task, target, str(out), json.dumps(settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("framework", OTHERS)
@pytest.mark.parametrize("target", ["", "size"])
def test_a_table_is_learnt_saved_and_predicted_where_pytorch_cannot_be_imported(
    framework: str, target: str, tmp_path: Path
) -> None:
    """Classes and numbers; far better than always saying the usual, from the file as from the run."""
    trials = 1 if target else 2  # each network is compiled by itself
    told = fitted(framework, "tabular", target, tmp_path, trials=trials)
    assert "torch" not in told["others"] and framework in told["others"]
    assert told["same"] and told["trials"] == trials
    assert told["score"] < 0.8 * told["usual"] if target else told["score"] > told["usual"] + 0.15


@pytest.mark.parametrize("task", [pytest.param("image", marks=pytest.mark.slow), "text"])
def test_images_and_texts_are_learnt_where_pytorch_cannot_be_imported(task: str, tmp_path: Path) -> None:
    """By the first small network of each."""
    told = fitted("jax", task, "", tmp_path, trials=1)
    assert told["same"] and told["score"] > told["usual"] + 0.15


def test_one_network_is_made_of_many_where_pytorch_cannot_be_imported(tmp_path: Path) -> None:
    """Its teacher answers in ONNX Runtime."""
    told = fitted("jax", "tabular", "", tmp_path, trials=1, single=True)
    assert told["networks"] == 1 and told["score"] > told["usual"] + 0.15


def test_a_framework_that_there_is_not_is_refused_before_the_data_is_read() -> None:
    """With the one that was meant."""
    with pytest.raises(UnknownFramework, match="Did you mean 'tensorflow'"):
        nw.fit("nowhere.csv", "kind", framework="tensorflo")


@pytest.mark.parametrize(("missing", "extra"), [("torch", "train"), ("jax", "jax"), ("keras", "tensorflow")])
def test_a_package_that_is_missing_is_named_with_its_extra(
    missing: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it can be installed."""
    monkeypatch.setattr(frameworks, "find_spec", lambda name: None if name == missing else SimpleNamespace())
    with pytest.raises(MissingExtra, match=rf"package {missing}.*netwright\[{extra}\]"):
        find_framework("torch" if extra == "train" else extra)


def test_a_process_has_one_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has Keras on another one already is told so."""
    monkeypatch.setattr(frameworks, "find_spec", lambda name: SimpleNamespace())
    loaded = SimpleNamespace(backend=SimpleNamespace(backend=lambda: "tensorflow"))
    monkeypatch.setitem(sys.modules, "keras", loaded)
    with pytest.raises(OtherBackend, match=r"runs on tensorflow.*cannot run on jax"):
        find_framework("jax")


def test_what_pytorch_alone_can_do_is_refused_with_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device by name, and trained weights of others."""
    monkeypatch.setattr(frameworks, "find_spec", lambda name: SimpleNamespace())
    with pytest.raises(NotWithFramework, match=r"--device cuda.*--framework torch"):
        find_framework("jax", "cuda")
    monkeypatch.setattr("netwright.api.find_framework", lambda name, device: SimpleNamespace(name=name))
    with pytest.raises(NotWithFramework, match="--pretrained hub"):
        nw.fit(TABLE, "kind", framework="jax", pretrained="hub")


def test_pytorch_is_found_on_a_device() -> None:
    """By default wherever it computes."""
    assert find_framework("torch", "cpu").device == "cpu"
    with pytest.raises(NoDevice):
        find_framework("torch", "nonsense")


def test_dimensions_are_held_at_a_value_in_every_point() -> None:
    """In the space, in the portfolio and in the quick networks; what a space lacks is not put there."""
    task = TASKS["image"]
    data, target = task.toy(0)
    preparation = task.prepare(task.load(Request(data, target, {}, "auto")), 0)
    held = pinned(task, {"distortion": 0.0, "warp": 0.0})
    assert held.space(preparation, 100)["distortion"] == Choice((0.0,))
    assert set(held.space(preparation, 100)) == set(task.space(preparation, 100))
    points = (*held.portfolio(preparation, 100), held.first_glance(100), held.default_network(100))
    assert {point["distortion"] for point in points} == {0.0}
    assert {point["distortion"] for point in task.portfolio(preparation, 100)} != {0.0}

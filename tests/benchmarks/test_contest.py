"""The main that benchmarks of images, texts and sounds share, and what their contestants compute with."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import pandas as pd
import pixels
import pytest
import runs
from contest import LABEL, Benchmark, as_table, beside, judged
from peers import PEERS

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "text.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a set that words tell apart, and one of a single class, which nobody can learn from."""
    generator = np.random.default_rng(0)
    words = {"sea": ["waves", "salt", "harbour"], "wood": ["pine", "moss", "fox"]}
    rows = [
        {"text": " ".join(generator.choice(words[label], 6)), "label": label, "split": part}
        for part, count in (("train", 20), ("test", 5))
        for label in words
        for _ in range(count)
    ]
    table = pd.DataFrame(rows)
    table.to_parquet(tmp_path / "places.parquet")
    table.assign(label="sea").to_parquet(tmp_path / "alone.parquet")
    return tmp_path


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the benchmark of texts."""
    return subprocess.run([sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True)


def lines_of(file: Path) -> list[dict[str, Any]]:
    """Return what is written."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_the_examples_in_the_texts_are_right() -> None:
    """The files lie where doctests are not collected."""
    for module in (fasttext, pixels, runs):
        result = doctest.testmod(module)
        assert result.attempted > 0 and result.failed == 0


def test_a_run_is_written_once_and_a_failure_stops_no_other(folder: Path) -> None:
    """One line a set and contestant, with a reason where it failed; the same command then has nothing to do."""
    out = folder / "out.jsonl"
    asked = (folder, "--time", "20s", "--contestants", "tfidf", "--out", out)
    done = command(*asked)
    assert done.returncode == 0, done.stderr
    alone, places = lines_of(out)
    assert (alone["set"], places["set"]) == ("alone", "places")
    assert "ValueError" in alone["failed"]
    assert (places["accuracy"], places["time"], places["seed"]) == (1.0, 20.0, 0)
    assert places["seconds"] >= 0 and places["peak_mb"] > 0
    assert command(*asked).stdout == "" and len(lines_of(out)) == 2
    table = command("--table", out).stdout.splitlines()
    assert len(table) == 4 and table[3].startswith("| places | 20 s | tfidf | 1.0000 ± 0.0000 |")


def test_what_is_asked_for_must_be_there(folder: Path) -> None:
    """A set by a wrong name and a missing folder are told of, and nothing is written."""
    done = command(folder, "--only", "places", "plases", "--out", folder / "out.jsonl")
    assert done.returncode == 1 and done.stderr.strip() == f"no such sets in {folder}: plases"
    assert not (folder / "out.jsonl").exists()
    assert "DATA_FOLDER is missing" in command().stderr


def test_a_contestant_with_an_environment_of_its_own_is_given_tables(tmp_path: Path) -> None:
    """It runs in the Python that stands ready for it; where none does, the reason is its line."""
    inputs = np.random.default_rng(0).normal(size=(120, 2))
    table = pd.DataFrame({"x": inputs[:, 0], "y": inputs[:, 1], LABEL: np.where(inputs[:, 0] > 0, "right", "left")})
    benchmark = Benchmark(
        SCRIPT, None, "10s", "", {}, {"boosting": PEERS["boosting"]}, lambda _: (table[:80], table[80:])
    )
    here = {"boosting": (Path(sys.executable), {"python": "this one"})}
    line = beside(benchmark, tmp_path, "boosting", runs.Contest(tmp_path, here, 10.0, 0, 1))
    assert line["accuracy"] > 0.8 and line["versions"] == {"python": "this one"} and line["bytes"] > 0
    assert as_table([line | {"set": "a", "contestant": "boosting", "time": 10.0}]).count("\n") == 2
    none = {"boosting": runs.InstallFailed("no such package")}
    assert beside(benchmark, tmp_path, "boosting", runs.Contest(tmp_path, none, 10.0, 0, 1))["failed"] == (
        "no such package"
    )


def test_probabilities_are_judged_by_the_classes_that_were_learnt() -> None:
    """Columns are the sorted classes; one that was not learnt is never right."""
    line = judged(np.array([[0.8, 0.2], [0.4, 0.6], [0.5, 0.5]]), np.array([7, 3, 3]), np.array([3, 7, 9]))
    assert line["accuracy"] == pytest.approx(2 / 3)
    assert line["log_loss"] == pytest.approx(-np.log([0.8, 0.6, np.finfo(np.float32).eps]).mean())


@pytest.mark.parametrize("shape", [(4, 5, 3), (4, 5, 3, 2)])
def test_images_come_back_from_cells(shape: tuple[int, ...]) -> None:
    """Grey ones and coloured ones, to the bit."""
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    cells = pixels.to_cells(images)
    assert len(cells) == 4 and np.array_equal(pixels.of_cells(cells), images)


def test_the_order_of_words_is_seen_in_pairs() -> None:
    """Single words are the same whatever their order; pairs are not, and an empty text has nothing."""
    one, other = fasttext.buckets("good not bad"), fasttext.buckets("bad not good")
    assert sorted(one[:3]) == sorted(other[:3]) and set(one[3:]).isdisjoint(other[3:])
    assert all(0 <= place < fasttext.BUCKETS for place in one)
    assert fasttext.buckets(" ") == []


def test_averaged_vectors_learn_what_only_pairs_tell() -> None:
    """The same three words in both classes; a text without words is answered too, by neither."""
    texts, labels = ["so not bad", "not so bad"] * 40, np.array(["no", "yes"] * 40)
    asked = ["so not bad", "not so bad", ""]
    chances = fasttext.chances(texts, labels, asked, 60.0, 1)
    assert chances == pytest.approx(np.array([[1, 0], [0, 1], [0.5, 0.5]]), abs=0.05)


def test_no_time_leaves_even_chances() -> None:
    """The last layer begins at 0, and no step is taken after the limit."""
    assert np.array_equal(fasttext.chances(["a", "b"], np.array([0, 1]), ["a"], 1e-6, 0), [[0.5, 0.5]])

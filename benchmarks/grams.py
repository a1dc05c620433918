"""Bags of n-grams beside linear models: what is lost in the encoding, and what in the training.

    pip install scikit-learn
    python benchmarks/grams.py telling modules docstrings FOLDER/texts.parquet

Sets are made here or read from Parquet files with the columns text, label and split (of which `train` is used):

- telling: 240 texts of 3, 400 or 5,000 words drawn at random, whose class is told by one common word among them;
- modules: the documentation of whole modules of the packages that are installed, a class each; hundreds of words;
- docstrings: that of single functions and classes; some dozen words.

For each stands the log-loss and the accuracy of rows of three folds that were not learnt from: of a logistic regression
on the TF-IDF of words (scikit-learn) and on the n-grams that Netwright keeps, its C the best of six; and of one network
of each linear point of the portfolio.
"""

from __future__ import annotations

import argparse
import ast
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from netwright.data.vocabulary import encode_texts, joined_texts
from netwright.engine.bench import Bench, set_up
from netwright.metrics import METRICS, find_metric
from netwright.spec import texts
from netwright.spec.spaces import Point
from netwright.tasks import TASKS
from netwright.tasks.task import Request
from netwright.train.control import Control
from netwright.train.torch import Torch

TASK = TASKS["text"]
FOLDS = 3
STRENGTHS = (3, 10, 30, 100, 300, 1_000)  # C of a logistic regression
FEWEST, MOST = 60, 120  # texts of a package
WORDS = 3  # that a text has at least
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def telling() -> pd.DataFrame:
    """Return texts of three lengths, each half of which have a common word that the others have not."""
    random = np.random.default_rng(0)
    words = np.array(["".join(random.choice([*"abcdefghijklmnop"], random.integers(3, 9))) for _ in range(3_000)])
    kinds, found = random.integers(0, 2, 240), []
    for place, kind in enumerate(kinds):
        text = random.choice(words[2:], (3, 400, 5_000)[place % 3])
        text[random.integers(len(text))] = words[kind]
        found.append(" ".join(text))
    return pd.DataFrame({"text": found, "label": np.where(kinds, "one", "other")})


def modules() -> pd.DataFrame:
    """Return the documentation of each module of the installed packages."""
    rows = [("\n".join(documents), name) for name, documents in documented()]
    return chosen(pd.DataFrame(rows, columns=["text", "label"]))


def docstrings() -> pd.DataFrame:
    """Return four documents of each of these modules at most."""
    rows = [(document, name) for name, documents in documented() for document in documents[:4]]
    return chosen(pd.DataFrame(rows, columns=["text", "label"]))


def documented() -> Iterator[tuple[str, list[str]]]:
    """Yield the package and the documents of every module, the package's name left out of these."""
    for name in sorted(packages_distributions()):
        spec = find_spec(name)
        folders = (spec and spec.submodule_search_locations) or ()
        for path in sorted(path for folder in folders for path in Path(folder).rglob("*.py")):
            try:
                nodes = ast.walk(ast.parse(path.read_bytes()))
            except (SyntaxError, ValueError, RecursionError):
                continue
            found = (ast.get_docstring(node) for node in nodes if isinstance(node, DOCUMENTED))
            documents = [text.replace(name, "") for text in found if text and len(text.split()) >= WORDS]
            if documents:
                yield name, documents


SETS: dict[str, Callable[[], pd.DataFrame]] = {"telling": telling, "modules": modules, "docstrings": docstrings}


def chosen(table: pd.DataFrame) -> pd.DataFrame:
    """Return distinct texts, no more than some of each package, of packages that have enough."""
    table = table.drop_duplicates("text").sample(frac=1, random_state=0)
    table = table[table.groupby("label")["text"].transform("size") >= FEWEST]
    return table[table.groupby("label").cumcount() < MOST].reset_index(drop=True)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=[*SETS], help="names of sets, or Parquet files")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for name in asked.sets:
        table = SETS[name]() if name in SETS else in_file(Path(name))
        bench = bench_of(table)
        size = f"{len(bench.loaded.truth):,} texts of {table['text'].str.split().str.len().median():.0f} words"
        print(f"{Path(name).stem}: {size}, {table['label'].nunique()} classes", flush=True)
        for way, score in ways(bench):
            begun = time.perf_counter()
            loss, accuracy = score()
            seconds = time.perf_counter() - begun
            print(f"  {way:44s} {loss:.3f} {100 * accuracy:5.1f} % {seconds:6.1f} s", flush=True)


def in_file(path: Path) -> pd.DataFrame:
    """Return what is to be learnt from of a set in a file."""
    table = pd.read_parquet(path)
    return table.loc[table["split"] == "train", ["text", "label"]]


def bench_of(table: pd.DataFrame) -> Bench:
    """Return texts, made ready to be learnt from."""
    loaded = TASK.load(Request(table, "label", {}, "classification"))
    bench = set_up(TASK, loaded, find_metric("log_loss", loaded.schema.target.outcome), Torch(), 0)
    return replace(bench, cut=replace(bench.cut, splits=bench.splits[:FOLDS]))


def ways(bench: Bench) -> Iterator[tuple[str, Callable[[], tuple[float, float]]]]:
    """Yield what is compared, and what measures it."""
    cells = joined_texts(bench.loaded.frame, bench.loaded.schema)
    yield "logistic regression on TF-IDF of words", lambda: of_linear(bench, lambda: words(cells))
    yield "logistic regression on our n-grams", lambda: of_linear(bench, lambda: kept(bench, cells))
    rows, outcome = len(bench.loaded.truth), bench.loaded.schema.target.outcome
    for point in texts.portfolio(rows, outcome):
        if point["input"] == texts.BAG and not point["hidden"]:
            more = f" ×{point['gram_rate']:g}, decay {point['weight_decay']:g}, dropout {point['dropout']:g}"
            yield (
                texts.describe(point).removeprefix("bag of n-grams ") + more,
                lambda point=point: of_network(bench, point),
            )  # type: ignore[misc]


def words(cells: list[str | None]) -> csr_matrix:
    """Return the weights of the words of texts, as usual."""
    return TfidfVectorizer(sublinear_tf=True).fit_transform(cell or "" for cell in cells)


def kept(bench: Bench, cells: list[str | None]) -> csr_matrix:
    """Return the weights of the n-grams that bags are made of."""
    vocabulary = bench.preparation.own.vocabulary
    names, weights = encode_texts(vocabulary, cells)
    rows, places = np.nonzero(names)
    return csr_matrix((weights[rows, places], (rows, names[rows, places] - 1)), (len(cells), len(vocabulary)))


def of_linear(bench: Bench, encode: Callable[[], csr_matrix]) -> tuple[float, float]:
    """Return log-loss and accuracy of the best of some logistic regressions."""
    encoded, truth = encode(), bench.loaded.truth

    def answers(strength: int) -> Iterator[np.ndarray]:
        for split in bench.splits:
            found = LogisticRegression(C=strength, max_iter=200).fit(encoded[split.train], truth[split.train])
            yield found.predict_proba(encoded[split.valid])

    return min(scored(bench, [*answers(strength)]) for strength in STRENGTHS)


def of_network(bench: Bench, point: Point) -> tuple[float, float]:
    """Return log-loss and accuracy of a network of a point."""
    candidate = TASK.candidate(point, bench.preparation)
    quiet, loss = Control(lambda: 0.0, lambda: False, lambda progress: None), bench.preparation.goal.loss
    (found,) = bench.trainer.train(candidate.network, [candidate.recipe], bench.splits, loss, quiet, [0])
    return scored(bench, found.predictions)


def scored(bench: Bench, answers: Any) -> tuple[float, float]:
    """Return log-loss and accuracy of the answers for the rows that each fold holds out."""
    truth = np.concatenate([bench.loaded.truth[split.valid] for split in bench.splits])
    found = np.concatenate(answers)
    return METRICS["log_loss"].function(truth, found), METRICS["accuracy"].function(truth, found)


if __name__ == "__main__":
    main()

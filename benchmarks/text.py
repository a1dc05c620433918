"""Fits sets of texts within a time limit, beside TF-IDF with a linear model, one JSON line a run.

    python benchmarks/text.py DATA_FOLDER --time 60s --only bbc_news --out text.jsonl
    python benchmarks/text.py --table text.jsonl        # prints what came of it

DATA_FOLDER holds one Parquet file a set, with the columns text, label and split (train or test). Nothing else may run
meanwhile. The test texts are looked at once, after all was chosen. What is in --out is not run again.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pandas as pd
from contest import LABEL, Benchmark, Line, by_command, judged, main
from tabular import fit

SPLIT, TEXT = "split", "text"


def read(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of a set to learn from and to test on."""
    table = pd.read_parquet(path)
    train, test = (table[table[SPLIT] == part].drop(columns=SPLIT) for part in ("train", "test"))
    return train, test


def untrained(path: Path, seconds: float, seed: int) -> Line:
    """Return what the command came to without the weights that others have trained, if any are installed."""
    return netwright(path, seconds, seed, "--pretrained", "none")


def netwright(path: Path, seconds: float, seed: int, *more: str) -> Line:
    """Return what the command came to: from files to files, in a process of its own."""
    train, test = read(path)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.parquet" for name in ("train", "test")]
        train.to_parquet(files[0])
        test.to_parquet(files[1])
        options = ["--time", f"{seconds}s", "--seed", str(seed), "--out", f"{folder}/run", *more]
        return by_command(fit(*files, {"task": "classification", "target": LABEL}, options), len(test))


def tfidf(path: Path, seconds: float, seed: int) -> Line:
    """Return what words and pairs of words, weighted by rarity, say to a logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    train, test = read(path)
    began = time.monotonic()
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=30, max_iter=300).fit(words.fit_transform(train[TEXT]), train[LABEL])
    chances = model.predict_proba(words.transform(test[TEXT]))
    taken = round(time.monotonic() - began, 1)
    return {**judged(chances, train[LABEL].to_numpy(), test[LABEL].to_numpy()), "seconds": taken}


TEXTS = Benchmark(
    Path(__file__),
    __doc__,
    "60s",
    ".parquet",
    {"netwright": netwright, "netwright-untrained": untrained, "tfidf": tfidf},
)

if __name__ == "__main__":
    main(TEXTS)

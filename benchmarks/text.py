"""Fits sets of texts within a time limit, beside two linear models of words and pairs of words, one JSON line a run.

    python benchmarks/text.py DATA_FOLDER --time 60s --only bbc_news --out text.jsonl
    python benchmarks/text.py --table text.jsonl        # prints what came of it

DATA_FOLDER holds one Parquet file a set, with the columns text, label and split (train or test). Nothing else may run
meanwhile. The test texts are looked at once, after all was chosen. What is in --out is not run again.

`tfidf` is a support vector machine on rarity-weighted counts, `fasttext` the mean of learnt vectors (`fasttext.py`).
Neither is told anything about the set.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pandas as pd
from contest import LABEL, Array, Benchmark, Line, by_command, judged, main
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
    """Return what words and pairs of words, weighted by rarity, say to a linear support vector machine.

    The usual setting: counts as 1 + their logarithm, n-grams of one text left out, C = 1, and sigmoids that make
    probabilities of the margins, fitted on five held-out fifths (Platt 1999). By cross-validation of the texts to learn
    from it was chosen over a logistic regression with C = 30: 0.980 and 0.978 are right on bbc_news, 0.976 and 0.967 on
    reuters_r8, 0.928 and 0.927 on election_tweets, and its log-loss is the lower one on all three.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    train, test = read(path)
    began = time.monotonic()
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = CalibratedClassifierCV(LinearSVC(random_state=seed), ensemble=False)
    model.fit(words.fit_transform(train[TEXT]), train[LABEL])
    return answered(model.predict_proba(words.transform(test[TEXT])), train, test, began)


def fasttext(path: Path, seconds: float, seed: int) -> Line:
    """Return what the mean of learnt vectors of words and pairs of words says."""
    import torch
    from fasttext import chances

    torch.set_num_threads(1)  # a step of one text is too little to share
    train, test = read(path)
    began = time.monotonic()
    found = chances(train[TEXT].tolist(), train[LABEL].to_numpy(), test[TEXT].tolist(), seconds, seed)
    return answered(found, train, test, began)


def answered(chances: Array, train: pd.DataFrame, test: pd.DataFrame, began: float) -> Line:
    """Return how good probabilities (N, K) of the test texts are, with the seconds since it began."""
    taken = round(time.monotonic() - began, 1)
    return {**judged(chances, train[LABEL].to_numpy(), test[LABEL].to_numpy()), "seconds": taken}


TEXTS = Benchmark(
    Path(__file__),
    __doc__,
    "60s",
    ".parquet",
    {"netwright": netwright, "netwright-untrained": untrained, "tfidf": tfidf, "fasttext": fasttext},
)

if __name__ == "__main__":
    main(TEXTS)

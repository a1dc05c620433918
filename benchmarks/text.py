"""Fits sets of texts within a time limit, beside TF-IDF with a linear model, one JSON line a run.

    python benchmarks/text.py DATA_FOLDER --time 60s --only bbc_news --out text.jsonl
    python benchmarks/text.py --table text.jsonl        # prints what came of it

DATA_FOLDER holds one Parquet file a set, with the columns text, label and split (train or test). Nothing else may run
meanwhile. The test texts are looked at once, after all was chosen. What is in --out is not run again.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from contest import as_table, parser_of, run_all
from image import scores
from tabular import fit, lines_of

LABEL, SPLIT, TEXT = "label", "split", "text"


def main() -> None:
    """Run what the command line asks for."""
    parser = parser_of(__doc__, CONTESTANTS, "60s", "text.jsonl")
    options = parser.parse_args()
    if options.table:
        print(as_table(lines_of(options.table)))
    elif options.data is None:
        parser.error("DATA_FOLDER is missing")
    else:
        run_all(options, ".parquet", measure)


def measure(path: Path, contestant: str, seconds: float, seed: int) -> dict[str, Any]:
    """Return what one run came to."""
    table = pd.read_parquet(path)
    train, test = (table[table[SPLIT] == part].drop(columns=SPLIT) for part in ("train", "test"))
    return CONTESTANTS[contestant](train, test, seconds, seed)


def untrained(train: pd.DataFrame, test: pd.DataFrame, seconds: float, seed: int) -> dict[str, Any]:
    """Return what the command came to without the weights that others have trained, if any are installed."""
    return netwright(train, test, seconds, seed, "--pretrained", "none")


def netwright(train: pd.DataFrame, test: pd.DataFrame, seconds: float, seed: int, *more: str) -> dict[str, Any]:
    """Return what the command came to: from files to files, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.parquet" for name in ("train", "test")]
        train.to_parquet(files[0])
        test.to_parquet(files[1])
        entry = {"task": "classification", "target": LABEL}
        run = fit(*files, entry, ["--time", f"{seconds}s", "--seed", str(seed), "--out", f"{folder}/run", *more])
        if run.status:
            return {"failed": run.status}
        found = run.printed["test"]
        error = float(np.sqrt(found["accuracy"] * (1 - found["accuracy"]) / len(test)))
        numbers = {"accuracy": found["accuracy"], "error": error, "log_loss": found["log_loss"]}
        numbers |= {"honest": run.printed["score"], "low": run.printed["score_low"], "high": run.printed["score_high"]}
        return {**numbers, "seconds": round(run.seconds, 1), "bytes": run.printed["size_bytes"]}


def tfidf(train: pd.DataFrame, test: pd.DataFrame, seconds: float, seed: int) -> dict[str, Any]:
    """Return what words and pairs of words, weighted by rarity, say to a logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    began = time.monotonic()
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=30, max_iter=300).fit(words.fit_transform(train[TEXT]), train[LABEL])
    chances = model.predict_proba(words.transform(test[TEXT]))
    taken = round(time.monotonic() - began, 1)
    return {**scores(chances, train[LABEL].to_numpy(), test[LABEL].to_numpy()), "seconds": taken}


CONTESTANTS: dict[str, Callable[[pd.DataFrame, pd.DataFrame, float, int], dict[str, Any]]] = {
    "netwright": netwright,
    "netwright-untrained": untrained,
    "tfidf": tfidf,
}

if __name__ == "__main__":
    main()

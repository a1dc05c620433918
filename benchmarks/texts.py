"""Fits sets of texts within a time limit, beside TF-IDF with a linear model, one JSON line a run.

    python benchmarks/texts.py DATA_FOLDER --time 60s --only bbc_news --out texts.jsonl
    python benchmarks/texts.py --table texts.jsonl        # prints what came of it

DATA_FOLDER holds one Parquet file a set, with the columns text, label and split (train or test). Nothing else may run
meanwhile. The test texts are looked at once, after all was chosen. What is in --out is not run again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from images import as_table, scores
from tabular import append, fit, lines_of

LABEL, SPLIT, TEXT = "label", "split", "text"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, help="the folder of sets")
    parser.add_argument("--time", default="60s", help="the time limit of each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], help="names of sets")
    parser.add_argument("--contestants", nargs="*", default=list(CONTESTANTS), choices=list(CONTESTANTS))
    parser.add_argument("--out", type=Path, default=Path("texts.jsonl"), help="one JSON line a run")
    parser.add_argument("--table", type=Path, help="print the results of this file as a table, and run nothing")
    options = parser.parse_args()
    if options.table:
        print(as_table(lines_of(options.table)))
        return
    if options.data is None:
        parser.error("DATA_FOLDER is missing")
    seconds = float(options.time.removesuffix("s"))
    done = {(line["set"], line["contestant"], line["time"], line["seed"]) for line in lines_of(options.out)}
    for path in sorted(options.data.glob("*.parquet")):
        for name in options.contestants:
            key = (path.stem, name, seconds, options.seed)
            if key not in done and (not options.only or path.stem in options.only):
                table = pd.read_parquet(path)
                parts = [table[table[SPLIT] == part].drop(columns=SPLIT) for part in ("train", "test")]
                line = dict(zip(("set", "contestant", "time", "seed"), key, strict=True))
                append(options.out, line | CONTESTANTS[name](*parts, options.time, options.seed))
                print(lines_of(options.out)[-1], flush=True)


def netwright(train: pd.DataFrame, test: pd.DataFrame, limit: str, seed: int) -> dict[str, Any]:
    """Return what the command came to: from files to files, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.parquet" for name in ("train", "test")]
        train.to_parquet(files[0])
        test.to_parquet(files[1])
        entry = {"task": "classification", "target": LABEL}
        run = fit(*files, entry, ["--time", limit, "--seed", str(seed), "--out", f"{folder}/run"])
        if run.status:
            return {"failed": run.status}
        found = run.printed["test"]
        error = float(np.sqrt(found["accuracy"] * (1 - found["accuracy"]) / len(test)))
        numbers = {"accuracy": found["accuracy"], "error": error, "log_loss": found["log_loss"]}
        numbers |= {"honest": run.printed["score"], "low": run.printed["score_low"], "high": run.printed["score_high"]}
        return {**numbers, "seconds": round(run.seconds, 1), "bytes": run.printed["size_bytes"]}


def tfidf(train: pd.DataFrame, test: pd.DataFrame, limit: str, seed: int) -> dict[str, Any]:
    """Return what words and pairs of words, weighted by rarity, say to a logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    began = time.monotonic()
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=30, max_iter=300).fit(words.fit_transform(train[TEXT]), train[LABEL])
    chances = model.predict_proba(words.transform(test[TEXT]))
    taken = round(time.monotonic() - began, 1)
    return {**scores(chances, train[LABEL].to_numpy(), test[LABEL].to_numpy()), "seconds": taken}


CONTESTANTS: dict[str, Callable[[pd.DataFrame, pd.DataFrame, str, int], dict[str, Any]]] = {
    "netwright": netwright,
    "tfidf": tfidf,
}

if __name__ == "__main__":
    main()

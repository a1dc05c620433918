"""Fits sets of sounds within a time limit, beside a linear model and a small fixed network, one JSON line a run.

    python benchmarks/audio.py DATA_FOLDER --time 300s --only commands_tts --out audio.jsonl
    python benchmarks/audio.py --table audio.jsonl        # prints what came of it

DATA_FOLDER holds one folder a set, with a file `metadata.csv` of the columns path, label, split (train or test) and,
where it is known, speaker. Nothing else may run meanwhile. The test sounds are looked at once, after all was chosen.
What is in --out is not run again.

`linear` is a logistic regression on a log-mel spectrogram, `resnet` the fixed network of `image.py` on the same,
trained for the same time. Netwright is told which column names the speaker, and nothing else about the set.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import image
import numpy as np
import pandas as pd
from contest import as_table, parser_of, run_all
from tabular import fit, lines_of

LIST = "metadata.csv"
LABEL, SPLIT, PATH, SPEAKER = "label", "split", "path", "speaker"


def main() -> None:
    """Run what the command line asks for."""
    parser = parser_of(__doc__, CONTESTANTS, "300s", "audio.jsonl")
    options = parser.parse_args()
    if options.table:
        print(as_table(lines_of(options.table)))
    elif options.data is None:
        parser.error("DATA_FOLDER is missing")
    else:
        run_all(options, "", measure)


def measure(path: Path, contestant: str, seconds: float, seed: int) -> dict[str, Any]:
    """Return what one run came to."""
    table = pd.read_csv(path / LIST)
    if LABEL not in table.columns:
        return {"failed": "its sounds have no classes"}
    table[PATH] = [str((path / name).resolve()) for name in table[PATH]]
    columns = [name for name in (PATH, LABEL, SPEAKER) if name in table.columns]
    train, test = (table.loc[table[SPLIT] == part, columns] for part in ("train", "test"))
    return CONTESTANTS[contestant](train, test, seconds, seed)


def netwright(train: pd.DataFrame, test: pd.DataFrame, seconds: float, seed: int) -> dict[str, Any]:
    """Return what the command came to: from files to files, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.csv" for name in ("train", "test")]
        train.to_csv(files[0], index=False)
        test.to_csv(files[1], index=False)
        group = ["--group", SPEAKER] if SPEAKER in train.columns else []
        options = ["--time", f"{seconds}s", "--seed", str(seed), "--out", f"{folder}/run", *group]
        run = fit(*files, {"task": "classification", "target": LABEL}, options)
        if run.status:
            return {"failed": run.status}
        found = run.printed["test"]
        error = float(np.sqrt(found["accuracy"] * (1 - found["accuracy"]) / len(test)))
        numbers = {"accuracy": found["accuracy"], "error": error, "log_loss": found["log_loss"]}
        numbers |= {"honest": run.printed["score"], "low": run.printed["score_low"], "high": run.printed["score_high"]}
        return {**numbers, "seconds": round(run.seconds, 1), "bytes": run.printed["size_bytes"]}


def on_spectrograms(contestant: Callable[[Path, float, int], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return a contestant for images as one for sounds, which are given to it as spectrograms."""

    def run(train: pd.DataFrame, test: pd.DataFrame, seconds: float, seed: int) -> dict[str, Any]:
        from netwright.data.sounds import common_clip, encode_all

        clip = common_clip(train[PATH].tolist())
        assert clip is not None
        maps = {
            f"x_{part}": encode_all(rows[PATH].tolist(), clip)[0] for part, rows in (("train", train), ("test", test))
        }
        truth = {"y_train": train[LABEL].to_numpy(str), "y_test": test[LABEL].to_numpy(str)}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "set.npz"
            np.savez(path, **maps, **truth)
            began = time.monotonic()
            found = contestant(path, seconds, seed)
            taken = round(time.monotonic() - began, 1)
        return {**image.scores(found["chances"], truth["y_train"], truth["y_test"]), "seconds": taken}

    return run


CONTESTANTS: dict[str, Callable[[pd.DataFrame, pd.DataFrame, float, int], dict[str, Any]]] = {
    "netwright": netwright,
    "linear": on_spectrograms(image.linear),
    "resnet": on_spectrograms(image.resnet),
}

if __name__ == "__main__":
    main()

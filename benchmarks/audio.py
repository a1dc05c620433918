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
from pathlib import Path

import image
import numpy as np
import pandas as pd
from contest import LABEL, Benchmark, Contestant, Line, by_command, main
from tabular import fit

LIST = "metadata.csv"
SPLIT, PATH, SPEAKER = "split", "path", "speaker"


def read(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of a set to learn from and to test on.

    Raises:
        ValueError: if its sounds have no classes.
    """
    table = pd.read_csv(path / LIST)
    if LABEL not in table.columns:
        raise ValueError(f"the sounds of {path.name} have no column '{LABEL}'")
    table[PATH] = [str((path / name).resolve()) for name in table[PATH]]
    columns = [name for name in (PATH, LABEL, SPEAKER) if name in table.columns]
    train, test = (table.loc[table[SPLIT] == part, columns] for part in ("train", "test"))
    return train, test


def netwright(path: Path, seconds: float, seed: int) -> Line:
    """Return what the command came to: from files to files, in a process of its own."""
    train, test = read(path)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.csv" for name in ("train", "test")]
        train.to_csv(files[0], index=False)
        test.to_csv(files[1], index=False)
        group = ["--group", SPEAKER] if SPEAKER in train.columns else []
        options = ["--time", f"{seconds}s", "--seed", str(seed), "--out", f"{folder}/run", *group]
        return by_command(fit(*files, {"task": "classification", "target": LABEL}, options), len(test))


def on_spectrograms(contestant: Contestant) -> Contestant:
    """Return a contestant for images as one for sounds, which are given to it as spectrograms."""

    def run(path: Path, seconds: float, seed: int) -> Line:
        from netwright.data.sounds import common_clip, encode_all

        train, test = read(path)
        clip = common_clip(train[PATH].tolist())
        assert clip is not None
        maps = {
            f"x_{part}": encode_all(rows[PATH].tolist(), clip)[0] for part, rows in (("train", train), ("test", test))
        }
        truth = {"y_train": train[LABEL].to_numpy(str), "y_test": test[LABEL].to_numpy(str)}
        with tempfile.TemporaryDirectory() as folder:
            images = Path(folder) / "set.npz"
            np.savez(images, **maps, **truth)
            began = time.monotonic()
            return {**contestant(images, seconds, seed), "seconds": round(time.monotonic() - began, 1)}

    return run


SOUNDS = Benchmark(
    Path(__file__),
    __doc__,
    "300s",
    "",
    {"netwright": netwright, "linear": on_spectrograms(image.linear), "resnet": on_spectrograms(image.resnet)},
)

if __name__ == "__main__":
    main(SOUNDS)

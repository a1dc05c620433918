"""Fits sets of images within a time limit, beside two fixed models and AutoKeras, one JSON line a run.

    python benchmarks/image.py DATA_FOLDER --time 120s --only mnist10k --out image.jsonl
    python benchmarks/image.py --table image.jsonl        # prints what came of it

DATA_FOLDER holds one `.npz` a set, with x_train, y_train, x_test and y_test. Nothing else may run meanwhile. Each
contestant is a process of its own. The test images are looked at once, after all was chosen. What is in --out is not
run again.

`linear` is a logistic regression on the pixels, `resnet` the fixed network that a user would write, trained for the
same time. `autokeras` has a virtual environment of its own under --environments, made on first use (1.9 GB), as those
of `peers.py`; it has no time limit of its own, and what it took is in its line. None of them is told anything about the
set.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from contest import LABEL, Benchmark, Line, judged, main
from environments import Requirements
from pixels import IMAGE, to_cells
from runs import Peer

AUTOKERAS = Requirements(
    "autokeras",
    # Keras 3.13 refuses numpy's integers as sizes, which AutoKeras gives it; KerasTuner wants TensorBoard
    (
        "autokeras==3.0.0",
        "keras==3.12.0",
        "tensorflow-cpu==2.21.0",
        "tensorboard==2.21.0",
        "pandas==3.1.1",
        "pyarrow==26.0.1",
    ),
    ("autokeras", "keras", "keras-tuner", "tensorflow-cpu", "numpy"),
    torch=False,
)
PEERS = {
    "autokeras": Peer(AUTOKERAS, "run_autokeras.py", "none: a callback ends its search at the first batch after it")
}


def untrained(path: Path, seconds: float, seed: int) -> Line:
    """Return what Netwright answers without the weights that others have trained, if any are installed."""
    return netwright(path, seconds, seed, "none")


def netwright(path: Path, seconds: float, seed: int, pretrained: str = "auto") -> Line:
    """Return what Netwright answers after so many seconds, with all of its own work in them."""
    import netwright as nw

    with np.load(path) as data, tempfile.TemporaryDirectory() as folder:
        run = nw.fit(data["x_train"], data["y_train"], time=seconds, seed=seed, pretrained=pretrained, out=folder)
        result = run.result
        numbers = {"honest": result.score, "low": result.score_low, "high": result.score_high}
        numbers |= {"trials": result.trials, "fit_seconds": result.seconds, "bytes": run.bundle.stat().st_size}
        return {**judged(run.model.predict_proba(data["x_test"]), data["y_train"], data["y_test"]), **numbers}


def linear(path: Path, seconds: float, seed: int) -> Line:
    """Return what a logistic regression on scaled pixels answers."""
    from sklearn.linear_model import LogisticRegression

    with np.load(path) as data:
        learn, test = (data[name].reshape(len(data[name]), -1) / 255.0 for name in ("x_train", "x_test"))
        model = LogisticRegression(max_iter=300, C=0.1).fit(learn, data["y_train"])
        return judged(model.predict_proba(test), data["y_train"], data["y_test"])


def resnet(path: Path, seconds: float, seed: int) -> Line:
    """Return what a fixed small residual network answers: no search, no augmentation, Adam with one cycle."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in range(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            inner = functional.relu(self.norms[0](self.first(x)))
            return functional.relu(self.norms[1](self.second(inner)) + self.norms[2](self.shortcut(x)))

    began = time.monotonic()
    torch.manual_seed(seed)
    with np.load(path) as data:
        learn, test = (_planes(torch.from_numpy(data[name])) for name in ("x_train", "x_test"))
        labels, asked = data["y_train"], data["y_test"]
    classes, truth = np.unique(labels, return_inverse=True)
    target, size = torch.from_numpy(truth), 128
    model = nn.Sequential(
        nn.Conv2d(learn.shape[1], 16, 3, 1, 1), Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, len(classes)),
    )  # fmt: skip
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=1e-2)
    usable = 0.9 * seconds
    while (share := (time.monotonic() - began) / usable) < 1:
        for rows in torch.randperm(len(learn)).split(size):
            share = min(1.0, (time.monotonic() - began) / usable)
            for group in optimiser.param_groups:
                group["lr"] = 3e-3 * min(share / 0.1, (1 - share) / 0.9)
            optimiser.zero_grad()
            functional.cross_entropy(model(learn[rows]), target[rows]).backward()
            optimiser.step()
    model.eval()
    with torch.no_grad():
        return judged(torch.cat([model(part).softmax(1) for part in test.split(500)]).numpy(), labels, asked)


def tables(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a set's rows to learn from and to test on, an image a cell."""
    with np.load(path) as data:
        train, test = (
            pd.DataFrame({IMAGE: to_cells(data[f"x_{part}"]), LABEL: data[f"y_{part}"]}) for part in ("train", "test")
        )
    return train, test


def _planes(images: Any) -> Any:
    """(N, H, W) or (N, H, W, C) of uint8 → (N, C, H, W) from -1 to 1."""
    images = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
    return images.float() / 127.5 - 1


IMAGES = Benchmark(
    Path(__file__),
    __doc__,
    "120s",
    ".npz",
    {"netwright": netwright, "netwright-untrained": untrained, "linear": linear, "resnet": resnet},
    PEERS,
    tables,
)

if __name__ == "__main__":
    main(IMAGES)

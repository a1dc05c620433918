"""What a user would write in an hour: a PyTorch MLP, tuned by Optuna's TPE on a fifth of the rows until time is up.

Numbers are standardised with medians for missing ones, words are one-hot; the best network by the held-out rows is
kept, trained with early stopping on those same rows.
"""

from __future__ import annotations

import copy
import pickle
import time
from typing import Any

import numpy as np
import optuna
import torch
from contract import Entry, Job, bytes_of, is_words, take_part
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

EPOCHS, PATIENCE = 200, 15


def preparation(inputs: Any) -> ColumnTransformer:
    """Return what makes a table into standardised numbers."""
    words = [name for name in inputs if is_words(inputs[name])]
    numbers = [name for name in inputs if name not in words]
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", scaled, numbers), ("words", one_hot, words)])


def network(trial: optuna.Trial, features: int, outputs: int) -> torch.nn.Module:
    """Return an MLP of the depth, width and dropout that the trial suggests."""
    width, dropout = trial.suggest_int("width", 32, 512, log=True), trial.suggest_float("dropout", 0.0, 0.5)
    layers: list[torch.nn.Module] = []
    for _ in range(trial.suggest_int("layers", 1, 4)):
        layers += [torch.nn.Linear(features, width), torch.nn.ReLU(), torch.nn.Dropout(dropout)]
        features = width
    return torch.nn.Sequential(*layers, torch.nn.Linear(features, outputs))


class Tuning:
    """An objective for Optuna that keeps the best network it has seen.

    Args:
        parts: rows to learn from and held-out rows, then their targets, as tensors.
        outputs: classes, or 1 for a number.
        deadline: when to stop, on the monotonic clock.
    """

    def __init__(self, parts: list[torch.Tensor], outputs: int, deadline: float) -> None:
        self.parts, self.outputs, self.deadline = parts, outputs, deadline
        self.best, self.model = -np.inf, None
        self.curve: list[tuple[float, float]] = []

    def score(self, model: torch.nn.Module) -> float:
        """Return accuracy, or the negative mean square, of the held-out rows."""
        model.eval()
        with torch.no_grad():
            answers = model(self.parts[1])
        if self.outputs == 1:
            return -float(((answers[:, 0] - self.parts[3]) ** 2).mean())
        return float((answers.argmax(1) == self.parts[3]).float().mean())

    def __call__(self, trial: optuna.Trial) -> float:
        """Train one network with early stopping; return its best score."""
        model = network(trial, self.parts[0].shape[1], self.outputs)
        rate, decay = (
            trial.suggest_float("rate", 1e-4, 1e-2, log=True),
            trial.suggest_float("decay", 1e-6, 1e-1, log=True),
        )
        batch = trial.suggest_categorical("batch", [32, 64, 128, 256])
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
        loss = torch.nn.MSELoss() if self.outputs == 1 else torch.nn.CrossEntropyLoss()
        best, waited = -np.inf, 0
        for _ in range(EPOCHS):
            model.train()
            for rows in torch.randperm(len(self.parts[0])).split(batch):
                optimizer.zero_grad()
                answers = model(self.parts[0][rows])
                loss(answers[:, 0] if self.outputs == 1 else answers, self.parts[2][rows]).backward()
                optimizer.step()
                if time.monotonic() > self.deadline:
                    break
            score, waited = self.score(model), waited + 1
            if score > best:
                best, waited = score, 0
            if score > self.best:
                self.best, self.model = score, copy.deepcopy(model)
                self.curve.append((time.monotonic(), score))
            if waited > PATIENCE or time.monotonic() > self.deadline:
                break
        return best


def fit(job: Job) -> Entry:
    """Tune until the time is up, and save the best network with its preparation."""
    deadline = time.monotonic() + job.seconds
    torch.manual_seed(job.seed)
    torch.set_num_threads(job.cores)
    learn = job.learn()
    inputs, truth = learn.drop(columns=job.target), job.labels(learn).to_numpy()
    classes, scale, shift = LabelEncoder(), 1.0, 0.0
    if job.task == "regression":
        scale, shift = float(truth.std()), float(truth.mean())
        truth = ((truth - shift) / scale).astype(np.float32)
    else:
        truth = classes.fit_transform(truth)
    kept = train_test_split(
        inputs, truth, test_size=0.2, random_state=job.seed, stratify=None if job.task == "regression" else truth
    )
    prepare = preparation(inputs).fit(kept[0])
    ready = [torch.tensor(prepare.transform(table), dtype=torch.float32) for table in kept[:2]]
    outputs = 1 if job.task == "regression" else len(classes.classes_)
    tuning = Tuning([*ready, *map(torch.tensor, kept[2:])], outputs, deadline)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=job.seed))
    study.optimize(tuning, timeout=deadline - time.monotonic())
    model = tuning.model.eval()
    job.model.write_bytes(pickle.dumps((prepare, model, classes, scale, shift)))

    @torch.no_grad()
    def answer(table: Any) -> Any:
        answers = model(torch.tensor(prepare.transform(table), dtype=torch.float32))
        return (answers[:, 0] * scale + shift if outputs == 1 else answers.softmax(1)).numpy()

    labels = [] if job.task == "regression" else [str(label) for label in classes.classes_]
    curve = [(when, scale * (-score) ** 0.5 if outputs == 1 else score) for when, score in tuning.curve]
    return Entry(answer, lambda: bytes_of(job.model), labels, curve=curve)


if __name__ == "__main__":
    take_part(fit)

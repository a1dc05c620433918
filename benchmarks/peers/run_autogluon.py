"""AutoGluon with a preset: all its usual families of models, the limit as `time_limit`, the cores as `num_cpus`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from contract import Entry, Job, bytes_of, take_part

METRICS = {"regression": "root_mean_squared_error"}


def fit(job: Job) -> Entry:
    """Fit a predictor; it saves itself as it goes."""
    from autogluon.tabular import TabularPredictor

    predictor = TabularPredictor(
        label=job.target,
        problem_type=job.task,
        eval_metric=METRICS.get(job.task, "accuracy"),
        path=str(job.model),
        learner_kwargs={"random_state": job.seed},
    )
    learn = job.learn()
    learn[job.target] = job.labels(learn)
    began = time.monotonic()
    predictor.fit(learn, presets=job.variant, time_limit=job.seconds, num_cpus=job.cores, num_gpus=0)
    curve = progress(predictor.leaderboard(display=False), began)
    deployed = Path(job.folder) / "deployed"
    asked: list[Any] = []

    def size() -> int:
        predictor.clone_for_deployment(str(deployed))
        return bytes_of(deployed)

    def answer(table: Any) -> Any:
        if not asked:  # its advice for rows that come one by one: take it from the clone, and keep it in memory
            asked.append(TabularPredictor.load(str(deployed)))
            asked[0].persist()
        return asked[0].predict(table) if job.task == "regression" else asked[0].predict_proba(table)

    labels = [] if job.task == "regression" else [str(label) for label in predictor.class_labels]
    return Entry(answer, size, labels, curve=curve)


def progress(models: Any, began: float) -> list[tuple[float, float]]:
    """Return when its best got better by its own validation: one model after the other, each with its own time."""
    curve: list[tuple[float, float]] = []
    moment = began
    for model in models.sort_values("fit_order").itertuples():
        moment += model.fit_time_marginal
        if not curve or model.score_val > curve[-1][1]:
            curve.append((moment, model.score_val))
    return [(moment, abs(score)) for moment, score in curve]  # errors are negative there


if __name__ == "__main__":
    take_part(fit)

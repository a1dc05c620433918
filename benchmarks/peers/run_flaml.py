"""FLAML's AutoML: the limit as `time_budget`, the cores as `n_jobs`, all else as it comes."""

from __future__ import annotations

import math
import time
from pathlib import Path

from contract import Entry, Job, bytes_of, take_part


def fit(job: Job) -> Entry:
    """Search, and save the result in the documented way, which leaves the training rows out."""
    from flaml import AutoML
    from flaml.automl.data import get_output_from_log

    learn = job.learn()
    model, log = AutoML(), str(Path(job.folder) / "search.log")
    began = time.monotonic()
    model.fit(
        learn.drop(columns=job.target),
        job.labels(learn),
        task="regression" if job.task == "regression" else "classification",
        metric="rmse" if job.task == "regression" else "accuracy",
        time_budget=job.seconds,
        n_jobs=job.cores,
        seed=job.seed,
        log_file_name=log,
    )
    seconds, best, *_ = get_output_from_log(log, time_budget=math.inf)
    figures = [error if job.task == "regression" else 1 - error for error in best]
    curve = [(began + when, figure) for when, figure in zip(seconds, figures, strict=True)]
    model.pickle(str(job.model))
    if job.task == "regression":
        return Entry(model.predict, lambda: bytes_of(job.model), [], curve=curve)
    labels = [str(label) for label in model.classes_]
    return Entry(model.predict_proba, lambda: bytes_of(job.model), labels, curve=curve)


if __name__ == "__main__":
    take_part(fit)

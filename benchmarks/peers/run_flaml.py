"""FLAML's AutoML: the limit as `time_budget`, the cores as `n_jobs`, all else as it comes."""

from __future__ import annotations

from contract import Entry, Job, bytes_of, take_part


def fit(job: Job) -> Entry:
    """Search, and save the result in the documented way, which leaves the training rows out."""
    from flaml import AutoML

    learn = job.learn()
    model = AutoML()
    model.fit(
        learn.drop(columns=job.target),
        job.labels(learn),
        task="regression" if job.task == "regression" else "classification",
        metric="rmse" if job.task == "regression" else "accuracy",
        time_budget=job.seconds,
        n_jobs=job.cores,
        seed=job.seed,
    )
    model.pickle(str(job.model))
    if job.task == "regression":
        return Entry(model.predict, lambda: bytes_of(job.model), [])
    return Entry(model.predict_proba, lambda: bytes_of(job.model), [str(label) for label in model.classes_])


if __name__ == "__main__":
    take_part(fit)

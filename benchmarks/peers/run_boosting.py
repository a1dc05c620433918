"""scikit-learn's untuned HistGradientBoosting, as `benchmarks/tabular.py` sets it beside Netwright."""

from __future__ import annotations

import pickle

from contract import Entry, Job, bytes_of, take_part


def fit(job: Job) -> Entry:
    """Fit once, and save by pickle."""
    from tabular import fit_boosting

    model, prepare = fit_boosting(job.learn(), job.target, job.task, job.seed)
    job.model.write_bytes(pickle.dumps(model))
    if job.task == "regression":
        return Entry(lambda table: model.predict(prepare(table)), lambda: bytes_of(job.model), [])
    labels = [str(label) for label in model.classes_]
    return Entry(lambda table: model.predict_proba(prepare(table)), lambda: bytes_of(job.model), labels)


if __name__ == "__main__":
    take_part(fit)

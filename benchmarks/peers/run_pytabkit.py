"""RealMLP and TabM with pytabkit's tuned defaults.

Both refuse a missing number: it is given the median of its column, which is what a user would do first. A missing word
becomes a category of its own. TabM has no time limit. RealMLP has `time_to_fit_in_seconds`, which cuts its schedule off
wherever it stands and so ends with networks that had not settled: it is used only where the variant says ":limited".
"""

from __future__ import annotations

import pickle
from typing import Any

from contract import Entry, Job, bytes_of, is_words, take_part

MISSING = "(missing)"


def fit(job: Job) -> Entry:
    """Fit, and save by pickle, as pytabkit says."""
    learn = job.learn()
    inputs = learn.drop(columns=job.target)
    words = [name for name in inputs if is_words(inputs[name])]
    medians = inputs.drop(columns=words).median()

    def prepare(table: Any) -> Any:
        said = {name: table[name].astype(object).where(table[name].notna(), MISSING).astype(str) for name in words}
        return table[inputs.columns].fillna(medians.to_dict() if len(medians) else {}).assign(**said)

    model = choose(job)
    limit = {"time_to_fit_in_seconds": job.seconds} if job.variant.endswith(":limited") else {}
    model.fit(prepare(inputs), job.labels(learn).to_numpy(), cat_col_names=words, **limit)
    job.model.write_bytes(pickle.dumps((model, words, medians)))
    if job.task == "regression":
        return Entry(lambda table: model.predict(prepare(table)), lambda: bytes_of(job.model), [])
    labels = [str(label) for label in model.classes_]
    return Entry(lambda table: model.predict_proba(prepare(table)), lambda: bytes_of(job.model), labels)


def choose(job: Job) -> Any:
    """Return the estimator that the job asks for, on the processor."""
    import pytabkit

    kind = "Regressor" if job.task == "regression" else "Classifier"
    estimator = getattr(pytabkit, f"{job.variant.removesuffix(':limited')}_{kind}")
    return estimator(device="cpu", random_state=job.seed, n_threads=job.cores)


if __name__ == "__main__":
    take_part(fit)

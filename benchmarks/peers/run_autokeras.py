"""AutoKeras' ImageClassifier with all its defaults, as many trials as the time allows; the first three are its own.

It has no time limit: a callback of Keras ends the search at the first batch after it. The trial under way then counts
as it is where it is the best so far, and is given up otherwise; what lies between two batches (a network being built,
an evaluation) is waited for. A fifth of the rows, drawn at random, is its validation data: its own split takes the last
ones, be they sorted by class. It then leaves out its last training on all rows, which its `predict` and `export_model`
would not use (3.0.0 loads the best epoch of the search).
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from contract import Entry, Job, bytes_of, take_part

HELD_OUT = 0.2  # AutoKeras' own share


def fit(job: Job) -> Entry:
    """Search until the time is up, and save the best network in the documented way."""
    deadline = time.monotonic() + job.seconds
    os.environ |= {"KERAS_BACKEND": "tensorflow", "KERAS_HOME": job.folder, "TF_CPP_MIN_LOG_LEVEL": "2"}
    import autokeras
    import keras
    import numpy as np
    import tensorflow
    from pixels import IMAGE, of_cells

    tensorflow.config.threading.set_intra_op_parallelism_threads(job.cores)
    tensorflow.config.threading.set_inter_op_parallelism_threads(job.cores)
    keras.utils.set_random_seed(job.seed)
    learn = job.learn()
    images, truth = of_cells(learn[IMAGE]), job.labels(learn).to_numpy(str)
    order = np.random.default_rng(job.seed).permutation(len(truth))
    held_out, kept = np.split(order, [round(HELD_OUT * len(order))])
    search = autokeras.ImageClassifier(
        directory=Path(job.folder) / "search", max_trials=sys.maxsize, overwrite=True, seed=job.seed
    )
    limit = limit_of(search.tuner.oracle, deadline)
    search.fit(
        images[kept],
        truth[kept],
        validation_data=(images[held_out], truth[held_out]),
        callbacks=[limit],
        verbose=2,
    )
    model = search.export_model()
    file = job.model.with_suffix(".keras")
    model.save(file)

    def answer(table: Any) -> Any:
        chances = model.predict(of_cells(table[IMAGE]), verbose=0)
        return np.hstack([1 - chances, chances]) if chances.shape[1] == 1 else chances

    return Entry(answer, lambda: bytes_of(file), sorted(set(truth.tolist())), curve=limit.curve)


def limit_of(oracle: Any, deadline: float) -> Any:
    """Return a callback that ends the oracle's search at a moment of the monotonic clock.

    Its `curve` holds the moments at which the validation loss got better, with the validation accuracy.
    """
    import keras
    from keras_tuner.errors import FailedTrialError

    class Limit(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.curve: list[tuple[float, float]] = []
            self.best, self.trial, self.best_trial = float("inf"), "", ""

        def __deepcopy__(self, memo: Any) -> Limit:
            """Return itself: the tuner copies callbacks for each trial, and this one has to know of all of them."""
            return self

        def on_train_begin(self, logs: Any = None) -> None:
            self.trial = next((trial.trial_id for trial in oracle.ongoing_trials.values()), "")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if logs["val_loss"] < self.best:
                self.best, self.best_trial = logs["val_loss"], self.trial
                self.curve.append((time.monotonic(), logs["val_accuracy"]))

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if time.monotonic() < deadline:
                return
            oracle.max_trials = len(oracle.trials)  # no other one is begun
            oracle.max_consecutive_failed_trials = sys.maxsize  # one that is given up is none
            if self.best_trial not in ("", self.trial):
                raise FailedTrialError("the time is up")
            self.model.stop_training = True

    return Limit()


if __name__ == "__main__":
    take_part(fit)

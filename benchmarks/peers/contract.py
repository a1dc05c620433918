"""What a runner and the benchmark owe each other: a job comes in as a file, figures and answers go out as files.

A runner has a function that fits on a job and returns an `Entry`, and hands it to `take_part`. Nothing here needs
more than pandas, which is imported only when it is needed, so that a start costs no contestant time it need not spend.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent.parent))

FITTED = "fitted.json"
"""Written when the model is fitted and saved."""

DONE = "done.json"
"""Written after everything, beside `ANSWERS`."""

ANSWERS = "answers.parquet"
VALUE = "value"


@dataclass(frozen=True)
class Job:
    """One run: the files of a table, what to predict, and what may be spent on it.

    Attributes:
        task: binary, multiclass or regression.
        seconds: the time limit.
        folder: an empty folder for all that the runner writes.
        variant: which of a runner's contestants it is to be.
    """

    train: str
    test: str
    target: str
    task: str
    seconds: float
    seed: int
    cores: int
    folder: str
    variant: str

    @property
    def model(self) -> Path:
        """Where to save the model, a file or a folder."""
        return Path(self.folder) / "model"

    def learn(self) -> Any:
        """Return the rows to learn from."""
        import pandas as pd

        return pd.read_parquet(self.train)

    def labels(self, table: Any) -> Any:
        """Return the target of a table: classes as words, whatever they were stored as, or numbers."""
        return table[self.target] if self.task == "regression" else table[self.target].astype(str)


@dataclass(frozen=True)
class Entry:
    """A fitted model.

    Attributes:
        answer: takes a table, returns probabilities (N, K) or values (N,).
        size: returns the bytes of the files that are needed to predict.
        labels: the classes in the order of the probabilities; none for values.
        of_file: where the contestant has its own way of answering the rows of a file: takes a Parquet file, returns a
            table with one column a class, or one of values.
        curve: where it can be had: (seconds on the monotonic clock, accuracy or RMSE as the contestant itself saw it)
            whenever its best got better.
    """

    answer: Callable[[Any], Any]
    size: Callable[[], int]
    labels: list[str]
    of_file: Callable[[Path], Any] | None = None
    curve: Sequence[tuple[float, float]] = ()


def take_part(fit: Callable[[Job], Entry]) -> None:
    """Fit on the job that the command line names, then answer the test rows, which nothing has seen before."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text()))
    folder = Path(job.folder)
    began = time.monotonic()
    entry = fit(job)
    curve = [(moment - began, float(figure)) for moment, figure in entry.curve]
    (folder / FITTED).write_text(json.dumps({"fit_s": time.monotonic() - began, "curve": curve}))

    import pandas as pd
    from tabular import row_milliseconds, rows_a_second

    model_bytes = entry.size()
    table = pd.read_parquet(job.test).drop(columns=job.target)
    answers = entry.of_file(Path(job.test)) if entry.of_file else answer_frame(entry, table)
    answers.to_parquet(folder / ANSWERS)
    figures = {"model_bytes": model_bytes, "row_ms": row_milliseconds(entry.answer, table)}
    figures["rows_s"] = rows_a_second(entry.answer, table)
    (folder / DONE).write_text(json.dumps(figures))


def answer_frame(entry: Entry, table: Any) -> Any:
    """Return a model's answers as a table: one column a class, or one of values."""
    import numpy as np
    import pandas as pd

    answers = np.asarray(entry.answer(table), np.float64)
    columns = entry.labels or [VALUE]
    return pd.DataFrame(answers.reshape(len(answers), len(columns)), columns=columns)


def bytes_of(path: Path) -> int:
    """Return the size of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def is_words(cells: Any) -> bool:
    """Return whether a column holds categories rather than numbers."""
    from pandas.api.types import is_numeric_dtype

    return not is_numeric_dtype(cells)

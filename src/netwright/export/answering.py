"""Programs of their own that answer rows in a plain framework, without Netwright: Keras has one backend a process."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import FailedExport
from netwright.export.worker import Worker, at_work

Rows = Mapping[str, NDArray[Any]]
Answer = Callable[[Rows], NDArray[Any]]
ON_PROCESSOR = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
"""Settings of a process in which numbers are computed as they are here: graphics cards round some of them."""


@contextmanager
def answering(program: str, source: Path, backend: str, form: str) -> Iterator[Answer]:
    """Give a function from features of rows (N, ...) by name to their answers, which another process computes.

    Args:
        program: the name of a file of `build.programs`, without its ending.
        source: what it reads.
        backend: of Keras.
        form: what `source` is called in the sentence of an error.

    Raises:
        FailedExport: if the process ends before it has answered.
    """
    with _started(program, [str(source)], backend, form) as (worker, folder):
        numbers = count()

        def answer(rows: Rows) -> NDArray[Any]:
            place = folder / f"{next(numbers)}.npz"
            np.savez(place, **{str(name): array for name, array in rows.items()})  # type: ignore[arg-type]
            worker.ask(str(place), str(place))
            return np.asarray(np.load(f"{place}.npy", allow_pickle=False))

        worker.wait_for("ready")
        yield answer


def run_program(program: str, arguments: list[str], backend: str, form: str) -> None:
    """Run a program of `build.programs` to its end.

    Raises:
        FailedExport: if it fails.
    """
    with _started(program, arguments, backend, form) as (worker, _):
        worker.finish()


@contextmanager
def _started(program: str, arguments: list[str], backend: str, form: str) -> Iterator[tuple[Worker, Path]]:
    """Start a program, and give it with a folder for its files.

    It finds no settings of the user's Keras, and leaves none behind.
    """
    with (
        as_file(files("netwright.build").joinpath("programs", f"{program}.py")) as path,
        tempfile.TemporaryDirectory(prefix="netwright-") as folder,
    ):
        environment = {**os.environ, **ON_PROCESSOR, "KERAS_BACKEND": backend, "KERAS_HOME": folder}
        # -P: beside the program lie files that are called as frameworks are.
        command = [sys.executable, "-P", str(path), *arguments]
        with at_work(command, environment, Path(folder, "said"), partial(FailedExport, form)) as worker:
            yield worker, Path(folder)

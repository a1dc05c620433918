"""Programs of their own that answer rows in a plain framework, without Netwright: Keras has one backend a process."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import FailedExport
from netwright.export.worker import Failed, Worker, at_work

Rows = Mapping[str, NDArray[Any]]
Answer = Callable[[Rows], NDArray[Any]]
ON_PROCESSOR = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
"""Settings of a process in which numbers are computed as they are here: graphics cards round some of them."""


def program(name: str) -> bytes:
    """Return a file of `build.programs`, which run without Netwright; its name goes without its ending."""
    return files("netwright.build").joinpath("programs", f"{name}.py").read_bytes()


def network_program(framework: str) -> dict[str, bytes]:
    """Return the file that answers features in a framework, by the name by which programs beside it import it."""
    return {"network.py": program(f"network_{framework}")}


@contextmanager
def answering(framework: str, source: Path, backend: str, form: str) -> Iterator[Answer]:
    """Give a function from features of rows (N, ...) by name to their answers, which another process computes.

    Args:
        framework: keras, openvino, tensorflow, tflite or torch.
        source: the file or folder of the model.
        backend: of Keras.
        form: what `source` is called in the sentence of an error.

    Raises:
        FailedExport: if the process ends before it has answered.
    """
    programs = {"answer.py": program("answer"), **network_program(framework)}
    with started(programs, [str(source)], backend, partial(FailedExport, form)) as (worker, folder):
        numbers = count()

        def answer(rows: Rows) -> NDArray[Any]:
            place = folder / f"{next(numbers)}.npz"
            np.savez(place, **{str(name): array for name, array in rows.items()})  # type: ignore[arg-type]
            worker.ask(str(place), str(place))
            return np.asarray(np.load(f"{place}.npy", allow_pickle=False))

        worker.wait_for("ready")
        yield answer


def run_program(name: str, arguments: list[str], backend: str, form: str) -> None:
    """Run a program of `build.programs` to its end.

    Raises:
        FailedExport: if it fails.
    """
    with started({f"{name}.py": program(name)}, arguments, backend, partial(FailedExport, form)) as (worker, _):
        worker.finish()


@contextmanager
def started(
    programs: Mapping[str, bytes], arguments: list[str], backend: str, failed: Failed
) -> Iterator[tuple[Worker, Path]]:
    """Start the first of some programs that lie in a folder of their own, and give it with a folder for other files.

    It finds no settings of the user's Keras, and leaves none behind.

    Args:
        programs: their content, by name.
        arguments: of the first.
        backend: of Keras.
        failed: what is raised when it ends before it has answered.
    """
    with tempfile.TemporaryDirectory(prefix="netwright-") as place:
        code, folder = Path(place, "code"), Path(place, "data")
        code.mkdir()
        folder.mkdir()
        for name, content in programs.items():
            (code / name).write_bytes(content)
        environment = {**os.environ, **ON_PROCESSOR, "KERAS_BACKEND": backend, "KERAS_HOME": str(folder)}
        command = [sys.executable, str(code / next(iter(programs))), *arguments]
        with at_work(command, environment, folder / "said", failed) as worker:
            yield worker, folder

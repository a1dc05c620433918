"""Programs of their own that answer rows in a plain framework, without Netwright: Keras has one backend a process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from netwright.errors import FailedExport

Rows = Mapping[str, NDArray[Any]]
Answer = Callable[[Rows], NDArray[Any]]
ON_PROCESSOR = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
"""Settings of a process in which numbers are computed as they are here: graphics cards round some of them."""

SHOWN = 200  # letters at most of what a program says that fails


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
    with _program(program) as path, tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        said = Path(folder, "said")
        with said.open("w+b") as log, _started(path, [str(source)], backend, Path(folder), log) as process:
            numbers = iter(range(sys.maxsize))

            def answer(rows: Rows) -> NDArray[Any]:
                place = Path(folder, f"{next(numbers)}.npz")
                np.savez(place, **{str(name): array for name, array in rows.items()})  # type: ignore[arg-type]
                _ask(process, str(place), said, form)
                return np.asarray(np.load(f"{place}.npy", allow_pickle=False))

            _await(process, "ready", said, form)
            yield answer


def run_program(program: str, arguments: list[str], backend: str, form: str) -> None:
    """Run a program of `build.programs` to its end.

    Raises:
        FailedExport: if it fails.
    """
    with _program(program) as path, tempfile.TemporaryDirectory(prefix="netwright-") as folder:
        said = Path(folder, "said")
        with said.open("w+b") as log, _started(path, arguments, backend, Path(folder), log) as process:
            _, status = process.communicate(), process.wait()
        if status:
            raise FailedExport(form, _last_words(said))


@contextmanager
def _program(name: str) -> Iterator[Path]:
    with as_file(files("netwright.build").joinpath("programs", f"{name}.py")) as path:
        yield path


@contextmanager
def _started(
    path: Path, arguments: list[str], backend: str, folder: Path, log: IO[bytes]
) -> Iterator[subprocess.Popen[str]]:
    """Start a program, and end it in any case; it finds no settings of the user's Keras, and leaves none behind."""
    environment = {**os.environ, **ON_PROCESSOR, "KERAS_BACKEND": backend, "KERAS_HOME": str(folder)}
    # -P: beside the program lie files that are called as frameworks are.
    command = [sys.executable, "-P", str(path), *arguments]
    with subprocess.Popen(  # noqa: S603 - our own program, by its path
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _ask(process: subprocess.Popen[str], line: str, said: Path, form: str) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
    except BrokenPipeError as error:
        raise FailedExport(form, _last_words(said)) from error
    _await(process, line, said, form)


def _await(process: subprocess.Popen[str], line: str, said: Path, form: str) -> None:
    """Wait until a program prints a line; whatever else a framework prints is passed over."""
    assert process.stdout is not None
    for found in process.stdout:
        if found.rstrip("\n") == line:
            return
    raise FailedExport(form, _last_words(said))


def _last_words(said: Path) -> str:
    """Return the last line that a program wrote on standard error."""
    lines = said.read_text("utf-8", "replace").split("\n")
    return next((line.strip()[:SHOWN] for line in reversed(lines) if line.strip()), "it ended without a word")

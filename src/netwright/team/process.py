"""Workers that are processes of this machine, told and heard through pipes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from netwright.errors import CannotWrite
from netwright.resources.machine import usable_cores
from netwright.storage import TEMPORARY
from netwright.team.frames import BadFrame, Groups, pack, pieces, read_frame, unpack, write_frame
from netwright.team.link import Gone

PROGRAM = "netwright.team.process_worker"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")  # a worker computes with one core
ENDING = 5.0  # seconds for the system to clear a killed process away
SHOWN = 200  # letters at most of what a worker wrote last


class Processes:
    """See `team.link.Transport`."""

    warning = ""

    def __init__(self, workers: int, framework: str, device: str) -> None:
        """Have so many processes that train by a framework on a device.

        Raises:
            CannotWrite: if the disk is full.
        """
        self.workers = workers
        self._words = (framework, device)
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="netwright-")  # closed to other users
        except OSError as error:
            raise CannotWrite(TEMPORARY, error.strerror or str(error)) from error

    @property
    def place(self) -> str:
        """Return where they are."""
        return "this machine"

    @property
    def computing(self) -> int:
        """Return how many compute at one time: one a core, where they train on the processor."""
        return min(self.workers, usable_cores()) if self._words[1] == "cpu" else self.workers

    @property
    def sharing(self) -> int:
        """Return how many share the memory of this machine: all."""
        return self.workers

    def begin(self, number: int, seat: int) -> ProcessLink:
        """Start a process."""
        try:
            return ProcessLink(number, (*self._words, str(seat)), Path(self._folder.name))
        except OSError as error:
            raise Gone(f"its process could not be started: {error.strerror or error}") from error

    def publish(self, key: int, groups: Groups) -> None:
        """Write a block to a file, which all processes map into their memory: it is there once."""
        path = block_path(Path(self._folder.name), key)
        try:
            with path.open("xb") as file:
                file.writelines(pieces({}, groups))
        except OSError as error:
            self.withdraw(key)  # half of it would keep a full disk full
            raise CannotWrite(path, error.strerror or str(error)) from error

    def withdraw(self, key: int) -> None:
        """Remove the file; who has it mapped keeps it."""
        with suppress(OSError):  # it goes with the folder
            block_path(Path(self._folder.name), key).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove all files."""
        with suppress(OSError):  # a system that does not let go of a mapped file yet
            self._folder.cleanup()


class ProcessLink:
    """See `team.link.Link`."""

    def __init__(self, number: int, words: tuple[str, str, str], folder: Path) -> None:
        """Start a process.

        Args:
            number: of the worker, by which it is called.
            words: the framework, the device and the seat.
            folder: of the blocks, and of what the process says of errors; removed by it where its owner was killed.

        Raises:
            OSError: if that cannot be done.
        """
        self.name = f"worker {number}"
        self._folder, self._late = folder, False
        self._log = (folder / f"worker-{number}.log").open("w+b")
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            # Without -P a file in the folder that the user works in could stand for a package.
            [sys.executable, "-P", "-m", PROGRAM, *words, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **dict.fromkeys(THREADS, "1")},
        )

    def exchange(self, frame: bytes, seconds: float) -> bytearray:
        """Say something to the process and return its answer."""
        assert self._process.stdin is not None and self._process.stdout is not None
        answer = None
        # A pipe that is broken or closed means that it has ended: it says why below.
        with self._killed_after(seconds), suppress(OSError, ValueError, BadFrame):
            write_frame(self._process.stdin, frame)
            answer = read_frame(self._process.stdout)
        if answer is None:
            raise Gone(self._last_words(seconds))
        return answer

    def hold(self, key: int, seconds: float) -> None:
        """Let the process map the file of a block."""
        frame = pack({"ask": "hold", "key": key, "path": str(block_path(self._folder, key))})
        try:
            unpack(self.exchange(frame, seconds))
        except BadFrame as error:
            raise Gone(f"what it said could not be understood: {error}") from error

    def close(self) -> None:
        """Kill the process: it holds nothing that anybody wants."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING)
        pipes: list[IO[bytes] | None] = [self._process.stdin, self._process.stdout, self._log]
        for pipe in pipes:
            if pipe is not None:
                with suppress(OSError, ValueError):  # what was not written is lost with who was to read it
                    pipe.close()

    @contextmanager
    def _killed_after(self, seconds: float) -> Iterator[None]:
        """Kill the process after so many seconds, so that whoever waits for it hears that it has ended."""

        def kill() -> None:
            self._late = True
            self._process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _last_words(self, seconds: float) -> str:
        """Return why there is no answer."""
        if self._late:
            return f"it did not answer for {seconds:.0f} s"
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(ENDING)
        status = self._process.returncode
        if status is None:
            ended = "its process has let go of its pipe"  # and takes long to end
        elif status < 0:
            ended = f"its process was ended by signal {-status}"
        else:
            ended = f"its process ended with status {status}"
        with suppress(OSError, ValueError):
            self._log.seek(0)
            lines = self._log.read().decode("utf-8", "replace").split("\n")
            last = next((line.strip()[:SHOWN] for line in reversed(lines) if line.strip()), "")
            return f"{ended}; its last words: {last}" if last else ended
        return ended


def block_path(folder: Path, key: int) -> Path:
    """Return the file of a block."""
    return folder / f"block-{key}"

"""The program of a worker that is a process of this machine: `python -m netwright.team.process_worker torch cpu 0 DIR`.

It is given a framework, a device, its seat, and the folder of the blocks. It reads frames on standard input and answers
each on standard output, and ends with whoever started it: nobody writes to it any more then. What libraries print goes
to standard error, so that it never stands between frames.
"""

from __future__ import annotations

import mmap
import os
import shutil
import signal
import sys
from typing import IO

from netwright.errors import NetwrightError
from netwright.team.frames import pack, read_frame, unpack, write_frame
from netwright.team.worker import Workplace
from netwright.train.device import device_of_seat
from netwright.train.frameworks import find_framework


def main() -> None:
    """Work until there is nobody to work for."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # Ctrl-C reaches all processes: the driver says when to end
    asked, answers = _own_pipes()
    try:
        name, device, seat, folder = sys.argv[1:]
        framework = find_framework(name, device_of_seat(device, int(seat)))
    except NetwrightError as error:
        sys.exit(str(error))
    serve(Workplace(framework), asked, answers)
    shutil.rmtree(folder, ignore_errors=True)  # its owner was killed: else the rows would lie there for ever


def serve(workplace: Workplace, asked: IO[bytes], answers: IO[bytes]) -> None:
    """Answer every frame until there are no more."""
    while (frame := read_frame(asked)) is not None:
        said = unpack(frame).document
        if said.get("ask") == "hold":
            _hold(workplace, int(said["key"]), str(said["path"]))
            answer = pack({})
        else:
            answer = workplace.exchange(frame)
        try:
            write_frame(answers, answer)
        except BrokenPipeError:
            break


def _hold(workplace: Workplace, key: int, path: str) -> None:
    """Map a file that the driver wrote: what is changed in memory stays there, and it is read where it is used."""
    with open(path, "rb") as file:
        workplace.hold(key, memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)))


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Return standard input and output for frames alone; whoever else reads finds nothing, and writes to the errors."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    return asked, answers


if __name__ == "__main__":
    main()
    os._exit(0)  # a training may be on its way in a thread that nobody waits for

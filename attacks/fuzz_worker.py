"""A process that tries hostile inputs: numbers of them come in by lines, what came of each goes out by lines.

It may use only so much memory, so that an allocation without bounds is an error here and not the end of the machine.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import shutil
import sys
import time
import traceback
import warnings
from pathlib import Path
from random import Random
from typing import Any

ROOM = 6 * 2**30  # bytes of addresses beyond those at the start
MOST = 2**30  # bytes that an input may make the process grow by, beside `TIMES` its own size
TIMES = 50


def main() -> None:
    """Try inputs until there are no more lines, in the folder that is named."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    sys.stdout = sys.stderr
    warnings.simplefilter("ignore")
    faulthandler.enable()
    import fuzz_targets

    folder = Path(sys.argv[1])
    fuzz_targets.model_of("tabular").answers(fuzz_targets.rows_of("tabular"))
    _limit()
    print(json.dumps({"ready": True}), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(_tried(json.loads(line), folder)), file=out, flush=True)


def _limit() -> None:
    room = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _tried(asked: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what came of an input: its target and number, or target, name, place of its content and number."""
    import fuzz_targets

    target, number = fuzz_targets.TARGETS[asked["target"]], asked["number"]
    draw = Random(f"{asked['target']} {number}")
    name, content = target.make(draw)
    if "content" in asked:  # kept from an earlier time, when other inputs may have been drawn by this number
        name, content = asked["name"], Path(asked["content"]).read_bytes()
    room, trying = folder / "room", folder / f"{asked['target']}-{number}"
    for place in (room, trying):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
    # Written down first: should it end this process, whoever began it finds it there.
    (trying / "input").write_bytes(content)
    (trying / "case.json").write_text(json.dumps({"target": asked["target"], "number": number, "name": name}))
    before, started, fault = _resident(reset=True), time.perf_counter(), ""
    try:
        said = target.use(name, content, room, Random(f"use {number}"))
    except BaseException as error:  # a fault is whatever is no error of ours
        fault = "".join(traceback.format_exception(error))
        said = f"{type(error).__name__}: {error}"[:300]
    seconds, grown = time.perf_counter() - started, _resident(reset=False) - before
    if not fault and grown > MOST + TIMES * len(content):
        fault = f"It took {grown / 2**20:,.0f} MiB for an input of {len(content):,} bytes."
    if not fault:
        shutil.rmtree(trying)
    return {"said": said, "fault": fault, "seconds": seconds, "grown": grown}


def _resident(*, reset: bool) -> int:
    """Return the bytes of memory that the process has now, where they are to be counted anew, or had at the most."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    word = "VmRSS:" if reset else "VmHWM:"
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(word)) * 1024


if __name__ == "__main__":
    main()

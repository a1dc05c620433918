"""What is not even a bundle: things that are no files, and files of other kinds."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from forge import Attack, archive, attack, changed, good, record


def _sparse(path: Path, size: int, head: bytes) -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)


def _listening(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is at most 108 bytes
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(path.name)
    finally:
        os.chdir(here)


ON_DISK = [
    Attack("missing", "MissingBundle", "There is no model file", lambda path: None),
    Attack("folder", "UnreadableBundle", "it is a folder", lambda path: path.mkdir()),
    Attack("pipe", "UnreadableBundle", "not a regular file", lambda path: os.mkfifo(path)),
    Attack("link-to-zeros", "UnreadableBundle", "not a regular file", lambda path: path.symlink_to("/dev/zero")),
    Attack("link-to-terminal", "UnreadableBundle", "not a regular file", lambda path: path.symlink_to("/dev/tty")),
    Attack("link-to-itself", "UnreadableBundle", "symbolic links", lambda path: path.symlink_to(path)),
    Attack("socket", "UnreadableBundle", "not a regular file", _listening),
    Attack("sparse-terabyte", "OversizedBundle", "more than 2 GiB", lambda path: _sparse(path, 2**40, good())),
    Attack("sparse-gigabyte", "HostileBundle", "stand behind its end", lambda path: _sparse(path, 2**30, good())),
    Attack("sparse-zeros", "NotABundle", "is not a Netwright model", lambda path: _sparse(path, 2**30, b"")),
]

FOREIGN = [
    attack("empty", "TruncatedBundle", "incomplete", lambda: b""),
    attack("three-bytes", "TruncatedBundle", "incomplete", lambda: good()[:3]),
    attack("pickle", "NotABundle", "is not a Netwright model", lambda: b"\x80\x04cposix\nsystem\n(S'echo'\ntR."),
    attack("script-before-zip", "NotABundle", "is not a Netwright model", lambda: b"#!/bin/sh\n" + good()),
    attack("other-zip", "NotABundle", "is not a Netwright model", lambda: archive([record("data.pkl", b"\x80\x04.")])),
    attack("empty-zip", "NotABundle", "is not a Netwright model", lambda: archive([])),
    attack("longer-name", "NotABundle", "is not a Netwright model", lambda: changed(0, name=b"manifest.jsonl")),
]

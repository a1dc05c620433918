"""One virtual environment a contestant, made when it is first needed from requirements that name exact versions."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INSTALL_LIMIT = 1800.0  # seconds for each call of pip
STAMP = "installed.json"

TORCH = "torch==2.13.0"
"""Installed first and held fast: where a CPU build of it is offered nothing later brings the newest with its CUDA."""


class InstallFailed(Exception):
    """An environment could not be made; the text is the last line of what pip said."""


@dataclass(frozen=True)
class Requirements:
    """What an environment holds.

    Attributes:
        environment: its name, a folder.
        packages: what pip is asked for, with exact versions.
        named: distributions whose versions go into the result lines.
        torch: whether `TORCH` is needed too.
        options: further arguments of pip.
        removed: distributions that come along and are taken out again.
        depends: files on whose text the environment depends.
    """

    environment: str
    packages: tuple[str, ...]
    named: tuple[str, ...]
    torch: bool = True
    options: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    depends: tuple[Path, ...] = ()

    @property
    def fingerprint(self) -> str:
        """What changes when the environment has to be made anew."""
        texts = [
            repr((self.packages, self.torch, self.removed, sys.version_info[:2])),
            *(path.read_text() for path in self.depends),
        ]
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def prepare(folder: Path, wanted: Requirements) -> tuple[Path, dict[str, str]]:
    """Return an environment's Python and the versions of what is named, after making the environment if need be.

    Raises:
        InstallFailed: if pip fails or takes too long; the half-made environment is removed.
    """
    home = folder.expanduser().resolve() / wanted.environment
    python, stamp = home / "bin" / "python", home / STAMP
    if stamp.exists() and json.loads(stamp.read_text())["fingerprint"] == wanted.fingerprint:
        return python, json.loads(stamp.read_text())["versions"]
    print(f"installing {wanted.environment} into {home}", file=sys.stderr, flush=True)
    shutil.rmtree(home, ignore_errors=True)
    try:
        call([sys.executable, "-m", "venv", str(home)])
        install = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *wanted.options]
        if wanted.torch:
            call([*install, TORCH])
        call([*install, *wanted.packages, *([TORCH] if wanted.torch else [])])
        if wanted.removed:
            call([str(python), "-m", "pip", "uninstall", "--yes", "--quiet", *wanted.removed])
        versions = versions_of(python, wanted)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    stamp.write_text(json.dumps({"fingerprint": wanted.fingerprint, "versions": versions}, indent=1))
    return python, versions


def versions_of(python: Path, wanted: Requirements) -> dict[str, str]:
    """Return the version of Python and of each distribution that is named."""
    names = [*wanted.named, *(["torch"] if wanted.torch else [])]
    code = "import importlib.metadata as m, json, platform, sys; "
    code += "print(json.dumps({'python': platform.python_version(), **{n: m.version(n) for n in sys.argv[1:]}}))"
    return dict(json.loads(call([str(python), "-c", code, *names])))


def call(command: list[str]) -> str:
    """Return what a program prints; when it fails or takes too long, all of it is ended.

    Raises:
        InstallFailed: with the last line of its error.
    """
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed, errors = process.communicate(timeout=INSTALL_LIMIT)
    except subprocess.TimeoutExpired as error:
        raise InstallFailed(f"{' '.join(command)} took more than {INSTALL_LIMIT:g} s") from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode:
        raise InstallFailed((errors.strip().splitlines() or [f"status {process.returncode}"])[-1])
    return printed

"""Trained weights from a hub: files of a repository on huggingface.co, only when somebody asks for them by name.

What has been fetched once lies in the cache of the library huggingface_hub, and needs no network again.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from netwright.errors import BadRepository, MissingExtra, UnreachableWeights

HUB = "hub"  # what stands for it among trained weights
REVISION = "main"  # no commit could be checked against the hub when this was written, so none is named
LARGEST = 200 * 10**6  # bytes of all files together; those that are known have 19 and 91 million
PATIENCE = 10.0  # seconds that the hub has to answer
SETTINGS = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
"""The library reads them when it is imported: it is to tell nobody, and to leave the screen to us."""

FULL = (errno.ENOSPC, errno.EACCES, errno.EROFS)
CLOSED = (401, 403, 404)  # what the hub answers where there is nothing, or nothing for everybody

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def asked_of_hub(pretrained: str | Path, usual: str) -> str | None:
    """Return the repository that a word asks for; None where it asks for none.

    Args:
        pretrained: `hub` for the usual one, `hub:OWNER/NAME` for another, or anything else.
        usual: OWNER/NAME.

    Raises:
        BadRepository: if what stands behind `hub:` is no name of one.

    >>> asked_of_hub("hub", "them/theirs"), asked_of_hub("hub:me/mine", "them/theirs"), asked_of_hub("a.pth", "")
    ('them/theirs', 'me/mine', None)
    """
    word, sign, name = str(pretrained).partition(":")
    if isinstance(pretrained, Path) or word != HUB:
        return None
    if sign and not _NAME.fullmatch(name):
        raise BadRepository(str(pretrained))
    return name if sign else usual


def fetch(repository: str, files: tuple[str, ...]) -> Path:
    """Return the folder of the cache that holds files of a repository, fetched if they are not there yet.

    No token is sent, so the repository must be open to all. Nothing is fetched before the sizes are known.

    Args:
        repository: OWNER/NAME.
        files: names of all that is needed; nothing else is fetched.

    Raises:
        MissingExtra: if the library is not installed.
        UnreachableWeights: if there is no network, no such repository or file, or if they are too large.
    """
    library = _library()
    folder = _cached(library, repository, files)
    if folder is None:
        with _in_words(repository):
            sizes = _sizes(library, repository)
        _check(repository, files, sizes)
        with _in_words(repository):
            folder = _snapshot(library, repository, files, local=False)
    _check(repository, files, {name: (folder / name).stat().st_size for name in files if (folder / name).is_file()})
    return folder


def _library() -> ModuleType:
    """Return the library; it must not have been imported before for all of its settings to hold."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import huggingface_hub
    except ModuleNotFoundError as error:
        raise MissingExtra("huggingface_hub", "hub") from error
    return huggingface_hub


def _cached(library: ModuleType, repository: str, files: tuple[str, ...]) -> Path | None:
    """Return the folder of files that were fetched before; None if one is missing."""
    try:
        folder = _snapshot(library, repository, files, local=True)
    except Exception:  # the library has several names for what is not there; whatever it is, the hub is asked next
        return None
    return folder if all((folder / name).is_file() for name in files) else None


def _sizes(library: ModuleType, repository: str) -> dict[str, int | None]:
    """Return the bytes of each file that the repository holds; None where it does not say."""
    hub = library.HfApi(token=False)
    info = hub.model_info(repository, revision=REVISION, files_metadata=True, timeout=PATIENCE)
    return {file.rfilename: file.size for file in info.siblings or ()}


def _snapshot(library: ModuleType, repository: str, files: tuple[str, ...], *, local: bool) -> Path:
    return Path(
        library.snapshot_download(
            repository,
            revision=REVISION,
            allow_patterns=[*files],
            etag_timeout=PATIENCE,
            token=False,
            local_files_only=local,
        )
    )


def _check(repository: str, files: tuple[str, ...], sizes: Mapping[str, int | None]) -> None:
    """Raise an error unless all files are there and not too large together."""
    missing = [name for name in files if name not in sizes]
    if missing:
        raise UnreachableWeights(repository, f"it holds no file {missing[0]}")
    known = [size for name in files if (size := sizes[name]) is not None]
    if len(known) < len(files) or sum(known) > LARGEST:
        raise UnreachableWeights(repository, f"its files have more than {LARGEST // 10**6} MB, or tell no size")


@contextmanager
def _in_words(repository: str) -> Iterator[None]:
    """Say in a sentence why the hub gave nothing."""
    try:
        yield
    except Exception as error:  # releases of the library differ in what they raise, and in whose network errors
        raise UnreachableWeights(repository, _reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in FULL:
        return f"they cannot be written to the cache ({os.strerror(error.errno)})"
    status = getattr(getattr(error, "response", None), "status_code", None)
    return "the hub knows no such repository that is open to all" if status in CLOSED else "the hub cannot be reached"

"""A folder of images or sounds as a table: one row a file, its class being the name of the folder that it lies in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from netwright.errors import EmptyFolder

SUFFIXES: dict[str, frozenset[str]] = {
    "image": frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}),
    "sound": frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3"}),
}
"""What files may hold, and how such files are named; the column of their paths has the name of what they hold."""

CLASS, PART = "class", "part"
"""The other columns of the table: the name of the class of a file, and which part of the data it belongs to."""

LEARNT, TEST = "train", "test"
PARTS = {"train": LEARNT, "training": LEARNT, "val": LEARNT, "valid": LEARNT, "validation": LEARNT, "test": TEST}
"""Folders that hold a part of the data, each with one folder a class; folds take the place of a validation part."""
MOST_FILES = 2_000_000
_OF_FOLDER = "of a folder"  # among the attributes of a table


def read_folder(path: Path, held: str | None = None) -> pd.DataFrame:
    """Return the images or the sounds in a folder, whichever are wanted or more, in the order of their names.

    There is one folder a class, with further folders in it or not, or folders named `train`, `val` and `test` that are
    built so. Files that lie in no class have none, as where a folder is only to be predicted. Hidden files, and files
    that are named otherwise, are left out; links to folders are not followed.

    Raises:
        EmptyFolder: if there is neither an image nor a sound in it.
    """
    base = _base(path)
    files = [(kind, file, file.relative_to(base).parts) for kind, file in _files(base)]
    most = held or max(SUFFIXES, key=[kind for kind, _, _ in files].count)
    parted = _has_parts({inside[0].lower() for kind, _, inside in files if kind == most and len(inside) > 1})
    rows = []
    for kind, file, inside in files:
        part = PARTS.get(inside[0].lower()) if parted else LEARNT
        place = 1 if parted else 0
        if kind == most and part is not None:  # what lies beside the parts is neither
            rows.append((str(file), inside[place] if len(inside) > place + 1 else None, part))
    if not rows:
        raise EmptyFolder(path, sorted(SUFFIXES["image"]), sorted(SUFFIXES["sound"]))
    table = pd.DataFrame(rows, columns=[most, CLASS, PART], dtype=object)  # a name need not be Unicode
    return as_of_folder(table if parted else table.drop(columns=PART))


def held_by(path: Path) -> str | None:
    """Return what a file holds, image or sound, by its name; None where it is named otherwise."""
    return next((held for held, suffixes in SUFFIXES.items() if path.suffix.lower() in suffixes), None)


def is_there(path: Path) -> bool:
    """Return whether there is a file of that name; where the system allows no such name there is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def as_of_folder(table: pd.DataFrame) -> pd.DataFrame:
    """Mark a table as one whose columns have the names that are given here, and not by a user."""
    table.attrs[_OF_FOLDER] = True
    return table


def column_of_folder(table: pd.DataFrame) -> str | None:
    """Return the column of images or sounds of a table that was read from a folder or an array; None for any other."""
    if not table.attrs.get(_OF_FOLDER):
        return None
    return next((name for name in SUFFIXES if name in table.columns), None)


def _has_parts(names: set[str]) -> bool:
    """Return whether folders of these names are parts of the data: `train` alone could be a class of vehicles."""
    known = names & set(PARTS)
    several = len({PARTS[name] for name in known}) > 1 or len(known) > 1
    return any(PARTS[name] == LEARNT for name in known) and (several or names == known)


def parted(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return the rows to learn from, and those to test on where the folder has a part for that."""
    if column_of_folder(table) is None or PART not in table.columns:
        return table, None
    tested = (table[PART] == TEST).to_numpy()
    rest = table.drop(columns=PART)
    judged = rest[tested & table[CLASS].notna().to_numpy()]  # a part without classes is there to be predicted
    return rest[~tested], judged if len(judged) else None


def _base(path: Path) -> Path:
    """Return the folder itself, or the only one in it: archives are often packed with one folder around all."""
    children = [child for child in path.iterdir() if not child.name.startswith(".")]
    alone = len(children) == 1 and children[0].is_dir() and not children[0].is_symlink()
    grandchildren = children[0].iterdir() if alone else ()
    return children[0] if any(child.is_dir() for child in grandchildren) else path


def _files(base: Path) -> Iterator[tuple[str, Path]]:
    """Yield what files hold and the files, of those named as images or sounds, no more than `MOST_FILES`."""
    left = MOST_FILES
    for folder, inside, names in os.walk(base):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        for name in sorted(names):
            held = None if name.startswith(".") else held_by(Path(name))
            if held is not None:
                yield held, Path(folder, name)
                left -= 1
                if not left:
                    return

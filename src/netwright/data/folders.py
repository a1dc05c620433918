"""A folder of images as a table: one row a file, the class being the name of the folder that it lies in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from netwright.errors import EmptyFolder

IMAGE, CLASS, PART = "image", "class", "part"
"""The columns of the table: the path of a file, the name of its class, and which part of the data it belongs to."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
LEARNT, TEST = "train", "test"
PARTS = {"train": LEARNT, "training": LEARNT, "val": LEARNT, "valid": LEARNT, "validation": LEARNT, "test": TEST}
"""Folders that hold a part of the data, each with one folder a class; folds take the place of a validation part."""
MOST_FILES = 2_000_000


def read_folder(path: Path) -> pd.DataFrame:
    """Return the images in a folder, in the order of their names.

    There is one folder a class, with further folders in it or not, or folders named `train`, `val` and `test` that are
    built so. Images that lie in no class have none, as where a folder is only to be predicted. Hidden files, and files
    that are not named as images, are left out; links to folders are not followed.

    Raises:
        EmptyFolder: if there is no image in it.
    """
    base = _base(path)
    files = [(file, file.relative_to(base).parts) for file in _images(base)]
    parted = _has_parts({inside[0].lower() for _, inside in files if len(inside) > 1})
    rows = []
    for file, inside in files:
        part = PARTS.get(inside[0].lower()) if parted else LEARNT
        place = 1 if parted else 0
        if part is not None:  # what lies beside the parts is neither
            rows.append((str(file), inside[place] if len(inside) > place + 1 else None, part))
    if not rows:
        raise EmptyFolder(path, sorted(SUFFIXES))
    table = pd.DataFrame(rows, columns=[IMAGE, CLASS, PART])
    return table if parted else table.drop(columns=PART)


def _has_parts(names: set[str]) -> bool:
    """Return whether folders of these names are parts of the data: `train` alone could be a class of vehicles."""
    known = names & set(PARTS)
    several = len({PARTS[name] for name in known}) > 1 or len(known) > 1
    return any(PARTS[name] == LEARNT for name in known) and (several or names == known)


def parted(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return the rows to learn from, and those to test on where the folder has a part for that."""
    if set(table.columns) != {IMAGE, CLASS, PART}:
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


def _images(base: Path) -> Iterator[Path]:
    """Yield the files named as images, no more than `MOST_FILES`."""
    left = MOST_FILES
    for folder, inside, names in os.walk(base):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(folder, name)
                left -= 1
                if not left:
                    return

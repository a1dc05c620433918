"""Rows that name files: from a table of paths, or from a folder with a folder for each class."""

from __future__ import annotations

import csv
from pathlib import Path

from netwright.build.source.parts.target import TARGET

FILE = "image"  # the column of the files
ENDINGS = (".png",)  # of their names


def read_rows(path: Path, separator: str = ",") -> list[dict[str, str]]:
    """Return the rows of a table of paths, or of a folder with a folder of files for each class.

    Args:
        path: of the folder, or of text with a header, in UTF-8; paths in it begin where it lies.
        separator: between the cells of the text.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in ENDINGS)
        return [{FILE: str(file), TARGET: file.parent.name} for file in files]
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, delimiter=separator))
    return [{**row, FILE: str(path.parent / row[FILE])} for row in rows]

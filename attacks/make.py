"""Writes every hostile model file into a folder: python attacks/make.py FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from hostile_files import FOREIGN, ON_DISK
from hostile_json import JSON
from hostile_tensors import TENSORS
from hostile_zip import ZIP

ATTACKS = (*ON_DISK, *FOREIGN, *ZIP, *JSON, *TENSORS)


def main(folder: Path) -> None:
    """Write every attack into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for attack in ATTACKS:
        attack.write(folder)
    print(f"{len(ATTACKS)} hostile model files in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

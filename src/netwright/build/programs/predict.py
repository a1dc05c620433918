"""Predicts with the model beside this file: python predict.py data.csv > answers.csv.

It needs the framework that `network.py` names, numpy and safetensors; for files of images pillow, of sounds soundfile.
`preprocess.py` makes features of cells, and about.json tells what goes in and what comes out.
"""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import preprocess
from network import load

HERE = Path(__file__).parent
ROWS_AT_ONCE = 1_000


def batches(rows: list[dict[str, Any]], together: str) -> Iterator[list[dict[str, Any]]]:
    """Yield rows that are encoded together: some at a time, those that agree in a column never parted."""
    start = 0
    while start < len(rows):
        end = min(start + ROWS_AT_ONCE, len(rows))
        while together and end < len(rows) and rows[end][together] == rows[end - 1][together]:
            end += 1
        yield rows[start:end]
        start = end


def told(answers: np.ndarray, rows: list[dict[str, Any]], about: dict[str, Any]) -> list[Any]:
    """Return the label of each row, the most probable one; or the number, where there are no labels.

    Of tags that mark entities, it is those of a sentence that are the most probable together.
    """
    if not about["labels"]:
        return list(answers.tolist())
    chosen = preprocess.chosen_tags(answers, rows) if about["together"] else answers.argmax(axis=1)
    return [about["labels"][place] for place in chosen]


def main() -> None:
    """Print the answers for the rows of a table, or for the files of a folder."""
    about = json.loads((HERE / "about.json").read_text(encoding="utf-8"))
    answer = load(str(HERE / about["model"]))
    rows = preprocess.read_rows(Path(sys.argv[1]))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([about["target"]])
    for batch in batches(rows, about["together"]):
        writer.writerows([one] for one in told(answer(preprocess.encode(batch)), batch, about))


if __name__ == "__main__":
    main()

"""Answers for the rows of a table, as comma-separated values."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netwright.build.source.parts.files import FILE
from netwright.build.source.parts.preprocess import read_rows
from netwright.build.source.parts.target import LABELS, TARGET
from netwright.build.source.parts.tokens import SENTENCE, TOKEN, chosen_tags


def print_answers(answer: Callable[[Sequence[Mapping[str, Any]]], np.ndarray]) -> None:
    """Print what is answered for the rows of the table that the command line names."""
    parser = argparse.ArgumentParser(description="Prints the answers for the rows of a table, as CSV.")
    # if maps:
    parser.add_argument("table", type=Path, help="a folder of files, or comma-separated values with their paths")
    # end
    # if tokens:
    parser.add_argument("table", type=Path, help="CoNLL columns, or comma-separated values with sentence and token")
    # end
    # if rows:
    parser.add_argument("table", type=Path, help="a file of comma-separated values with a header")
    # end
    parser.add_argument("--separator", default=",")
    arguments = parser.parse_args()
    rows = read_rows(arguments.table, arguments.separator)
    answers = answer(rows)
    # if classes:
    header = [TARGET, *LABELS]
    # if tokens:
    chosen = chosen_tags(answers, rows)
    # end
    # if not tokens:
    chosen = answers.argmax(axis=1)
    # end
    lines = [[LABELS[place], *(f"{chance:.6f}" for chance in one)] for place, one in zip(chosen, answers, strict=True)]
    # end
    # if number:
    header, lines = [TARGET], [[value] for value in answers.tolist()]
    # end
    # if maps:
    header, lines = ["path", *header], [[row[FILE], *line] for row, line in zip(rows, lines, strict=True)]
    # end
    # if tokens:
    header = [SENTENCE, TOKEN, *header]
    lines = [[row[SENTENCE], row[TOKEN], *line] for row, line in zip(rows, lines, strict=True)]
    # end
    csv.writer(sys.stdout).writerows([header, *lines])

"""A model's answers as a table, and that table as a file."""

from __future__ import annotations

import io
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from netwright.data.folders import column_of_folder
from netwright.data.halves import spelt
from netwright.data.labels import label_array
from netwright.data.schema import Outcome
from netwright.data.tagged import END, SENTENCE, START, TOKEN, as_conll, as_json_lines, chances_of, is_tagged
from netwright.errors import MissingExtra, NoPlaceForProbabilities, NoProbabilities, UnknownFormat
from netwright.model import Model
from netwright.storage import replace_file

FORMATS = (".csv", ".tsv", ".parquet", ".jsonl", ".conll")


def answer_table(model: Model, table: pd.DataFrame, *, proba: bool) -> pd.DataFrame:
    """Return one row for each row of the table: the predicted target, and the probability of each class if asked.

    Where the table was read from a folder of images or sounds, their paths come first.

    Raises:
        DataError: if a column is missing.
        NoProbabilities: if they are asked of a model that predicts a number.
    """
    target = model.preparation.schema.target.name
    if proba and model.outcome == Outcome.REGRESSION:
        raise NoProbabilities(target)
    answers, columns = model.answers(table), _names(model, table)
    columns = {"path" if name == target else name: cells for name, cells in columns.items()}
    if model.outcome == Outcome.REGRESSION:
        return pd.DataFrame({**columns, target: answers})
    columns |= {target: label_array(model.labels)[model.chosen(answers, table)]}
    if proba:
        columns |= {f"{target}={label}": answers[:, place] for place, label in enumerate(model.labels)}
    return pd.DataFrame(columns)


def _names(model: Model, table: pd.DataFrame) -> dict[str, Any]:
    """Return the paths that were found in a folder, or the tokens: else nobody knows which answer is whose."""
    column, sequenced = column_of_folder(table), model.task.sequences is not None
    of_tokens = [name for name in (SENTENCE, TOKEN, START, END) if sequenced and name in table.columns]
    if column:
        return {column: [spelt(cell) if isinstance(cell, str) else cell for cell in table[column].tolist()]}
    return {name: table[name].to_numpy() for name in of_tokens}


def check_format(path: Path, *, proba: bool = False) -> None:
    """See that a file's name says how to write it, before anyone waits for what goes into it.

    Raises:
        MissingExtra: if the package that writes it is not installed.
        UnknownFormat: if the name ends in none of `FORMATS`.
        NoPlaceForProbabilities: if that format cannot hold probabilities, and they are asked for.
    """
    if path.suffix.lower() not in FORMATS:
        raise UnknownFormat(path, FORMATS)
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise MissingExtra("pyarrow", "parquet")
    if proba and path.suffix.lower() == ".conll":
        raise NoPlaceForProbabilities(path)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table in the format that the file's name asks for, all or nothing.

    Raises:
        MissingExtra: if the package that writes it is not installed.
        UnknownFormat: if the name ends in none of `FORMATS`.
        NoPlaceForProbabilities: if that format cannot hold probabilities, and there are some.
        CannotWrite: if it cannot be written there.
    """
    check_format(path, proba=is_tagged(table) and chances_of(table) is not None)
    out = io.BytesIO()
    match path.suffix.lower():
        case ".csv":
            table.to_csv(out, index=False)
        case ".tsv":
            table.to_csv(out, index=False, sep="\t")
        case ".parquet":
            table.to_parquet(out, index=False)
        case ".conll" if is_tagged(table):
            out.write(as_conll(table).encode("utf-8", "surrogatepass"))
        case ".conll":
            raise UnknownFormat(path, FORMATS[:-1])
        case ".jsonl" if is_tagged(table):
            out.write(as_json_lines(table).encode("utf-8", "surrogatepass"))
        case ".jsonl":
            out.write(table.to_json(orient="records", lines=True, force_ascii=False, double_precision=15).encode())
    out.seek(0)
    replace_file(path, lambda file: shutil.copyfileobj(out, file))

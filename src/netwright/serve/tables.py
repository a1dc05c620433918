"""Requests for models of tables, with texts or without: rows as JSON objects, or a CSV file."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
from pydantic import BaseModel

from netwright.data.delimited import first_width, read_delimited
from netwright.errors import DataError, DuplicateColumns
from netwright.model import Model
from netwright.serve.form import CSV, JSON, MULTIPART, Form, Part, Reply, only_part, unsupported
from netwright.serve.inputs import Input
from netwright.serve.limits import Limits
from netwright.serve.problems import Fault, Refusal
from netwright.serve.refusing import lacking
from netwright.serve.replies import name_of, replies_of, reply_schema
from netwright.serve.rows import RowReader

CSV_TYPES = (CSV, "application/csv", "application/vnd.ms-excel", "text/plain")  # as browsers call such files
MOST_COLUMNS = 10_000
UPLOAD = "The table"  # what a file is called in a sentence


def table_form(model: Model, inputs: tuple[Input, ...], limits: Limits) -> Form:
    """Return how requests to a model of tables are read and answered."""
    reader = RowReader(inputs, limits.rows)
    row, text = {"$ref": "#/components/schemas/Row"}, {"type": "string", "description": "A table with a header."}
    listed = {"type": "array", "items": row, "maxItems": limits.rows}
    upload = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}
    return Form(
        one=partial(_one, reader),
        many=partial(_many, reader),
        predict=partial(_predict, model, reader),
        of_csv=partial(_of_csv, model, inputs, limits),
        one_schema={JSON: row},
        many_schema={JSON: listed, CSV: text, MULTIPART: upload},
        reply_schema=reply_schema(model),
        components={"Row": reader.row.model_json_schema()},
        warm=reader.one(json.dumps({each.name: None for each in inputs}).encode()),
    )


def is_csv(parts: Sequence[Part]) -> bool:
    """Return whether a request is a table in delimited text: by its type, or by the name of the file."""
    return len(parts) == 1 and (parts[0].type in CSV_TYPES or parts[0].name.lower().endswith((".csv", ".tsv", ".txt")))


def as_csv(model: Model, replies: Sequence[Reply]) -> str:
    """Return replies as a table: the prediction, and a column for the probability of each class."""
    target, out = model.preparation.schema.target.name, io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([target, *(f"{target}={name_of(label)}" for label in model.labels)])
    for reply in replies:
        writer.writerow([reply["prediction"], *reply.get("probabilities", {}).values()])
    return out.getvalue()


def _one(reader: RowReader, parts: Sequence[Part]) -> list[BaseModel]:
    part = only_part(parts)
    if part.type not in (JSON, ""):
        raise unsupported(part, (JSON,))
    return reader.one(part.content)


def _many(reader: RowReader, parts: Sequence[Part]) -> list[BaseModel]:
    part = only_part(parts)
    if part.type not in (JSON, ""):
        raise unsupported(part, (JSON, CSV))
    return reader.many(part.content)


def _predict(model: Model, reader: RowReader, rows: list[Any]) -> list[Reply]:
    return replies_of(model, model.answers_of(reader.frame(rows)))


def _of_csv(model: Model, inputs: tuple[Input, ...], limits: Limits, content: bytes) -> list[Reply]:
    try:
        _check_width(content, inputs)
        table = read_delimited(content, UPLOAD)
    except DataError as error:
        raise Refusal(422, str(error)) from error
    _check_columns(table, inputs)
    if len(table) > limits.rows:
        rows, most = f"{len(table):,}", f"{limits.rows:,}"
        raise Refusal(413, f"The table has {rows} rows, but a request may have {most} at most. Send it in parts.")
    return replies_of(model, model.answers(table)) if len(table) else []


def _check_columns(table: pd.DataFrame, inputs: tuple[Input, ...]) -> None:
    """Refuse a table in which columns are missing, or stand twice.

    Raises:
        Refusal: with each of them as a fault.
    """
    names = Counter(str(name) for name in table.columns)
    twice = sorted(name for name, count in names.items() if count > 1)
    if twice:
        faults = tuple(Fault(None, name, f"The column {name!r} stands in the table more than once.") for name in twice)
        raise Refusal(422, str(DuplicateColumns(UPLOAD, twice)), faults)
    wanted = {each.name for each in inputs}
    absent = [each.name for each in inputs if each.name not in names]
    if absent:
        raise lacking(absent, (name for name in names if name not in wanted))


def _check_width(content: bytes, inputs: tuple[Input, ...]) -> None:
    """Refuse a table of very many columns before it is read: each of them takes some 80 µs and 7 kB.

    Raises:
        Refusal: if it has more than `MOST_COLUMNS`, or twice as many as the model sees where that is more.
        DataError: if it has no first row that can be read.
    """
    most = max(MOST_COLUMNS, 2 * len(inputs))
    if first_width(content, UPLOAD) > most:
        raise Refusal(413, f"A table may have {most:,} columns at most. Leave out what the model does not ask for.")

"""Requests for models of images or sounds: files, one as the body itself or several in a form. Never paths."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from netwright.data.wave import as_wave
from netwright.errors import BadFiles
from netwright.model import Model
from netwright.serve.form import BYTES, JSON, MULTIPART, Form, Part, Reply, only_part, unsupported
from netwright.serve.inputs import Input
from netwright.serve.limits import Limits
from netwright.serve.problems import Fault, Refusal
from netwright.serve.replies import replies_of, reply_schema

FAMILY = {"image": "image/", "sound": "audio/"}
MOST_FILES = 1_000  # of one request
WEIGHT = 100  # rows that a file stands for: to decode one may take a second, however few bytes it has
_PIXEL = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
_WARM = {"image": _PIXEL, "sound": as_wave(np.zeros(800), 8_000)}  # the smallest of each kind


def file_form(model: Model, inputs: tuple[Input, ...], limits: Limits) -> Form:
    """Return how requests to a model of images or sounds are read and answered."""
    (only,) = inputs
    family, binary = FAMILY[str(only.kind)], {"type": "string", "format": "binary"}
    listed = {"type": "array", "items": binary, "minItems": 1}
    return Form(
        one=partial(_one, family),
        many=partial(_many, family, limits),
        predict=partial(_predict, model, only),
        of_csv=None,
        one_schema={f"{family}*": binary, BYTES: binary, MULTIPART: _upload("file", binary)},
        many_schema={MULTIPART: _upload("file", listed)},
        reply_schema=reply_schema(model),
        components={},
        warm=[Part("", _WARM[str(only.kind)])],
        weigh=lambda rows: WEIGHT * len(rows),
    )


def _upload(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: schema}, "required": [name]}


def _one(family: str, parts: Sequence[Part]) -> list[Part]:
    part = only_part(parts)
    _check(part, family)
    return [part]


def _many(family: str, limits: Limits, parts: Sequence[Part]) -> list[Part]:
    most = min(limits.rows, MOST_FILES)
    if len(parts) > most:
        raise Refusal(413, f"A request may have {most:,} files at most. Send the rest in another one.")
    for part in parts:
        _check(part, family)
    return [*parts]


def _check(part: Part, family: str) -> None:
    """Refuse what says itself that it is something else; whether it can be decoded is seen later."""
    if part.type == JSON or (part.type not in ("", BYTES) and not part.type.startswith(family) and not part.name):
        raise unsupported(part, (f"{family}*", BYTES, MULTIPART))


def _predict(model: Model, only: Input, rows: list[Any]) -> list[Reply]:
    # Only bytes: a text would be taken for the path of a file of this machine.
    table = pd.DataFrame({only.name: pd.Series([bytes(part.content) for part in rows], dtype=object)})
    try:
        return replies_of(model, model.answers(table))
    except BadFiles as error:
        said = f"cannot be decoded: {error.why}"
        faults = tuple(Fault(place, only.name, f"The {_named(rows[place], only)} {said}.") for place in error.places)
        raise Refusal(422, faults[0].problem, faults) from error


def _named(part: Part, only: Input) -> str:
    return f"{only.kind} {part.name!r}" if part.name else str(only.kind)

"""Requests for models that tag tokens: a text, or a sentence that was cut into tokens already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, FailFast, Field, TypeAdapter, ValidationError

from netwright.data.tagged import SENTENCE, TOKEN, tokens_of
from netwright.data.tags import marks_entities, spans_of
from netwright.model import Model
from netwright.serve.form import JSON, Form, Part, Reply, only_part, unsupported
from netwright.serve.limits import Limits
from netwright.serve.problems import Fault, Refusal
from netwright.serve.refusing import faults_of, general_refusal

MOST_LETTERS = 2_000_000  # of one request
MOST_TOKENS = 200_000  # of one request: each has a few hundred numbers while it is looked at
USUAL = 20  # tokens of a sentence
DIGITS = 6  # of a probability after the point

_STRICT = ConfigDict(strict=True, extra="ignore")


class Text(BaseModel):
    """A text, which is cut into tokens here; entities are named by their places in it."""

    model_config = _STRICT
    text: str = Field(examples=["Ada Lovelace lived in London."])


class Tokens(BaseModel):
    """A sentence that was cut into tokens already; entities are named by the numbers of their tokens."""

    model_config = _STRICT
    tokens: list[str] = Field(examples=[["Ada", "Lovelace", "lived", "in", "London", "."]])


@dataclass(frozen=True)
class Sentence:
    """Tokens, and where each begins and ends in its text (in letters); no places where there is no text."""

    tokens: list[str]
    places: list[tuple[int, int]] | None


def sentence_form(model: Model, limits: Limits) -> Form:
    """Return how requests to a model of tagged tokens are read and answered."""
    listed = Annotated[list[Text | Tokens], Field(max_length=limits.rows), FailFast()]
    one, many = TypeAdapter[Any](Text | Tokens), TypeAdapter[Any](listed)
    row = {"anyOf": [{"$ref": f"#/components/schemas/{each.__name__}"} for each in (Text, Tokens)]}
    return Form(
        one=lambda parts: _sentences([_read(one, only_part(parts), limits)]),
        many=lambda parts: _sentences(_read(many, only_part(parts), limits)),
        predict=partial(_predict, model),
        of_csv=None,
        one_schema={JSON: row},
        many_schema={JSON: {"type": "array", "items": row, "maxItems": limits.rows}},
        reply_schema=_reply_schema(),
        components={each.__name__: each.model_json_schema() for each in (Text, Tokens)},
        warm=[Sentence(["A", "sentence", "."], None)],
        weigh=_weight,
    )


def _read(adapter: TypeAdapter[Any], part: Part, limits: Limits) -> Any:
    if part.type not in (JSON, ""):
        raise unsupported(part, (JSON,))
    try:
        return adapter.validate_json(part.content)
    except ValidationError as error:
        first = faults_of(error, part.content)[0]
    general = general_refusal(first, limits.rows, "sentences")
    if general is not None:
        raise general
    row = next((step for step in first["loc"] if isinstance(step, int)), None)
    where = "The body" if row is None else f"Sentence {row}, counted from 0,"
    sentence = f"{where} should be an object with a text, or with a list of texts named tokens."
    raise Refusal(422, sentence, (Fault(row, "text", sentence),))


def _sentences(found: Sequence[Text | Tokens]) -> list[Sentence]:
    """Return texts as tokens.

    Raises:
        Refusal: if they are too long together.
    """
    if sum(len(each.text) for each in found if isinstance(each, Text)) > MOST_LETTERS:
        raise Refusal(413, f"A request may have {MOST_LETTERS:,} letters at most. Send the rest in another one.")
    sentences = [_sentence(each) for each in found]
    if sum(len(sentence.tokens) for sentence in sentences) > MOST_TOKENS:
        raise Refusal(413, f"A request may have {MOST_TOKENS:,} tokens at most. Send the rest in another one.")
    return sentences


def _sentence(found: Text | Tokens) -> Sentence:
    if isinstance(found, Tokens):
        return Sentence(found.tokens, None)
    places = tokens_of(found.text)
    return Sentence([found.text[first:last] for first, last in places], places)


def _weight(rows: list[Any]) -> int:
    """Return how much sentences are, a row being one of `USUAL` tokens."""
    return 1 + sum(len(row.tokens) for row in rows) // USUAL


def _predict(model: Model, rows: list[Any]) -> list[Reply]:
    lengths = [len(row.tokens) for row in rows]
    if not sum(lengths):
        return [_reply(row, [], []) for row in rows]
    tokens = pd.Series([token for row in rows for token in row.tokens], dtype=object)
    table = pd.DataFrame({SENTENCE: np.repeat(np.arange(len(rows)), lengths), TOKEN: tokens})
    answers = model.answers(table)
    chosen = model.chosen(answers, table)
    labels, best = [str(label) for label in model.labels], chosen.tolist()
    chances, ends = answers[np.arange(len(chosen)), chosen].tolist(), np.cumsum(lengths).tolist()
    starts = [0, *ends[:-1]]
    return [
        _reply(row, [labels[place] for place in best[start:end]], chances[start:end])
        for row, start, end in zip(rows, starts, ends, strict=True)
    ]


def _reply(row: Sentence, tags: list[str], chances: list[float]) -> Reply:
    """Return tokens, tags and their probabilities, and entities; the score of one is the lowest of its tags."""
    scores = [round(chance, DIGITS) for chance in chances]
    entities = []
    for span in spans_of(tags) if marks_entities(tags) else []:
        first, last = span.first, span.last
        start, end = (first, last + 1) if row.places is None else (row.places[first][0], row.places[last][1])
        words, score = row.tokens[first : last + 1], min(scores[first : last + 1])
        entities.append({"start": start, "end": end, "label": span.kind, "words": words, "score": score})
    return {"tokens": row.tokens, "tags": tags, "scores": scores, "entities": entities}


def _reply_schema() -> dict[str, Any]:
    words: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
    number, integer = {"type": "number"}, {"type": "integer"}
    fields = {"start": integer, "end": integer, "label": {"type": "string"}, "words": words, "score": number}
    entity = {"type": "object", "properties": fields, "required": [*fields]}
    own = {"tokens": words, "tags": words, "scores": {"type": "array", "items": number}}
    own["entities"] = {"type": "array", "items": entity}
    return {"type": "object", "properties": own, "required": [*own]}

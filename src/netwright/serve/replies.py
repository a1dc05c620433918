"""What a model answers for a row, as JSON: the label and its probabilities, or the number."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.schema import Label, Outcome
from netwright.model import Model
from netwright.serve.form import Reply


def replies_of(model: Model, answers: NDArray[np.float64]) -> list[Reply]:
    """Return a reply for each row of answers (N, K) or (N,)."""
    if model.outcome == Outcome.REGRESSION:
        return [{"prediction": value} for value in answers.tolist()]
    labels, names = model.labels, [name_of(label) for label in model.labels]
    places = answers.argmax(axis=1).tolist()
    return [
        {"prediction": labels[place], "probabilities": dict(zip(names, chances, strict=True))}
        for place, chances in zip(places, answers.tolist(), strict=True)
    ]


def name_of(label: Label) -> str:
    """Return a label as the key of a JSON object.

    >>> name_of("Adelie"), name_of(True), name_of(3)
    ('Adelie', 'true', '3')
    """
    return label if isinstance(label, str) else json.dumps(label)


def reply_schema(model: Model) -> dict[str, Any]:
    """Return the JSON schema of a reply."""
    target = model.preparation.schema.target.name
    if model.outcome == Outcome.REGRESSION:
        prediction: dict[str, Any] = {"type": "number", "description": f"The predicted number {target!r}."}
        return _object({"prediction": prediction})
    kinds = {str: "string", bool: "boolean", int: "integer", float: "number"}
    types = sorted({kinds[type(label)] for label in model.labels})
    prediction = {"type": types[0] if len(types) == 1 else types, "enum": list(model.labels)}
    prediction["description"] = f"The most likely class of {target!r}."
    chance = {"type": "number", "minimum": 0, "maximum": 1}
    chances = _object({name_of(label): chance for label in model.labels})
    chances["description"] = "The probability of each class; they sum to one."
    return _object({"prediction": prediction, "probabilities": chances})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties]}

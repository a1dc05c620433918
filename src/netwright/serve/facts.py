"""What a client can ask about the model that is served: what it predicts, from what, and how well."""

from __future__ import annotations

from pydantic import BaseModel, Field

from netwright._version import __version__
from netwright.data.schema import Label
from netwright.model import Model
from netwright.report.numbers import metric_name
from netwright.report.numbers import score as written
from netwright.report.words import task_in_words
from netwright.serve.inputs import Input
from netwright.serve.limits import Limits

MOST_LABELS = 1_000


class InputFacts(BaseModel):
    """A column that a request holds."""

    name: str
    kind: str = Field(description="numeric, categorical, boolean, datetime, text, image or sound")
    examples: list[str | bool | int | float] = Field(description="Usual values, the most frequent first.")
    complete: bool = Field(description="Whether the examples are all the values that the model knows.")


class Facts(BaseModel):
    """What is served."""

    target: str = Field(description="The name of the column that is predicted.")
    task: str = Field(description="tabular, text, tagging, image or audio")
    outcome: str = Field(description="binary, multiclass, regression or tags")
    answer: str = Field(description="What kind of answer is given, in words.")
    labels: list[Label] = Field(description="The classes; none for a number.")
    inputs: list[InputFacts]
    score: str = Field(description="How good the model is on new data, with its 95 % interval, in words.")
    most_rows: int = Field(description="Rows that a request may have at most.")
    secured: bool = Field(description="Whether a request has to carry a token.")
    netwright: str = Field(description="The version of Netwright that serves it.")


def facts_of(model: Model, inputs: tuple[Input, ...], limits: Limits, *, secured: bool) -> Facts:
    """Return what is told of a model."""
    result, target = model.result, model.preparation.schema.target
    low, high = (written(value, result.metric) for value in (result.score_low, result.score_high))
    score = f"{metric_name(result.metric)} {written(result.score, result.metric)}, 95 % interval {low} to {high}"
    columns = [
        InputFacts(name=each.name, kind=str(each.kind), examples=list(each.examples), complete=each.complete)
        for each in inputs
    ]
    return Facts(
        target=target.name,
        task=model.task.name,
        outcome=str(model.outcome),
        answer=task_in_words(result.task),
        labels=list(model.labels[:MOST_LABELS]),
        inputs=columns,
        score=score,
        most_rows=limits.rows,
        secured=secured,
        netwright=__version__,
    )

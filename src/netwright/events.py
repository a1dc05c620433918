"""What happens in a run, as values. The engine prints nothing: progress, journal and log are listeners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from netwright.result import Result

Json = Mapping[str, Any]


@dataclass(frozen=True)
class RunStarted:
    """The command was understood. `settings`: everything it was asked to do, as JSON."""

    settings: Json


@dataclass(frozen=True)
class DataRead:
    """The data was read and understood.

    Attributes:
        seconds: since the start of the command.
        schema: `Schema.to_json()`.
        findings: one `{"kind", "column", "message"}` for everything that was noticed in the data.
        rows: rows used; `columns`: columns in the file, the target not counted.
    """

    seconds: float
    schema: Json
    findings: tuple[Json, ...]
    rows: int
    columns: int


@dataclass(frozen=True)
class TrialStarted:
    """Training of a candidate began. `candidate`: its spec and recipe as JSON; `origin`: who proposed it."""

    seconds: float
    trial: int
    name: str
    origin: str
    candidate: Json
    parameters: int


@dataclass(frozen=True)
class EpochDone:
    """One pass of a trial. `loss`: the validation loss, averaged over folds (lower is better)."""

    seconds: float
    trial: int
    epoch: int
    epochs: int
    loss: float


@dataclass(frozen=True)
class TrialFinished:
    """A trial ended well. `score`: the metric on out-of-fold rows; `loss`: the selection loss there."""

    seconds: float
    trial: int
    score: float
    loss: float
    duration: float


@dataclass(frozen=True)
class TrialFailed:
    """A trial ended badly, alone. `reason`: one sentence."""

    seconds: float
    trial: int
    reason: str


@dataclass(frozen=True)
class BestImproved:
    """What would be handed over now got better. `members`: trials in the ensemble."""

    seconds: float
    score: float
    loss: float
    members: int


@dataclass(frozen=True)
class Example:
    """A row that the model got wrong.

    Attributes:
        kind: image or text.
        content: a PNG file as base64, or the text.
        truth: the class that it is of.
        answer: the class that it was taken for.
        chance: the probability of the answer.
    """

    kind: Literal["image", "text"]
    content: str
    truth: str
    answer: str
    chance: float


@dataclass(frozen=True)
class MistakesFound:
    """Rows were found that the model got wrong, the surest first."""

    seconds: float
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class RunFinished:
    """The bundle is written."""

    seconds: float
    result: Result


Event = (
    RunStarted
    | DataRead
    | TrialStarted
    | EpochDone
    | TrialFinished
    | TrialFailed
    | BestImproved
    | MistakesFound
    | RunFinished
)
Listener = Callable[[Event], None]

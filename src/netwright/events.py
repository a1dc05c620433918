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
class FilesDecoded:
    """Some files of images or sounds are decoded. For listeners only: the journal begins when the data was read.

    Attributes:
        seconds: since the start of the command.
        done: decoded so far, of `files`.
        testing: whether they are those to test on, not those to learn from.
    """

    seconds: float
    done: int
    files: int
    testing: bool


@dataclass(frozen=True)
class RunResumed:
    """A run that had been cut off, or whose time was lengthened, goes on.

    Attributes:
        seconds: since the start of the command, those that were spent before included.
        limit: the time limit now; None where there is none.
        trials: finished trials that are carried over.
        begun: trials that had begun: they are trained further, or anew where nothing of them had been kept.
    """

    seconds: float
    limit: float | None
    trials: int
    begun: int


@dataclass(frozen=True)
class Proposed:
    """The search handed out trials.

    Attributes:
        trials: (number, point, who proposed it) of each; together they are one stack.
        asked: whether the sampler was asked for them; else they are heirs of others, which it hears of when told.
    """

    trials: tuple[tuple[int, Json, str], ...]
    asked: bool


@dataclass(frozen=True)
class Told:
    """The search heard what a trial came to; `loss` is None where it failed or was not trained."""

    trial: int
    loss: float | None


@dataclass(frozen=True)
class DataRead:
    """The data was read and understood.

    Attributes:
        seconds: since the start of the command.
        schema: `Schema.to_json()`.
        findings: one `{"kind", "column", "message"}` for everything that was noticed in the data.
        rows: rows used; `columns`: columns in the file, the target not counted.
        files: images or sounds that were decoded; None where there are none.
        large: rows of a table that are not held, of which `drawn` were drawn at random, and `rows` of them are
            used; None for a table that is held.
    """

    seconds: float
    schema: Json
    findings: tuple[Json, ...]
    rows: int
    columns: int
    files: int | None = None
    large: int | None = None
    drawn: int | None = None


@dataclass(frozen=True)
class RowsEncoded:
    """Some of the rows that are not held in memory are encoded: `done` of about `rows`. For listeners only."""

    seconds: float
    done: int
    rows: int


@dataclass(frozen=True)
class RowsStreamed:
    """Rows that are not held in memory are written to a file, from which networks learn.

    Attributes:
        seconds: since the start of the command.
        rows: how many there are beside those that are held.
        read: how many of them there was time for.
        written: how many of these are learnt from: not those without a known target, nor copies of rows that are held.
        size: bytes of the file, which is removed at the end.
    """

    seconds: float
    rows: int
    read: int
    written: int
    size: int


@dataclass(frozen=True)
class BenchSet:
    """The rows are encoded, the folds cut: trials can begin.

    Attributes:
        seconds: since the start of the command.
        looking: seconds of all cores that a trained trunk was chosen for; training: that folds were counted for; None
            without a time limit.
        trunk: what trained trunk there is, as plain JSON; an empty object where there is none.
        digest: tells these rows and folds from others.
        left_out: why a trunk that was to look at the rows did not see them all, so that there is none; empty where
            that did not happen.
    """

    seconds: float
    looking: float | None
    training: float | None
    trunk: Json
    digest: str
    left_out: str = ""


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
class TrialResumed:
    """Training of a candidate that was cut off goes on after `epoch` - 1 passes and a part of the next."""

    seconds: float
    trial: int
    epoch: int


@dataclass(frozen=True)
class StackKept:
    """Trials in training were written to disk: a run that is cut off goes on from here, so the time until here counts.

    Between two checks, which may be minutes apart, nothing else is told.
    """

    seconds: float


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
class TeamStarted:
    """The first of the workers is there that train in the place of this process.

    Attributes:
        seconds: since the start of the command.
        workers: how many there are to be; place: where.
        warning: what the user should know of them; empty where there is nothing.
    """

    seconds: float
    workers: int
    place: str
    warning: str = ""


@dataclass(frozen=True)
class WorkerLost:
    """A worker is gone, with its process or its machine; what it trained is gone on with by another one.

    Attributes:
        seconds: since the start of the command.
        trials: that it trained.
        worker: which one.
        reason: what is known of its end.
        epoch: from which these trials are trained once more; 1 is from their beginning.
        ended: whether it was ended since it held the end of the run up; its trials have failed then.
    """

    seconds: float
    trials: tuple[int, ...]
    worker: str
    reason: str
    epoch: int
    ended: bool = False


@dataclass(frozen=True)
class NotKept:
    """Something could not be written that a run which goes on with this one would need. `reason`: one sentence."""

    seconds: float
    reason: str


@dataclass(frozen=True)
class GaveUp:
    """The search ended before its time, since nothing would have come of more trials. `reason`: one sentence."""

    seconds: float
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
class ResourcesUsed:
    """What the run took beside its time; what lay on disk is removed.

    Attributes:
        seconds: since the start of the command.
        memory: bytes that the process held at its peak; 0 where the system does not say.
        allowed: bytes that it was allowed.
        checkpoints: the most bytes that files of trials took, for a run that would have gone on with this one.
        rows: bytes of the file of rows that are not held in memory.
    """

    seconds: float
    memory: int
    allowed: int
    checkpoints: int
    rows: int


@dataclass(frozen=True)
class RunFinished:
    """The bundle is written."""

    seconds: float
    result: Result


Event = (
    RunStarted
    | FilesDecoded
    | RunResumed
    | DataRead
    | RowsEncoded
    | RowsStreamed
    | BenchSet
    | Proposed
    | Told
    | TrialStarted
    | TrialResumed
    | StackKept
    | EpochDone
    | TrialFinished
    | TrialFailed
    | TeamStarted
    | WorkerLost
    | NotKept
    | GaveUp
    | BestImproved
    | MistakesFound
    | ResourcesUsed
    | RunFinished
)
Listener = Callable[[Event], None]

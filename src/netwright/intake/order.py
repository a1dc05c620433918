"""What a run is to do, once all that the user said is understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.data.findings import Finding
from netwright.data.large import LargeTable, Sample
from netwright.resources.limits import Limits
from netwright.resources.memory import Memory
from netwright.search.sampler import Sampler
from netwright.tasks.task import Task
from netwright.team.staff import Staff
from netwright.train.framework import Framework

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)  # frames have no equality of one bit
class Order:
    """What a run is to do, once all that the user said is understood.

    Attributes:
        table: what to learn from; tested: what to test on, or nothing.
        target: the column to predict.
        large: the whole of a table that takes too much memory or time, and the `sample` of it that `table` is; else
            None; short_of: which of the two.
        noticed: what is to be told of how it was read.
        groups: what rows have in common that belong together; None where each is by itself.
        task: what kind of problem it is; outcome: what is asked of it.
        kinds: column → kind, where the user said so.
        bad_files: share of files that may be left out because they cannot be decoded.
        metric: name of what is measured.
        sampler: the way to search.
        seed: of everything random.
        framework: what trains; staff: who does, this process or workers.
        pretrained: where trained weights of others come from.
        single: whether one network is to be handed over.
        limits: what the model may cost.
        memory: that the run may take.
        folder: of results.
        fresh: whether to begin anew whatever is there.
        settings: all of this as plain JSON, by which a run knows itself again.
    """

    table: pd.DataFrame
    tested: pd.DataFrame | None
    large: LargeTable | None
    short_of: str
    sample: Sample | None
    noticed: tuple[Finding, ...]
    target: str
    groups: pd.Series[Any] | None
    task: Task
    outcome: str
    kinds: Mapping[str, str]
    bad_files: float
    metric: str
    sampler: Sampler
    seed: int
    framework: Framework
    staff: Staff
    pretrained: str | Path
    single: bool
    limits: Limits
    memory: Memory
    folder: Path
    fresh: bool
    settings: Mapping[str, Any]

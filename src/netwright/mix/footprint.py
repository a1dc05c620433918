"""What a model costs where it is used: milliseconds a row and bytes on disk, both measured."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from netwright.data.clip import Clip
from netwright.data.schema import Column, Kind, Schema
from netwright.data.wave import as_wave
from netwright.model import Model
from netwright.resources.limits import Limits

WARM_UP, REPEATS = 3, 15  # predictions of a round before the clock counts, and of which the median is taken
ROUNDS = 5  # of which the least median counts: of 30, one in four was 2 to 4 % above it, and single ones twice as long
ENOUGH = 0.3  # seconds after which it is not repeated further: what is slow varies little


@dataclass(frozen=True)
class Footprint:
    """What a model costs.

    Attributes:
        latency: seconds to predict one row in a running process.
        size: bytes of its file.
    """

    latency: float
    size: int

    def keeps(self, limits: Limits) -> bool:
        """Return whether no limit is passed."""
        return self.latency <= limits.latency and self.size <= limits.size


def footprint(model: Model) -> Footprint:
    """Return what the model costs on this machine, by predicting a row and by making what its file holds."""
    row = typical_row(model.preparation.schema)
    return Footprint(seconds_of(lambda: model.answers(row)), model.file_size())


def seconds_of(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes: see `seconds_of_each`."""
    return seconds_of_each([work])[0]


def seconds_of_each(works: Sequence[Callable[[], object]]) -> list[float]:
    """Return for each the least of the median times of some rounds of calls; of slow ones one round of two is enough.

    Whatever else the machine does makes a call slower, never faster: the least is the nearest to what the call takes.
    The rounds of all take turns, so that a slow spell falls on all alike, and each is measured before and after it.
    """
    least, spent = [math.inf] * len(works), [0.0] * len(works)
    for _ in range(ROUNDS):
        for place, work in enumerate(works):
            if spent[place] < ENOUGH:
                times = _round(work)
                spent[place] += sum(times)
                least[place] = min(least[place], statistics.median(times[min(WARM_UP, len(times) - 1) :]))
    return least


def _round(work: Callable[[], object]) -> list[float]:
    """Return the seconds of some calls one after the other, of which the first do not count."""
    times: list[float] = []
    while len(times) < WARM_UP + REPEATS and (len(times) < 2 or sum(times) < ENOUGH):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return times


def typical_row(schema: Schema) -> pd.DataFrame:
    """Return a row to measure by: a cell of each column's kind, as a file would hold it.

    No row of the user's is needed, so that a model can be measured anywhere. What is in the cells hardly matters for
    the time that a network takes; a text is of twenty words.
    """
    return pd.DataFrame({column.name: [_cell(column)] for column in schema.columns})


def _cell(column: Column) -> object:
    match column.kind:
        case Kind.NUMERIC:
            return 1.5
        case Kind.DATETIME:
            return pd.Timestamp("2024-05-17 12:30")
        case Kind.TEXT:
            return "twenty plain words " * 6 + "and two"
        case Kind.IMAGE:
            size = column.map_size
            assert size is not None
            return np.zeros((size.height, size.width, size.channels), np.uint8)
        case Kind.SOUND:
            clip = Clip.parse(column.format)
            assert clip is not None
            rate = 2 * clip.highest
            return as_wave(np.random.default_rng(0).uniform(-0.5, 0.5, round(clip.seconds * rate)), rate)
        case _:
            return "a"

"""The rows of a table that are not held in memory: read once more, encoded, and written where networks learn from them.

A run on such a table holds some of its rows, drawn at random, as it would hold a small table: kinds and scales are told
from them, and networks are judged on them. All other rows are for learning alone. Nobody is judged on what was learnt
from: a row that repeats one that is held is left out, and one of its group is learnt from where its group is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.files import Told, nobody
from netwright.data.groups import group_words
from netwright.data.hashes import row_hashes
from netwright.data.large import LargeTable
from netwright.data.more_rows import NO_FOLD, MoreRows, Writer
from netwright.data.splits import disputed, row_groups
from netwright.engine.closing import RESERVE
from netwright.events import Listener, RowsStreamed
from netwright.resources.budget import Budget
from netwright.storage import make_folder
from netwright.tasks.task import Loaded, Preparation, Task

ENCODING_SHARE = 0.35  # of the time that is left when the first row is encoded, that this may take

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)  # arrays have no equality of one bit
class Streamed:
    """See `bench.Rest`.

    Attributes:
        table: all rows.
        numbers: (n,) of those that are held, rising.
        groups: (n,) what the held rows of the table have in common that belong together, by the name of its column;
            None where each is by itself.
        task: that they are of.
        folder: of the run.
        seed: of the order in which they are read.
        budget: asked for the time.
        tell: told what came of it; told: how many are encoded, and of how many.
        read: how many rows to read, as an earlier run did that this one goes on with; None to look at the time.
        before: how many of these were learnt from; 0 without such a run.
        hasty: whether fewer are read where the run is at its end, since there are finished trials to hand over.
    """

    table: LargeTable
    numbers: Integers
    groups: pd.Series[Any] | None
    task: Task
    folder: Path
    seed: int
    budget: Budget
    tell: Listener
    told: Told = nobody
    read: int | None = None
    before: int = 0
    hasty: bool = False

    @property
    def rows(self) -> int:
        """How many rows are not held."""
        return max(0, self.table.rows - len(self.numbers))

    def encoded(self, loaded: Loaded, preparation: Preparation, folds: Integers) -> MoreRows | None:
        """Return the rows as networks learn from them: see `bench.Rest`.

        Raises:
            CannotWrite: if the disk is full.
            DataError: if some are no rows of a table.
        """
        make_folder(self.folder)
        few = loaded.frame.take(np.arange(1))
        like, aims = preparation.encode(few), preparation.goal.targets(loaded.truth[:1])
        writer = Writer(self.folder, like, aims, self.rows)
        try:
            read = self._write(writer, loaded, preparation, folds)
        except BaseException:
            writer.close()
            raise
        written, more = writer.rows, writer.finish()
        size = 0 if more is None else more.size
        if self.read is None or not self._cut_short():  # else what the earlier run read is what a later one reads
            self.tell(RowsStreamed(self.budget.elapsed(), self.rows, read, written, size))
        return more

    def _cut_short(self) -> bool:
        """Return whether no more are read since the run is at its end: its time is over, or somebody asked for it.

        A run that goes on ends with what it has: what is left of its time is for that.
        """
        return self.budget.left() <= (RESERVE if self.hasty else 0.0) and (self.hasty or self.read is None)

    def _write(self, writer: Writer, loaded: Loaded, preparation: Preparation, folds: Integers) -> int:
        """Write the rows that there is time for; return how many were read."""
        schema, read = preparation.schema, 0
        known, barred = _known(loaded), self._barred(loaded, folds)
        until = self.budget.elapsed() + ENCODING_SHARE * self.budget.left()  # infinite without a limit
        for part in self.table.rest(self.numbers, self.seed):
            truth = self.task.parse_target(part, schema)
            usable = np.flatnonzero(truth >= 0 if schema.target.labels else np.isfinite(truth))
            frame, truth = self.task.parse(part, schema).take(usable), truth[usable]
            if known is not None:
                fresh = np.flatnonzero(~np.isin(row_hashes(frame, truth), known))
                frame, truth, usable = frame.take(fresh), truth[fresh], usable[fresh]
            own = None if barred is None else barred(part, usable)
            writer.write(preparation.encode(frame), preparation.goal.targets(truth), own)
            read += len(part)
            self.told(read, self.rows)
            enough = self.budget.elapsed() > until if self.read is None else read >= self.read
            if enough or self._cut_short():
                break
        return read

    def _barred(self, loaded: Loaded, folds: Integers) -> Callable[[pd.DataFrame, Integers], NDArray[np.int8]] | None:
        """Return what tells the fold whose networks must not learn from each row of a part; None without groups.

        Networks of a fold are judged on the groups that are held there.
        """
        if self.groups is None:
            return None
        name = str(self.groups.name)
        words = group_words(self.groups.iloc[loaded.places])
        held = {word: fold for word, fold in zip(words, folds.tolist(), strict=True) if word is not None}

        def barred(part: pd.DataFrame, usable: Integers) -> NDArray[np.int8]:
            found = group_words(part[name].iloc[usable])
            return np.array([NO_FOLD if word is None else held.get(word, NO_FOLD) for word in found], np.int8)

        return barred


def _known(loaded: Loaded) -> NDArray[np.uint64] | None:
    """Return what the held rows are known again by; None where equal rows are no copies (`splits.thing_groups`)."""
    if disputed(row_groups(loaded.frame), loaded.truth):
        return None
    return np.unique(row_hashes(loaded.frame, loaded.truth))

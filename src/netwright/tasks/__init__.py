"""The registry of tasks: one line each."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from netwright.data.tagged import CONLL
from netwright.data.target import OUTCOMES
from netwright.errors import UnknownTask, nearest
from netwright.tasks import audio, image, tabular, tagging, text
from netwright.tasks.task import Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        image.TASK,
        audio.TASK,
        tagging.TASK,
        text.TASK,
        tabular.TASK,
    )
}

FEW_COLUMNS = 3  # a table with more may name files beside what it is about, as tables of measured sounds do


def reader(name: str, source: Any) -> Callable[[Any], pd.DataFrame]:
    """Return what reads a source for the task that a name asks for; where that is left open, by the file's name."""
    kind = name.partition("_")[0]
    of_tags = isinstance(source, str | Path) and Path(source).suffix.lower() in CONLL
    return TASKS[kind if kind in TASKS else "tagging" if of_tags else "tabular"].read


def find_task(name: str, table: pd.DataFrame, target: str, kinds: Mapping[str, str]) -> tuple[Task, str]:
    """Return the task that a name such as `auto`, `image`, `regression` or `image_binary` asks for, and the outcome.

    Where the name leaves the kind open, it is the first of the registry that recognises the table.

    Raises:
        UnknownTask: if there is none of that name.
        MissingPaths: if the kind is open, and a column that nobody stated the kind of names files that are not there.
    """
    kind, _, rest = name.partition("_") if name.partition("_")[0] in TASKS else ("", "", name)
    outcome = rest or "auto"
    if outcome not in OUTCOMES:
        known = (*OUTCOMES, *TASKS)
        raise UnknownTask(name, known, nearest(outcome, known))
    found = TASKS[kind] if kind else next(task for task in TASKS.values() if task.recognises(table, target, kinds))
    if not kind and found in (text.TASK, tabular.TASK):
        unstated = table.drop(columns=[name for name in kinds if name in table.columns])
        if len(unstated.columns) <= FEW_COLUMNS:
            for medium in (image.IMAGES, audio.SOUNDS):
                medium.check_found(unstated, target)
    return found, outcome


__all__ = ["TASKS", "Task", "find_task", "reader"]

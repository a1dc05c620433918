"""The registry of tasks: one line each."""

from netwright.tasks import tabular
from netwright.tasks.task import Task

TASKS: dict[str, Task] = {task.name: task for task in (tabular.TASK,)}

__all__ = ["TASKS", "Task"]

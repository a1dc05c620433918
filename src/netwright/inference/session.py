"""Runs a graph in ONNX Runtime, from arrays to arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from netwright.data.stretches import POSITIONS, alike
from netwright.resources.machine import usable_threads

QUIET = 3  # errors only: warnings are about the graph, which a user has not written


@dataclass(frozen=True)
class Session:
    """A graph that is ready to run.

    Attributes:
        engine: of ONNX Runtime; several threads may use it at once.
        inputs: the names of what it is fed.
        answer: the name of the output that is asked for.
        rows: that are fed together at most: bounds what lies between two layers.
        positions: the name of the input that says which rows follow each other, see `data.stretches`; empty where none
            does.
    """

    engine: onnxruntime.InferenceSession
    inputs: tuple[str, ...]
    answer: str
    rows: int
    positions: str = ""

    def run(self, values: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the answers (N, ...) for N rows.

        Args:
            values: (N, ...) by name; those that the graph does not take are left aside.
        """
        fed = {name: values[name] for name in self.inputs}
        count = len(next(iter(values.values())))
        if self.positions:
            return self._run_in_stretches(fed, fed[self.positions][:, 0])
        if count <= self.rows:
            return np.asarray(self.engine.run([self.answer], fed)[0])
        starts = range(0, count, self.rows)
        pieces = ({name: array[start : start + self.rows] for name, array in fed.items()} for start in starts)
        return np.concatenate([self.engine.run([self.answer], piece)[0] for piece in pieces])

    def _run_in_stretches(self, fed: Mapping[str, NDArray[Any]], positions: NDArray[Any]) -> NDArray[Any]:
        """Return the answers for rows of which some follow each other: these are fed together, with others as long."""
        together = [*alike(positions, self.rows)]
        if len(together) < 2:
            return np.asarray(self.engine.run([self.answer], dict(fed))[0])
        pieces = ({name: array[rows] for name, array in fed.items()} for rows in together)
        found = np.concatenate([self.engine.run([self.answer], piece)[0] for piece in pieces])
        answers = np.empty_like(found)
        answers[np.concatenate(together)] = found
        return answers


def start(model: ModelProto, rows: int) -> Session:
    """Return a session for a graph, on the processor, that is asked for the last of its outputs.

    Args:
        model: made by us: what a stranger's graph may do is not looked at here.
        rows: that may be fed together.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    options.intra_op_num_threads = usable_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # a core that waits is left to others
    engine = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    inputs = engine.get_inputs()
    ordered = (one for one in inputs if one.name.endswith(POSITIONS) and _is_ordering(one))
    positions = next((one.name for one in ordered), "")
    return Session(engine, tuple(one.name for one in inputs), engine.get_outputs()[-1].name, rows, positions)


def _is_ordering(given: Any) -> bool:
    """Return whether an input holds whole numbers, one a row, as no column of a table does, whatever its name."""
    return bool(given.type == "tensor(int32)" and given.shape[1:] == [1])

"""What the engine asks of a task. A task is a value of functions; the engine never learns its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netwright.data.features import Features
from netwright.data.findings import Finding
from netwright.data.frame import Frame
from netwright.data.schema import Schema
from netwright.spec.network import Candidate, Network
from netwright.spec.spaces import Point, Space


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        data: a file or a pandas frame.
        target: the column to predict.
        kinds: column → kind, where the user said so.
        outcome: auto, classification, binary, multiclass or regression.
    """

    data: Any
    target: str
    kinds: Mapping[str, str]
    outcome: str


@dataclass(frozen=True)
class Loaded:
    """Data read and understood: usable rows only.

    Attributes:
        frame: the rows to learn from, cells read by kind.
        schema: their columns and target.
        truth: (N,) class numbers, or values.
        groups: (N,) rows with one number are one thing (copies) and stay in one fold.
        findings: what was noticed.
        columns: the number of input columns in the file.
    """

    frame: Frame
    schema: Schema
    truth: NDArray[Any]
    groups: NDArray[np.int64]
    findings: tuple[Finding, ...]
    columns: int


class Preparation(Protocol):
    """Everything fitted before the first network: what turns data into features, and outputs into answers."""

    @property
    def schema(self) -> Schema:
        """The columns and the target."""

    @property
    def outputs(self) -> int:
        """The number of network outputs K."""

    @property
    def loss(self) -> str:
        """The name of the loss, one of `train.losses.LOSSES`."""

    @property
    def quantiles(self) -> NDArray[np.float32]:
        """(F, Q) knots of the numeric features."""

    def accepts(self, network: Network) -> bool:
        """Return whether a network takes these features and gives as many outputs as the target asks for."""

    def encode(self, frame: Frame) -> Features:
        """Return what networks eat."""

    def targets(self, truth: NDArray[Any]) -> NDArray[np.float32] | NDArray[np.int64]:
        """Return the targets (N,) as networks learn them."""

    def decode(self, predictions: NDArray[np.float32]) -> NDArray[Any]:
        """Return probabilities (N, K), or values (N,) in the unit of the target, from predictions (N, K)."""

    def documents(self) -> dict[str, Any]:
        """Return the JSON documents `schema` and `preprocess`."""

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the fitted arrays."""


@dataclass(frozen=True)
class Task:
    """One kind of problem, as functions.

    Attributes:
        name: its id.
        load: request → data read and understood. Raises DataError.
        parse: (data, schema) → Frame, for prediction.
        parse_target: (data, schema) → truth (N,), -1 or NaN where unknown.
        prepare: (loaded, seed) → preparation, fitted on all rows without a look at the target's relation to them.
        restore: (documents, tensors) → preparation, from a bundle. Raises BundleError.
        space: (rows, outcome) → search space.
        portfolio: (rows, outcome) → first points to try.
        first_glance: rows → a point that learns something in a second.
        default_network: rows → the untuned network to compare with.
        candidate: (point, preparation) → network and recipe.
        describe: point → a few words.
        toy: seed → a small pandas frame and its target, for the contract tests.
    """

    name: str
    load: Callable[[Request], Loaded]
    parse: Callable[[Any, Schema], Frame]
    parse_target: Callable[[Any, Schema], NDArray[Any]]
    prepare: Callable[[Loaded, int], Preparation]
    restore: Callable[[Mapping[str, Any], Mapping[str, NDArray[Any]]], Preparation]
    space: Callable[[int, str], Space]
    portfolio: Callable[[int, str], tuple[Point, ...]]
    first_glance: Callable[[int], Point]
    default_network: Callable[[int], Point]
    candidate: Callable[[Point, Any], Candidate]
    describe: Callable[[Point], str]
    toy: Callable[[int], tuple[Any, str]]

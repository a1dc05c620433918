"""A model: what prepares the data, the networks with their weights, and how their answers are mixed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from netwright.bundle import Contents, bundle_size, read_bundle, write_bundle
from netwright.bundle.short import half_where_equal
from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.data.labels import label_array
from netwright.data.schema import Label, Outcome
from netwright.data.stretches import POSITIONS, begins, blocks, positions_of
from netwright.entities import best_tags
from netwright.errors import NoProbabilities, UnfitBundle
from netwright.inference.share import Share
from netwright.pretrained.extended import restore
from netwright.report.summary import summary_html
from netwright.result import Result
from netwright.select.calibrate import apply_temperature
from netwright.spec.blocks import STRICT
from netwright.spec.cost import Cost
from netwright.spec.costs import network_cost, weight_shapes
from netwright.spec.network import Candidate
from netwright.tasks import TASKS, Task
from netwright.tasks.task import Preparation, frames
from netwright.train.framework import Predict

if TYPE_CHECKING:
    import pandas as pd

    from netwright.inference.session import Session


ROWS_AT_ONCE = 16_384  # that are encoded together: bounds the memory of a prediction


@dataclass(frozen=True)
class Part:
    """One candidate in the mix.

    Attributes:
        candidate: its network and recipe.
        weights: tensors (S, ...) by name, one network a fold.
        share: its mixing weight; the shares of a model sum to one.
    """

    candidate: Candidate
    weights: Mapping[str, NDArray[Any]]
    share: float


@dataclass(frozen=True)
class Model:
    """A finished model: predicts from tables like the one it was fitted on.

    Attributes:
        task: what kind of problem it answers.
        preparation: fitted before the first network.
        parts: the networks and their shares.
        temperature: the logits of the mix are divided by it; 1 for regression.
        result: what came of the run that made it.
    """

    task: Task
    preparation: Preparation
    parts: tuple[Part, ...]
    temperature: float
    result: Result

    @property
    def labels(self) -> tuple[Label, ...]:
        """The classes, in the order of the columns of `predict_proba`; empty for a number."""
        return self.preparation.schema.target.labels

    @property
    def outcome(self) -> Outcome:
        """Binary, multiclass or regression."""
        return self.preparation.schema.target.outcome

    def predict(self, table: pd.DataFrame | NDArray[np.uint8]) -> NDArray[Any]:
        """Return the predicted label or number of each row (N,).

        Args:
            table: the columns of the training data by name, in any order, others are ignored; or images (N, H, W) or
                (N, H, W, C).

        Raises:
            DataError: if a column is missing.
        """
        answers = self.answers(table)
        if self.outcome == Outcome.REGRESSION:
            return answers
        return np.asarray(label_array(self.labels)[self.chosen(answers, table)])

    def chosen(self, answers: NDArray[np.float64], table: pd.DataFrame | NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the class (N,) that is handed over for each row, by its answers (N, K).

        It is the most probable one; of tags that mark entities, those of a sentence are the most probable together.
        """
        if self.outcome != Outcome.TAGS or self.task.sequences is None:
            return np.asarray(answers.argmax(axis=1), np.int64)
        return np.asarray(best_tags(answers, begins(positions_of(self.task.sequences(table)))), np.int64)

    def predict_proba(self, table: pd.DataFrame | NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the probability of each class (N, K), in the order of `labels`.

        Raises:
            DataError: if a column is missing, or the model predicts a number.
        """
        if self.outcome == Outcome.REGRESSION:
            raise NoProbabilities(self.preparation.schema.target.name)
        return self.answers(table)

    def answers(self, table: pd.DataFrame | NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return probabilities (N, K), or values (N,) in the unit of the target; files are decoded some at a time."""
        return np.concatenate([self.answers_of(frame) for frame in frames(self.task, table, self.preparation.schema)])

    def answers_of(self, frame: Frame) -> NDArray[np.float64]:
        """Return the answers for cells that were read by kind already, some rows at a time.

        Each row is on its own, but for those that follow each other in a sequence, which stay together.
        """
        if frame.rows <= ROWS_AT_ONCE:
            return self._answers_of(frame)
        rows = np.arange(frame.rows)
        return np.concatenate([self._answers_of(frame.take(rows[piece])) for piece in self._pieces(frame)])

    def _pieces(self, frame: Frame) -> Iterator[slice]:
        """Yield rows that are encoded together."""
        if self.task.sequences is not None:
            return blocks(frame.columns[POSITIONS], ROWS_AT_ONCE)
        return (slice(start, start + ROWS_AT_ONCE) for start in range(0, frame.rows, ROWS_AT_ONCE))

    def _answers_of(self, frame: Frame) -> NDArray[np.float64]:
        features = self.preparation.encode(frame)
        if not frame.rows:
            return np.zeros((0,) if self.outcome == Outcome.REGRESSION else (0, len(self.labels)))
        return self.session.run(features.arrays).astype(np.float64)

    @property
    def mix(self) -> tuple[Share, ...]:
        """The networks with their weights and shares, as a graph is made of them."""
        return tuple(Share(part.candidate.network, part.weights, part.share) for part in self.parts)

    @cached_property
    def session(self) -> Session:
        """The networks, their shares and the calibration, ready to run on features: see `inference.graphs`."""
        from netwright.inference.graphs import graph_of_features, map_size, rows_together  # onnx takes .1 s to import
        from netwright.inference.session import start

        preparation, mix = self.preparation, self.mix
        graph = graph_of_features(mix, preparation.goal, self.temperature, map_size(preparation.schema))
        return start(graph, rows_together(mix))

    def answers_by_torch(self, frame: Frame) -> NDArray[np.float64]:
        """Return what PyTorch answers: other answers are compared with these."""
        from netwright.train.predict import predict_stack  # torch is needed here first, and takes a second to import

        raw = self._raw(self.preparation.encode(frame), predict_stack)
        return self._decoded(sum(part.share * each.mean(axis=0) for part, each in raw))

    def answers_by_fold(self, features: Features, predict: Predict) -> NDArray[np.float64]:
        """Return the answers of the networks of each fold alone (S, N, ...), mixed as the model mixes them.

        Args:
            features: N rows.
            predict: what answers for the networks of a part.
        """
        parts = [(part.share, raw) for part, raw in self._raw(features, predict)]
        folds = max(len(raw) for _, raw in parts)
        mixed = [sum(share * raw[fold % len(raw)] for share, raw in parts) for fold in range(folds)]
        return np.stack([self._decoded(one) for one in mixed])

    def _raw(self, features: Features, predict: Predict) -> Iterator[tuple[Part, NDArray[np.float32]]]:
        """Yield each part with the predictions (S, N, K) of its networks."""
        for part in self.parts:
            yield part, predict(part.candidate.network, part.weights, features, self.preparation.goal.loss)

    def _decoded(self, mixed: Any) -> NDArray[np.float64]:
        """Return calibrated probabilities (N, K), or values (N,), from mixed predictions (N, K)."""
        answers = self.preparation.goal.decode(np.asarray(mixed, np.float32))
        if self.outcome == Outcome.REGRESSION:
            return answers
        return apply_temperature(answers.astype(np.float64), self.temperature)

    def _repr_html_(self) -> str:
        return summary_html(self.result)

    def cost(self) -> Cost:
        """Return parameters and floating-point operations for one row, of all networks together."""
        costs = [(network_cost(part.candidate.network), _stacked(part)) for part in self.parts]
        return Cost(
            width=self.preparation.goal.outputs,
            members=1,
            parameters=sum(cost.parameters * folds for cost, folds in costs),
            flops=sum(cost.flops * folds for cost, folds in costs),
        )

    def save(self, path: Path) -> None:
        """Write the model as one file, all or nothing.

        Raises:
            OutputError: if it cannot be written there.
        """
        write_bundle(path, self._contents())

    def file_size(self) -> int:
        """Return the bytes of the file that `save` would write; no disk is needed for it.

        Raises:
            UnwritableModel: if no file can hold the model.
        """
        return bundle_size(self._contents(), Path("model.nw"))

    def _contents(self) -> Contents:
        documents = model_documents(self.task, self.preparation, self.parts, self.temperature, self.result)
        tensors = (self.preparation.tensors(), *(half_where_equal(part.weights) for part in self.parts))
        return Contents(documents, tensors)


def model_documents(
    task: Task, preparation: Preparation, parts: tuple[Part, ...], temperature: float, result: Result
) -> dict[str, Any]:
    """Return the documents of a model file, by name."""
    spec = {
        "task": task.name,
        "temperature": temperature,
        "parts": [{"candidate": part.candidate.to_json(), "share": part.share} for part in parts],
    }
    return {**preparation.documents(), "spec": spec, "card": result.to_json()}


def _stacked(part: Part) -> int:
    return int(next(iter(part.weights.values())).shape[0])


# --- reading a model back ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _PartSpec:
    __pydantic_config__ = STRICT
    candidate: Candidate
    share: Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class _ModelSpec:
    __pydantic_config__ = STRICT
    task: str
    temperature: Annotated[float, Field(gt=0, le=1e3)]
    parts: Annotated[tuple[_PartSpec, ...], Field(min_length=1, max_length=64)]


ROUNDING = 1e-6  # that the shares of a mix may be off one: each is a float64, rounded by itself

_SPEC = TypeAdapter(_ModelSpec)
_RESULT = TypeAdapter(Result)


def load(path: str | Path) -> Model:
    """Return the model that a bundle holds; none of its content is run.

    Raises:
        BundleError: if the file is damaged, hostile, of a newer format, or its parts do not fit together.
    """
    path = Path(path)
    model = read_model(path, read_bundle(path))
    shares = math.fsum(part.share for part in model.parts)
    if abs(shares - 1) > ROUNDING:
        raise UnfitBundle(path, f"the shares of its networks sum to {shares:.6g}, not to 1")
    return model


def read_model(path: Path, contents: Contents) -> Model:
    """Return the model that documents and tensors describe; `path` is for the sentence of an error.

    The shares of its parts are whatever they say: of trials that are kept to choose from, nothing.

    Raises:
        BundleError: if they do not fit together.
    """
    try:
        spec = _SPEC.validate_json(json.dumps(contents.documents["spec"]))
        result = _RESULT.validate_json(json.dumps(contents.documents["card"]))
    except (ValidationError, KeyError) as error:
        raise UnfitBundle(path, "its description of networks or results is not one that Netwright writes") from error
    if spec.task not in TASKS or len(contents.tensors) != len(spec.parts) + 1:
        raise UnfitBundle(path, "its task or its number of weight members is not what its description says")
    task = TASKS[spec.task]
    preparation = restore(task, contents.documents, contents.tensors[0])
    networks = [part.candidate.network for part in spec.parts]
    fits = all(preparation.accepts(one) and (task.sequences is not None or not one.chained) for one in networks)
    if not fits:
        raise UnfitBundle(path, "its networks take other features than its preprocessing gives")
    parts = tuple(
        Part(part.candidate, checked_weights(path, part.candidate, weights), part.share)
        for part, weights in zip(spec.parts, contents.tensors[1:], strict=True)
    )
    return Model(task, preparation, parts, spec.temperature, result)


def checked_weights(
    path: Path, candidate: Candidate, weights: Mapping[str, NDArray[Any]]
) -> Mapping[str, NDArray[Any]]:
    """Return the weights (S, ...) if names, types and shapes are those that the network asks for, and S is not zero.

    Raises:
        UnfitBundle: if not, or if any of them is not finite; `path` is for its sentence.
    """
    wanted = weight_shapes(candidate.network)
    stacks = {tensor.shape[0] if tensor.ndim else 0 for tensor in weights.values()}
    fits = (
        set(weights) == set(wanted)
        and len(stacks) == 1
        and 0 not in stacks
        and all(tensor.dtype in (np.float32, np.float16) for tensor in weights.values())
        and all(tensor.shape[1:] == wanted[name] for name, tensor in weights.items())
    )
    if not fits:
        raise UnfitBundle(path, "the shapes of its weights are not those of its networks")
    if not all(np.isfinite(tensor).all() for tensor in weights.values()):
        raise UnfitBundle(path, "not all of its weights are finite numbers")
    return {name: tensor.astype(np.float32, copy=False) for name, tensor in weights.items()}

"""Tables: one column predicted from the others, whatever they hold. Classes or a number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError

from netwright.data.checks import check_table
from netwright.data.encoding import TableEncoder, decode_encoder, encode, fit_encoder
from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.data.inference import infer_schema
from netwright.data.parsing import parse_frame, parse_target
from netwright.data.reading import as_table, read_table
from netwright.data.schema import Outcome, Schema
from netwright.data.splits import thing_groups
from netwright.errors import SpecError
from netwright.spec import tables
from netwright.spec.blocks import TableInput
from netwright.spec.network import Candidate, Network
from netwright.spec.spaces import Point
from netwright.tasks.task import Loaded, Request, Task


@dataclass(frozen=True)
class TargetScale:
    """How a number to predict is made small and even for training, and back.

    Attributes:
        shift, scale: standardisation, (y - shift) / scale.
        low, high: the range of the training targets; predictions are kept inside it.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    shift: float
    scale: float
    low: float
    high: float

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return values (N,) as the network learns them."""
        return ((values - self.shift) / self.scale).astype(np.float32)

    def invert(self, outputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return outputs (N,) in the unit of the target."""
        return np.clip(outputs.astype(np.float64) * self.scale + self.shift, self.low, self.high)


_SCALE: TypeAdapter[TargetScale | None] = TypeAdapter(TargetScale | None)


@dataclass(frozen=True)
class Preparation:
    """The fitted state of a table: see `tasks.task.Preparation`."""

    schema: Schema
    encoder: TableEncoder
    scale: TargetScale | None

    @property
    def outputs(self) -> int:
        """Return the number of network outputs K."""
        return max(1, len(self.schema.target.labels))

    @property
    def loss(self) -> str:
        """Return the name of the loss."""
        return "squared_error" if self.scale else "cross_entropy"

    @property
    def quantiles(self) -> NDArray[np.float32]:
        """Return (F, Q) knots of the numeric features."""
        return self.encoder.quantiles

    def accepts(self, network: Network) -> bool:
        """Return whether a network takes these features and gives as many outputs as the target asks for."""
        block, encoder = network.blocks[0], self.encoder
        if not isinstance(block, TableInput) or network.outputs != self.outputs:
            return False
        sizes = (block.numeric, block.plain, block.cardinalities)
        return sizes == (len(encoder.quantiles), encoder.plain_columns, encoder.cardinalities)

    def encode(self, frame: Frame) -> Features:
        """Return what networks eat."""
        return encode(self.encoder, frame)

    def targets(self, truth: NDArray[Any]) -> NDArray[np.float32] | NDArray[np.int64]:
        """Return the targets (N,) as networks learn them, from class numbers or values."""
        return self.scale.apply(truth) if self.scale else truth.astype(np.int64)

    def decode(self, predictions: NDArray[np.float32]) -> NDArray[Any]:
        """Return probabilities (N, K), or values (N,) in the unit of the target, from predictions (N, K)."""
        return self.scale.invert(predictions[:, 0]) if self.scale else predictions

    def documents(self) -> dict[str, Any]:
        """Return the JSON documents `schema` and `preprocess`."""
        scale = asdict(self.scale) if self.scale else None
        return {"schema": self.schema.to_json(), "preprocess": {"encoder": self.encoder.to_json(), "target": scale}}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the fitted arrays."""
        return self.encoder.tensors()


def load(request: Request) -> Loaded:
    """Read a table and understand its columns.

    Raises:
        DataError: if it cannot be used; the sentence says where and why.
    """
    table = read_table(request.data)
    schema, seen = infer_schema(table, request.target, kinds=request.kinds, task=request.outcome)
    truth = parse_target(table, schema.target)
    usable = np.flatnonzero(truth >= 0 if schema.target.labels else np.isfinite(truth))
    frame, truth = parse_frame(table, schema).take(usable), truth[usable]
    noticed = check_table(frame, schema, truth)
    return Loaded(frame, schema, truth, thing_groups(frame, truth), (*seen, *noticed), len(schema.columns))


def prepare(loaded: Loaded, seed: int) -> Preparation:
    """Fit the encoder, which never sees the target, and, for a number, its scale."""
    encoder = fit_encoder(loaded.frame, loaded.schema, seed)
    return Preparation(loaded.schema, encoder, _target_scale(loaded.truth, loaded.schema.target.outcome))


def restore(documents: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Preparation:
    """Return the preparation that a bundle's documents describe.

    Raises:
        BundleError: if they describe none.
    """
    schema = Schema.from_json(documents["schema"])
    preprocess = documents["preprocess"]
    if set(preprocess) != {"encoder", "target"} or (preprocess["target"] is None) != bool(schema.target.labels):
        raise SpecError("the preparation has other parts than an encoder and a target")
    try:
        scale = _SCALE.validate_json(json.dumps(preprocess["target"]))
    except ValidationError as error:
        raise SpecError("the scale of the target is not four finite numbers") from error
    encoder = decode_encoder(preprocess["encoder"], tensors)
    if not encoder.fits(schema):
        raise SpecError("the preprocessing is for other columns than the schema's")
    return Preparation(schema, encoder, scale)


def _target_scale(truth: NDArray[Any], outcome: Outcome) -> TargetScale | None:
    if outcome != Outcome.REGRESSION:
        return None
    return TargetScale(float(truth.mean()), float(truth.std()) or 1.0, float(truth.min()), float(truth.max()))


def candidate(point: Point, preparation: Preparation) -> Candidate:
    """Return the network and recipe that a point of the space stands for, for this table."""
    encoder = preparation.encoder
    inputs = tables.inputs(point, len(encoder.quantiles), encoder.plain_columns, encoder.cardinalities)
    recipe = tables.recipe(point)
    if preparation.scale:
        recipe = replace(recipe, label_smoothing=0.0)
    return Candidate(tables.network(point, inputs, preparation.outputs), recipe)


def _parse(data: pd.DataFrame, schema: Schema) -> Frame:
    return parse_frame(as_table(data), schema)


def _parse_target(data: pd.DataFrame, schema: Schema) -> NDArray[Any]:
    return parse_target(as_table(data), schema.target)


def toy(seed: int) -> tuple[pd.DataFrame, str]:
    """Return a small table with every kind of column, and its target: three classes that depend on most columns."""
    generator = np.random.default_rng(seed)
    rows = 240
    size, colour = generator.normal(size=rows), generator.choice(["red", "green", "blue"], rows)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 700, rows), unit="D")
    words = generator.choice(["quite good", "very bad", "rather plain"], rows)
    score = size + (colour == "red") - (words == "very bad") + 0.1 * generator.normal(size=rows)
    table = pd.DataFrame(
        {
            "size": np.where(generator.random(rows) < 0.1, np.nan, size),
            "colour": colour,
            "day": day,
            "open": generator.random(rows) < 0.5,
            "note": [f"{word} thing number {generator.integers(1000)}" for word in words],
            "class": np.array(["low", "middle", "high"])[np.digitize(score, [-0.5, 0.5])],
        }
    )
    return table, "class"


TASK = Task(
    name="tabular",
    load=load,
    parse=_parse,
    parse_target=_parse_target,
    prepare=prepare,
    restore=restore,
    space=tables.space,
    portfolio=tables.portfolio,
    first_glance=tables.first_glance,
    default_network=tables.default_network,
    candidate=candidate,
    describe=tables.describe,
    toy=toy,
)

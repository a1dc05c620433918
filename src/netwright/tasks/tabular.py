"""Tables: one column predicted from the others, whatever they hold. Classes or a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.checks import check_table
from netwright.data.encoding import TableEncoder, decode_encoder, encode, fit_encoder
from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.data.goal import Goal
from netwright.data.inference import infer_schema
from netwright.data.parsing import parse_frame, parse_target
from netwright.data.reading import as_table, read_table
from netwright.data.schema import Schema
from netwright.data.splits import thing_groups
from netwright.errors import SpecError
from netwright.spec import tables
from netwright.spec.blocks import TableInput
from netwright.spec.network import Candidate, Network
from netwright.spec.spaces import Point, Space
from netwright.tasks.task import NOTHING_LENT, Lent, Loaded, Request, Task


@dataclass(frozen=True)
class Preparation:
    """The fitted state of a table: see `tasks.task.Preparation`."""

    schema: Schema
    encoder: TableEncoder
    goal: Goal

    @property
    def quantiles(self) -> NDArray[np.float32]:
        """Return (F, Q) knots of the numeric features."""
        return self.encoder.quantiles

    @property
    def vocabulary(self) -> None:
        """Return none: no network takes n-grams."""
        return None

    @property
    def own(self) -> Preparation:
        """Return this preparation itself."""
        return self

    @property
    def lent(self) -> Lent:
        """Return that no trained trunk lends anything."""
        return NOTHING_LENT

    def for_networks(self, networks: tuple[Network, ...]) -> Preparation:
        """Return this preparation: each network takes all of it."""
        return self

    def accepts(self, network: Network) -> bool:
        """Return whether a network takes these features and gives as many outputs as the target asks for."""
        block, encoder = network.blocks[0], self.encoder
        if not isinstance(block, TableInput) or network.outputs != self.goal.outputs:
            return False
        sizes = (block.numeric, block.plain, block.cardinalities, block.frozen)
        return sizes == (len(encoder.quantiles), encoder.plain_columns, encoder.cardinalities, 0)

    def holds(self, features: Features) -> bool:
        """Return whether every category of features that were read from a file is one of the encoder's."""
        codes = features["categories"]
        return bool(((codes >= 0) & (codes < np.array(self.encoder.cardinalities, np.int64))).all())

    def encode(self, frame: Frame) -> Features:
        """Return what networks eat."""
        return encode(self.encoder, frame)

    def documents(self) -> dict[str, Any]:
        """Return the JSON documents `schema` and `preprocess`."""
        preprocess = {"encoder": self.encoder.to_json(), "target": self.goal.to_json()}
        return {"schema": self.schema.to_json(), "preprocess": preprocess}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the fitted arrays."""
        return self.encoder.tensors()


def recognises(table: pd.DataFrame, target: str, kinds: Mapping[str, str]) -> bool:
    """Return that any table will do."""
    return True


def load(request: Request) -> Loaded:
    """Understand the columns of a table.

    Raises:
        DataError: if it cannot be used; the sentence says where and why.
    """
    table = request.table
    schema, seen = infer_schema(table, request.target, kinds=request.kinds, task=request.outcome)
    truth = parse_target(table, schema.target)
    usable = np.flatnonzero(truth >= 0 if schema.target.labels else np.isfinite(truth))
    frame, truth = parse_frame(table, schema).take(usable), truth[usable]
    noticed = check_table(frame, schema, truth)
    return Loaded(frame, schema, truth, thing_groups(frame, truth), (*seen, *noticed), len(schema.columns), usable)


def prepare(loaded: Loaded, seed: int) -> Preparation:
    """Fit the encoder, which never sees the target, and, for a number, its scale."""
    encoder = fit_encoder(loaded.frame, loaded.schema, seed)
    return Preparation(loaded.schema, encoder, Goal.fit(loaded.schema.target, loaded.truth))


def restore(documents: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Preparation:
    """Return the preparation that a bundle's documents describe.

    Raises:
        BundleError: if they describe none.
    """
    schema = Schema.from_json(documents["schema"])
    preprocess = documents["preprocess"]
    if set(preprocess) != {"encoder", "target"}:
        raise SpecError("the preparation has other parts than an encoder and a target")
    goal = Goal.restore(schema.target, preprocess["target"])
    encoder = decode_encoder(preprocess["encoder"], tensors)
    if not encoder.fits(schema):
        raise SpecError("the preprocessing is for other columns than the schema's")
    return Preparation(schema, encoder, goal)


def space(preparation: Preparation, rows: int) -> Space:
    """Return what is searched for so many rows."""
    return tables.space(rows, preparation.schema.target.outcome)


def portfolio(preparation: Preparation, rows: int) -> tuple[Point, ...]:
    """Return the first points to try for so many rows."""
    return tables.portfolio(rows, preparation.schema.target.outcome)


def candidate(point: Point, preparation: Preparation) -> Candidate:
    """Return the network and recipe that a point of the space stands for, for this table."""
    encoder = preparation.encoder
    inputs = tables.inputs(point, len(encoder.quantiles), encoder.plain_columns, encoder.cardinalities)
    recipe = tables.recipe(point)
    if preparation.goal.scale:
        recipe = replace(recipe, label_smoothing=0.0)
    return Candidate(tables.network(point, inputs, preparation.goal.outputs), recipe)


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
    read=read_table,
    recognises=recognises,
    load=load,
    parse=_parse,
    parse_target=_parse_target,
    prepare=prepare,
    restore=restore,
    space=space,
    portfolio=portfolio,
    first_glance=tables.first_glance,
    default_network=tables.default_network,
    candidate=candidate,
    describe=tables.describe,
    show=None,
    toy=toy,
    streams=True,
)

"""Tags of tokens: the entities of a sentence, or a part of speech for each word.

A row is a token, described by itself and its neighbours; those of a sentence stay in one fold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.context import BUCKETS, FEATURES, PLAIN, context_buckets, context_numbers
from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.data.goal import Goal
from netwright.data.inference import check_kinds
from netwright.data.reading import as_table
from netwright.data.schema import Column, Kind, Outcome, Schema, Target
from netwright.data.stretches import POSITIONS, positions_of
from netwright.data.tagged import SENTENCE, TOKEN, is_tagged, looks_tagged, read_tagged, sentence_numbers
from netwright.data.tags import OUTSIDE, as_iob2, iob2_labels, marks_entities
from netwright.data.target import FEWEST_ROWS, MOST_CLASSES
from netwright.errors import (
    ConstantTarget,
    MissingColumns,
    MissingTarget,
    NoInputs,
    OneGroup,
    SpecError,
    TooFewRows,
    TooManyClasses,
    nearest,
)
from netwright.spec import tags
from netwright.spec.blocks import BagInput, Identity, TableInput
from netwright.spec.network import Candidate, Network
from netwright.spec.spaces import Point, Space
from netwright.tasks.task import NOTHING_LENT, Lent, Loaded, Request, Task

LARGEST = 32_768  # features of tokens that are kept
FEWEST_TOKENS = 2  # that have a feature, for it to be kept
SHOWN = 12  # tokens on either side in a report
UNKNOWN = -1
ORDERED = "ordered"  # in the document `preprocess`: there are positions among the features

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Preparation:
    """The fitted state of tagged sentences: see `tasks.task.Preparation`.

    Attributes:
        schema: the token, its sentence, and the tags.
        goal: what networks are to learn.
        buckets: (V,) of the features that are kept, rising.
        ordered: whether networks are told which tokens follow each other, as those with a chain over tags ask.
    """

    schema: Schema
    goal: Goal
    buckets: NDArray[np.int64]
    ordered: bool = True

    @property
    def quantiles(self) -> NDArray[np.float32]:
        """Return the knots of no numeric feature (0, 2)."""
        return np.zeros((0, 2), np.float32)

    @property
    def encoder(self) -> None:
        """Return none: rows are not of a table."""
        return None

    @property
    def vocabulary(self) -> None:
        """Return none: its n-grams are those around a token."""
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
        """Return the preparation without positions where none of these networks takes them."""
        return replace(self, ordered=self.ordered and any(network.chained for network in networks))

    def accepts(self, network: Network) -> bool:
        """Return whether a network takes these features and gives as many outputs as there are tags."""
        block = network.blocks[0]
        if not isinstance(block, BagInput) or block.table != TableInput(0, PLAIN, (), Identity()):
            return False
        fits = block.vocabulary == len(self.buckets) and network.outputs == self.goal.outputs
        return fits and (self.ordered or not network.chained)

    def holds(self, features: Features) -> bool:
        """Return whether features that were read from a file name only what there is."""
        names = features["grams"]
        return bool(((names >= 0) & (names <= len(self.buckets))).all())

    def encode(self, frame: Frame) -> Features:
        """Return what networks eat: the known features of each token, counted from 1, and numbers beside them.

        And positions, see `data.stretches`.
        """
        found = frame.columns["buckets"]
        places = np.minimum(np.searchsorted(self.buckets, found), max(0, len(self.buckets) - 1))
        known = self.buckets[places] == found if len(self.buckets) else np.zeros(found.shape, np.bool_)
        names = np.where(known, places + 1, 0).astype(np.int32)
        weights = known.astype(np.float32) / np.sqrt(FEATURES).astype(np.float32)
        features = {"plain": frame.columns["plain"], "grams": names, "gram_weights": weights}
        positions = {POSITIONS: frame.columns[POSITIONS][:, None].astype(np.int32)} if self.ordered else {}
        return Features({**features, **positions})

    def documents(self) -> dict[str, Any]:
        """Return the JSON documents `schema` and `preprocess`."""
        return {"schema": self.schema.to_json(), "preprocess": {ORDERED: True} if self.ordered else {}}

    def tensors(self) -> dict[str, Array]:
        """Return the fitted arrays."""
        return {"buckets": self.buckets}


def recognises(table: pd.DataFrame, target: str, kinds: Mapping[str, str]) -> bool:
    """Return whether a table is one of tagged tokens."""
    return not kinds and looks_tagged(table, target)


def load(request: Request) -> Loaded:
    """Understand the tags.

    Raises:
        DataError: if they cannot be used; the sentence says where and why.
        SettingError: if a kind is stated that does not exist, or of no column.
    """
    table, name = as_table(request.table), request.target
    if name not in table.columns:
        raise MissingTarget(name, nearest(name, [*table.columns]))
    if not is_tagged(table):
        raise NoInputs("for tags it has a row a token, with the columns 'sentence' and 'token'")
    check_kinds(request.kinds, table, name)
    given = _tags(table[name])
    known = [tag for tag in given if tag is not None]
    distinct = sorted(set(known))
    if len(known) < FEWEST_ROWS:
        raise TooFewRows(name, len(known), FEWEST_ROWS)
    if len(distinct) < 2:
        raise ConstantTarget(name, distinct[0])
    if len(distinct) > MOST_CLASSES:
        raise TooManyClasses(name, len(distinct), MOST_CLASSES)
    entities = marks_entities(known)
    labels = iob2_labels(known) if entities else tuple(distinct)
    outcome = Outcome.TAGS if entities else Outcome.BINARY if len(labels) == 2 else Outcome.MULTICLASS
    sentences = sentence_numbers(table)
    count, words = int(sentences[-1]) + 1, table[TOKEN].nunique()
    columns = (Column(SENTENCE, Kind.IDENTIFIER, False, 0.0, count), Column(TOKEN, Kind.TEXT, False, 0.0, words))
    schema = Schema(columns, Target(name, outcome, labels))
    truth = _numbers(given, sentences, schema.target)
    usable = np.flatnonzero(truth >= 0)
    if len(np.unique(sentences[usable])) < 2:
        raise OneGroup(SENTENCE)
    frame = parse(table, schema).take(usable)
    return Loaded(frame, schema, truth[usable], sentences[usable], (), 1, usable, drawn_together=True)


def _tags(cells: pd.Series[Any]) -> list[str | None]:
    """Return tags as text; None where one is missing."""
    return [None if cell is None or cell is pd.NA or cell != cell or cell == "" else str(cell) for cell in cells]


def _numbers(given: list[str | None], sentences: NDArray[np.int64], target: Target) -> NDArray[np.int64]:
    """Return the class number of each tag (N,); -1 where it is missing, or none of the classes.

    Entities of a type that is none of the classes have the numbers of further types: they can only be missed.
    """
    labels = [str(label) for label in target.labels]
    if target.outcome == Outcome.TAGS:
        given = [tag if tag == OUTSIDE or (tag and marks_entities([tag])) else None for tag in given]
        edges = np.flatnonzero(np.diff(sentences)) + 1
        parts = np.split(np.arange(len(given)), edges)
        given = [tag for part in parts for tag in as_iob2([given[place] for place in part])]
        found = iob2_labels({tag for tag in given if tag is not None})
        labels += [label for label in found if label not in labels]
    places = {label: place for place, label in enumerate(labels)}
    return np.array([UNKNOWN if tag is None else places.get(tag, UNKNOWN) for tag in given], np.int64)


def parse(data: pd.DataFrame, schema: Schema) -> Frame:
    """Return the features of tokens, which hang on their neighbours, so that rows can be parted afterwards.

    Raises:
        MissingColumns: if there are no tokens or sentences.
    """
    table = as_table(data)
    missing = [name for name in (SENTENCE, TOKEN) if name not in table.columns]
    if missing:
        raise MissingColumns(missing)
    tokens = np.array(["" if pd.isna(token) else str(token) for token in table[TOKEN].tolist()], object)
    sentences = sentence_numbers(table)
    columns: dict[str, Array] = {TOKEN: tokens, SENTENCE: sentences}
    columns |= {"buckets": context_buckets(tokens, sentences), "plain": context_numbers(tokens, sentences)}
    columns |= {POSITIONS: positions_of(sentences)}
    return Frame(columns, len(table))


def parse_target(data: pd.DataFrame, schema: Schema) -> NDArray[np.int64]:
    """Return the class number of each token (N,), -1 where it is unknown; see `_numbers` for types never seen.

    Raises:
        MissingTarget: if there are no tags.
    """
    table, name = as_table(data), schema.target.name
    if name not in table.columns:
        raise MissingTarget(name, nearest(name, [*table.columns]))
    if SENTENCE not in table.columns:
        raise MissingColumns([SENTENCE])
    return _numbers(_tags(table[name]), sentence_numbers(table), schema.target)


def prepare(loaded: Loaded, seed: int) -> Preparation:
    """Keep the features that the most tokens have; the tags are not looked at."""
    counts = np.bincount(loaded.frame.columns["buckets"].ravel(), minlength=BUCKETS)
    usual = np.flatnonzero(counts >= FEWEST_TOKENS)
    kept = np.sort(usual[np.argsort(-counts[usual], kind="stable")][:LARGEST])
    target = loaded.schema.target
    return Preparation(loaded.schema, Goal(target, None), kept.astype(np.int64))


def restore(documents: Mapping[str, Any], tensors: Mapping[str, Array]) -> Preparation:
    """Return the preparation that a bundle's documents describe.

    Raises:
        BundleError: if they describe none.
    """
    schema, buckets = Schema.from_json(documents["schema"]), tensors.get("buckets")
    ordered = documents["preprocess"] == {ORDERED: True}
    columns = [(column.name, column.kind) for column in schema.columns]
    fits = (
        (ordered or documents["preprocess"] == {})
        and set(tensors) == {"buckets"}
        and isinstance(buckets, np.ndarray)
        and buckets.dtype == np.int64
        and buckets.shape == (buckets.size,)
        and buckets.size <= LARGEST
        and bool((np.diff(buckets) > 0).all())
        and columns == [(SENTENCE, Kind.IDENTIFIER), (TOKEN, Kind.TEXT)]
        and bool(schema.target.labels)
    )
    if not fits:
        raise SpecError("the preparation of tagged tokens is not one that Netwright writes")
    assert buckets is not None
    return Preparation(schema, Goal(schema.target, None), buckets, ordered)


def space(preparation: Preparation, rows: int) -> Space:
    """Return what is searched for so many tokens."""
    return tags.space(rows, preparation.goal.outputs)


def portfolio(preparation: Preparation, rows: int) -> tuple[Point, ...]:
    """Return the first points to try for so many tokens."""
    return tags.portfolio(rows, preparation.goal.outputs)


def candidate(point: Point, preparation: Preparation) -> Candidate:
    """Return the network and recipe that a point of the space stands for, for these tokens."""
    network = tags.network(point, PLAIN, len(preparation.buckets), preparation.goal.outputs)
    return Candidate(network, tags.recipe(point))


def show(frame: Frame, row: int) -> tuple[Literal["text"], str]:
    """Return the sentence around a token, which stands in brackets."""
    tokens, sentences = frame.columns[TOKEN], frame.columns[SENTENCE]
    first, last = max(0, row - SHOWN), min(len(tokens), row + SHOWN + 1)
    near = [place for place in range(first, last) if sentences[place] == sentences[row]]
    return "text", " ".join(f"[{tokens[place]}]" if place == row else str(tokens[place]) for place in near)


def toy(seed: int) -> tuple[pd.DataFrame, str]:
    """Return short sentences in which people and places are tagged."""
    generator = np.random.default_rng(seed)
    names, towns = ("Ada", "Grace", "Emmy", "Sofia", "Mary Ann"), ("Paris", "Oslo", "New York", "Lima", "Kyoto")
    frames = ("{} lives in {} .", "in {1} we met {0} yesterday", "{} moved to {} last year", "who is {} from {} ?")
    rows = []
    for number in range(90):
        who, where = str(generator.choice(names)), str(generator.choice(towns))
        marked = str(generator.choice(frames)).format(f"<PER {who}>", f"<LOC {where}>")
        kind = mark = ""
        for word in marked.split():
            if word.startswith("<"):
                kind, mark = word[1:], "B"
                continue
            rows.append((number, word.rstrip(">"), f"{mark}-{kind}" if kind else "O"))
            kind, mark = ("", "") if word.endswith(">") else (kind, "I")
    return pd.DataFrame(rows, columns=[SENTENCE, TOKEN, "tag"]), "tag"


TASK = Task(
    name="tagging",
    read=read_tagged,
    recognises=recognises,
    load=load,
    parse=parse,
    parse_target=parse_target,
    prepare=prepare,
    restore=restore,
    space=space,
    portfolio=portfolio,
    first_glance=tags.first_glance,
    default_network=tags.default_network,
    candidate=candidate,
    describe=tags.describe,
    show=show,
    toy=toy,
    sequences=sentence_numbers,
    largest=24_000_000,
)

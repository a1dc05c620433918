"""Texts: classes or a number from free text, in one column or several, alone or beside other columns.

A table with free text is prepared as any table is; beside it stand the bags of n-grams of its texts. Networks of both
kinds are tried and mixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.encoding import TableEncoder
from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.data.goal import Goal
from netwright.data.groups import check_near
from netwright.data.inference import infer_column
from netwright.data.near_texts import with_near_texts
from netwright.data.reading import read_table
from netwright.data.schema import Kind, Schema
from netwright.data.spelling import Spelling, fit_spelling
from netwright.data.subwords import MARKED, Subwords, fit_subwords
from netwright.data.vocabulary import (
    APART,
    FINE,
    LARGEST,
    MINGLED,
    MOST_GRAMS,
    Vocabulary,
    encode_texts,
    fit_vocabulary,
    joined_texts,
)
from netwright.errors import NoText, SpecError
from netwright.spec import tables, texts
from netwright.spec.blocks import BYTE_VALUES, BagInput, SequenceInput, TableInput
from netwright.spec.costs import widest
from netwright.spec.network import Candidate, Network, with_features
from netwright.spec.spaces import Point, Space
from netwright.tasks import tabular
from netwright.tasks.task import NOTHING_LENT, Lent, Loaded, Request, Task

SHOWN = 400  # letters of a text in a report
LARGEST_SEQUENCE = 2**24  # numbers of one row inside a network: beyond it a file is hostile
# Parts of the document `preprocess` that are not the table's.
OWN = ("grams", APART, "length", "pieces", MARKED, "bytes")


@dataclass(frozen=True, eq=False)
class Preparation:
    """The fitted state of a table with texts: see `tasks.task.Preparation`."""

    table: tabular.Preparation
    vocabulary: Vocabulary | None
    subwords: Subwords | None
    spelling: Spelling | None

    @property
    def schema(self) -> Schema:
        """Return the columns and the target."""
        return self.table.schema

    @property
    def goal(self) -> Goal:
        """Return what networks are to learn."""
        return self.table.goal

    @property
    def quantiles(self) -> NDArray[np.float32]:
        """Return (F, Q) knots of the numeric features."""
        return self.table.quantiles

    @property
    def encoder(self) -> TableEncoder:
        """Return what encodes the columns of the table."""
        return self.table.encoder

    @property
    def own(self) -> Preparation:
        """Return this preparation itself."""
        return self

    @property
    def lent(self) -> Lent:
        """Return that no trained trunk lends anything."""
        return NOTHING_LENT

    @property
    def sequences(self) -> dict[str, tuple[int, int]]:
        """Return for each sort of sequence that texts are encoded as how many pieces are known, and how many kept."""
        found: dict[str, tuple[int, int]] = {}
        if self.subwords is not None:
            found[texts.PIECES] = len(self.subwords), self.subwords.length
        if self.spelling is not None:
            found[texts.BYTES] = BYTE_VALUES, self.spelling.length
        return found

    def for_networks(self, networks: tuple[Network, ...]) -> Preparation:
        """Return the preparation without n-grams, pieces or bytes where none of these networks takes them."""
        first = [network.blocks[0] for network in networks]
        read = {block.encoding for block in first if isinstance(block, SequenceInput)}
        vocabulary = self.vocabulary if any(isinstance(block, BagInput) for block in first) else None
        subwords = self.subwords if texts.PIECES in read else None
        spelling = self.spelling if texts.BYTES in read else None
        same = vocabulary is self.vocabulary and subwords is self.subwords and spelling is self.spelling
        return self if same else Preparation(self.table, vocabulary, subwords, spelling)

    def accepts(self, network: Network) -> bool:
        """Return whether a network takes these features and gives as many outputs as the target asks for."""
        match network.blocks[0]:
            case BagInput(vocabulary, table=table):
                known = self.vocabulary is not None and vocabulary == len(self.vocabulary)
                return known and self._takes(table, network)
            case SequenceInput(vocabulary, length=length, table=table, encoding=encoding):
                most, longest = self.sequences.get(encoding, (0, 0))
                known = vocabulary == most and length <= longest
                return known and widest(network) <= LARGEST_SEQUENCE and self._takes(table, network)
            case _:
                return self.table.accepts(network)

    def _takes(self, table: TableInput, network: Network) -> bool:
        """Return whether the columns beside a text are those at hand, and the outputs those of the target."""
        return self.table.accepts(Network((table, network.blocks[-1])))

    def holds(self, features: Features) -> bool:
        """Return whether every n-gram, piece and category of features that were read from a file is a known one.

        A byte is always known: an array of bytes can hold nothing else.
        """
        most = {"grams": self.vocabulary, "pieces": self.subwords}
        inside = (
            bool(((features[name] >= 0) & (features[name] <= len(known))).all())
            for name, known in most.items()
            if known is not None
        )
        return all(inside) and self.table.holds(features)

    def encode(self, frame: Frame) -> Features:
        """Return what networks eat."""
        cells, found = joined_texts(frame, self.schema), dict(self.table.encode(frame).arrays)
        if self.vocabulary is not None:
            found["grams"], found["gram_weights"] = encode_texts(self.vocabulary, cells)
        if self.subwords is not None:
            found[texts.PIECES] = self.subwords.encode(cells)
        if self.spelling is not None:
            found[texts.BYTES] = self.spelling.encode(cells)
        return Features(found)

    def documents(self) -> dict[str, Any]:
        """Return the JSON documents `schema` and `preprocess`."""
        inner = self.table.documents()
        own: dict[str, Any] = {"grams": 0 if self.vocabulary is None else self.vocabulary.grams}
        own |= {APART: True} if self.vocabulary is not None and self.vocabulary.reading.apart else {}
        own |= {"length": 0, "pieces": []} if self.subwords is None else self.subwords.to_json()
        own["bytes"] = 0 if self.spelling is None else self.spelling.length
        return {**inner, "preprocess": {**inner["preprocess"], **own}}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the fitted arrays."""
        inner = {f"table.{name}": array for name, array in self.table.tensors().items()}
        if self.vocabulary is None:
            return dict(inner)
        return {**inner, "buckets": self.vocabulary.buckets, "rarity": self.vocabulary.rarity}


def recognises(table: pd.DataFrame, target: str, kinds: Mapping[str, str]) -> bool:
    """Return whether a column of a table holds free text, or the user says so; what is stated is not looked at."""
    open_columns = (name for name in table.columns if name != target and name not in kinds)
    words = (name for name in open_columns if table[name].dtype.kind not in "biufcmM")
    return Kind.TEXT in kinds.values() or any(infer_column(table[name], name).kind == Kind.TEXT for name in words)


def load(request: Request) -> Loaded:
    """Understand the columns of a table, one of which at least holds free text.

    Raises:
        DataError: if it cannot be used; the sentence says where and why.
    """
    loaded = tabular.load(request)
    if not any(column.kind == Kind.TEXT for column in loaded.schema.used):
        raise NoText
    groups = with_near_texts(loaded.frame, loaded.schema, loaded.truth, loaded.groups)
    near = len(np.unique(loaded.groups)) - len(np.unique(groups))
    return replace(loaded, groups=groups, findings=(*loaded.findings, *check_near(near, "text")))


def prepare(loaded: Loaded, seed: int) -> Preparation:
    """Fit the encoder of the table, and choose the n-grams and pieces of its texts; none sees the target."""
    found = joined_texts(loaded.frame, loaded.schema)
    table = tabular.prepare(loaded, seed)
    return Preparation(table, fit_vocabulary(found), fit_subwords(found), fit_spelling(found))


def restore(documents: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Preparation:
    """Return the preparation that a bundle's documents describe.

    Raises:
        BundleError: if they describe none.
    """
    preprocess = documents["preprocess"]
    if not isinstance(preprocess, dict) or type(preprocess.get("grams")) is not int:
        raise SpecError("the preparation of texts does not say how many n-grams a text keeps")
    table = {name: array for name, array in tensors.items() if name not in ("buckets", "rarity")}
    if not all(name.startswith("table.") for name in table):
        raise SpecError("the arrays are not those of a table with texts")
    inner = {name: part for name, part in preprocess.items() if name not in OWN}
    arrays = {name.removeprefix("table."): array for name, array in table.items()}
    preparation = tabular.restore({**documents, "preprocess": inner}, arrays)
    if not any(column.kind == Kind.TEXT for column in preparation.schema.used):
        raise SpecError("none of its columns holds texts")
    words = Subwords.from_json(preprocess.get("length"), preprocess.get("pieces"), preprocess.get(MARKED, False))
    spelling = Spelling.from_json(preprocess.get("bytes", 0))
    vocabulary = _vocabulary(preprocess["grams"], preprocess.get(APART, False), tensors)
    return Preparation(preparation, vocabulary, words, spelling)


def _vocabulary(grams: int, apart: Any, tensors: Mapping[str, NDArray[Any]]) -> Vocabulary | None:
    if grams == 0 and not {"buckets", "rarity"} & set(tensors):
        return None
    buckets, rarity = tensors.get("buckets"), tensors.get("rarity")
    fits = (
        isinstance(buckets, np.ndarray)
        and isinstance(rarity, np.ndarray)
        and buckets.dtype == np.int64
        and rarity.dtype == np.float32
        and buckets.shape == rarity.shape == (buckets.size,)
        and buckets.size <= LARGEST
        and 1 <= grams <= MOST_GRAMS
        and type(apart) is bool
        and bool((np.diff(buckets) > 0).all())
        and bool(np.isfinite(rarity).all() and (rarity > 0).all())
    )
    if not fits:
        raise SpecError("the vocabulary of texts is not one that Netwright writes")
    assert buckets is not None and rarity is not None
    return Vocabulary(buckets, rarity, grams, FINE if apart else MINGLED)


def space(preparation: Any, rows: int) -> Space:
    """Return what is searched for so many texts."""
    return texts.space(rows, preparation.schema.target.outcome, trunk=bool(preparation.lent.features))


def portfolio(preparation: Any, rows: int) -> tuple[Point, ...]:
    """Return the first points to try for so many texts."""
    return texts.portfolio(rows, preparation.schema.target.outcome, trunk=bool(preparation.lent.features))


def candidate(point: Point, preparation: Any) -> Candidate:
    """Return the network and recipe that a point of the space stands for, for these texts."""
    own: Preparation = preparation.own
    found = tabular.candidate(point, own.table) if point["input"] == texts.TABLE else _of_text(point, own)
    frozen = preparation.lent.features if point["trunk"] else 0
    return replace(found, network=with_features(found.network, frozen))


def _of_text(point: Point, own: Preparation) -> Candidate:
    encoder = own.table.encoder
    inputs = tables.inputs(point, len(encoder.quantiles), encoder.plain_columns, encoder.cardinalities)
    recipe = texts.recipe(point)
    if own.goal.scale:
        recipe = replace(recipe, label_smoothing=0.0)
    if point["input"] == texts.SEQUENCE:
        known, longest = own.sequences[str(point["encoding"])]
        return Candidate(texts.reader(point, inputs, known, longest, own.goal.outputs), recipe)
    assert own.vocabulary is not None, "a search has all that was fitted"
    return Candidate(texts.network(point, inputs, len(own.vocabulary), own.goal.outputs), recipe)


def show(frame: Frame, row: int) -> tuple[Literal["text"], str]:
    """Return the longest text of a row, cut where it is long."""
    found = [str(cells[row]) for cells in frame.columns.values() if cells.dtype == object and cells[row] is not None]
    text = max(found, key=len, default="")
    return "text", text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def toy(seed: int) -> tuple[pd.DataFrame, str]:
    """Return short reviews in two languages, a number beside them, and whether they are kind."""
    generator = np.random.default_rng(seed)
    kind = generator.random(240) < 0.5
    good = (["a lovely place to stay", "we were very happy", "warm and friendly"], ["非常好的地方", "我们很高兴"])
    bad = (["a dreadful place to stay", "we were quite unhappy", "cold and dirty rooms"], ["糟糕的地方", "我们很失望"])
    fillers = (["near the old harbour", "with our two children", "in late summer"], ["在老港口附近", "和孩子们一起"])
    reviews = []
    for each in kind:
        language = int(generator.random() < 0.3)
        words = [*generator.choice((good if each else bad)[language], 1), *generator.choice(fillers[language], 2)]
        reviews.append((" " if language == 0 else "，").join(generator.permutation(words)) + "!")
    nights = generator.integers(1, 15, 240)
    return pd.DataFrame({"review": reviews, "nights": nights, "kind": np.where(kind, "yes", "no")}), "kind"


TASK = Task(
    name="text",
    read=read_table,
    recognises=recognises,
    load=load,
    parse=tabular.TASK.parse,
    parse_target=tabular.TASK.parse_target,
    prepare=prepare,
    restore=restore,
    space=space,
    portfolio=portfolio,
    first_glance=texts.first_glance,
    default_network=texts.default_network,
    candidate=candidate,
    describe=texts.describe,
    show=show,
    toy=toy,
    largest=24_000_000,
    seen_as=Kind.TEXT,
)

"""What the engine asks of a task. A task is a value of functions; the engine never learns its name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.encoding import TableEncoder
from netwright.data.features import Features
from netwright.data.files import Told, nobody
from netwright.data.findings import Finding
from netwright.data.frame import Frame
from netwright.data.goal import Goal
from netwright.data.reading import as_table
from netwright.data.schema import Kind, Schema
from netwright.data.vocabulary import Vocabulary
from netwright.errors import BadFiles
from netwright.spec.blocks import Block
from netwright.spec.network import Candidate, Network
from netwright.spec.spaces import Point, Space

LARGEST_MIX = 4_800_000  # bytes of the weights of a model of a table: a file of 5 MB at most
BAD_FILES = 0.1  # of the images, by default


FILES_AT_ONCE = 2_000  # images or sounds that are decoded together: bounds the memory of a prediction


@dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        table: what to learn from, as `data.reading.read_table` returns it.
        target: the column to predict.
        kinds: column → kind, where the user said so.
        outcome: auto, classification, binary, multiclass or regression.
        bad_files: the share of images or sounds that may be left out because they cannot be decoded.
        told: how many of these are decoded, while they are.
        left: → seconds that are left for everything; infinite without a limit.
        files: how many to decode, as an earlier run did that this one goes on with; None to look at the time.
        room: bytes of memory that there are for everything.
    """

    table: pd.DataFrame
    target: str
    kinds: Mapping[str, str]
    outcome: str
    bad_files: float = BAD_FILES
    told: Told = nobody
    left: Callable[[], float] = lambda: math.inf
    files: int | None = None
    room: float = math.inf


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
        places: (N,) the rows of the file that these are.
        drawn_together: whether the rows of a group came together, as the recordings of a person or the tokens of a
            sentence do, so that they say less than as many rows that did not.
        files: images or sounds that were decoded, or could not be; None where there are none.
    """

    frame: Frame
    schema: Schema
    truth: NDArray[Any]
    groups: NDArray[np.int64]
    findings: tuple[Finding, ...]
    columns: int
    places: NDArray[np.int64]
    drawn_together: bool = False
    files: int | None = None


@dataclass(frozen=True)
class Lent:
    """What a trained trunk lends to the networks of a run.

    Attributes:
        features: how many it sees in a row; networks may learn from them.
        blocks: itself, from the inputs on, for networks that train it further; none where there is no time for that.
    """

    features: int = 0
    blocks: tuple[Block, ...] = ()


NOTHING_LENT = Lent()


class Preparation(Protocol):
    """Everything fitted before the first network: what turns data into features, and outputs into answers."""

    @property
    def schema(self) -> Schema:
        """The columns and the target."""

    @property
    def goal(self) -> Goal:
        """What networks are to learn."""

    @property
    def quantiles(self) -> NDArray[np.float32]:
        """(F, Q) knots of the numeric features."""

    @property
    def encoder(self) -> TableEncoder | None:
        """What encodes the columns of a table; None where rows are none of a table."""

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The n-grams of texts that networks take; None where they take none."""

    @property
    def own(self) -> Any:
        """The preparation of the rows themselves, without a trained trunk."""

    @property
    def lent(self) -> Lent:
        """What a trained trunk lends to networks."""

    def for_networks(self, networks: tuple[Network, ...]) -> Preparation:
        """Return the preparation without what none of these networks takes."""

    def accepts(self, network: Network) -> bool:
        """Return whether a network takes these features and gives as many outputs as the target asks for."""

    def holds(self, features: Features) -> bool:
        """Return whether features that were read from a file name only what there is: categories and n-grams."""

    def encode(self, frame: Frame) -> Features:
        """Return what networks eat."""

    def documents(self) -> dict[str, Any]:
        """Return the JSON documents `schema` and `preprocess`."""

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the fitted arrays."""


@dataclass(frozen=True)
class Task:
    """One kind of problem, as functions.

    Attributes:
        name: its id.
        read: source → table, from whatever `fit` and `predict` may be given. Raises DataError.
        recognises: (table, target, kinds) → whether it is a problem of this kind, for who did not say.
        load: request → data read and understood. Raises DataError.
        parse: (data, schema) → Frame, for prediction.
        parse_target: (data, schema) → truth (N,), -1 or NaN where unknown; entities of types never seen have further
            class numbers, see `metrics.measure`.
        prepare: (loaded, seed) → preparation, fitted on all rows without a look at the target's relation to them.
        restore: (documents, tensors) → preparation, from a bundle. Raises BundleError.
        space: (preparation, rows) → search space.
        portfolio: (preparation, rows) → first points to try.
        first_glance: rows → a point that learns something in a second.
        default_network: rows → the untuned network to compare with.
        candidate: (point, preparation) → network and recipe.
        describe: point → a few words.
        show: (frame, row) → what a row shows: `image` and a PNG file as base64, or `text` and the text; None where one
            cannot be shown without its columns.
        sequences: data → the number (N,) of the sequence, such as a sentence, that each row is of, for measures that
            hang on which rows follow each other; None where each row is on its own.
        largest: bytes that the weights of a model may take, where the user sets no limit.
        streams: whether networks may also learn from rows that are not held in memory, and of which only cells that are
            all equal to those of a row that is held would be copies of it.
        seen_as: what a trained trunk may see in the rows: images or texts; None where there is none for them.
        toy: seed → a small pandas frame and its target, for the contract tests.
    """

    name: str
    read: Callable[[Any], pd.DataFrame]
    recognises: Callable[[pd.DataFrame, str, Mapping[str, str]], bool]
    load: Callable[[Request], Loaded]
    parse: Callable[[Any, Schema], Frame]
    parse_target: Callable[[Any, Schema], NDArray[Any]]
    prepare: Callable[[Loaded, int], Preparation]
    restore: Callable[[Mapping[str, Any], Mapping[str, NDArray[Any]]], Preparation]
    space: Callable[[Any, int], Space]
    portfolio: Callable[[Any, int], tuple[Point, ...]]
    first_glance: Callable[[int], Point]
    default_network: Callable[[int], Point]
    candidate: Callable[[Point, Any], Candidate]
    describe: Callable[[Point], str]
    show: Callable[[Frame, int], tuple[Literal["image", "text"], str]] | None
    toy: Callable[[int], tuple[Any, str]]
    sequences: Callable[[Any], NDArray[np.int64]] | None = None
    largest: int = LARGEST_MIX
    seen_as: Kind | None = None
    streams: bool = False


def frames(task: Task, data: Any, schema: Schema, told: Told = nobody) -> Iterator[Frame]:
    """Yield the rows of a table, read by kind for prediction: all at once, but of images or sounds only some at a time.

    Args:
        task: that they are of.
        data: the table.
        schema: its columns.
        told: how many images or sounds are decoded, before each part and after the last.

    Raises:
        BadFiles: once all were looked at, if some cannot be decoded; nothing is yielded after the first of them.
        DataError: if a column is missing.
    """
    if not any(column.map_size is not None for column in schema.used):
        yield task.parse(data, schema)
        return
    table, bad = as_table(data), list[tuple[int, BadFiles]]()
    told(0, len(table))
    for start in range(0, max(1, len(table)), FILES_AT_ONCE):
        try:
            frame = task.parse(table.iloc[start : start + FILES_AT_ONCE], schema)
        except BadFiles as error:
            bad.append((start, error))
            continue
        finally:
            told(min(start + FILES_AT_ONCE, len(table)), len(table))
        if not bad:
            yield frame
    if bad:
        names = [name for _, error in bad for name in error.names]
        raise BadFiles(names, bad[0][1].why, [start + place for start, error in bad for place in error.places])

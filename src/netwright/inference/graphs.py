"""Whole models as ONNX graphs: from the features of rows, or from the cells of a table, to answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from netwright.build.graph import Graph, Shape
from netwright.build.onnx import Inputs, outputs
from netwright.build.onnx_chain import best_tags
from netwright.data.clip import Clip
from netwright.data.encoding import TableEncoder
from netwright.data.goal import Goal
from netwright.data.labels import label_array
from netwright.data.ngrams import COARSE
from netwright.data.schema import Column, Kind, Outcome, Schema
from netwright.data.size import Size
from netwright.data.stretches import POSITIONS
from netwright.data.text import TextEncoding
from netwright.data.vocabulary import FINE, Vocabulary
from netwright.entities import SLIGHT
from netwright.inference.answers import answers
from netwright.inference.cells import table_features
from netwright.inference.images import sized
from netwright.inference.names import BATCH, FEATURE
from netwright.inference.share import Share
from netwright.inference.sounds import maps
from netwright.inference.texts import bags, longest
from netwright.inference.tokens import surroundings
from netwright.inference.trunks import Sight, TextSight, frozen_features, frozen_text_features
from netwright.spec.blocks import BagInput
from netwright.spec.costs import USUAL_GRAMS, rows_at_once, widest
from netwright.spec.network import taken_features

TEXTS = FEATURE + "texts"  # of all columns, one after the other
WORD_PIECES = FEATURE + "word pieces"  # of the same, as a trained encoder of sentences knows them
MOST_ROWS, FEWEST_ROWS = 16_384, 16  # that are fed together, of anything
LARGEST_BAGS = 2**24  # numbers of the vectors of all n-grams of all texts that are fed together: 64 MB

SIZES = {"gram_weights": "grams"}  # features that are as many as others

_FEATURES: Mapping[str, Any] = {
    "numeric": np.float32,
    "plain": np.float32,
    "categories": np.int64,
    "frozen": np.float32,
    "grams": np.int32,
    "gram_weights": np.float32,
    "pieces": np.int32,
    "bytes": np.uint8,
    POSITIONS: np.int32,
}
_CELLS: Mapping[Kind, Any] = {
    Kind.NUMERIC: np.float64,
    Kind.BOOLEAN: np.float64,
    Kind.DATETIME: np.int64,
    Kind.CATEGORICAL: np.str_,
}


def graph_of_features(mix: Sequence[Share], goal: Goal, temperature: float, size: Size | None) -> ModelProto:
    """Return the graph from features (B, ...), as `data.features.Features` names them, to answers.

    Args:
        mix: the networks.
        goal: what they learnt.
        temperature: of the mix.
        size: of the images or spectrograms that rows are, if they are any.
    """
    graph = Graph()
    inputs = _maps(graph, size)
    inputs |= _declared(graph, mix, inputs)
    found = answers(graph, mix, goal, temperature, inputs, _pixels(size))
    _give(graph, found, goal, "answers")
    return graph.finish("netwright", {})


def graph_of_cells(
    mix: Sequence[Share],
    goal: Goal,
    temperature: float,
    schema: Schema,
    encoder: TableEncoder | None,
    vocabulary: Vocabulary | None,
    sight: Sight | TextSight | None,
    buckets: NDArray[np.int64] | None = None,
    *,
    halves: bool = True,
) -> ModelProto:
    """Return the graph from the cells of each column to a label and probabilities, or to a value.

    A column is fed as (B, 1): float64 for numbers and truth values (NaN where missing), int64 for moments (seconds
    since 1970, the least of all where missing), texts for categories (empty where missing); images and spectrograms as
    (B, H, W, C) uint8; free text as code points (B, L) int32, normalised and in lower case, 0 behind its end, beside
    how many letters and words it has (B, 2); what a trained encoder reads of it as the numbers of its pieces (B, L)
    int64, 0 behind them. What else becomes of texts and tokens is fed as features: no operator of the standard reads
    them as we do.

    Args:
        mix: the networks.
        goal: what they learnt.
        temperature: of the mix.
        schema: the columns.
        encoder: of the table, if rows have one.
        vocabulary: of the n-grams of texts, if networks take them.
        sight: the trunk that sees images or texts, if networks take what it sees.
        buckets: the known features of tokens, if rows are some: those around a token are then fed as their buckets.
        halves: whether weights lie in the file as float16 where that loses nothing.
    """
    graph = Graph(halves=halves)
    known = encoder is not None or map_size(schema) is not None
    fed = [column for column in schema.used if known and column.kind != Kind.TEXT]
    cells = {column.name: _cells(graph, column) for column in fed}
    inputs: dict[str, str] = {}
    whole = map_size(schema)
    if whole is not None:
        (column,) = schema.used
        clip = Clip.parse(column.format) if column.kind == Kind.SOUND else None
        inputs["images"] = maps(graph, cells[column.name], clip) if clip else cells[column.name]
        if isinstance(sight, Sight):
            inputs["frozen"] = frozen_features(graph, inputs["images"], sight, (whole.height, whole.width))
    if isinstance(sight, TextSight):
        pieces = graph.input(WORD_PIECES, np.int64, (BATCH, f"up to {sight.length} word pieces"))
        inputs["frozen"] = frozen_text_features(graph, pieces, sight)
    if encoder is not None:
        worded = (name for name, one in encoder.columns.items() if isinstance(one, TextEncoding))
        texts = {name: _text(graph, name) for name in worded}
        inputs |= table_features(graph, encoder, cells, texts)
    if vocabulary is not None and "grams" in _taken(mix):
        codes = graph.input(TEXTS, np.int32, (BATCH, longest(FINE)))
        inputs["grams"], inputs["gram_weights"] = bags(graph, graph.cast(codes, np.int64), vocabulary)
    if buckets is not None:
        inputs["grams"], inputs["gram_weights"] = surroundings(graph, buckets)
    inputs |= _declared(graph, mix, inputs, FEATURE)
    if goal.target.outcome == Outcome.TAGS and POSITIONS not in inputs:
        inputs[POSITIONS] = graph.input(FEATURE + POSITIONS, np.int32, (BATCH, 1))
    found = answers(graph, mix, goal, temperature, inputs, _pixels(whole))
    if goal.scale is None:
        _give_label(graph, found, goal, inputs)
    _give(graph, found, goal, "probabilities" if goal.scale is None else "value")
    return graph.finish("netwright", _words(schema))


def graph_of_folds(part: Share, size: Size | None, *, classes: bool) -> ModelProto:
    """Return the graph from features (B, ...) to what each network of a stack predicts alone: (B, S, K) float32.

    Args:
        part: the networks.
        size: of the images or spectrograms that rows are, if they are any.
        classes: whether they learnt classes, so that probabilities are given, else values as they were learnt.
    """
    graph = Graph()
    inputs = _maps(graph, size)
    inputs |= _declared(graph, (part,), inputs)
    found = outputs(graph, part.network, part.weights, inputs, _pixels(size))  # (S, E, B, K)
    if classes:
        found = graph.apply("Softmax", found, axis=-1)
    found = graph.apply("ReduceMean", found, graph.constant([1], np.int64), keepdims=0)  # (S, B, K)
    by_row = graph.apply("Transpose", found, perm=[1, 0, 2])
    graph.output(by_row, "predictions", np.float32, (BATCH, part.folds, part.network.outputs))
    return graph.finish("netwright", {})


def _maps(graph: Graph, size: Size | None) -> dict[str, str]:
    """Return the images or spectrograms that rows are as an input by name; nothing where they are none."""
    if size is None:
        return {}
    return {"images": graph.input("images", np.uint8, (BATCH, size.height, size.width, size.channels))}


def map_size(schema: Schema) -> Size | None:
    """Return the size of the maps that rows of a schema are; None for others."""
    return next((column.map_size for column in schema.used if column.map_size is not None), None)


def _pixels(size: Size | None) -> tuple[int, int] | None:
    return None if size is None else (size.height, size.width)


def rows_together(mix: Sequence[Share]) -> int:
    """Return how many rows may be fed together: few enough for the caches and the memory."""
    return min(min(rows_at_once(part.network, part.folds), _bags_together(part)) for part in mix)


def rows_within(mix: Sequence[Share], numbers: int) -> int:
    """Return how many rows may be fed together if no more than some numbers are to lie between two layers."""
    return max(FEWEST_ROWS, min(numbers // (part.folds * max(widest(part.network), _of_grams(part))) for part in mix))


def _of_grams(part: Share) -> int:
    """Return how many numbers the vectors of the n-grams of a text are, for one network; 0 where it takes none."""
    first = part.network.blocks[0]
    return USUAL_GRAMS * first.width if isinstance(first, BagInput) else 0


def _bags_together(part: Share) -> int:
    numbers = _of_grams(part) * part.folds
    return max(FEWEST_ROWS, LARGEST_BAGS // numbers) if numbers else MOST_ROWS


def _cells(graph: Graph, column: Column) -> str:
    if column.kind == Kind.SOUND:
        return graph.input(column.name, np.float32, (BATCH, "samples"))
    if size := column.map_size:
        images = graph.input(column.name, np.uint8, (BATCH, "height", "width", size.channels))
        return sized(graph, images, size)
    return graph.input(column.name, _CELLS[column.kind], (BATCH, 1))


def _text(graph: Graph, name: str) -> tuple[str, str]:
    codes = graph.input(name, np.int32, (BATCH, longest(COARSE)))
    return graph.cast(codes, np.int64), graph.input(f"{name}: lengths", np.float64, (BATCH, 2))


def _taken(mix: Sequence[Share]) -> dict[str, int | None]:
    """Return which features the networks take, and how many numbers of each a row has: see `taken_features`."""
    return {name: count for part in mix for name, count in taken_features(part.network).items()}


def _declared(graph: Graph, mix: Sequence[Share], given: Inputs, before: str = "") -> dict[str, str]:
    """Declare the features that networks take and nobody gives yet; a word stands for a size that is any."""
    open_ones = {name: count for name, count in _taken(mix).items() if name not in given}
    return {
        name: graph.input(before + name, _FEATURES[name], (BATCH, SIZES.get(name, name) if count is None else count))
        for name, count in open_ones.items()
    }


def _give(graph: Graph, found: str, goal: Goal, name: str) -> None:
    shape: Shape = (BATCH,) if goal.scale else (BATCH, goal.outputs)
    graph.output(found, name, np.float64 if goal.scale else np.float32, shape)


def _give_label(graph: Graph, probabilities: str, goal: Goal, inputs: Inputs) -> None:
    """Declare the label of each row that `model.Model.chosen` chooses, of the type that labels have in the table."""
    if goal.target.outcome == Outcome.TAGS:
        best = best_tags(graph, probabilities, goal.outputs, SLIGHT, inputs[POSITIONS])
    else:
        best = graph.apply("ArgMax", probabilities, axis=1, keepdims=0)
    labels = label_array(goal.target.labels)
    worded = labels.dtype.kind == "O"
    table = graph.texts([str(label) for label in labels]) if worded else graph.constant(labels)
    graph.output(graph.apply("Gather", table, best, axis=0), "label", np.str_ if worded else labels.dtype, (BATCH,))


def _words(schema: Schema) -> dict[str, str]:
    """Return what a reader of the file should know, by key: the target, and of each column its kind and format."""
    columns = [{"name": column.name, "kind": column.kind, "format": column.format} for column in schema.used]
    return {"target": schema.target.name, "columns": json.dumps(columns)}

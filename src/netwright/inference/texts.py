"""Texts as features, as nodes of an ONNX graph: projected n-grams, lengths, and bags of known n-grams.

What `data.text` and `data.vocabulary` compute, from the code points of texts. Letters in shapes: B text, L letter,
G n-gram, D dimension, V known n-gram.
"""

from __future__ import annotations

import numpy as np

from netwright.build.graph import Graph
from netwright.data.ngrams import COARSE, Reading
from netwright.data.text import Projection
from netwright.data.vocabulary import Vocabulary
from netwright.inference.grams import Grams, grams
from netwright.inference.scaling import squashed

AHEAD = 2  # added to the rank of a word: no n-gram weighs more than 1
SHORTEST = 1e-30  # of a text's words, or runs of letters: below it there are none


def projected(graph: Graph, codes: str, projection: Projection) -> str:
    """Return the name of texts as (B, D) numbers within ±3, 0 for those without a word.

    Args:
        graph: takes the nodes.
        codes: (B, L) int64 code points, see `inference.grams.grams`.
        projection: fitted on texts.
    """
    found = grams(graph, codes, COARSE)
    counts = _counts(graph, found, found.buckets, COARSE.buckets)
    weights = _weighed(graph, counts, projection.rarity, np.arange(COARSE.buckets) >= COARSE.runs)
    sums = graph.apply("MatMul", weights, graph.fitted(projection.axes))
    away = graph.apply("Sub", sums, graph.constant(projection.middle))
    return graph.apply("Where", found.some, squashed(graph, away, np.float32), graph.constant(0, np.float32))


def bags(graph: Graph, codes: str, vocabulary: Vocabulary) -> tuple[str, str]:
    """Return the names of the known n-grams that are kept of texts (B, G) int64, counted from 1, and of their weights.

    Args:
        graph: takes the nodes.
        codes: as for `projected`.
        vocabulary: the n-grams that are known.
    """
    reading, size = vocabulary.reading, len(vocabulary)
    found = grams(graph, codes, reading)
    places = graph.apply(
        "LabelEncoder",
        found.buckets,
        keys_int64s=vocabulary.buckets.tolist(),
        values_int64s=[*range(size)],
        default_int64=size,
    )
    counts = _counts(graph, found, places, size)
    runs = vocabulary.buckets >= reading.runs
    weights = _weighed(graph, counts, vocabulary.rarity, runs)
    ranks = weights
    if reading.apart:
        length = graph.apply("Where", graph.constant(runs), _spelled(graph, codes, reading), _number(graph, 1))
        weights = graph.apply("Mul", weights, length)
        ahead = graph.constant(AHEAD * (vocabulary.buckets < reading.part), np.float32)
        ranks = graph.apply("Add", weights, graph.apply("Mul", ahead, graph.apply("Sign", counts)))
    most = graph.constant([min(vocabulary.grams, size)], np.int64)
    _, names = graph.apply_all("TopK", 2, ranks, most, axis=1)
    values = graph.apply("GatherElements", weights, names, axis=1)
    return graph.apply("Add", names, graph.constant(1, np.int64)), values


def _spelled(graph: Graph, codes: str, reading: Reading) -> str:
    """Return the root of the share (B, 1) of a text's letters that runs are taken of."""
    letters = graph.cast(graph.apply("Greater", codes, graph.constant(0, np.int64)), np.float32)
    length = graph.apply("ReduceSum", letters, graph.constant([1], np.int64), keepdims=1)
    share = graph.apply("Div", _number(graph, reading.spelled), graph.apply("Max", length, _number(graph, 1)))
    return graph.apply("Sqrt", graph.apply("Min", share, _number(graph, 1)))


def longest(reading: Reading) -> str:
    """Return what the letters of a text are called in the shape of an input."""
    return f"up to {reading.letters} letters"


def _counts(graph: Graph, found: Grams, places: str, size: int) -> str:
    """Return how often a text has n-grams of each place (B, size) float32."""
    index = graph.apply("Where", found.there, places, graph.constant(size, np.int64))
    ones = graph.cast(found.there, np.float32)
    rows = graph.apply("Shape", index, start=0, end=1)
    shape = graph.join([rows, graph.constant([size + 1], np.int64)], 0)
    empty = graph.apply("Expand", graph.constant([[0]], np.float32), shape)
    sums = graph.apply("ScatterElements", empty, index, ones, axis=1, reduction="add")
    return graph.apply("Slice", sums, *(graph.constant([number], np.int64) for number in (0, size, 1)))


def _weighed(graph: Graph, counts: str, rarity: np.ndarray, letters: np.ndarray) -> str:
    """Return (1 + log count) · rarity (B, V); a text's words are of length 1, and so are its runs of letters."""
    some = graph.apply("Max", counts, _number(graph, 1))
    logs = graph.apply("Add", graph.apply("Log", some), _number(graph, 1))
    there = graph.apply("Min", counts, _number(graph, 1))
    values = graph.apply("Mul", graph.apply("Mul", logs, there), graph.fitted(rarity))
    squares = graph.apply("Mul", values, values)
    halves = np.stack([~letters, letters], axis=1).astype(np.float32)  # (V, 2)
    lengths = graph.apply("Sqrt", graph.apply("MatMul", squares, graph.constant(halves)))
    inverse = graph.apply("Div", _number(graph, 1), graph.apply("Max", lengths, _number(graph, SHORTEST)))
    return graph.apply("Mul", values, graph.apply("MatMul", inverse, graph.constant(halves.T.copy())))


def _number(graph: Graph, value: float) -> str:
    return graph.constant(value, np.float32)

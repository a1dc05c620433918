"""Texts as hashed n-grams, as nodes of an ONNX graph: what `data.ngrams.count_grams` finds, for each text by itself.

Whole numbers modulo 2⁶⁴ are the same as int64 has them and as uint64 has them, so every bucket is the same as there.
Letters in shapes: B text, L letter, N letter of the stream in which words lie with one space before each, W word,
G n-gram.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from netwright.build.graph import Graph
from netwright.data.ngrams import (
    BASE,
    INVERSE,
    LETTER,
    PAIR,
    RUN,
    RUNS,
    SHORT_RUN,
    SHORT_RUNS,
    SPACE,
    STEPS,
    WORD,
    Reading,
)
from netwright.inference.letters import kinds, powers, unspaced


@dataclass(frozen=True)
class Grams:
    """N-grams of texts.

    Attributes:
        buckets: name of (B, G) int64.
        there: name of (B, G) bool: whether there is one.
        some: name of (B, 1) bool: whether a text has a word.
    """

    buckets: str
    there: str
    some: str


@dataclass(frozen=True)
class _Words:
    """The words of texts in their streams, by names.

    `stream` (B, N) code points; `starts`, `ends` (B, W) where each word lies; `there` (B, W) bool; `spelled` (B, W)
    1 where runs of its letters count.
    """

    stream: str
    starts: str
    ends: str
    there: str
    spelled: str


def grams(graph: Graph, codes: str, reading: Reading) -> Grams:
    """Return the n-grams of texts.

    Args:
        graph: takes the nodes.
        codes: (B, L) int64 code points of texts, normalised and in lower case, 0 behind their end.
        reading: how far texts are read, and how finely n-grams are told apart; L is no longer than it says.
    """
    words = _words(graph, codes, reading)
    sums = _running_sums(graph, words.stream)
    found = [*_word_grams(graph, words, sums, reading), *_runs(graph, words, sums, reading)]
    buckets, there = (graph.join([pair[place] for pair in found], 1) for place in (0, 1))
    some = graph.apply("ReduceMax", graph.cast(words.there, np.int64), _axis(graph, 1), keepdims=1)
    return Grams(buckets, there, graph.cast(some, np.bool_))


def _words(graph: Graph, codes: str, reading: Reading) -> _Words:
    kind = kinds(graph, codes)
    letter = graph.cast(graph.apply("Equal", kind, _number(graph, LETTER)), np.int64)
    filled = graph.cast(graph.apply("Greater", kind, _number(graph, 0)), np.int64)
    begins = _without(graph, filled, _both(graph, letter, _shifted(graph, letter, 1)))
    ends = _without(graph, filled, _both(graph, letter, _shifted(graph, letter, -1)))
    word = _sums(graph, begins)  # counted from 1
    place = graph.apply("Add", graph.apply("Sub", _sums(graph, filled), _number(graph, 1)), word)  # in the stream
    long = graph.apply("Add", graph.apply("Mul", _length(graph, codes), _number(graph, 2)), _number(graph, 2))
    stream = _placed(graph, long, SPACE, place, codes, filled)
    number, most = graph.apply("Sub", word, _number(graph, 1)), _length(graph, codes)
    early = graph.cast(graph.apply("Less", _counted(graph, codes), _number(graph, reading.spelled)), np.int64)
    total = graph.apply("ReduceSum", begins, _axis(graph, 1), keepdims=1)
    return _Words(
        stream,
        _placed(graph, most, 0, number, place, begins),
        _placed(graph, most, 0, number, graph.apply("Add", place, _number(graph, 1)), ends),
        graph.apply("Less", _counted(graph, codes), total),
        _placed(graph, most, 0, number, _both(graph, letter, early), begins),
    )


def _word_grams(graph: Graph, words: _Words, sums: str, reading: Reading) -> list[tuple[str, str]]:
    """Return buckets and whether there are any, of words and of pairs of neighbours."""
    first, second = (_cut(graph, words.starts, 0, -1), _cut(graph, words.ends, 1, None))
    pairs = (_hashes(graph, sums, first, second), _cut(graph, words.there, 1, None))
    single = (_hashes(graph, sums, words.starts, words.ends), words.there)
    found = ((WORD, *single), (PAIR, *pairs))
    return [(_buckets(graph, hashes, reading, sort), there) for sort, hashes, there in found]


def _runs(graph: Graph, words: _Words, sums: str, reading: Reading) -> list[tuple[str, str]]:
    """Return the same of runs of letters inside words, and of short ones in scripts without spaces."""
    places = _counted(graph, words.stream)
    opens = graph.apply("Sub", words.starts, _number(graph, 1))  # the space before each word
    ones = graph.apply("Add", graph.apply("Mul", words.starts, _number(graph, 0)), _number(graph, 1))
    marks = _placed(graph, _length(graph, words.stream), 0, opens, ones, graph.cast(words.there, np.int64))
    owner = graph.apply("Max", graph.apply("Sub", _sums(graph, marks), _number(graph, 1)), _number(graph, 0))
    end = graph.apply("GatherElements", words.ends, owner, axis=1)
    spelled = graph.cast(graph.apply("GatherElements", words.spelled, owner, axis=1), np.bool_)
    alone = unspaced(graph, words.stream)
    found = []
    for size in RUNS:
        last = graph.apply("Add", places, _number(graph, size - 1))
        inside = graph.apply("And", spelled, graph.apply("LessOrEqual", last, end))
        found.append((RUN, size, _cut(graph, inside, 0, 1 - size)))
    for size in SHORT_RUNS:
        both = _both(graph, _cut(graph, alone, 0, 1 - size or None), _cut(graph, alone, size - 1, None))
        found.append((SHORT_RUN, size, graph.cast(both, np.bool_)))
    return [(_buckets(graph, _of_size(graph, sums, size), reading, sort), there) for sort, size, there in found]


# --- hashes ----------------------------------------------------------------------------------------------------------


def _running_sums(graph: Graph, stream: str) -> str:
    """Return S (B, N + 1): see the formula in `data.ngrams`."""
    factors = powers(graph, BASE, _counted(graph, stream))
    terms = graph.apply("Mul", graph.apply("Add", stream, _number(graph, 1)), factors)
    return graph.apply("Pad", _sums(graph, terms), graph.constant([0, 1, 0, 0], np.int64))


def _hashes(graph: Graph, sums: str, starts: str, ends: str) -> str:
    """Return the hashes (B, W) of what lies between places of the stream."""
    high, low = (graph.apply("GatherElements", sums, place, axis=1) for place in (ends, starts))
    return graph.apply("Mul", graph.apply("Sub", high, low), powers(graph, INVERSE, starts))


def _of_size(graph: Graph, sums: str, size: int) -> str:
    """Return the hashes (B, N + 1 - size) of all runs of a size."""
    low = _cut(graph, sums, 0, -size)
    difference = graph.apply("Sub", _cut(graph, sums, size, None), low)
    return graph.apply("Mul", difference, powers(graph, INVERSE, _counted(graph, low)))


def _buckets(graph: Graph, hashes: str, reading: Reading, sort: int) -> str:
    """Return the buckets of hashes: the upper bits of what SplitMix64 makes of them."""
    value = graph.apply("Add", hashes, graph.constant(np.array(BASE, np.uint64).view(np.int64)))
    for shift, factor in STEPS:
        odd = graph.constant(np.array(factor, np.uint64).view(np.int64))
        value = graph.apply("Mul", _folded(graph, value, shift), odd)
    upper = graph.apply("BitShift", graph.cast(value, np.uint64), _bits(graph, 64 - reading.bits), direction="RIGHT")
    bucket = graph.cast(upper, np.int64)
    first = reading.first(sort)
    return graph.apply("Add", bucket, _number(graph, first)) if first else bucket


def _folded(graph: Graph, value: str, shift: int) -> str:
    """Return x xor (x >> shift), the shift being that of a number without a sign."""
    whole = graph.cast(value, np.uint64)
    shifted = graph.apply("BitShift", whole, _bits(graph, shift), direction="RIGHT")
    return graph.cast(graph.apply("BitwiseXor", whole, shifted), np.int64)


# --- small steps -----------------------------------------------------------------------------------------------------


def _number(graph: Graph, value: int) -> str:
    return graph.constant(value, np.int64)


def _bits(graph: Graph, count: int) -> str:
    return graph.constant(count, np.uint64)


def _axis(graph: Graph, axis: int) -> str:
    return graph.constant([axis], np.int64)


def _sums(graph: Graph, value: str) -> str:
    return graph.apply("CumSum", value, graph.constant(1, np.int64))


def _both(graph: Graph, one: str, other: str) -> str:
    return graph.apply("Mul", one, other)


def _without(graph: Graph, one: str, other: str) -> str:
    return graph.apply("Sub", one, other)


def _length(graph: Graph, value: str) -> str:
    """Return the size (1,) of the second axis."""
    return graph.apply("Shape", value, start=1, end=2)


def _counted(graph: Graph, value: str) -> str:
    """Return 0, 1, 2, … along the second axis (L,)."""
    end = graph.apply("Squeeze", _length(graph, value))
    return graph.apply("Range", _number(graph, 0), end, _number(graph, 1))


def _cut(graph: Graph, value: str, start: int, end: int | None) -> str:
    """Return a part of the second axis, as Python would cut it."""
    last = np.iinfo(np.int64).max if end is None else end
    return graph.apply("Slice", value, *(graph.constant([number], np.int64) for number in (start, last, 1)))


def _shifted(graph: Graph, value: str, by: int) -> str:
    """Return each number where its neighbour was, 0 at the edge: of the one before for 1, of the one behind for -1."""
    if by > 0:
        return _cut(graph, graph.apply("Pad", value, graph.constant([0, 1, 0, 0], np.int64)), 0, -1)
    return _cut(graph, graph.apply("Pad", value, graph.constant([0, 0, 0, 1], np.int64)), 1, None)


def _placed(graph: Graph, length: str, fill: int, places: str, values: str, wanted: str) -> str:
    """Return (B, length) numbers: values at their places where they are wanted (1), `fill` elsewhere."""
    longer = graph.apply("Add", length, _number(graph, 1))  # the last place takes what is not wanted
    rows = graph.apply("Shape", values, start=0, end=1)
    empty = graph.apply("Expand", graph.constant([[fill]], np.int64), graph.join([rows, longer], 0))
    index = graph.apply("Where", graph.cast(wanted, np.bool_), places, length)
    return _cut(graph, graph.apply("ScatterElements", empty, index, values, axis=1), 0, -1)

"""A linear chain over the tags of rows that follow each other, as nodes of an ONNX graph: see `build.torch_chain`.

Stretches of rows are laid side by side in a grid, and a loop (`Scan`) goes along it, place by place, for all networks
at once. Letters in shapes: M network, B row, L place, S stretch, K tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.build.graph import Graph

FORBIDDEN = -1e9  # the score of a way that there is not
LEAST = 1e-30  # of a chance, whose logarithm is taken


@dataclass(frozen=True)
class Grid:
    """Stretches side by side, by names.

    Attributes:
        index: (B, 2) place and stretch of each row.
        size: (2,) places and stretches there are.
        there: (L, S) float32, 1 where a stretch has a row, else 0.
    """

    index: str
    size: str
    there: str

    @staticmethod
    def of(graph: Graph, positions: str) -> Grid:
        """Return the grid of rows by their positions (B, 1), see `data.stretches`."""
        flat = graph.reshape(graph.cast(positions, np.int64), -1)
        one, last = graph.constant(1, np.int64), graph.constant([np.iinfo(np.int64).max], np.int64)
        start, second, before = (graph.constant([place], np.int64) for place in (0, 1, -1))
        earlier = graph.apply("Slice", flat, start, before)
        later = graph.apply("Slice", flat, second, last)
        parted = graph.apply("Not", graph.apply("Equal", later, graph.apply("Add", earlier, one)))
        begins = graph.join([graph.constant([True]), parted], 0)
        counted = graph.apply("CumSum", graph.cast(begins, np.int64), graph.constant(0, np.int64))
        stretch = graph.apply("Sub", counted, one)
        firsts = graph.reshape(graph.apply("NonZero", begins), -1)  # (S,)
        rows = graph.apply("Range", graph.constant(0, np.int64), graph.apply("Size", flat), one)
        place = graph.apply("Sub", rows, graph.apply("Gather", firsts, stretch, axis=0))
        index = graph.join([graph.add_axes(place, 1), graph.add_axes(stretch, 1)], 1)
        longest = graph.apply("Add", graph.apply("ReduceMax", place, keepdims=1), one)
        size = graph.join([longest, graph.apply("Shape", firsts)], 0)
        ones = graph.apply("Expand", graph.constant(1, np.float32), graph.apply("Shape", flat))
        return Grid(index, size, graph.apply("ScatterND", _zeros(graph, size), index, ones))

    def laid(self, graph: Graph, values: str, *inner: int) -> str:
        """(B, ...) → (L, S, ...), 0 where there is no row; `inner` are the sizes of the further axes."""
        shape = graph.join([self.size, graph.constant(inner, np.int64)], 0)
        return graph.apply("ScatterND", _zeros(graph, shape), self.index, values)

    def taken(self, graph: Graph, values: str) -> str:
        """(L, S, ...) → (B, ...)."""
        return graph.apply("GatherND", values, self.index)


def _zeros(graph: Graph, shape: str) -> str:
    return graph.apply("Expand", graph.constant(0, np.float32), shape)


def marginals(graph: Graph, scores: str, transitions: NDArray[Any], grid: Grid) -> str:
    """Return the name of the logarithms of the marginals (M, B, K) of rows, each given all of its stretch.

    Args:
        graph: takes the nodes.
        scores: (M, B, K) of tags.
        transitions: (M, K, K) of pairs of neighbouring tags, the first before the second.
        grid: of the rows.
    """
    networks, tags = transitions.shape[:2]
    by_row = graph.apply("Transpose", scores, perm=[1, 0, 2])
    laid = graph.apply("Transpose", grid.laid(graph, by_row, networks, tags), perm=[0, 2, 1, 3])  # (L, M, S, K)
    there = graph.add_axes(grid.there, 1, 3)  # (L, 1, S, 1)
    powers = np.exp(transitions.astype(np.float32))
    onward, back = graph.weight(powers), graph.weight(np.ascontiguousarray(powers.swapaxes(1, 2)))
    stretches = graph.apply("Slice", grid.size, *(graph.constant([place], np.int64) for place in (1, 2)))
    shape = graph.join([graph.constant([networks], np.int64), stretches, graph.constant([tags], np.int64)], 0)
    nothing = _zeros(graph, shape)

    def forward(inner: Graph, messages: list[str], given: list[str]) -> tuple[list[str], list[str]]:
        own = inner.apply("Add", given[0], messages[0])
        return [_through(inner, own, onward)], [own]

    def backward(inner: Graph, messages: list[str], given: list[str]) -> tuple[list[str], list[str]]:
        message = _through(inner, inner.apply("Add", given[0], messages[0]), back)
        return [inner.apply("Mul", message, given[1])], messages  # of what is behind the end nothing is passed on

    real = np.float32
    (before,), _ = graph.scan(forward, [(nothing, real)], [(laid, real)], [real])
    (after,), _ = graph.scan(backward, [(nothing, real)], [(laid, real), (there, real)], [real], reverse=True)
    both = graph.apply("Transpose", graph.apply("Add", before, after), perm=[0, 2, 1, 3])  # (L, S, M, K)
    return graph.apply("LogSoftmax", graph.apply("Transpose", grid.taken(graph, both), perm=[1, 0, 2]), axis=-1)


def _through(graph: Graph, message: str, powers: str) -> str:
    """(M, S, K) → (M, S, K), less a number that is common to all tags."""
    shift = graph.apply("ReduceMax", message, graph.constant([-1], np.int64), keepdims=1)
    even = graph.apply("Exp", graph.apply("Sub", message, shift))
    return graph.apply("Log", graph.apply("MatMul", even, powers))


def best_tags(graph: Graph, chances: str, classes: int, slight: float, positions: str) -> str:
    """Return the name of the tags (B,) of sentences that are the most probable together: see `entities.best_tags`.

    Args:
        graph: takes the nodes.
        chances: (B, K) of each tag of each row.
        classes: K.
        slight: the share of the chance of going on that counts for beginning.
        positions: (B, 1) of the rows.
    """
    grid, numbers = Grid.of(graph, positions), np.arange(classes)
    begun = np.eye(classes, dtype=np.float32)
    begun[numbers[2::2], numbers[2::2] - 1] = slight
    own = graph.apply("MatMul", chances, graph.constant(begun))
    own = graph.apply("Log", graph.apply("Max", own, graph.constant(LEAST, np.float32)))
    laid, there = grid.laid(graph, own, classes), graph.add_axes(grid.there, 2)  # (L, S, K) and (L, S, 1)
    ways, stays = graph.constant(_ways(classes)), graph.constant(numbers[None], np.int64)
    stretches = graph.apply("Slice", grid.size, *(graph.constant([place], np.int64) for place in (1, 2)))
    outside = graph.constant(np.where(numbers == 0, 0.0, FORBIDDEN)[None], np.float32)
    shape = graph.join([stretches, graph.constant([classes], np.int64)], 0)

    def forward(inner: Graph, scores: list[str], given: list[str]) -> tuple[list[str], list[str]]:
        each = inner.apply("Add", inner.add_axes(scores[0], 2), ways)  # (S, K before, K)
        came = inner.apply("ArgMax", each, axis=1, keepdims=0)
        gone = inner.apply("Add", inner.apply("ReduceMax", each, inner.constant([1], np.int64), keepdims=0), given[0])
        top = inner.apply("ReduceMax", gone, inner.constant([1], np.int64), keepdims=1)
        on = inner.cast(given[1], np.bool_)
        # Where a stretch has ended, it stays as it is.
        score = inner.apply("Where", on, inner.apply("Sub", gone, top), scores[0])
        return [score], [inner.apply("Where", on, came, stays)]

    def backward(inner: Graph, chosen: list[str], given: list[str]) -> tuple[list[str], list[str]]:
        return [inner.apply("GatherElements", given[0], chosen[0], axis=1)], chosen

    start = graph.apply("Expand", outside, shape)
    real, whole = np.float32, np.int64
    (came,), (last,) = graph.scan(forward, [(start, real)], [(laid, real), (there, real)], [whole])
    best = graph.apply("ArgMax", last, axis=1, keepdims=1)  # (S, 1)
    (tags,), _ = graph.scan(backward, [(best, whole)], [(came, whole)], [whole], reverse=True)  # (L, S, 1)
    return graph.reshape(grid.taken(graph, tags), -1)


def _ways(classes: int) -> NDArray[np.float32]:
    """Return 0 where a tag (K, K) may follow another, the first before the second; else a score that loses."""
    before, after = np.arange(classes)[:, None], np.arange(classes)[None]
    goes_on = (after > 0) & (after % 2 == 0)
    fits = ~goes_on | (before == after) | (before == after - 1)
    return np.where(fits, 0.0, FORBIDDEN).astype(np.float32)

"""Letters as nodes of an ONNX graph: of what kind each is, and the powers that hash them."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from netwright.build.graph import Graph
from netwright.data.ngrams import UNSPACED, kind_of_letter

BLOCK = 256  # letters of one line of the table: most lines are the same as others
LETTERS = 0x110000  # code points of Unicode


def kinds(graph: Graph, codes: str) -> str:
    """Return the name of the kind of each code point: see `data.ngrams`."""
    return _looked_up(graph, codes, *_table_of_kinds())


def unspaced(graph: Graph, codes: str) -> str:
    """Return the name of whether each code point is of a script without spaces, as 1 and 0."""
    return _looked_up(graph, codes, *_table_of_scripts())


def _looked_up(graph: Graph, codes: str, lines: NDArray[np.int64], table: NDArray[np.int64]) -> str:
    block = graph.constant(BLOCK, np.int64)
    line = graph.apply("Gather", graph.constant(lines), graph.apply("Div", codes, block), axis=0)
    place = graph.apply("Add", graph.apply("Mul", line, block), graph.apply("Mod", codes, block))
    small = graph.apply("Gather", graph.constant(table.astype(np.uint8)), place, axis=0)
    return graph.cast(small, np.int64)


@cache
def _table_of_kinds() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return _compressed(np.array([kind_of_letter(chr(code)) for code in range(LETTERS)], np.int64))


@cache
def _table_of_scripts() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    flags = np.zeros(LETTERS, np.int64)
    for low, high in UNSPACED:
        flags[low : high + 1] = 1
    return _compressed(flags)


def _compressed(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which distinct line each block of values is, and the distinct lines end to end."""
    lines, places = np.unique(values.reshape(-1, BLOCK), axis=0, return_inverse=True)
    return places.ravel().astype(np.int64), lines.ravel()


def powers(graph: Graph, base: int, exponents: str) -> str:
    """Return the name of a base to the power of int64 numbers below 65,536, modulo 2⁶⁴ as int64 has it."""
    block = graph.constant(BLOCK, np.int64)
    low = graph.apply("Gather", graph.constant(_powers(base, 1)), graph.apply("Mod", exponents, block), axis=0)
    high = graph.apply("Gather", graph.constant(_powers(base, BLOCK)), graph.apply("Div", exponents, block), axis=0)
    return graph.apply("Mul", low, high)


def _powers(base: int, step: int) -> NDArray[np.int64]:
    return np.array([pow(base, step * place, 2**64) for place in range(BLOCK)], np.uint64).view(np.int64)

"""From the cells of a table to features, as nodes of an ONNX graph: what `data.encoding.encode` does, all in one.

Columns of one kind are encoded together, since a node costs as much time for one column as for fifty. Letters in
shapes: B row, N column of a kind, K knot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from netwright.build.graph import Graph
from netwright.data.categories import CategoryEncoding
from netwright.data.encoding import TableEncoder
from netwright.data.moments import MomentEncoding
from netwright.data.numeric import NumberEncoding, PairEncoding, merge_ties
from netwright.data.text import TextEncoding
from netwright.inference.dates import DAY, cycles, days_and_seconds
from netwright.inference.scaling import scaled, where_known, within
from netwright.inference.texts import projected

Key = tuple[str, str]
"""A feature: the name of its column, and which of the column's it is."""


@dataclass
class Pile:
    """Features that lie side by side in some values (B, n), each by its key."""

    values: list[str] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)

    def add(self, value: str, keys: Sequence[Key]) -> None:
        """Take a value (B, n), whose features have these keys."""
        self.values.append(value)
        self.keys += keys

    def in_order(self, graph: Graph, keys: Sequence[Key]) -> str:
        """Return the name of the features (B, F) with these keys, in this order."""
        joined = graph.join(self.values, 1)
        places = [self.keys.index(key) for key in keys]
        if places == [*range(len(self.keys))]:
            return joined
        return graph.apply("Gather", joined, graph.constant(places, np.int64), axis=1)


def table_features(
    graph: Graph, encoder: TableEncoder, columns: Mapping[str, str], texts: Mapping[str, tuple[str, str]]
) -> dict[str, str]:
    """Return the names of the features `numeric`, `plain` and `categories` (B, n), of those that there are.

    Args:
        graph: takes the nodes.
        encoder: fitted on the table.
        columns: the name of each column's cells (B, 1): numbers and truth values float64, NaN where missing; moments
            int64, seconds since 1970, the least of all where missing; categories as texts, empty where missing.
        texts: of each column of free text the names of its code points (B, L) int64, see `inference.grams.grams`, and
            of how many letters and words it has (B, 2) float64, NaN where missing.
    """
    numeric, plain, categories = Pile(), Pile(), Pile()
    numbers = {name: one for name, one in encoder.columns.items() if isinstance(one, NumberEncoding)}
    pairs = {name: one for name, one in encoder.columns.items() if isinstance(one, PairEncoding)}
    if numbers:
        _numbers(graph, numbers, graph.join([columns[name] for name in numbers], 1), numeric, plain)
    if pairs:
        _pairs(graph, pairs, graph.join([columns[name] for name in pairs], 1), plain)
    for name, encoding in encoder.columns.items():
        if isinstance(encoding, MomentEncoding):
            _moments(graph, name, encoding, columns[name], numeric, plain)
        elif isinstance(encoding, CategoryEncoding):
            _categories(graph, name, encoding, columns[name], numeric, plain, categories)
        elif isinstance(encoding, TextEncoding):
            _texts(graph, name, encoding, texts[name], numeric, plain)
    wanted = {"numeric": numeric, "plain": plain, "categories": categories}
    order = _order(encoder)
    return {kind: pile.in_order(graph, order[kind]) for kind, pile in wanted.items() if order[kind]}


def _order(encoder: TableEncoder) -> dict[str, list[Key]]:
    """Return the keys of the features of each kind, in the order in which `data.encoding.encode` gives them."""
    order: dict[str, list[Key]] = {"numeric": [], "plain": [], "categories": []}
    for name, encoding in encoder.columns.items():
        flag = [(name, "missing")] if encoding.flagged else []
        match encoding:
            case NumberEncoding():
                order["numeric"] += [(name, "scaled"), *([(name, "score")] if encoding.heavy else [])]
                order["plain"] += [*([] if encoding.common is None else [(name, "common")]), *flag]
            case PairEncoding():
                order["plain"] += [(name, "pair"), *flag]
            case MomentEncoding():
                order["numeric"].append((name, "scaled"))
                order["plain"] += [*_cycle_keys(name, encoding), *flag]
            case CategoryEncoding():
                if encoding.cardinality:
                    order["numeric"].append((name, "frequency"))
                    order["categories"].append((name, "level"))
                order["plain"] += [*_level_keys(name, encoding), *flag]
            case TextEncoding():
                numbers, projected = _text_keys(name, encoding)
                order["numeric"] += numbers
                order["plain"] += projected
    return order


def _numbers(graph: Graph, columns: Mapping[str, NumberEncoding], cells: str, numeric: Pile, plain: Pile) -> None:
    names = [*columns]
    absent = _absent(graph, cells)
    filled = graph.apply("Where", absent, graph.constant(0, np.float64), cells)
    centres = np.array([one.centre for one in columns.values()])
    factors = np.array([one.factor for one in columns.values()])
    numeric.add(scaled(graph, filled, absent, centres, factors), [(name, "scaled") for name in names])
    if heavy := [place for place, one in enumerate(columns.values()) if one.heavy]:
        scores = _scores(graph, [columns[names[place]] for place in heavy], _some(graph, filled, heavy))
        known = where_known(graph, _some(graph, absent, heavy), scores)
        numeric.add(known, [(names[place], "score") for place in heavy])
    if common := [place for place, one in enumerate(columns.values()) if one.common is not None]:
        values = graph.constant([columns[names[place]].common for place in common], np.float64)
        same = graph.apply("Equal", _some(graph, cells, common), values)
        plain.add(graph.cast(same, np.float32), [(names[place], "common") for place in common])
    _flags(graph, columns, absent, plain)


def _absent(graph: Graph, cells: str) -> str:
    """Return which numbers are none; an infinite one counts as missing, as where a table is read."""
    return graph.apply("Or", graph.apply("IsNaN", cells), graph.apply("IsInf", cells))


def _some(graph: Graph, value: str, places: Sequence[int]) -> str:
    return graph.apply("Gather", value, graph.constant(places, np.int64), axis=1)


def _flags(graph: Graph, columns: Mapping[str, NumberEncoding | PairEncoding], absent: str, plain: Pile) -> None:
    flagged = {place: name for place, (name, one) in enumerate(columns.items()) if one.flagged}
    if flagged:
        flags = graph.cast(_some(graph, absent, [*flagged]), np.float32)
        plain.add(flags, [(name, "missing") for name in flagged.values()])


def _scores(graph: Graph, columns: Sequence[NumberEncoding], filled: str) -> str:
    """Return values (B, N) interpolated between the knots of their columns: see `data.numeric.score`."""
    ties = [merge_ties(one.knots) for one in columns]
    widest = max(len(knots) for knots, _ in ties)
    starts, firsts, slopes = (np.zeros((len(ties), widest)) for _ in range(3))
    ends = np.full((len(ties), widest), np.inf)  # a knot that no value reaches stands where a column has fewer
    for place, (knots, scores) in enumerate(ties):
        count = len(knots)
        starts[place, :count], firsts[place, :count], ends[place, :count] = knots, scores, knots
        slopes[place, : count - 1] = np.diff(scores) / np.diff(knots)
    low, high = (graph.constant([knots[at] for knots, _ in ties], np.float64) for at in (0, -1))
    inside = graph.apply("Min", graph.apply("Max", filled, low), high)
    passed = graph.apply("GreaterOrEqual", graph.add_axes(inside, 2), graph.constant(ends[None]))  # (B, N, K)
    steps = graph.apply("ReduceSum", graph.cast(passed, np.int64), graph.constant([2], np.int64), keepdims=0)
    offsets = np.arange(len(ties)) * widest - 1  # the last knot that was passed
    index = graph.apply("Add", steps, graph.constant(offsets, np.int64))
    start, first, slope = (
        graph.apply("Gather", graph.constant(table.ravel()), index, axis=0) for table in (starts, firsts, slopes)
    )
    return graph.apply("Add", graph.apply("Mul", graph.apply("Sub", inside, start), slope), first)


def _pairs(graph: Graph, columns: Mapping[str, PairEncoding], cells: str, plain: Pile) -> None:
    absent = _absent(graph, cells)
    low = np.array([one.low for one in columns.values()])
    high = np.array([one.high for one in columns.values()])
    filled = graph.apply("Where", absent, graph.constant(0, np.float64), cells)
    near = graph.apply("Max", filled, graph.constant(1.5 * low - 0.5 * high))
    near = graph.apply("Min", near, graph.constant(1.5 * high - 0.5 * low))
    share = graph.apply("Div", graph.apply("Sub", near, graph.constant(low)), graph.constant(high - low))
    place = graph.apply("Sub", graph.apply("Mul", share, graph.constant(2, np.float64)), graph.constant(1, np.float64))
    place = within(graph, place, np.float64(2))
    plain.add(where_known(graph, absent, place), [(name, "pair") for name in columns])
    _flags(graph, columns, absent, plain)


def _moments(graph: Graph, name: str, encoding: MomentEncoding, cells: str, numeric: Pile, plain: Pile) -> None:
    absent = graph.apply("Equal", cells, graph.constant(np.iinfo(np.int64).min, np.int64))
    filled = graph.apply("Where", absent, graph.constant(0, np.int64), cells)
    days, seconds = days_and_seconds(graph, filled)
    exact = graph.apply("Div", graph.cast(filled, np.float64), graph.constant(DAY, np.float64))
    centre, factor = np.array([encoding.centre]), np.array([encoding.factor])
    numeric.add(scaled(graph, exact, absent, centre, factor), [(name, "scaled")])
    if encoding.cycles:
        views = cycles(graph, encoding.cycles, days, seconds)
        plain.add(where_known(graph, absent, graph.join(views, 1)), _cycle_keys(name, encoding))
    if encoding.flagged:
        plain.add(graph.cast(absent, np.float32), [(name, "missing")])


def _cycle_keys(name: str, encoding: MomentEncoding) -> list[Key]:
    keys = []
    for cycle in encoding.cycles:
        keys += [(name, f"{cycle} {part}") for part in ("sine", "cosine", *(("weekend",) if cycle == "week" else ()))]
    return keys


def _categories(
    graph: Graph, name: str, encoding: CategoryEncoding, cells: str, numeric: Pile, plain: Pile, categories: Pile
) -> None:
    levels = [*encoding.levels]
    if levels:
        places = [*range(1, len(levels) + 1)]
        code = graph.apply("LabelEncoder", cells, keys_strings=levels, values_int64s=places, default_int64=0)  # (B, 1)
        if encoding.cardinality:
            frequencies = graph.constant(encoding.shares, np.float32)
            numeric.add(graph.apply("Gather", frequencies, code, axis=0), [(name, "frequency")])
            categories.add(code, [(name, "level")])
        elif len(levels) == 2:
            plain.add(graph.apply("Gather", graph.constant([0, -1, 1], np.float32), code, axis=0), [(name, "pair")])
        else:
            same = graph.apply("Equal", code, graph.constant(places, np.int64))
            plain.add(graph.cast(same, np.float32), _level_keys(name, encoding))
    if encoding.flagged:
        flag = graph.apply("LabelEncoder", cells, keys_strings=[""], values_int64s=[1], default_int64=0)
        plain.add(graph.cast(flag, np.float32), [(name, "missing")])


def _level_keys(name: str, encoding: CategoryEncoding) -> list[Key]:
    if encoding.cardinality or not encoding.levels:
        return []
    return [(name, "pair")] if len(encoding.levels) == 2 else [(name, f"is {level}") for level in encoding.levels]


def _texts(graph: Graph, name: str, encoding: TextEncoding, cells: tuple[str, str], numeric: Pile, plain: Pile) -> None:
    codes, counts = cells
    absent = graph.apply("IsNaN", counts)
    filled = graph.apply("Where", absent, graph.constant(0, np.float64), counts)
    logs = graph.apply("Log", graph.apply("Add", filled, graph.constant(1, np.float64)))
    centres, factors = (np.array([pair[place] for pair in (encoding.letters, encoding.words)]) for place in (0, 1))
    lengths, views = _text_keys(name, encoding)
    numeric.add(scaled(graph, logs, absent, centres, factors), lengths)
    flag = [graph.cast(_some(graph, absent, [0]), np.float32)] if encoding.flagged else []
    plain.add(graph.join([projected(graph, codes, encoding.projection), *flag], 1), views)


def _text_keys(name: str, encoding: TextEncoding) -> tuple[list[Key], list[Key]]:
    projected = [(name, f"projected {place}") for place in range(encoding.projection.axes.shape[1])]
    flag = [(name, "missing")] if encoding.flagged else []
    return [(name, "letters"), (name, "words")], [*projected, *flag]

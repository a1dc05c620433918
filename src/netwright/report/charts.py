"""Small charts as SVG text: no library, no script, colours by CSS classes so that they follow dark and light."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from unicodedata import east_asian_width

from markupsafe import Markup, escape

from netwright.report.axes import Axis
from netwright.report.numbers import number, shortened

WIDTH, HEIGHT = 560, 270
LEFT, RIGHT, TOP, BOTTOM = 66, 26, 14, 46  # room for the texts of the axes
FAINTEST, STRONGEST = 0.05, 0.55  # of the colour of a cell: on a stronger one no count can be read, dark or light
TURNED = 40  # degrees, that the names of columns are turned by
READABLE = 0.8  # pixels a unit: a heat map that would have to be smaller is scrolled

Point = tuple[float, float]
Placer = Callable[[float], float]


def steps_chart(
    points: Sequence[Point], x: Axis, y: Axis, title: str, guide: tuple[float, str] | None = None
) -> Markup:
    """Return a curve that holds each value until the next, to the end of the axis.

    Args:
        points: (x, y) of each step, in the order of x.
        x: the axis across.
        y: the axis up.
        title: read out by screen readers.
        guide: a value of y that is marked by a broken line, and its name.
    """
    corners: list[Point] = []
    for place, (at, value) in enumerate(points):
        corners += [(at, points[place - 1][1])] if place else []
        corners.append((at, value))
    corners += [(x.high, points[-1][1])] if points else []

    def draw(across: Placer, up: Placer) -> str:
        marked = _guide(*guide, up) if guide else ""
        return marked + _path(corners, across, up, "line") + _dots(points, across, up, "dot")

    return _frame(x, y, title, draw)


def lines_chart(curves: Sequence[Sequence[Point]], x: Axis, y: Axis, title: str) -> Markup:
    """Return several curves: the first on top and strong, the others thin."""

    def draw(across: Placer, up: Placer) -> str:
        thin = [_path(curve, across, up, "line faint") for curve in curves[1:]]
        return "".join([*thin, *(_path(curve, across, up, "line") for curve in curves[:1])])

    return _frame(x, y, title, draw)


def scatter_chart(points: Sequence[Point], x: Axis, y: Axis, title: str) -> Markup:
    """Return points, with the diagonal on which both axes agree."""
    return _frame(x, y, title, lambda across, up: _diagonal(x, y, across, up) + _dots(points, across, up, "dot soft"))


def reliability_chart(bins: Sequence[tuple[float, float, float]], x: Axis, y: Axis, title: str) -> Markup:
    """Return (said, came, rows) of each bin as discs whose area grows with the rows, with the diagonal."""
    most = max((rows for _, _, rows in bins), default=1.0)

    def draw(across: Placer, up: Placer) -> str:
        discs = []
        for said, came, rows in bins:
            if _finite(said, came, rows) and rows > 0:
                told = f"said {100 * said:.0f} %, came true {100 * came:.0f} %, {rows:,.0f} rows"
                discs.append(_dot(across(said), up(came), 2.5 + 7 * math.sqrt(rows / most), "dot", told))
        line = _path([(said, came) for said, came, _ in bins], across, up, "line faint")
        return "".join([_diagonal(x, y, across, up), line, *discs])

    return _frame(x, y, title, draw)


def discs_chart(discs: Sequence[tuple[float, float, float, str]], x: Axis, y: Axis, title: str) -> Markup:
    """Return (x, y, weight, name) as discs whose area grows with the weight, joined by a thin line."""
    most = max((weight for _, _, weight, _ in discs), default=1.0)

    def draw(across: Placer, up: Placer) -> str:
        line = _path([(a, b) for a, b, _, _ in discs], across, up, "line faint")
        drawn = [
            _dot(across(a), up(b), 2.5 + 9 * math.sqrt(weight / most), "dot", told)
            for a, b, weight, told in discs
            if _finite(a, b, weight) and weight > 0
        ]
        return "".join([line, *drawn])

    return _frame(x, y, title, draw)


def bars_chart(bars: Sequence[tuple[str, float]], title: str, written: Callable[[float], str] = number) -> Markup:
    """Return horizontal bars with their names, and their values as `written`; a value below zero has no bar."""
    most = max((value for _, value in bars if math.isfinite(value)), default=0.0)
    rows = []
    for place, (name, value) in enumerate(bars):
        y = 6 + place * 24
        length = max(0.0, value) / most * 270 if most > 0 and math.isfinite(value) else 0.0
        rows += [
            _text(176, y + 13, shortened(name, 21), "tick", "end"),
            f'<rect x="184" y="{y}" width="{max(1.0, length):.1f}" height="17" rx="2" class="bar"/>',
            _text(192 + length, y + 13, written(value), "tick", "start"),
        ]
    return _svg(WIDTH, 12 + 24 * len(bars), title, "".join(rows))


def heat_map(counts: Sequence[Sequence[int]], labels: Sequence[str], title: str) -> Markup:
    """Return a confusion matrix (K, K): true classes down, predicted ones across, shaded by their share of the row."""
    size = max(20, min(46, 460 // max(1, len(labels))))
    left, top, edge = 150, 26, size * len(labels)
    rows = [_heat_row(line, row, labels, left, top + row * size, size) for row, line in enumerate(counts)]
    names = []
    for column, name in enumerate(labels):
        x, y = left + (column + 0.6) * size, top + edge + 14
        turned = f'transform="rotate(-{TURNED} {x:.1f} {y})"'
        names.append(_text(x, y, shortened(name, 16), "tick", "end", turned))
    middle = top + edge / 2
    heads = [
        _text(left + edge / 2, 14, "predicted class", "title", "middle"),
        _text(12, middle, "true class", "title", "middle", f'transform="rotate(-90 12 {middle:.1f})"'),
    ]
    below = 24 + math.sin(math.radians(TURNED)) * max((_width(shortened(name, 16)) for name in labels), default=0.0)
    return _svg(max(left + edge + 14, 260), top + edge + below, title, "".join([*heads, *rows, *names]), READABLE)


def _width(words: str) -> float:
    """Return about how wide a tick is; letters of East Asian scripts are as wide as they are high."""
    return sum(12.0 if east_asian_width(letter) in "WF" else 7.0 for letter in words)


def _heat_row(line: Sequence[int], row: int, labels: Sequence[str], left: int, y: int, size: int) -> str:
    """Return the cells of one true class, with their counts where these can be read."""
    parts = [_text(left - 8, y + size / 2 + 4, shortened(labels[row], 16), "tick", "end")]
    total = max(1, sum(line))
    for column, value in enumerate(line):
        share, x = value / total, left + column * size
        told = f"{shortened(labels[row], 40)} taken for {shortened(labels[column], 40)}: {value:,}"
        parts.append(
            f'<rect x="{x}" y="{y}" width="{size - 1}" height="{size - 1}" class="cell" '
            f'style="fill-opacity:{FAINTEST + (STRONGEST - FAINTEST) * share:.2f}"><title>{escape(told)}</title></rect>'
        )
        if value and len(f"{value:,}") * 6 < size:
            parts.append(_text(x + (size - 1) / 2, y + size / 2 + 4, f"{value:,}", "count", "middle"))
    return "".join(parts)


def _frame(x: Axis, y: Axis, title: str, draw: Callable[[Placer, Placer], str]) -> Markup:
    """Return a chart with axes, ticks and titles around what is drawn."""

    def across(value: float) -> float:
        return LEFT + x.share(value) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - y.share(value) * (HEIGHT - BOTTOM - TOP)

    parts, end, floor = [], WIDTH - RIGHT, HEIGHT - BOTTOM
    for tick in y.ticks():
        parts.append(f'<line x1="{LEFT}" x2="{end}" y1="{up(tick):.1f}" y2="{up(tick):.1f}" class="grid"/>')
        parts.append(_text(LEFT - 7, up(tick) + 4, y.written(tick), "tick", "end"))
    for tick in x.ticks():
        parts.append(
            f'<line x1="{across(tick):.1f}" x2="{across(tick):.1f}" y1="{floor}" y2="{floor + 4}" class="grid"/>'
        )
        parts.append(_text(across(tick), floor + 18, x.written(tick), "tick", "middle"))
    parts.append(f'<line x1="{LEFT}" x2="{end}" y1="{floor}" y2="{floor}" class="axis"/>')
    middle = (TOP + floor) / 2
    parts.append(_text((LEFT + end) / 2, HEIGHT - 8, x.title, "title", "middle"))
    parts.append(_text(13, middle, y.title, "title", "middle", f'transform="rotate(-90 13 {middle})"'))
    return _svg(WIDTH, HEIGHT, title, "".join(parts) + draw(across, up))


def _diagonal(x: Axis, y: Axis, across: Placer, up: Placer) -> str:
    low, high = max(x.low, y.low), min(x.high, y.high)
    return _path([(low, low), (high, high)], across, up, "guide")


def _guide(value: float, name: str, up: Placer) -> str:
    if not math.isfinite(value):
        return ""
    height = up(value)
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}" class="guide"/>'
    return line + _text(LEFT + 6, height - 5 if height > 40 else height + 14, name, "title", "start")


def _path(points: Iterable[Point], across: Placer, up: Placer, style: str) -> str:
    places = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in points if _finite(a, b))
    return f'<polyline points="{places}" class="{style}"/>'


def _dots(points: Iterable[Point], across: Placer, up: Placer, style: str) -> str:
    return "".join(_dot(across(a), up(b), 2.6, style) for a, b in points if _finite(a, b))


def _dot(x: float, y: float, radius: float, style: str, told: str = "") -> str:
    shown = f"<title>{escape(told)}</title>" if told else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="{style}">{shown}</circle>'


def _finite(*values: float) -> bool:
    return all(math.isfinite(value) for value in values)


def _text(x: float, y: float, words: str, style: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}" {more}>{escape(words)}</text>'


def _svg(width: float, height: float, title: str, body: str, least: float = 0.0) -> Markup:
    """Return a picture that is drawn a quarter larger than its units at most, and so many times as large at least."""
    sizes = f"max-width:{1.25 * width:.0f}px" + (f";min-width:{least * width:.0f}px" if least else "")
    head = f'viewBox="0 0 {width:.0f} {height:.0f}" style="{sizes}" role="img"'
    # Every text in the body was escaped where it was put in.
    return Markup(f'<svg {head} aria-label="{escape(title)}">{body}</svg>')  # noqa: S704

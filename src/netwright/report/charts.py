"""Small charts as SVG text: no library, no script, colours by CSS classes so that they follow dark and light."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from netwright.report.numbers import number

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 44

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """One axis: its range, whether it is logarithmic, and its title."""

    low: float
    high: float
    title: str
    log: bool = False

    def place(self, value: float, start: float, end: float) -> float:
        """Return where a value lies between two pixels."""
        low, high, value = (math.log(max(x, 1e-12)) if self.log else x for x in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return start + min(1.0, max(0.0, share)) * (end - start)

    def ticks(self) -> list[float]:
        """Return some five round values."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            return [v for p in powers for m in (1, 2, 5) if self.low <= (v := m * 10.0**p) <= self.high]
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        step = 10.0 ** math.floor(math.log10(span / 4))
        step *= next(m for m in (1, 2, 5, 10) if span / (step * m) <= 6)
        first = math.ceil(self.low / step)
        return [round(i * step, 12) for i in range(first, math.floor(self.high / step) + 1)]


def axis_of(values: Sequence[float], title: str, *, log: bool = False) -> Axis:
    """Return an axis that holds all values with a little room."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if log:
        return Axis(low, max(high, low * 1.5), title, log=True)
    room = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
    return Axis(low - room, high + room, title)


def steps_chart(points: Sequence[Point], x: Axis, y: Axis, title: str) -> Markup:
    """Return a curve that holds each value until the next."""
    corners = [corner for i, (a, b) in enumerate(points) for corner in ([(a, points[i - 1][1])] if i else []) + [(a, b)]]
    corners.append((x.high, points[-1][1])) if points else None
    return _frame(x, y, title, lambda px, py: _path(corners, px, py, "line") + _dots(points, px, py))


def lines_chart(curves: Sequence[Sequence[Point]], x: Axis, y: Axis, title: str) -> Markup:
    """Return several thin curves, the first drawn last and strongest."""
    return _frame(
        x,
        y,
        title,
        lambda px, py: "".join(
            _path(curve, px, py, "line" if place == 0 else "line faint") for place, curve in reversed(list(enumerate(curves)))
        ),
    )


def scatter_chart(points: Sequence[Point], x: Axis, y: Axis, title: str) -> Markup:
    """Return points, with the diagonal on which both axes agree."""
    low, high = max(x.low, y.low), min(x.high, y.high)
    return _frame(
        x, y, title, lambda px, py: _path([(low, low), (high, high)], px, py, "line guide") + _dots(points, px, py)
    )


def bars_chart(bars: Sequence[tuple[str, float]], title: str) -> Markup:
    """Return horizontal bars with their names and values."""
    most = max((value for _, value in bars), default=1.0) or 1.0
    rows = []
    for place, (name, value) in enumerate(bars):
        y, length = 8 + place * 24, max(0.0, value) / most * 360
        short = name if len(name) <= 24 else name[:23] + "…"
        rows.append(
            f'<text x="190" y="{y + 13}" class="tick" text-anchor="end">{escape(short)}</text>'
            f'<rect x="198" y="{y}" width="{length:.1f}" height="17" class="bar"/>'
            f'<text x="{204 + length:.1f}" y="{y + 13}" class="tick">{number(value)}</text>'
        )
    return _svg(WIDTH, 16 + 24 * len(bars), title, "".join(rows))


def heat_map(counts: Sequence[Sequence[int]], labels: Sequence[str], title: str) -> Markup:
    """Return a confusion matrix: true classes down, predicted across, shaded by their share of the row."""
    size = max(18, min(44, 480 // max(1, len(labels))))
    left, top = 120, 30
    parts = [f'<text x="{left}" y="14" class="title">predicted →   (true class at the left)</text>']
    for row, (name, line) in enumerate(zip(labels, counts, strict=True)):
        y = top + row * size
        short = name if len(name) <= 14 else name[:13] + "…"
        parts.append(f'<text x="{left - 6}" y="{y + size / 2 + 4}" class="tick" text-anchor="end">{escape(short)}</text>')
        for column, value in enumerate(line):
            share, x = value / max(1, sum(line)), left + column * size
            parts.append(
                f'<rect x="{x}" y="{y}" width="{size - 1}" height="{size - 1}" class="cell" style="fill-opacity:{0.04 + 0.9 * share:.2f}">'
                f"<title>{escape(name)} → {escape(labels[column])}: {value:,}</title></rect>"
            )
            if size >= 28 and value:
                tone = "strong" if share > 0.5 else "tick"
                parts.append(
                    f'<text x="{x + size / 2}" y="{y + size / 2 + 4}" class="{tone}" text-anchor="middle">{value:,}</text>'
                )
    for column, name in enumerate(labels):
        x, y = left + column * size + size / 2, top + len(labels) * size + 12
        short = name if len(name) <= 14 else name[:13] + "…"
        parts.append(
            f'<text x="{x}" y="{y}" class="tick" text-anchor="end" transform="rotate(-35 {x} {y})">{escape(short)}</text>'
        )
    return _svg(left + len(labels) * size + 16, top + len(labels) * size + 84, title, "".join(parts))


Placer = Callable[[float], float]


def _frame(x: Axis, y: Axis, title: str, draw: Callable[[Placer, Placer], str]) -> Markup:
    """Return a chart with axes, ticks and titles around what is drawn."""

    def across(value: float) -> float:
        return x.place(value, LEFT, WIDTH - RIGHT)

    def up(value: float) -> float:
        return y.place(value, HEIGHT - BOTTOM, TOP)

    parts = []
    for tick in y.ticks():
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(tick):.1f}" y2="{up(tick):.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{up(tick) + 4:.1f}" class="tick" text-anchor="end">{_tick(tick)}</text>')
    for tick in x.ticks():
        parts.append(f'<text x="{across(tick):.1f}" y="{HEIGHT - BOTTOM + 18}" class="tick" text-anchor="middle">{_tick(tick)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" class="title" text-anchor="middle">{escape(x.title)}</text>')
    parts.append(
        f'<text x="12" y="{middle}" class="title" text-anchor="middle" transform="rotate(-90 12 {middle})">{escape(y.title)}</text>'
    )
    return _svg(WIDTH, HEIGHT, title, "".join(parts) + draw(across, up))


def _tick(value: float) -> str:
    return f"{value:,.6g}"


def _path(points: Sequence[Point], across: Placer, up: Placer, style: str) -> str:
    places = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in points if math.isfinite(a) and math.isfinite(b))
    return f'<polyline points="{places}" class="{style}"/>'


def _dots(points: Sequence[Point], across: Placer, up: Placer) -> str:
    return "".join(
        f'<circle cx="{across(a):.1f}" cy="{up(b):.1f}" r="3" class="dot"/>'
        for a, b in points
        if math.isfinite(a) and math.isfinite(b)
    )


def _svg(width: float, height: float, title: str, body: str) -> Markup:
    return Markup(  # every text in the body was escaped where it was put in
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">{body}</svg>'
    )

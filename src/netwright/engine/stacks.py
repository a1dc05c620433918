"""What trials one stack is made of: those of a shape, or the heir of a finished one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from netwright.engine.bench import Bench, Trial
from netwright.engine.course import Course
from netwright.search.desk import Ticket
from netwright.spec.costs import network_cost
from netwright.spec.network import Candidate, learns_from_trunk
from netwright.spec.spaces import Point, Range, mutate

SMALL_STEP = 200e6  # operations of a step below which its overhead outweighs them: train several trials as one
MOST_SIBLINGS = 4
MOST_STACKED = 4_000_000  # parameters of a stack of several trials, whose optimiser takes nine times their memory
TOO_SHORT = 0.25  # of the time that a training needs: with less left, it goes on from a finished one
MUCH_TOO_SHORT = 0.1  # with less than that, from the only one of its kind that has finished, or one of another kind
HOPELESSLY_SHORT = 0.03  # with less than that, so is one that was gone on from before
FEWEST_PARENTS = 2  # of its kind, before one is gone on from else: an early weak one is worse than a better design
HEIR = "heir"  # where the proposal of one that goes on comes from
HEIR_RATE = 0.5  # of the parent's learning rate, for a trial that goes on from trained weights
PARENTS = 3  # of the best trials, that others go on from


def siblings(bench: Bench, point: Point) -> int:
    """Return how many trials of the point's shape make a step that is worth its overhead."""
    if point in bench.quick_points:
        return 1
    candidate = bench.task.candidate(point, bench.preparation)
    if candidate.recipe.optimiser == "muon":
        return 1  # it moves no networks of several recipes
    rows = min(candidate.recipe.batch_size, len(bench.loaded.truth))
    step = 3 * network_cost(candidate.network).flops * rows * len(bench.splits)
    numbers = network_cost(candidate.network).parameters * len(bench.splits)
    room = bench.framework.stacked
    return max(1, min(room * MOST_SIBLINGS, int(room * SMALL_STEP / step), int(room * MOST_STACKED / numbers)))


def heir_of(
    bench: Bench,
    tickets: Sequence[Ticket],
    trials: Sequence[Trial],
    left: float,
    course: Course,
    gone_on: int = 0,
    *,
    last: bool = False,
) -> tuple[Trial, Point] | None:
    """Return a trial to go on from and how, where too little time is left for a training from the beginning.

    Not again and again, where small networks have finished early: then a larger one that is cut brings the mix more.

    A network that is trained on for a few passes, with another recipe and a step size that rises and falls once more,
    is a new member of the mix for little time (snapshot ensembles: Huang et al. 2017, arXiv 1704.00109). Of the recipe
    only numbers change: few passes do not suffice to learn what images look like when they are mirrored too.

    Args:
        bench: what trials share.
        tickets: what would be trained.
        trials: the finished ones, best first.
        left: seconds.
        course: what trainings take.
        gone_on: how often one was gone on from before.
        last: whether there is no time for these trials at all: then one parent is enough, if need be a first one.
    """
    quick = bench.quick_points
    parents = [trial for trial in trials[:PARENTS] if trial.ticket.proposal.point not in quick]
    parents = parents or [*trials[: PARENTS if last else 0]]
    if not parents or any(ticket.proposal.point in quick for ticket in tickets):
        return None
    candidates = [bench.task.candidate(ticket.proposal.point, bench.preparation) for ticket in tickets]
    like = [one for one in parents if learns_from_trunk(one.candidate) == learns_from_trunk(candidates[0])]
    designs = sum(one.ticket.proposal.origin != HEIR and one.ticket.proposal.point not in quick for one in trials)
    share = TOO_SHORT if last else _too_short(len(like), again=gone_on >= designs)
    if left - course.until_ready(bench, candidates) > share * course.need(bench, candidates):
        return None
    parents = like or parents
    parent = parents[tickets[0].number % len(parents)]
    generator = np.random.default_rng((bench.seed, tickets[0].number))
    numbers = {name: one for name, one in bench.space.items() if isinstance(one, Range)}
    return parent, mutate(numbers, parent.ticket.proposal.point, generator, stackable_only=True)


def _too_short(parents: int, *, again: bool) -> float:
    """Return the share of the time it needs up to which a training is too short, beside going on from a finished one.

    Args:
        parents: of its kind, that could be gone on from.
        again: whether each finished one has been, on average.
    """
    if again:
        return HOPELESSLY_SHORT
    return TOO_SHORT if parents >= FEWEST_PARENTS else MUCH_TOO_SHORT


def candidate_of(bench: Bench, point: Point, *, inherits: bool = False) -> Candidate:
    """Return the network and recipe of a point; gentler where the network goes on from trained weights."""
    candidate = bench.task.candidate(point, bench.preparation)
    if not inherits:
        return candidate
    gentler = replace(candidate.recipe, learning_rate=HEIR_RATE * candidate.recipe.learning_rate)
    return replace(candidate, recipe=gentler)

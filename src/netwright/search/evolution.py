"""Mutations of the best.

After the portfolio each proposal is a mutation of one of the `PARENTS` best points so far (a (μ + 1) evolution
strategy, Rechenberg 1973; mutation alone, as in Real et al. 2019, arXiv 1802.01548), or, one time in `RANDOM_EVERY`, a
random point.
"""

from __future__ import annotations

import numpy as np

from netwright.search import state as shared
from netwright.search.random import drawn
from netwright.search.sampler import Proposal, Sampler, Siblings
from netwright.search.state import Source, State, init, mutated, recall, tell
from netwright.spec.spaces import mutate

PARENTS = 4  # few, since runs are short; more than one, so that the mix keeps different members
RANDOM_EVERY = 5


def ask(state: State, siblings: Siblings) -> tuple[tuple[Proposal, ...], State]:
    """Return points to train together, and the new state."""
    return shared.ask(state, siblings, SOURCE)


def child(state: State, generator: np.random.Generator) -> Proposal:
    """Return a mutation of one of the best points, all of them equally likely. Something must have been told."""
    best = sorted(state.told, key=lambda entry: entry[1])[:PARENTS]
    parent, _ = best[int(generator.integers(len(best)))]
    return Proposal(mutate(state.space, parent, generator), "mutation")


def _propose(state: State, generator: np.random.Generator) -> Proposal:
    if not state.told or state.asked % RANDOM_EVERY == 0:
        return drawn(state, generator)
    return child(state, generator)


SOURCE = Source(_propose, mutated)
SAMPLER = Sampler("evolution", init, ask, tell, recall)

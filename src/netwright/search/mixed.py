"""Several ways in turn: the model, mutations of the best, and now and then a random point.

The model knows what is good in general, mutations follow the best points closely, and random points keep both from
settling too early. Ways that differ help each other out, as acquisition functions do in a portfolio (Hoffman, Brochu
and De Freitas 2011, arXiv 1009.5419) and optimisers in an ensemble (Liu, Tunguz and Titericz 2020, arXiv 2012.04201).
"""

from __future__ import annotations

import numpy as np

from netwright.search import state as shared
from netwright.search.evolution import child
from netwright.search.random import drawn
from netwright.search.sampler import Proposal, Sampler, Siblings
from netwright.search.state import Source, State, init, mutated, recall, tell
from netwright.search.tpe import NEEDS, STARTUP, modelled

RANDOM_EVERY = 8  # the portfolio has seen to variety already


def ask(state: State, siblings: Siblings) -> tuple[tuple[Proposal, ...], State]:
    """Return points to train together, and the new state."""
    return shared.ask(state, siblings, SOURCE)


def _propose(state: State, generator: np.random.Generator) -> Proposal:
    if not state.told or state.asked % RANDOM_EVERY == 0:
        return drawn(state, generator)
    if state.asked % 2 and len(state.told) >= STARTUP:
        return modelled(state, generator)
    return child(state, generator)


SOURCE = Source(_propose, mutated)
SAMPLER = Sampler("mixed", init, ask, tell, recall, needs=NEEDS)

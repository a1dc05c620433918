"""Random search: the control that every other way has to beat.

Points are drawn evenly and independently from the space (Bergstra and Bengio 2012, JMLR 13:281); what is told has no
influence. A run does not begin with the portfolio, which is knowledge about what is good, but with the two small
networks that every run begins with, since without them there would be no usable model early.
"""

from __future__ import annotations

import numpy as np

from netwright.search import state as shared
from netwright.search.sampler import Proposal, Sampler, Siblings
from netwright.search.state import Source, State, init, recall, tell
from netwright.spec.spaces import Point, sample


def ask(state: State, siblings: Siblings) -> tuple[tuple[Proposal, ...], State]:
    """Return points to train together, and the new state."""
    return shared.ask(state, siblings, SOURCE)


def drawn(state: State, generator: np.random.Generator) -> Proposal:
    """Return a point drawn evenly from the space."""
    return Proposal(sample(state.space, generator), "random")


def _redrawn(state: State, point: Point, generator: np.random.Generator) -> Proposal:
    free = {name: dimension for name, dimension in state.space.items() if dimension.stackable}
    return Proposal({**point, **sample(free, generator)}, "random")


SOURCE = Source(drawn, _redrawn)
SAMPLER = Sampler("random", init, ask, tell, recall, portfolio=False)

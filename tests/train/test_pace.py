"""What trainings cost is learnt from those before."""

from __future__ import annotations

from netwright.spec.blocks import Dense, Head, Identity, TableInput
from netwright.spec.network import Candidate, Network, Recipe
from netwright.train.pace import Pace


def _candidate(width: int) -> Candidate:
    return Candidate(Network((TableInput(4, 0, (), Identity()), Dense(width), Head(2))), Recipe(batch_size=100))


def test_a_pace_repeats_what_it_was_told_and_scales_it() -> None:
    """The figure told comes back; twice the epochs take twice as long; a wider network takes longer."""
    pace = Pace()
    pace.learn(_candidate(64), 1_000, 4, 10, seconds=7.0)
    assert abs(pace.seconds(_candidate(64), 1_000, 4, 10) - 7.0) < 1e-9
    assert abs(pace.seconds(_candidate(64), 1_000, 4, 20) - 14.0) < 1e-9
    assert pace.seconds(_candidate(2_048), 1_000, 4, 10) > 7.0


def test_a_pace_follows_a_machine_that_slows_down() -> None:
    """Half of the old figure is kept each time, in its logarithm; trainings that did nothing teach nothing."""
    pace = Pace()
    for seconds in (1.0, 4.0):
        pace.learn(_candidate(64), 1_000, 4, 10, seconds)
    pace.learn(_candidate(64), 1_000, 4, 0, 9.0)
    assert abs(pace.seconds(_candidate(64), 1_000, 4, 10) - 2.0) < 1e-9

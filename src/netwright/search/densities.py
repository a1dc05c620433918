"""Optuna's estimator, asked about plain numbers. The only file that imports Optuna, which takes a fifth of a second."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from optuna import load_study, logging
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

CANDIDATES = 24  # points drawn from the density of the good ones, for one proposal (Optuna's default)
EPOCH = datetime(2000, 1, 1)  # Optuna wants to know when a trial took place

Numbers = Mapping[str, int | float]


def suggest(sizes: Mapping[str, int], known: Sequence[tuple[Numbers, float | None]], seed: int) -> Numbers:
    """Return what Optuna's TPE proposes. Nothing is kept: the same question has the same answer.

    Args:
        sizes: dimension → how many values it has, or 0 for a number from 0 to 1.
        known: points and their losses, lower is better, None while in training; a value is a number below its size, or
            from 0 to 1.
        seed: of the proposal.
    """
    kinds = _distributions(sizes)
    with _quietly():
        storage = InMemoryStorage()
        study = storage.create_new_study([StudyDirection.MINIMIZE], "search")
        for point, loss in known:
            storage.create_new_trial(study, _trial(kinds, point, loss))
        sampler = _sampler(seed)
        asking = storage.get_trial(storage.create_new_trial(study))
        return sampler.sample_relative(load_study(study_name="search", storage=storage, sampler=sampler), asking, kinds)


def _sampler(seed: int) -> TPESampler:
    """Return Optuna's sampler: what differs between its releases is said, what they deprecate is not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # Optuna 4 calls the two that are true so
        return TPESampler(
            n_startup_trials=0,
            n_ei_candidates=CANDIDATES,
            seed=seed,
            multivariate=True,
            group=False,
            constant_liar=True,
        )


def _distributions(sizes: Mapping[str, int]) -> dict[str, BaseDistribution]:
    """Return the dimensions in Optuna's terms, equal ones as one object: it copies every object for every trial."""
    made: dict[int, BaseDistribution] = {0: FloatDistribution(0.0, 1.0)}
    made |= {size: CategoricalDistribution(tuple(range(size))) for size in {*sizes.values()} - {0}}
    return {name: made[size] for name, size in sizes.items()}


def _trial(kinds: dict[str, BaseDistribution], point: Numbers, loss: float | None) -> FrozenTrial:
    return FrozenTrial(
        number=-1,  # this and the next are given by the storage
        trial_id=-1,
        state=TrialState.RUNNING if loss is None else TrialState.COMPLETE,
        value=loss,
        datetime_start=EPOCH,
        datetime_complete=None if loss is None else EPOCH,
        params=dict(point),
        distributions=kinds,
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep Optuna from telling the user's screen of a study; its own users' setting comes back afterwards."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)

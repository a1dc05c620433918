"""Early stopping that does not fool itself: each fold's network is kept from where the other folds did best.

A network without others is kept from where it did best itself, which flatters it a little: docs/why/honest-estimate.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass
class Best:
    """For each network how things stood at the check where the other folds of its trial did best, or it alone.

    Attributes:
        folds: S networks of one trial.
        criterion: (M,) the mean loss of the other folds at that check; its own where there are none.
        losses: (M,) the network's own loss there.
        since: (M,) checks since the last improvement.
    """

    folds: int
    criterion: NDArray[np.float32]
    losses: NDArray[np.float32]
    since: NDArray[np.int64]

    @staticmethod
    def empty(networks: int, folds: int) -> Best:
        """Return the state before the first check."""
        infinite = np.full(networks, np.inf, np.float32)
        return Best(folds, infinite, infinite.copy(), np.zeros(networks, np.int64))

    def check(self, losses: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Take down a check; return which networks (M,) are better than what is kept of them.

        Args:
            losses: (M,) validation losses now; infinite where training diverged.
        """
        by_trial = losses.reshape(-1, self.folds)  # (T, S)
        criterion = _of_others(by_trial).flatten() if self.folds > 1 else losses
        better = criterion < self.criterion
        self.criterion = np.where(better, criterion, self.criterion)
        self.losses = np.where(better, losses, self.losses)
        self.since = np.where(better, 0, self.since + 1)
        return better

    def forget(self, networks: slice) -> None:
        """Begin anew for some networks, which others have taken the place of."""
        self.criterion[networks] = np.inf
        self.losses[networks] = np.inf
        self.since[networks] = 0

    def by_trial(self) -> tuple[float, ...]:
        """Return the loss of each trial (T,), the mean over its folds."""
        return tuple(self.losses.reshape(-1, self.folds).mean(axis=1).tolist())


def _of_others(losses: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean loss (T, S) of the other folds; where one is not a number, so are the sums."""
    with np.errstate(invalid="ignore"):  # infinite less infinite
        return np.asarray((losses.sum(axis=1, keepdims=True) - losses) / (losses.shape[1] - 1))

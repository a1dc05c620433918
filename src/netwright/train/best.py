"""Early stopping that does not fool itself: each fold's network is kept from where the other folds did best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Best:
    """For each network the weights at the check where the other folds of its trial did best.

    Attributes:
        folds: S networks of one trial.
        criterion: (M,) the mean loss of the other folds at that check.
        losses: (M,) the network's own loss there.
        weights: tensors (M, ...) by name.
        since: (M,) checks since the last improvement.
    """

    folds: int
    criterion: Tensor
    losses: Tensor
    weights: dict[str, Tensor]
    since: Tensor

    @staticmethod
    def empty(weights: Mapping[str, Tensor], networks: int, folds: int) -> Best:
        """Return the state before the first check."""
        infinite = torch.full((networks,), torch.inf)
        copies = {name: tensor.detach().clone() for name, tensor in weights.items()}
        return Best(folds, infinite, infinite.clone(), copies, torch.zeros(networks, dtype=torch.int64))

    def check(self, weights: Mapping[str, Tensor], losses: Tensor, *, final: bool) -> Tensor:
        """Keep what is better; return which networks (M,) that are.

        Args:
            weights: tensors (M, ...) as they are now.
            losses: (M,) validation losses now; infinite where training diverged.
            final: the last check of all, which counts in any case where there is one fold alone.
        """
        by_trial = losses.view(-1, self.folds)  # (T, S)
        if self.folds > 1:
            criterion = ((by_trial.sum(dim=1, keepdim=True) - by_trial) / (self.folds - 1)).flatten()
        else:
            criterion = losses if final else torch.full_like(losses, torch.inf)
        better = criterion < self.criterion
        self.criterion = torch.where(better, criterion, self.criterion)
        self.losses = torch.where(better, losses, self.losses)
        for name, tensor in weights.items():
            self.weights[name][better] = tensor.detach()[better]
        self.since = torch.where(better, 0, self.since + (self.folds > 1))
        return better

    def forget(self, networks: slice) -> None:
        """Begin anew for some networks, which others have taken the place of."""
        self.criterion[networks] = torch.inf
        self.losses[networks] = torch.inf
        self.since[networks] = 0

    def by_trial(self) -> tuple[float, ...]:
        """Return the loss of each trial (T,), the mean over its folds."""
        return tuple(self.losses.view(-1, self.folds).mean(dim=1).tolist())

"""What training minimises and how outputs become predictions, by the name that a task gives.

Letters in shapes: M network of the stack, E member that shares weights, B row, K output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Loss:
    """A loss and the prediction that goes with it.

    Attributes:
        training: (outputs (M, E, B, K), targets (M, B), smoothing (M,)) → (M,), averaged over members and rows. The
            targets of a soft loss are chances (M, B, K), and are not smoothed further.
        decode: outputs (M, E, B, K) → predictions (M, B, K) averaged over members; probabilities for classes.
        validation: (predictions (M, B, K), targets (M, B)) → (M, B), the loss of each row.
    """

    training: Callable[[Tensor, Tensor, Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]
    validation: Callable[[Tensor, Tensor], Tensor]


def _cross_entropy(outputs: Tensor, targets: Tensor, smoothing: Tensor) -> Tensor:
    logs = functional.log_softmax(outputs, dim=3)
    true = _of_class(logs, targets[:, None].expand(outputs.shape[:3]))  # (M, E, B)
    smooth = smoothing[:, None, None]
    return -((1 - smooth) * true + smooth * logs.mean(dim=3)).mean(dim=(1, 2))


def wanted_chances(targets: Tensor, classes: int, smoothing: Tensor) -> Tensor:
    """Return the chances (M, B, K) that networks are to come to, by classes (M, B) or chances (M, B, K).

    Of a class a share (M,) is spread over all of them; chances are not smoothed further.
    """
    if targets.is_floating_point():
        return targets
    smooth = smoothing[:, None, None].expand(*targets.shape, 1)
    spread = (smooth / classes).expand(-1, -1, classes)
    return spread.scatter_add(2, targets.unsqueeze(2), 1 - smooth)


def _class_probabilities(outputs: Tensor) -> Tensor:
    return functional.softmax(outputs, dim=3).mean(dim=1)


def _negative_log(probabilities: Tensor, targets: Tensor) -> Tensor:
    return -_of_class(probabilities, targets).clamp_min(1e-7).log()


def _of_class(values: Tensor, targets: Tensor) -> Tensor:
    """(…, K) and the class of each (…) → its value (…)."""
    return values.gather(-1, targets.unsqueeze(-1)).squeeze(-1)


def _soft_cross_entropy(outputs: Tensor, targets: Tensor, smoothing: Tensor) -> Tensor:
    logs = functional.log_softmax(outputs, dim=3)
    return -(targets[:, None] * logs).sum(dim=3).mean(dim=(1, 2))


def _negative_log_of_chances(probabilities: Tensor, targets: Tensor) -> Tensor:
    return -(targets * probabilities.clamp_min(1e-7).log()).sum(dim=2)


def _squared_error(outputs: Tensor, targets: Tensor, smoothing: Tensor) -> Tensor:
    return functional.mse_loss(outputs.squeeze(3), targets[:, None].expand(outputs.shape[:3]), reduction="none").mean(
        dim=(1, 2)
    )


def _mean_of_members(outputs: Tensor) -> Tensor:
    return outputs.mean(dim=1)


def _squared(values: Tensor, targets: Tensor) -> Tensor:
    return torch.square(values.squeeze(2) - targets)


LOSSES: Mapping[str, Loss] = {
    "cross_entropy": Loss(_cross_entropy, _class_probabilities, _negative_log),
    "soft_cross_entropy": Loss(_soft_cross_entropy, _class_probabilities, _negative_log_of_chances),
    "squared_error": Loss(_squared_error, _mean_of_members, _squared),
}

"""Weights averaged over the steps of a training: what predicts is calmer than what learns."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass
class Average:
    """An exponential moving average of parameters (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, 1703.01780).

    It reaches back over a share of the schedule and not over a number of steps, since how many steps there will be is
    seen only while the time runs. Before so much has gone, all steps count alike.

    Attributes:
        span: the share of the schedule over which the weight of a step falls to 1/e.
        parameters: (M · P,) the average.
        progress: the share of the schedule that had gone at the last step.
    """

    span: float
    parameters: Tensor
    progress: float = 0.0

    def add(self, parameters: Tensor, progress: float) -> None:
        """Let the parameters (M · P,) after another step count, when this share of the schedule has gone."""
        gone = progress - self.progress
        if gone > 0:
            self.parameters.lerp_(parameters, gone / max(gone, min(self.span, progress)))
            self.progress = progress

"""What networks are to learn of a target: class numbers, or a number made small and even, and back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError

from netwright.data.schema import Outcome, Target
from netwright.errors import SpecError


@dataclass(frozen=True)
class Scale:
    """How a number to predict is made small and even for training, and back.

    Attributes:
        shift, scale: standardisation, (y - shift) / scale.
        low, high: the range of the training targets; predictions are kept inside it.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    shift: float
    scale: float
    low: float
    high: float

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return values (N,) as the network learns them."""
        return ((values - self.shift) / self.scale).astype(np.float32)

    def invert(self, outputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return outputs (N,) in the unit of the target."""
        return np.clip(outputs.astype(np.float64) * self.scale + self.shift, self.low, self.high)


_SCALE: TypeAdapter[Scale | None] = TypeAdapter(Scale | None)


@dataclass(frozen=True)
class Goal:
    """What networks are to learn, and how their outputs become answers.

    Attributes:
        target: the column to predict.
        scale: of a number; None for classes.
    """

    target: Target
    scale: Scale | None

    @staticmethod
    def fit(target: Target, truth: NDArray[Any]) -> Goal:
        """Return the goal for known class numbers or values (N,)."""
        if target.outcome != Outcome.REGRESSION:
            return Goal(target, None)
        scale = Scale(float(truth.mean()), float(truth.std()) or 1.0, float(truth.min()), float(truth.max()))
        return Goal(target, scale)

    @staticmethod
    def restore(target: Target, document: Any) -> Goal:
        """Return the goal that a document of a bundle describes.

        Raises:
            SpecError: if it describes none that fits the target.
        """
        try:
            scale = _SCALE.validate_json(json.dumps(document))
        except ValidationError as error:
            raise SpecError("the scale of the target is not four finite numbers") from error
        if (scale is None) != bool(target.labels):
            raise SpecError("a number to predict has a scale, and a class has none")
        return Goal(target, scale)

    def to_json(self) -> dict[str, Any] | None:
        """Return the scale as plain JSON values; the target stands in the schema."""
        return asdict(self.scale) if self.scale else None

    @property
    def outputs(self) -> int:
        """Return the number of network outputs K."""
        return max(1, len(self.target.labels))

    @property
    def loss(self) -> str:
        """Return the name of the loss, one of `train.losses.LOSSES`."""
        return "squared_error" if self.scale else "cross_entropy"

    def targets(self, truth: NDArray[Any]) -> NDArray[np.float32] | NDArray[np.int64]:
        """Return the targets (N,) as networks learn them, from class numbers or values."""
        return self.scale.apply(truth) if self.scale else truth.astype(np.int64)

    def decode(self, predictions: NDArray[np.float32]) -> NDArray[Any]:
        """Return probabilities (N, K), or values (N,) in the unit of the target, from predictions (N, K)."""
        return self.scale.invert(predictions[:, 0]) if self.scale else predictions

"""What the networks of each fold predict alone, in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.features import Features
from netwright.data.size import Size
from netwright.inference.graphs import graph_of_folds, rows_together
from netwright.inference.session import Session, start
from netwright.inference.share import Share
from netwright.spec.network import Network

MOST = 64  # stacks that are kept ready; more than that no mix was chosen of

Weights = Mapping[str, NDArray[Any]]


@dataclass
class Sessions:
    """Stacks of networks that are ready to predict: to make one so takes longer than to ask it."""

    _ready: dict[int, tuple[Weights, Session]] = field(default_factory=dict)

    def predict(self, network: Network, weights: Weights, features: Features, loss: str) -> NDArray[np.float32]:
        """Return predictions (S, N, K) of every network of a stack for the same rows.

        Args:
            network: their shape.
            weights: tensors (S, ...) by name; who asks again with the same ones need not wait for them to be laid out.
            features: N rows.
            loss: the name of the loss they were trained with, which says how outputs become predictions.
        """
        if not len(features):
            return np.zeros((len(next(iter(weights.values()))), 0, network.outputs), np.float32)
        known, session = self._ready.get(id(weights), (None, None))
        if known is not weights or session is None:
            session = _ready(network, weights, features, loss)
            while len(self._ready) >= MOST:
                del self._ready[next(iter(self._ready))]  # the oldest
            self._ready[id(weights)] = (weights, session)  # while they are held, nothing else has their id
        found: NDArray[np.float32] = np.moveaxis(session.run(features.arrays), 1, 0)  # from (N, S, K)
        return found


def _ready(network: Network, weights: Weights, features: Features, loss: str) -> Session:
    part = Share(network, weights, 1.0)
    images = features.arrays.get("images")
    size = None if images is None else Size(*images.shape[1:])
    return start(graph_of_folds(part, size, classes=loss != "squared_error"), rows_together((part,)))

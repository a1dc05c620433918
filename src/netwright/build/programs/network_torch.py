"""Answers features with a program of PyTorch. It needs torch."""

from collections.abc import Callable

import numpy as np
import torch

Features = dict[str, np.ndarray]


def load(path: str) -> Callable[[Features], np.ndarray]:
    """Return what gives the answers of N rows, probabilities (N, K) or values (N,), of their features by name.

    Args:
        path: of a file of `torch.export.save`.
    """
    program = torch.export.load(path)
    (examples,), _ = program.example_inputs
    types, serve = {name: tensor.dtype for name, tensor in examples.items()}, program.module()

    def answer(features: Features) -> np.ndarray:
        with torch.no_grad():
            return serve({name: torch.from_numpy(features[name]).to(kind) for name, kind in types.items()}).numpy()

    return answer

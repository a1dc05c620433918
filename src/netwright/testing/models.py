"""Models whose networks have learnt nothing, for tests of what can be made of a model: whole, and there in a moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from netwright.build.torch import initial_weights
from netwright.model import Model, Part
from netwright.result import Result
from netwright.spec.cost import is_trained
from netwright.spec.network import Candidate
from netwright.tasks.task import Preparation, Request, Task

TEMPERATURE = 1.3  # of the mix: calibration takes part
SHAKEN = 0.4  # how far weights are moved from where they start, since some branches count for nothing there


def untrained_model(task: Task, data: Any, target: str, parts: int = 3, folds: int = 2, seed: int = 0) -> Model:
    """Return a model of random networks, of shapes that a run on such data would try first.

    Args:
        task: whose data it is.
        data: what the preparation is fitted on.
        target: the column to predict.
        parts: shapes of networks at most.
        folds: networks of each.
        seed: of the weights.
    """
    loaded = task.load(Request(data, target, {}, "auto"))
    preparation = task.prepare(loaded, seed)
    rows = len(loaded.truth)
    points = (*task.portfolio(preparation, rows), task.default_network(rows))
    candidates = [task.candidate(point, preparation) for point in points]
    return model_of(task, preparation, [*dict.fromkeys(candidates)][:parts], folds, seed)


def model_of(task: Task, preparation: Preparation, chosen: Sequence[Candidate], folds: int = 2, seed: int = 0) -> Model:
    """Return a model of random networks of these shapes, mixed in equal shares.

    Args:
        task: whose data they are for.
        preparation: fitted on such data.
        chosen: the shapes, with any recipes.
        folds: networks of each.
        seed: of the weights.
    """
    quantiles = torch.from_numpy(preparation.quantiles)
    made = [_part(each, quantiles, folds, seed + place, 1 / len(chosen)) for place, each in enumerate(chosen)]
    whole = preparation.for_networks(tuple(part.candidate.network for part in made))
    return Model(task, whole, tuple(made), TEMPERATURE if preparation.goal.scale is None else 1.0, _nothing(task))


def shaken(weights: dict[str, torch.Tensor], generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Return weights as after a training: none at its start."""
    found = {}
    for name, tensor in weights.items():
        noise = torch.rand(tensor.shape, generator=generator)
        if name.endswith("variance"):
            found[name] = 0.5 + noise
        elif is_trained(name) or name.endswith("mean"):
            found[name] = tensor + SHAKEN * (noise - 0.5)
        else:
            found[name] = tensor
    return found


def _part(candidate: Candidate, quantiles: torch.Tensor, folds: int, seed: int, share: float) -> Part:
    generator = torch.Generator().manual_seed(seed)
    weights = shaken(initial_weights(candidate.network, quantiles, range(seed, seed + folds)), generator)
    return Part(candidate, {name: tensor.numpy() for name, tensor in weights.items()}, share)


def _nothing(task: Task) -> Result:
    """Return the result of no run."""
    return Result(
        task=task.name,
        metric="accuracy",
        greater_is_better=True,
        score=0.0,
        score_low=0.0,
        score_high=0.0,
        estimate="",
        metrics={},
        test_metrics={},
        baselines=(),
        leaderboard=(),
        seconds=0.0,
        trials=0,
        failed=0,
        labels=(),
        confusion=(),
        reliability=(),
        importance=(),
        ended_early=False,
    )

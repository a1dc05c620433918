"""The parameters of a stack of networks as one vector, with a view of it for every tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from netwright.spec.cost import is_trained
from netwright.spec.network import Recipe
from netwright.train.rates import decay_of, rate_of


@dataclass(frozen=True)
class Stack:
    """All trained numbers of M networks in one vector, tensor after tensor; `weights` are views into it.

    The blocks between the first and the last may be computed in a shorter type: then `leaves` shows copies of their
    tensors in that type, made anew by `refresh` after each step, while the vector itself keeps its full precision
    (mixed precision with master weights, Micikevicius et al. 2018, arXiv 1710.03740).

    Attributes:
        parameters: (M · P,) every tensor (M, ...) laid flat, one after the other.
        gradient: (M · P,) likewise; filled by `take`.
        weights: tensors (M, ...) by name, views of `parameters`.
        constants: tensors (M, ...) that are not trained: knots, means and variances of batches.
        leaves: tensors (M, ...) by name, what is differentiated.
        inner: where the numbers of the inner blocks lie in `parameters`.
        working: the inner numbers in the shorter type; None where everything is computed in full.
        head: the position of the last block, as names begin with it.
    """

    parameters: Tensor
    gradient: Tensor
    weights: Mapping[str, Tensor]
    constants: Mapping[str, Tensor]
    leaves: Mapping[str, Tensor]
    inner: slice
    working: Tensor | None
    head: str

    def named(self) -> dict[str, Tensor]:
        """Return every tensor (M, ...) by name in full precision, parameters and constants."""
        return {**self.weights, **self.constants}

    def computed(self) -> dict[str, Tensor]:
        """Return every tensor (M, ...) by name as the networks compute with it."""
        return {**self.leaves, **self.constants}

    def named_with(self, parameters: Tensor) -> dict[str, Tensor]:
        """Return what `named` does, of other parameters (M · P,) than those that are trained."""
        return {**self.views_of(parameters), **self.constants}

    def computed_with(self, parameters: Tensor) -> dict[str, Tensor]:
        """Return what `computed` does, of other parameters (M · P,) than those that are trained."""
        views = self.views_of(parameters).items()
        return {**{name: tensor.to(self.leaves[name].dtype) for name, tensor in views}, **self.constants}

    def refresh(self) -> None:
        """Bring the copies up to date after `parameters` have changed."""
        if self.working is not None:
            self.working.copy_(self.parameters[self.inner])

    def views_of(self, vector: Tensor) -> dict[str, Tensor]:
        """Return the tensors (M, ...) by name in a vector that is laid out as `parameters` are."""
        return _views(vector, self.weights)

    def take(self, gradients: Sequence[Tensor]) -> None:
        """Lay the gradients of `leaves`, in their order, into `gradient`."""
        place = 0
        for tensor in gradients:
            self.gradient[place : place + tensor.numel()].view_as(tensor).copy_(tensor)
            place += tensor.numel()

    def rate_of(self, name: str, recipe: Recipe) -> float:
        """Return the learning rate of a tensor by its name."""
        return rate_of(name, recipe, self.head)

    def rates(self, recipes: Sequence[Recipe]) -> Tensor:
        """Return the learning rate (M · P,) of each number: that of its network's recipe, by the sort of its tensor."""
        return self._spread(recipes, self.rate_of)

    def decays(self, recipes: Sequence[Recipe]) -> Tensor:
        """Return the decay (M · P,) of each number: that of its network's recipe, or 0 where none is due."""
        return self._spread(recipes, decay_of)

    def _spread(self, recipes: Sequence[Recipe], number: Callable[[str, Recipe], float]) -> Tensor:
        each = {name: torch.tensor([number(name, recipe) for recipe in recipes]) for name in self.weights}
        spread = [each[name].repeat_interleave(tensor[0].numel()) for name, tensor in self.weights.items()]
        return torch.cat(spread).to(self.parameters.device)


def stack_parameters(weights: Mapping[str, Tensor], working: torch.dtype = torch.float32) -> Stack:
    """Lay the tensors (M, ...) end to end in one vector, so that an optimiser step is a few operations on it.

    Args:
        weights: by name, in the order of the blocks.
        working: the type that the blocks between the first and the last compute in.
    """
    constants = {
        name: tensor.clone() for name, tensor in weights.items() if not is_trained(name)
    }  # a parent keeps its own
    trained = {name: tensor for name, tensor in weights.items() if name not in constants}
    parameters = torch.cat([tensor.flatten() for tensor in trained.values()])
    views = _views(parameters, trained)
    blocks = [name.partition(".")[0] for name in trained]
    edges = (blocks[0], blocks[-1])
    before = sum(tensor.numel() for name, tensor in trained.items() if name.partition(".")[0] == edges[0])
    inside = {name: tensor for name, tensor in trained.items() if name.partition(".")[0] not in edges}
    inner = slice(before, before + sum(tensor.numel() for tensor in inside.values()))
    shorter = None if working == torch.float32 or not inside else parameters[inner].to(working)
    computed = views if shorter is None else {**views, **_views(shorter, inside)}
    leaves = {name: tensor.detach().requires_grad_() for name, tensor in computed.items()}
    return Stack(parameters, torch.zeros_like(parameters), views, constants, leaves, inner, shorter, edges[1])


def _views(vector: Tensor, shapes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a view of the vector for each tensor, one after the other."""
    parts = torch.split(vector, [tensor.numel() for tensor in shapes.values()])
    return {name: part.view_as(tensor) for (name, tensor), part in zip(shapes.items(), parts, strict=True)}

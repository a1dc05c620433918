"""A stack of networks in training: trials with recipes of their own, each over the same folds.

Letters in shapes: T trial, S fold, M = T · S network of the stack, B row of the batch, V validation row, P parameter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netwright.build.noise import Dropout, dropout_on
from netwright.build.torch import Batch, forward, initial_weights, layout_of
from netwright.build.torch_chain import Layout, chain_loss
from netwright.data.stretches import POSITIONS, stretches
from netwright.spec.costs import rows_at_once
from netwright.spec.network import Network, Recipe, without_chain
from netwright.train.augmentation import Augmentation
from netwright.train.averaging import Average
from netwright.train.control import Heir
from netwright.train.device import generator_on
from netwright.train.framework import Split, seeds_of_networks
from netwright.train.growth import at_share, side_share
from netwright.train.losses import Loss, wanted_chances
from netwright.train.optimiser import Optimiser, optimiser_for
from netwright.train.passes import in_turn
from netwright.train.precision import working_type
from netwright.train.predict import predicted
from netwright.train.recording import Inputs, Recorder
from netwright.train.rows import Judged, Rows
from netwright.train.schedule import flat_cosine
from netwright.train.stack import Stack, stack_parameters

FIRST = 0  # the block of the inputs, whose features are scaled
TARGETS, SHARES, OTHER = "targets", "mix.shares", "mix.other"  # inputs of a step beside the rows
ASKED = 64  # rows that are looked at in the place of one that a network must not learn from
FURTHER = 104_729  # rows on from it, a prime: rows of one group often lie together


@dataclass
class Population:
    """M = T · S networks, trial by trial, and what their optimiser knows."""

    network: Network
    folds: int
    recipes: list[Recipe]  # T of them
    stack: Stack
    optimiser: Optimiser
    train: list[Tensor]  # M of (n,): rows to learn from
    stretches: list[Tensor]  # M of (n,): what these rows are parts of, where there is a chain; else none
    judged: Judged
    generators: list[torch.Generator]  # M of them, for the order of rows
    order_seeds: list[int]  # M of them, for the order of rows that are not held in memory
    random: np.random.Generator  # for mixing rows
    noise: Dropout
    augmentation: Augmentation
    smoothing: Tensor  # (M,)
    sparsity: Tensor  # (M,)
    average: Average | None  # of the parameters, where the first recipe asks for one
    recorder: Recorder | None  # on a graphics card, where steps are alike

    @staticmethod
    def start(
        network: Network,
        recipes: Sequence[Recipe],
        rows: Rows,
        splits: Sequence[Split],
        seeds: Sequence[int],
        initial: Mapping[str, Tensor] | None = None,
    ) -> Population:
        """Return the population before its first step; seeds: one a trial; initial: tensors (M, ...) to go on from."""
        own = seeds_of_networks(seeds, len(splits))
        weights = initial_weights(network, rows.quantiles, own) if initial is None else initial
        weights = {name: tensor.to(rows.device) for name, tensor in weights.items()}
        stack = stack_parameters(weights, working_type(network, rows.device))
        each = [recipe for recipe in recipes for _ in splits]  # (M,)
        span = recipes[0].averaging
        noise = dropout_on(rows.device, torch.tensor([recipe.dropout for recipe in each]), own[0] + 2)
        augmentation = Augmentation.of(each, generator_on(rows.device, own[0] + 3))
        drawing = (noise.generator, augmentation.generator)
        # A chain goes over other stretches at each step, so that no step is the one before.
        recorder = Recorder(rows.device, drawing) if rows.device.type == "cuda" and not network.chained else None
        return Population(
            network=network,
            folds=len(splits),
            recipes=list(recipes),
            stack=stack,
            optimiser=optimiser_for(stack, each, len(recipes)),
            train=[torch.from_numpy(split.train) for split in splits] * len(recipes),
            stretches=[_stretches(rows, split) for split in splits] * len(recipes) if network.chained else [],
            judged=Judged.of([*splits] * len(recipes)),
            generators=[torch.Generator().manual_seed(seed + 1) for seed in own],
            order_seeds=[seed + 1 for seed in own],
            random=np.random.default_rng(own[0] + 4),
            noise=noise,
            augmentation=augmentation,
            smoothing=torch.tensor([recipe.label_smoothing for recipe in each], device=rows.device),
            sparsity=torch.tensor([recipe.sparsity for recipe in each], device=rows.device),
            average=Average(span, stack.parameters.clone()) if span else None,
            recorder=recorder,
        )

    def shuffled(self, count: int) -> Tensor:
        """Return (M, count) rows to learn from, in an order of its own for each network.

        Where there is a chain, those that follow each other stay together.
        """
        if self.stretches:
            owners = zip(self.train, self.stretches, self.generators, strict=True)
            return torch.stack([rows[_in_stretches(own, generator)[:count]] for rows, own, generator in owners])
        orders = [
            rows[torch.randperm(len(rows), generator=generator)[:count]]
            for rows, generator in zip(self.train, self.generators, strict=True)
        ]
        return torch.stack(orders)

    def part(self, rows: Rows, number: int, count: int) -> Tensor:
        """Return (M, count) rows to learn from, of those held and of those that are not, in the part of this number.

        Args:
            rows: with more than are held.
            number: of the part, from 0; those before it went through other rows, until a pass was made.
            count: rows of a part.
        """
        more, held = rows.more, len(rows.targets)
        assert more is not None
        orders = []
        for place, (train, seed) in enumerate(zip(self.train, self.order_seeds, strict=True)):
            fold = place % self.folds
            all_barred = more.barred is not None and bool((more.barred == fold).all())
            turn = in_turn(len(train) + (0 if all_barred else len(more)), number * count, count, seed)
            far = turn >= len(train)
            order = train.numpy()[np.where(far, 0, turn)]
            order[far] = held + _allowed(turn[far] - len(train), more.barred, fold)
            orders.append(torch.from_numpy(order))
        return torch.stack(orders)

    def step(self, rows: Rows, index: Tensor, loss: Loss, progress: float) -> None:
        """Take one optimiser step on the rows `index` (M, B)."""
        self.noise.scaled(flat_cosine(progress))
        network = at_share(self.network, side_share(self.recipes[0].growth, progress))
        batch, targets = rows.lesson(index)
        given = {**batch, TARGETS: targets, **self._mixing(index.shape[1], rows)}
        descend = partial(self._descend, network, loss, self._layout(rows, index))
        if self.recorder is None:
            descend(given)
        else:
            self.recorder.step(network, given, descend)
        with torch.no_grad():
            self.optimiser.step(progress)
            self.stack.refresh()
            if self.average is not None:
                self.average.add(self.stack.parameters, progress)

    def _layout(self, rows: Rows, index: Tensor) -> Layout | None:
        """Return how a chain goes over the rows `index` (M, B), where there is one."""
        if not self.network.chained:
            return None
        positions = rows.features[POSITIONS]
        return layout_of({POSITIONS: positions[index.to(positions.device)]})

    def _mixing(self, count: int, rows: Rows) -> Inputs:
        """Return what rows are mixed with, and each network's share of the first of two, where a recipe says so."""
        alphas = [recipe.mixup for recipe in self.recipes for _ in range(self.folds)]
        if not any(alphas):
            return {}
        shares = np.array([self.random.beta(each, each) if each else 1.0 for each in alphas], np.float32)
        other = self.random.permutation(count)
        return {SHARES: torch.from_numpy(shares).to(rows.device), OTHER: torch.from_numpy(other).to(rows.device)}

    def _descend(self, network: Network, loss: Loss, layout: Layout | None, given: Inputs) -> None:
        """Lay the gradient of the loss on a batch into the stack."""
        batch = {name: tensor for name, tensor in given.items() if name not in (TARGETS, SHARES, OTHER)}
        if "images" in batch:
            batch = {**batch, "images": self.augmentation.apply(batch["images"])}
        each = self._loss(network, batch, given, loss, layout) + self._penalty()  # (M,)
        gradients = torch.autograd.grad(each.sum(), [*self.stack.leaves.values()])
        with torch.no_grad():
            self.stack.take(gradients)

    def _loss(self, network: Network, batch: Batch, given: Inputs, loss: Loss, layout: Layout | None) -> Tensor:
        """Return the loss of each network (M,) on a batch, of rows mixed in pairs where its recipe says so.

        Where there is a chain, `layout` says how it goes over the rows.

        Mixup (Zhang et al. 2018, arXiv 1710.09412): of two rows and of their losses the same share is taken.
        """
        targets = given[TARGETS]
        if layout is not None:
            network = without_chain(network)
        if SHARES not in given:
            return self._learnt(forward(network, self.stack.computed(), batch, self.noise), targets, loss, layout)
        shares, other = given[SHARES], given[OTHER]
        mixed = {name: _blend(name, tensor, tensor[:, other], shares) for name, tensor in batch.items()}
        outputs = forward(network, self.stack.computed(), mixed, self.noise)
        own, others = (self._learnt(outputs, each, loss, layout) for each in (targets, targets[:, other]))
        return shares * own + (1 - shares) * others

    def _learnt(self, outputs: Tensor, targets: Tensor, loss: Loss, layout: Layout | None) -> Tensor:
        """Return the loss of each network (M,) for outputs (M, E, B, K), the mean over members and rows."""
        if layout is None:
            return loss.training(outputs, targets, self.smoothing)
        networks, members, _, classes = outputs.shape
        wanted = wanted_chances(targets, classes, self.smoothing).repeat_interleave(members, dim=0)
        transitions = self.stack.leaves[f"{self.network.last}.transitions"].flatten(0, 1)
        each = chain_loss(outputs.flatten(0, 1), transitions, layout.of_members(members, outputs.device), wanted)
        return each.view(networks, members).mean(dim=1)

    def _penalty(self) -> Tensor:
        """Return what each network's scales of features cost it (M,): their absolute sum, by its sparsity.

        The lasso (Tibshirani 1996) on the gates of features: those that do not pay for themselves go to zero. On a
        table of 180 columns of which some thirty matter it lowered the log-loss by a quarter, on one of 3,000 of which
        ten do by two fifths; where most columns matter it does harm, so it is searched for.
        """
        if not any(recipe.sparsity for recipe in self.recipes):
            return self.sparsity
        return self.sparsity * self.stack.leaves[f"{FIRST}.scale"].abs().sum(dim=1)

    def named(self) -> dict[str, Tensor]:
        """Return every tensor (M, ...) by name in full precision, as the networks predict with it."""
        return self.stack.named() if self.average is None else self.stack.named_with(self.average.parameters)

    def computed(self) -> dict[str, Tensor]:
        """Return the same in the types that the networks compute with."""
        return self.stack.computed() if self.average is None else self.stack.computed_with(self.average.parameters)

    def judge(self, rows: Rows, loss: Loss) -> tuple[Tensor, Tensor]:
        """Return what each network predicts now for the rows that it is judged on (M, V, K), and its loss (M,).

        Both are on the processor. The loss is the mean over the rows; infinite where it is not a number.
        """
        predictions = self.predict(self.computed(), self.judged, rows, loss)
        targets = rows.targets[self.judged.index.to(rows.device)].cpu()
        each = loss.validation(predictions, targets) * self.judged.mask
        mean = each.sum(dim=1) / self.judged.mask.sum(dim=1)
        return predictions, torch.where(torch.isfinite(mean), mean, torch.inf)

    def predict(self, weights: Mapping[str, Tensor], judged: Judged, rows: Rows, loss: Loss) -> Tensor:
        """Return predictions (m, V, K) for the validation rows of m networks with these weights (m, ...).

        They are on the processor; the weights are where the rows are learnt from.
        """
        chunk = rows_at_once(self.network, len(judged.index))
        batches = (rows.batch(part) for part in torch.split(judged.index, chunk, dim=1))
        positions = rows.features[POSITIONS][judged.index] if self.network.chained else None
        return predicted(self.network, weights, lambda answer: map(answer, batches), loss, positions)

    def networks(self, place: int) -> slice:
        """Return where the networks of a trial stand in the stack."""
        return slice(place * self.folds, (place + 1) * self.folds)

    def state(self) -> dict[str, Tensor]:
        """Return all that steps have changed, by name."""
        average = self.average
        averaged = (
            {}
            if average is None
            else {"average": average.parameters, "progress": torch.tensor(average.progress, dtype=torch.float64)}
        )
        return {
            "parameters": self.stack.parameters,
            **_under("constants", self.stack.constants),
            **_under("optimiser", self.optimiser.state()),
            **_under("noise", self.noise.state()),
            **_under("averaged", averaged),
            "augmentation": self.augmentation.generator.get_state(),
            "orders": torch.stack([generator.get_state() for generator in self.generators]),
            "random": _as_bytes(self.random),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` returned, under the recipes that there are."""
        with torch.no_grad():
            self.stack.parameters.copy_(state["parameters"])
            for name, tensor in self.stack.constants.items():
                tensor.copy_(state[f"constants.{name}"])
            self.stack.refresh()
        self.optimiser.restore(_below("optimiser", state))
        self.noise.restore(_below("noise", state), self.stack.parameters.device)
        if self.average is not None:
            self.average.parameters.copy_(state["averaged.average"])
            self.average.progress = float(state["averaged.progress"])
        self.augmentation.generator.set_state(state["augmentation"])
        for generator, own in zip(self.generators, state["orders"], strict=True):
            generator.set_state(own.clone())
        self.random.bit_generator.state = json.loads(bytes(state["random"].tolist()))

    def inherit(self, heirs: Sequence[Heir]) -> None:
        """Let heirs take places: each fold's network goes on from the same fold's of the parent.

        Weights and moments are copied and the recipe is the heir's, as in population-based training (Jaderberg et al.
        2017, arXiv 1711.09846). A network never saw the rows that it is judged on: the parent's of the same fold
        did not either.
        """
        averages = () if self.average is None else (self.average.parameters,)
        vectors = (self.stack.parameters, *averages, *self.optimiser.moments())
        with torch.no_grad():
            for views in (*map(self.stack.views_of, vectors), self.stack.constants):
                before = {name: tensor.clone() for name, tensor in views.items()}
                for heir in heirs:
                    for name, tensor in views.items():
                        tensor[self.networks(heir.place)] = before[name][self.networks(heir.parent)]
            self.stack.refresh()
        for heir in heirs:
            self.recipes[heir.place] = heir.recipe
        each = [recipe for recipe in self.recipes for _ in range(self.folds)]  # (M,)
        self.optimiser.follow(each)
        self.noise.follow(torch.tensor([recipe.dropout for recipe in each]))
        self.augmentation = Augmentation.of(each, self.augmentation.generator)
        device = self.smoothing.device
        self.smoothing = torch.tensor([recipe.label_smoothing for recipe in each], device=device)
        self.sparsity = torch.tensor([recipe.sparsity for recipe in each], device=device)
        if self.recorder is not None:
            self.recorder.forget()


def _stretches(rows: Rows, split: Split) -> Tensor:
    """Return the number of the stretch (n,) of each row that a fold's network learns from."""
    return torch.from_numpy(stretches(rows.features[POSITIONS][torch.from_numpy(split.train), 0].cpu().numpy()))


def _in_stretches(own: Tensor, generator: torch.Generator) -> Tensor:
    """Return an order of rows (n,) at random in which those of one stretch (n,) follow each other as they did."""
    ranks = torch.randperm(int(own[-1]) + 1, generator=generator)
    return ranks[own].argsort(stable=True)


def _allowed(places: NDArray[np.int64], barred: NDArray[np.int8] | None, fold: int) -> NDArray[np.int64]:
    """Return places (n,) of rows, others for those that are barred from the networks of a fold; not all may be."""
    if barred is None:
        return places
    places = places.copy()
    for _ in range(ASKED):
        (wrong,) = np.nonzero(barred[places] == fold)
        if not len(wrong):
            return places
        places[wrong] = (places[wrong] + FURTHER) % len(barred)
    (allowed,) = np.nonzero(barred != fold)
    places[wrong] = allowed[places[wrong] % len(allowed)]
    return places


def _under(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{name}.{part}": tensor for part, tensor in tensors.items()}


def _below(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{name}."
    return {part.removeprefix(start): tensor for part, tensor in tensors.items() if part.startswith(start)}


def _as_bytes(generator: np.random.Generator) -> Tensor:
    """Return the state of a generator as bytes: its numbers have 128 bits."""
    return torch.tensor([*json.dumps(generator.bit_generator.state).encode()], dtype=torch.uint8)


def _blend(name: str, own: Tensor, other: Tensor, shares: Tensor) -> Tensor:
    """Return own (M, B, ...) and other by shares (M,) of the first.

    Whole numbers stay as they are, since they name things: categories, n-grams, pieces, bytes; all but those of pixels.
    """
    if name != "images" and not own.is_floating_point():
        return own
    return torch.lerp(other.float(), own.float(), shares.view(-1, *[1] * (own.ndim - 1)))

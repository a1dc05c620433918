"""Networks trained as one stack learn as they would alone, stop when told, and fail with a reason."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch

from netwright.build.torch import Batch, forward, initial_weights
from netwright.data.features import Features, table_features
from netwright.errors import TrialError
from netwright.spec.blocks import Dense, Head, Identity, Periodic, TableInput
from netwright.spec.network import Network, Recipe
from netwright.train import adam, sgd
from netwright.train.control import CHECKS, Control, Heir, Progress, Trained
from netwright.train.framework import Split
from netwright.train.lanes import run_lanes
from netwright.train.losses import LOSSES
from netwright.train.optimiser import Fused, Muon, Nesterov, PerNumber, optimiser_for, orthogonal
from netwright.train.precision import working_type
from netwright.train.predict import predict_stack
from netwright.train.rows import Rows, as_rows
from netwright.train.schedule import SCHEDULES
from netwright.train.stack import decay_of, stack_parameters
from netwright.train.torch import Torch
from netwright.train.training import train_population

NETWORK = Network((TableInput(4, 0, (), Periodic(frequencies=4, width=3)), Dense(16), Head(3)))
QUIET = Control(lambda: 0.0, lambda: False, lambda progress: None)


def _features(rows: int = 300) -> Features:
    numeric = np.random.default_rng(0).normal(size=(rows, 4)).astype(np.float32)
    return table_features(numeric, np.zeros((rows, 0), np.float32), np.zeros((rows, 0), np.int64))


def _classes(features: Features) -> np.ndarray:
    return (features["numeric"][:, 0] + np.abs(features["numeric"][:, 1]) > 0.5).astype(np.int64) + (
        features["numeric"][:, 2] > 1
    )


def _rows() -> Rows:
    features = _features()
    return as_rows(
        features,
        _classes(features),
        np.quantile(features["numeric"], np.linspace(0, 1, 49), axis=0).T.astype(np.float32),
    )


def _splits(folds: int = 3) -> list[Split]:
    fold = np.arange(300) % folds
    return [Split(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(folds)]


def _train(recipes: list[Recipe], control: Control = QUIET, splits: list[Split] | None = None) -> tuple[Trained, ...]:
    seeds = list(range(len(recipes)))
    return train_population(NETWORK, recipes, _rows(), splits or _splits(), LOSSES["cross_entropy"], control, seeds)


def test_training_learns() -> None:
    """After 20 passes the out-of-fold loss is far below that of guessing."""
    (trained,) = _train([Recipe(epochs=20, batch_size=32)])
    assert trained.loss < 0.75 < np.log(3)
    assert all(np.allclose(fold.sum(axis=1), 1, atol=1e-5) for fold in trained.predictions)


def test_equal_seeds_give_equal_weights_bit_for_bit() -> None:
    """Nothing but the seed decides."""
    first, second = (_train([Recipe(epochs=3, batch_size=32)])[0] for _ in range(2))
    assert all(np.array_equal(first.weights[name], second.weights[name]) for name in first.weights)


def test_a_trial_in_a_stack_learns_what_it_would_alone() -> None:
    """Without dropout, whose draws depend on the place in the stack, a neighbour changes rounding at most."""
    quiet = Recipe(epochs=4, batch_size=32, dropout=0.0)
    (alone,) = _train([quiet])
    together = _train([quiet, Recipe(epochs=4, batch_size=32, dropout=0.0, learning_rate=1e-4)])
    assert together[0].loss == pytest.approx(alone.loss, abs=1e-4)
    assert together[1].loss > together[0].loss


def test_label_smoothing_and_weight_decay_are_each_trial_s_own() -> None:
    """Strong smoothing keeps probabilities away from 1; strong decay keeps weights small."""
    plain = Recipe(epochs=30, batch_size=32, dropout=0.0)
    smooth = Recipe(epochs=30, batch_size=32, dropout=0.0, label_smoothing=0.5)
    heavy = Recipe(epochs=30, batch_size=32, dropout=0.0, weight_decay=1.0, learning_rate=3e-2)
    results = _train([plain, smooth, heavy])
    sure = [np.concatenate(result.predictions).max() for result in results[:2]]
    assert sure[1] < 0.9 < sure[0]
    norms = [np.linalg.norm(result.weights["1.weight"]) for result in (results[0], results[2])]
    assert norms[1] < norms[0]


def test_time_ends_the_schedule_and_stop_ends_at_once() -> None:
    """A training whose time is used up has taken no step, but still has an answer."""
    (ended,) = _train([Recipe(epochs=50)], Control(lambda: 1.0, lambda: False, lambda progress: None))
    (stopped,) = _train([Recipe(epochs=50)], Control(lambda: 0.0, lambda: True, lambda progress: None))
    assert ended.steps == stopped.steps == 0
    assert len(ended.predictions[0]) == 100


def test_who_is_given_up_at_a_check_is_not_judged_again() -> None:
    """On many rows a check takes long; nothing has changed since."""
    heard: list[Progress] = []
    (trained,) = _train([Recipe(epochs=50)], Control(lambda: 0.0, lambda: bool(heard), heard.append))
    assert [progress.epoch for progress in heard] == [1]
    assert trained.loss == pytest.approx(heard[0].best[0]) and trained.loss < np.inf
    alone = _splits()[:1]  # of which only the last check counts
    (single,) = _train([Recipe(epochs=50)], Control(lambda: 0.0, lambda: len(heard) > 1, heard.append), alone)
    assert np.isfinite(single.loss)


def test_progress_is_told_with_a_loss_for_each_trial() -> None:
    """The listener hears of every check, of a long training at every second epoch or later."""
    for epochs, every in ((40, 1), (70, 2)):
        heard: list[Progress] = []
        _train([Recipe(epochs=epochs, batch_size=64)] * 2, Control(lambda: 0.0, lambda: False, heard.append))
        assert {progress.epochs for progress in heard} == {epochs}
        assert [progress.epoch for progress in heard] == [*range(every, every * len(heard) + 1, every)]
        assert all(len(progress.losses) == len(progress.best) == 2 for progress in heard)
        assert epochs // every // 3 <= len(heard) < 2 * CHECKS


def test_the_weights_of_a_fold_are_chosen_by_the_other_folds() -> None:
    """With labels of one fold made noise, its own network is not kept at the epoch that suits that noise."""
    rows = _rows()
    noisy = rows.targets.clone()
    splits = _splits()
    noisy[splits[0].valid] = torch.from_numpy(np.random.default_rng(1).integers(0, 3, 100))
    shuffled = Rows(rows.features, noisy, rows.quantiles)
    swapped = noisy.clone()
    swapped[splits[0].valid] = torch.from_numpy(np.random.default_rng(2).integers(0, 3, 100))
    other = Rows(rows.features, swapped, rows.quantiles)
    results = []
    for data in (shuffled, other):
        alone = [splits[0], splits[1]]
        train = [Split(np.setdiff1d(split.train, splits[0].valid), split.valid) for split in alone]
        (trained,) = train_population(
            NETWORK, [Recipe(epochs=12, batch_size=32)], data, train, LOSSES["cross_entropy"], QUIET, [0]
        )
        results.append(trained.weights["1.weight"][0])
    assert np.array_equal(*results), "fold 0's own labels chose the weights of its network"


def test_a_diverging_trial_is_an_error_with_a_reason() -> None:
    """Weights that are not finite end the trial, not the run."""
    rows = _rows()
    broken = Rows({"numeric": rows.features["numeric"] * float("nan")}, rows.targets, rows.quantiles)
    with pytest.raises(TrialError, match="not a number"):
        train_population(NETWORK, [Recipe(epochs=1)], broken, _splits(), LOSSES["cross_entropy"], QUIET, [0])


def test_regression_learns_values() -> None:
    """The squared error falls below the variance, and members of the stack predict one value a row."""
    features = _features()
    values = (features["numeric"][:, 0] * 2 + features["numeric"][:, 1]).astype(np.float32)
    network = Network((TableInput(4, 0, (), Identity()), Dense(32), Head(1)))
    rows = as_rows(features, values / values.std(), np.zeros((4, 49), np.float32))
    (trained,) = train_population(
        network, [Recipe(epochs=20, batch_size=32)], rows, _splits(), LOSSES["squared_error"], QUIET, [0]
    )
    assert trained.loss < 0.2


def test_one_row_is_predicted_as_among_many() -> None:
    """The answer for a row does not depend on the rows beside it."""
    (trained,) = _train([Recipe(epochs=3, batch_size=32)])
    many = predict_stack(NETWORK, trained.weights, _features(), "cross_entropy")
    one = predict_stack(NETWORK, trained.weights, _features().rows(np.array([17])), "cross_entropy")
    assert np.abs(one[:, 0] - many[:, 17]).max() < 1e-6
    assert predict_stack(NETWORK, trained.weights, _features().rows(np.zeros(0, np.int64)), "cross_entropy").shape == (
        3,
        0,
        3,
    )


def test_adam_agrees_with_the_library() -> None:
    """Twenty steps of ours and of torch.optim.AdamW on one quadratic end at the same point."""
    start = torch.randn(10, generator=torch.Generator().manual_seed(0))
    theirs = start.clone().requires_grad_()
    optimiser = torch.optim.AdamW([theirs], lr=0.05, betas=(0.9, 0.95), weight_decay=0.1)
    ours, state = start.clone(), adam.init(start)
    rates = torch.full((10,), 0.05)
    for _ in range(20):
        optimiser.zero_grad()
        (theirs**2).sum().backward()
        optimiser.step()
        adam.step(
            ours,
            2 * ours,
            state,
            rates=rates,
            decays=rates * 0.1,
            pace=1.0,
            shrink=1.0,
            momentum=0.9,
            second_moment=0.95,
        )
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-5)


def test_sgd_agrees_with_the_library_at_every_step() -> None:
    """Thirty steps of ours and of torch.optim.SGD, whose rate and decay change on the way."""
    start = torch.randn(10, generator=torch.Generator().manual_seed(0))
    theirs = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([theirs], lr=0.05, momentum=0.9, weight_decay=0.1, nesterov=True)
    ours, state = start.clone(), sgd.init(start)
    rates, decays = torch.full((10,), 0.05), torch.full((10,), 0.1)
    for step in range(30):
        pace, shrink = SCHEDULES["one_cycle"](step / 30), SCHEDULES["flat_cosine"](step / 30)
        optimiser.param_groups[0].update(lr=0.05 * pace, weight_decay=0.1 * shrink)
        optimiser.zero_grad()
        torch.cos(3 * theirs).sum().backward()
        optimiser.step()
        gradient = -3 * torch.sin(3 * ours)
        sgd.step(ours, gradient, state, rates=rates, decays=decays, pace=pace, shrink=shrink, momentum=0.9)
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)


def test_sgd_moves_each_network_of_a_stack_by_its_own_recipe() -> None:
    """As torch.optim.SGD moves its tensors with the rate and the decay of each; an heir goes on from a velocity."""
    recipes = [Recipe(optimiser="sgd", learning_rate=rate, weight_decay=rate, scale_decay=0.2) for rate in (0.1, 0.02)]
    weights = initial_weights(NETWORK, torch.zeros(4, 49), [1, 2])
    stack = stack_parameters(weights)
    optimiser = optimiser_for(stack, recipes, 2)
    assert isinstance(optimiser, Nesterov)
    alone = {
        (name, place): torch.nn.Parameter(tensor[place].clone())
        for name, tensor in stack.weights.items()
        for place in range(2)
    }
    groups = [
        {"params": [one], "lr": stack.rate_of(name, recipes[place]), "weight_decay": decay_of(name, recipes[place])}
        for (name, place), one in alone.items()
    ]
    theirs = torch.optim.SGD(groups, momentum=0.9, nesterov=True)
    for _ in range(10):
        stack.gradient.copy_(torch.sin(3 * stack.parameters))
        optimiser.step(0.05)  # where cosine and flat_cosine are 1
        for one in alone.values():
            one.grad = torch.sin(3 * one.detach())
        theirs.step()
    for (name, place), one in alone.items():
        torch.testing.assert_close(stack.weights[name][place], one.detach(), rtol=1e-4, atol=1e-5)
        velocity = stack.views_of(optimiser.moments()[0])[name][place]
        torch.testing.assert_close(velocity, theirs.state[one]["momentum_buffer"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_sgd_learns(schedule: Literal["cosine", "one_cycle"]) -> None:
    """As AdamW does, several trials at a time."""
    recipes = [
        Recipe(epochs=20, batch_size=32, optimiser="sgd", learning_rate=rate, weight_decay=1e-3, schedule=schedule)
        for rate in (0.03, 0.1)
    ]
    assert all(trained.loss < 0.75 < np.log(3) for trained in _train(recipes))


def test_one_cycle_is_the_schedule_of_the_library() -> None:
    """Up to 0.004, since theirs counts whole steps and ends a little above 0."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=1.0, total_steps=2_000, cycle_momentum=False)
    for step in range(1, 2_000):
        optimiser.step()
        theirs.step()
        assert SCHEDULES["one_cycle"](step / 1_999) == pytest.approx(theirs.get_last_lr()[0], abs=0.004)


def test_the_fused_optimiser_moves_a_stack_as_ours_does() -> None:
    """Both take the same steps for a stack of one recipe, scales, biases and decays included."""
    recipe = Recipe(learning_rate=0.02, weight_decay=0.3, scale_rate=5, scale_decay=0.2)
    ends = []
    for kind in (Fused, lambda stack, recipe: PerNumber(stack, [recipe] * 2)):
        stack = stack_parameters(initial_weights(NETWORK, torch.zeros(4, 49), [1, 2]))
        optimiser = kind(stack, recipe)
        for step in range(30):
            stack.gradient.copy_(torch.sin(3 * stack.parameters + step))
            optimiser.step(step / 30)
        ends.append(stack.parameters.clone())
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="keeps it"):
        Fused(stack, recipe).follow([Recipe()])


def test_a_stack_is_one_vector_that_its_tensors_share() -> None:
    """A change of the vector is a change of the tensors, and gradients arrive in one vector too."""
    stack = stack_parameters(
        {"0.scale": torch.ones(2, 3), "1.weight": torch.ones(2, 3, 4), "2.bias": torch.zeros(2, 1, 4)}
        | {"0.knots": torch.ones(2, 5)}
    )
    stack.parameters.mul_(2)
    assert float(stack.leaves["1.weight"].detach().sum()) == 48
    total = (stack.leaves["1.weight"] * 3).sum() + 0 * sum(leaf.sum() for leaf in stack.leaves.values())
    stack.take(torch.autograd.grad(total, [*stack.leaves.values()]))
    assert float(stack.gradient.sum()) == 72
    assert set(stack.named()) == {"0.scale", "1.weight", "2.bias", "0.knots"}


def test_inner_blocks_compute_in_the_shorter_type_and_edges_in_full() -> None:
    """The copies follow the vector when told to; what goes in and what comes out stays float32."""
    shapes = {"0.scale": torch.ones(2, 3), "1.weight": torch.ones(2, 3, 4), "2.bias": torch.zeros(2, 1, 4)}
    stack = stack_parameters(shapes, torch.bfloat16)
    assert {name: leaf.dtype for name, leaf in stack.leaves.items()} == {
        "0.scale": torch.float32,
        "1.weight": torch.bfloat16,
        "2.bias": torch.float32,
    }
    stack.parameters.mul_(2)
    assert float(stack.leaves["1.weight"].detach().float().sum()) == 24
    stack.refresh()
    assert float(stack.leaves["1.weight"].detach().float().sum()) == 48
    outputs = forward(NETWORK, _halved(initial_weights(NETWORK, torch.zeros(4, 49), [0])), _batch())
    assert outputs.dtype == torch.float32


def test_bfloat16_learns_what_float32_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both types come to about the same loss, on any processor."""
    losses = []
    for kind in (torch.float32, torch.bfloat16):
        monkeypatch.setattr("netwright.train.population.working_type", lambda network, device, kind=kind: kind)
        losses.append(_train([Recipe(epochs=20, batch_size=32)])[0].loss)
    assert abs(losses[0] - losses[1]) < 0.03
    assert losses[0] != losses[1]


def test_narrow_networks_stay_in_full_precision() -> None:
    """On any processor; wide ones may be shorter where it pays."""
    assert working_type(NETWORK) == torch.float32
    wide = Network((*NETWORK.blocks[:1], Dense(256), Head(3)))
    assert working_type(wide) in (torch.float32, torch.bfloat16)


def _halved(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.bfloat16() if name.startswith("1.") else tensor for name, tensor in weights.items()}


def _batch() -> Batch:
    features = _features(5)
    return {name: torch.from_numpy(array)[None] for name, array in features.arrays.items()}


def test_heirs_go_on_from_their_parents_weights() -> None:
    """A trial that cannot learn gives its place to an heir of the other, which does as well as its parent at once."""
    asked: list[Progress] = []

    def heirs(progress: Progress) -> list[Heir]:
        asked.append(progress)
        return [Heir(0, 1, Recipe(epochs=40, batch_size=32, learning_rate=2e-3))] if len(asked) == 1 else []

    recipes = [Recipe(epochs=40, batch_size=32, learning_rate=1e-9), Recipe(epochs=40, batch_size=32)]
    frozen, parent, heir = _train(recipes, Control(lambda: 0.0, lambda: False, lambda progress: None, heirs))
    assert len(asked) == 2
    assert 0.2 < asked[0].share < 0.35 < asked[1].share
    assert frozen.loss > 0.9
    assert abs(heir.loss - parent.loss) < 0.2
    assert frozen.steps < heir.steps == parent.steps


def test_predictions_are_those_of_the_kept_weights() -> None:
    """What is reported out of fold is what the handed-over networks say, in full precision."""
    (trained,) = _train([Recipe(epochs=6, batch_size=32)])
    predicted = predict_stack(NETWORK, trained.weights, _features(), "cross_entropy")
    for fold, split in enumerate(_splits()):
        np.testing.assert_allclose(trained.predictions[fold], predicted[fold, split.valid], rtol=1e-4, atol=1e-6)


def test_scales_have_a_rate_and_a_decay_of_their_own() -> None:
    """The recipe's factors reach the scales in front of the first layer, network by network, and nothing else."""
    stack = stack_parameters({"0.scale": torch.ones(2, 1), "1.weight": torch.ones(2, 1), "1.bias": torch.ones(2, 1)})
    recipes = [Recipe(learning_rate=0.1, scale_rate=2, scale_decay=0.5), Recipe(learning_rate=0.1, weight_decay=0.3)]
    torch.testing.assert_close(stack.rates(recipes), torch.tensor([0.2, 0.6, 0.1, 0.1, 0.01, 0.01]))
    torch.testing.assert_close(stack.decays(recipes), torch.tensor([0.5, 0.0, 0.02, 0.3, 0.0, 0.0]))
    calm, drawn = (_train([Recipe(epochs=30, batch_size=32, scale_decay=decay)])[0] for decay in (0.0, 1.0))
    assert np.abs(drawn.weights["0.scale"]).mean() < 0.8 * np.abs(calm.weights["0.scale"]).mean()


def test_sparsity_closes_the_gates_of_features_that_say_nothing() -> None:
    """Beside a network without it: scales are smaller, most of all those of columns of noise."""
    generator = np.random.default_rng(0)
    cells = generator.normal(size=(400, 12)).astype(np.float32)
    truth = (cells[:, 0] + cells[:, 1] > 0).astype(np.int64)
    nothing = np.zeros((400, 0))
    features = table_features(cells, nothing.astype(np.float32), nothing.astype(np.int64))
    rows = as_rows(features, truth, np.tile(np.linspace(-3, 3, 49, dtype=np.float32), (12, 1)))
    network = Network((TableInput(12, 0, (), Identity()), Dense(16), Head(2)))
    splits = [Split(np.arange(0, 400, 2), np.arange(1, 400, 2)), Split(np.arange(1, 400, 2), np.arange(0, 400, 2))]
    recipes = [Recipe(epochs=30, batch_size=50, sparsity=sparsity) for sparsity in (0.0, 0.03)]
    control = Control(lambda: 0.0, lambda: False, lambda progress: None)
    trained = train_population(network, recipes, rows, splits, LOSSES["cross_entropy"], control, [0, 0])
    gates = [np.abs(one.weights["0.scale"]).mean(axis=0) for one in trained]
    assert (gates[1][2:] < 0.5 * gates[0][2:]).all()
    assert gates[1][:2].min() > 3 * gates[1][2:].max()


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_ends_near_zero_and_never_passes_one(name: str) -> None:
    """Every schedule stays between 0 and 1 and comes down at the end."""
    values = [SCHEDULES[name](place / 200) for place in range(201)]
    assert min(values) >= 0 and max(values) <= 1 + 1e-9
    assert values[-1] < 1e-9


def test_lanes_raise_the_first_error_and_leave_torch_as_it_was() -> None:
    """A crash in a lane reaches the caller; the caller's number of threads stays."""
    before = torch.get_num_threads()

    def work() -> None:
        raise ValueError("a lane broke")

    with pytest.raises(ValueError, match="a lane broke"):
        run_lanes(2, work, threads=3)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(("cores", "lanes", "threads"), [(1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 4, 1), (16, 4, 4)])
def test_many_cores_are_shared_among_few_lanes(
    cores: int, lanes: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But where trainings must come out alike on any machine, an operation is never cut up."""
    for place in ("lanes", "torch"):
        monkeypatch.setattr(f"netwright.train.{place}.usable_cores", lambda: cores)
    for alike in (False, True):
        seen: list[int] = []
        Torch().run_lanes(lambda: seen.append(torch.get_num_threads()), alike=alike)  # noqa: B023 -- called at once
        assert seen == [1 if alike else threads] * lanes


def test_orthogonal_brings_all_singular_values_near_to_one() -> None:
    """Of tall and of wide matrices, each on its own; directions stay."""
    matrices = (
        torch.randn(3, 8, 20, generator=torch.Generator().manual_seed(0))
        * torch.tensor([1e-3, 1.0, 50.0])[:, None, None]
    )
    for each in (matrices, matrices.transpose(1, 2)):
        found = orthogonal(each)
        values = torch.linalg.svdvals(found)
        assert float(values.min()) > 0.6 and float(values.max()) < 1.3
        left, _, right = torch.linalg.svd(each, full_matrices=False)
        kept = (left.transpose(1, 2) @ found @ right.transpose(1, 2)).flatten(1)
        assert torch.allclose(kept.norm(dim=1), found.flatten(1).norm(dim=1), rtol=1e-3)
    assert torch.isfinite(orthogonal(torch.zeros(1, 4, 4))).all()


def test_muon_moves_the_inner_matrices_by_orthogonal_steps_and_all_else_as_adamw() -> None:
    """The first step from a gradient, by hand."""
    network = Network((TableInput(4, 0, (), Periodic(frequencies=4, width=3)), Dense(16), Dense(12), Head(3)))
    recipe = Recipe(optimiser="muon", learning_rate=0.01, weight_decay=0.1)
    weights = initial_weights(network, torch.zeros(4, 2), [0, 1])
    stack, other = (stack_parameters({name: tensor.clone() for name, tensor in weights.items()}) for _ in range(2))
    optimiser = optimiser_for(stack, [recipe] * 2, 1)
    assert isinstance(optimiser, Muon)
    generator = torch.Generator().manual_seed(1)
    gradients = [torch.randn(tensor.shape, generator=generator) for tensor in stack.weights.values()]
    for each in (stack, other):
        each.take(gradients)
    optimiser.step(0.1)
    Fused(other, recipe).step(0.1)
    pace = SCHEDULES["cosine"](0.1)
    for name, gradient in zip(stack.weights, gradients, strict=True):
        if name not in ("1.weight", "2.weight"):
            assert torch.equal(stack.weights[name], other.weights[name])
            continue
        step = 0.2 * max(gradient.shape[1:]) ** 0.5 * orthogonal(gradient)
        wanted = weights[name] * (1 - pace * 0.01 * 0.1) - pace * 0.01 * step
        torch.testing.assert_close(stack.weights[name], wanted, atol=1e-5, rtol=1e-4)


def test_muon_learns() -> None:
    """As AdamW does."""
    (trained,) = _train([Recipe(epochs=20, batch_size=32, optimiser="muon")])
    assert trained.loss < 0.75 < np.log(3)

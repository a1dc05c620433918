"""What Keras trains is what PyTorch would answer with: the same networks, losses, steps and honest folds."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch

if find_spec("keras") is None:  # it must not be imported yet: `build.backend` says on what it runs
    pytest.skip("Keras is not installed", allow_module_level=True)

from netwright.build.backend import keras
from netwright.build.keras_places import Place
from netwright.build.torch_chain import Layout, chain_loss
from netwright.data.features import Features, table_features
from netwright.data.stretches import POSITIONS, begins, positions_of, stretches
from netwright.errors import TrialError
from netwright.spec.blocks import (
    BagInput,
    ChainHead,
    Convolution,
    Dense,
    GlobalPool,
    Head,
    Identity,
    ImageInput,
    Members,
    Periodic,
    Piecewise,
    Residual,
    TableInput,
)
from netwright.spec.network import Network, Recipe
from netwright.testing.sentences import language
from netwright.train.control import Control, Progress, Trained
from netwright.train.framework import Split
from netwright.train.keras import Keras, KerasTrainer
from netwright.train.keras_chain import Pairs, chain_loss_of
from netwright.train.keras_groups import groups_of
from netwright.train.keras_optimiser import AdamW
from netwright.train.predict import predict_stack

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras

ROWS = 240
QUIET = Control(lambda: 0.0, lambda: False, lambda progress: None)
NUMERIC = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)
FEATURES = table_features(NUMERIC, np.zeros((ROWS, 0), np.float32), np.zeros((ROWS, 0), np.int64))
KNOTS = np.quantile(NUMERIC, np.linspace(0, 1, 49), axis=0).T.astype(np.float32)
CLASSES = (NUMERIC[:, 0] + np.abs(NUMERIC[:, 1]) > 0.5).astype(np.int64) + (NUMERIC[:, 2] > 1)
NETWORK = Network((TableInput(4, 0, (), Periodic(frequencies=4, width=3)), Dense(16), Head(3)))
RECIPE = Recipe(epochs=20, batch_size=32, learning_rate=0.01)


def splits(folds: int = 3) -> list[Split]:
    """Return folds that are dealt in turns."""
    fold = np.arange(ROWS) % folds
    return [Split(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(folds)]


def train(
    network: Network = NETWORK,
    recipe: Recipe = RECIPE,
    *,
    features: Features = FEATURES,
    targets: np.ndarray = CLASSES,
    loss: str = "cross_entropy",
    control: Control = QUIET,
    parts: list[Split] | None = None,
) -> Trained:
    """Return what comes of a training in Keras."""
    trainer = KerasTrainer(features, targets, KNOTS)
    (trained,) = trainer.train(network, [recipe], parts or splits(), loss, control, [0])
    return trained


def test_training_learns_and_predicts_what_its_weights_say_in_pytorch() -> None:
    """Out of fold, of every fold's network: the loop judged the very networks that are handed over."""
    trained = train()
    assert trained.loss < 0.75 < np.log(3)
    predicted = predict_stack(NETWORK, trained.weights, FEATURES, "cross_entropy")
    for fold, split in enumerate(splits()):
        np.testing.assert_allclose(trained.predictions[fold], predicted[fold, split.valid], atol=1e-4)


@pytest.mark.parametrize("inner", [(Dense(16, "relu", "layer"),), (Members(4), Dense(16), Residual(8, norm="rms"))])
def test_every_loss_is_learnt(inner: tuple[Dense, ...]) -> None:
    """Values and chances, by plain networks and by members that share weights."""
    values = (NUMERIC[:, 0] * 2 + NUMERIC[:, 1]).astype(np.float32)
    first = TableInput(4, 0, (), Piecewise(bins=8, width=4))
    numbers = Network((first, *inner, Head(1)))
    assert train(numbers, targets=values / values.std(), loss="squared_error").loss < 0.25
    classes = Network((first, *inner, Head(3)))
    soft = 0.9 * np.eye(3, dtype=np.float32)[CLASSES] + 0.1 / 3
    sharp, blurred = train(classes), train(classes, targets=soft, loss="soft_cross_entropy")
    assert sharp.loss < 0.8 and blurred.loss < 0.95
    predicted = predict_stack(classes, blurred.weights, FEATURES, "soft_cross_entropy")
    np.testing.assert_allclose(blurred.predictions[1], predicted[1, splits()[1].valid], atol=1e-4)


def test_equal_seeds_give_equal_weights() -> None:
    """Noise included, also when the program has been used before."""
    trainer = KerasTrainer(FEATURES, CLASSES, KNOTS)
    noisy = Recipe(epochs=3, batch_size=32, dropout=0.3)
    first, second, other = (
        trainer.train(NETWORK, [noisy], splits(), "cross_entropy", QUIET, [seed])[0] for seed in (0, 0, 1)
    )
    assert not trainer.compiles(NETWORK) and KerasTrainer(FEATURES, CLASSES, KNOTS).compiles(NETWORK)
    for name, array in first.weights.items():
        np.testing.assert_allclose(array, second.weights[name], atol=1e-6)
    assert not np.allclose(first.weights["1.weight"], other.weights["1.weight"])


def test_the_labels_of_a_fold_do_not_reach_its_network() -> None:
    """With noise for the labels of one fold its own network is the same, and those of the others are not."""
    kept = []
    for seed in (1, 2):
        noisy = CLASSES.copy()
        noisy[splits()[0].valid] = np.random.default_rng(seed).integers(0, 3, ROWS // 3)
        once = Recipe(epochs=1, batch_size=32, dropout=0.0)
        (trained,) = KerasTrainer(FEATURES, noisy, KNOTS).train(
            NETWORK, [once], splits(), "cross_entropy", Control(lambda: 0.0, lambda: False, lambda progress: None), [0]
        )
        kept.append(trained.weights["1.weight"])
    np.testing.assert_allclose(kept[0][0], kept[1][0], atol=1e-6)
    assert not np.allclose(kept[0][1], kept[1][1], atol=1e-4)


def test_folds_that_share_few_rows_are_trained_in_turns() -> None:
    """As are those of networks that learn statistics of a batch; the others together."""
    apart = [Split(np.arange(0, 60), np.arange(60, 120)), Split(np.arange(120, 200), np.arange(200, 240))]
    assert [group.folds for group in groups_of(NETWORK, splits())] == [(0, 1, 2)]
    assert [group.folds for group in groups_of(NETWORK, apart)] == [(0,), (1,)]
    image = Network((ImageInput(8, 8, (0.5,), (0.2,)), Convolution(4), GlobalPool(), Head(2)))
    assert len(groups_of(image, splits())) == 3
    (together,) = groups_of(NETWORK, splits())
    assert together.rows_a_step(32) == 48
    assert together.counted.sum(axis=0).tolist() == [160, 160, 160]
    trained = train(parts=apart)
    predicted = predict_stack(NETWORK, trained.weights, FEATURES, "cross_entropy")
    for fold, split in enumerate(apart):
        np.testing.assert_allclose(trained.predictions[fold], predicted[fold, split.valid], atol=1e-4)


def test_networks_for_images_learn_their_statistics() -> None:
    """What is bright is told from what is dark, by the means and variances that a batch of each fold has shown."""
    generator = np.random.default_rng(0)
    bright = generator.integers(0, 2, ROWS)
    images = (generator.integers(0, 120, (ROWS, 8, 8, 1)) + 60 * bright[:, None, None, None]).astype(np.uint8)
    network = Network((ImageInput(8, 8, (0.4,), (0.2,)), Convolution(4), GlobalPool("mean"), Head(2)))
    features = Features({"images": images})
    trained = train(network, Recipe(epochs=6, batch_size=20, learning_rate=0.02), features=features, targets=bright)
    assert trained.loss < 0.4 < np.log(2)
    predicted = predict_stack(network, trained.weights, features, "cross_entropy")
    for fold, split in enumerate(splits()):
        np.testing.assert_allclose(trained.predictions[fold], predicted[fold, split.valid], atol=1e-3)


def test_time_ends_the_schedule_and_stop_ends_at_once() -> None:
    """A training whose time is used up has taken no step, but still has an answer; readiness is told before."""
    told: list[str] = []
    ended = train(
        control=Control(lambda: 1.0, lambda: False, lambda progress: None, ready=lambda: told.append("ready"))
    )
    stopped = train(control=Control(lambda: 0.0, lambda: True, lambda progress: told.append("check")))
    assert ended.steps == stopped.steps == 0
    assert len(ended.predictions[0]) == ROWS // 3
    assert told == ["ready", "check"]


def test_progress_is_told_with_what_the_best_networks_predict() -> None:
    """At most 32 times, the last epoch among them."""
    heard: list[Progress] = []
    trained = train(recipe=Recipe(epochs=40, batch_size=60), control=Control(lambda: 0.0, lambda: False, heard.append))
    assert 10 < len(heard) <= 40 and heard[0].epochs == 40
    assert heard[-1].best == pytest.approx((trained.loss,))
    assert all(
        np.array_equal(one, other) for one, other in zip(heard[-1].predictions[0], trained.predictions, strict=True)
    )


def test_a_training_goes_on_from_given_weights() -> None:
    """With a rate of almost nothing they stay what they were."""
    before = train()
    trainer = KerasTrainer(FEATURES, CLASSES, KNOTS)
    still = Recipe(epochs=1, batch_size=32, learning_rate=1e-9, dropout=0.0)
    (after,) = trainer.train(NETWORK, [still], splits(), "cross_entropy", QUIET, [5], before.weights)
    for name, array in before.weights.items():
        np.testing.assert_allclose(after.weights[name], array, atol=1e-5)
    assert after.loss == pytest.approx(before.loss, abs=1e-3)


def test_a_diverging_trial_is_an_error_with_a_reason() -> None:
    """What is not finite ends the trial."""
    broken = Features(
        {name: array * np.float32("nan") if name == "numeric" else array for name, array in FEATURES.arrays.items()}
    )
    with pytest.raises(TrialError, match="not a number"), np.errstate(invalid="ignore"):
        train(recipe=Recipe(epochs=1), features=broken)


def test_the_optimiser_agrees_with_the_library() -> None:
    """Twenty steps of ours and of torch.optim.AdamW on one quadratic end at the same point; a number apart stays."""
    start = np.random.default_rng(0).normal(size=10).astype(np.float32)
    theirs = torch.tensor(start, requires_grad=True)
    optimiser = torch.optim.AdamW([theirs], lr=0.05, betas=(0.9, 0.95), weight_decay=0.1)
    variable = keras.Variable(np.append(start, np.float32(3.0)), trainable=False)
    ours = AdamW([Place(variable, "1.weight", np.array([*range(1, 11), 0]))])
    ours.settings.assign(np.array([[0.05], [0.005], [0.0], [0.95]], np.float32))
    for _ in range(20):
        optimiser.zero_grad()
        (theirs**2).sum().backward()
        optimiser.step()
        ours.apply([2 * keras.ops.convert_to_tensor(variable)], [variable])
    found = keras.ops.convert_to_numpy(variable)
    np.testing.assert_allclose(found[:10], theirs.detach().numpy(), rtol=1e-4, atol=1e-5)
    assert found[10] == pytest.approx(3.0 * 0.995**20, rel=1e-4)


def test_sparsity_closes_the_gates_of_features_that_say_nothing() -> None:
    """Beside a network without it."""
    wide = np.random.default_rng(3).normal(size=(ROWS, 12)).astype(np.float32)
    features = table_features(wide, np.zeros((ROWS, 0), np.float32), np.zeros((ROWS, 0), np.int64))
    truth = (wide[:, 0] + wide[:, 1] > 0).astype(np.int64)
    network = Network((TableInput(12, 0, (), Identity()), Dense(16), Head(2)))
    gates = []
    for sparsity in (0.0, 0.03):
        recipe = Recipe(epochs=30, batch_size=40, sparsity=sparsity)
        trained = train(network, recipe, features=features, targets=truth)
        gates.append(np.abs(trained.weights["0.scale"]).mean(axis=0))
    assert (gates[1][2:] < 0.6 * gates[0][2:]).all()
    assert gates[1][:2].min() > 2 * gates[1][2:].max()


def test_a_framework_tells_its_versions() -> None:
    """Of Keras and of what it runs on."""
    name = keras.backend.backend()
    assert set(Keras(name).versions()) == {"keras", name}


# --- chains ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lengths", "cut"), [([1], [1]), ([3, 1, 9, 7], [3, 1, 9, 7]), ([30, 10, 40], [30, 2, 8, 24, 16])]
)
def test_the_loss_of_a_chain_is_that_of_pytorch(lengths: list[int], cut: list[int]) -> None:
    """Each network by the rows that count for it; what is longer than a piece is learnt in pieces."""
    generator, rows, tags = np.random.default_rng(0), sum(lengths), 4
    found = generator.normal(size=(rows, 1, 2, tags)).astype(np.float32)
    transitions = generator.normal(size=(2, 1, tags, tags)).astype(np.float32)
    truth, own = generator.integers(0, tags, rows), np.repeat(np.arange(len(cut)), cut)
    counted = np.ones((rows, 2), np.float32)
    counted[own > 0, 1] = 0
    goes_on = ~begins(positions_of(np.repeat(np.arange(len(lengths)), lengths)))[:, None]
    wanted = np.concatenate([np.eye(tags)[truth], counted, goes_on], axis=1).astype(np.float32)
    said = float(keras.ops.convert_to_numpy(chain_loss_of(Pairs(transitions), tags)(wanted, found)))
    right = 0.0
    for network in range(2):
        kept = torch.from_numpy(np.flatnonzero(counted[:, network]))
        layout = Layout.of(torch.from_numpy(positions_of(own))[kept][None])
        scores, pairs = (torch.from_numpy(one) for one in (found[:, 0, network], transitions[network]))
        right += float(chain_loss(scores[kept][None], pairs, layout, torch.eye(tags)[truth][kept][None]))
    assert said == pytest.approx(right, rel=1e-4)


def test_a_chain_is_learnt() -> None:
    """So tokens that say nothing are told by those beside them; PyTorch predicts the same with the weights."""
    features, tags = language(120, seed=0)
    own = stretches(features[POSITIONS][:, 0])
    folds = [Split(np.flatnonzero(own % 3 != one), np.flatnonzero(own % 3 == one)) for one in range(3)]
    recipe, losses = Recipe(epochs=16, batch_size=32, learning_rate=0.05, dropout=0.1), {}
    trainer = KerasTrainer(features, tags, np.zeros((0, 2), np.float32))
    for head in (Head(3), ChainHead(3)):
        network = Network((BagInput(4, 8, TableInput(0, 2, (), Identity())), head))
        (trained,) = trainer.train(network, [recipe], folds, "cross_entropy", QUIET, [0])
        found = predict_stack(network, trained.weights, features, "cross_entropy")
        for place, fold in enumerate(folds):
            np.testing.assert_allclose(trained.predictions[place], found[place, fold.valid], atol=1e-3)
        losses[network.chained] = trained.loss
    assert losses[True] < 0.3 * losses[False]

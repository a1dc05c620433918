"""Chains over tags in training and in answers: sentences stay whole, and answers do not hang on what is beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from netwright.build.torch import initial_weights
from netwright.data.features import Features
from netwright.data.stretches import POSITIONS, positions_of, stretches
from netwright.inference.folds import Sessions
from netwright.spec.blocks import BagInput, ChainHead, Dense, Head, Identity, Members, TableInput
from netwright.spec.network import Network, Recipe, without_chain
from netwright.testing.models import shaken
from netwright.testing.sentences import language
from netwright.train.control import Control
from netwright.train.framework import Split
from netwright.train.losses import LOSSES, wanted_chances
from netwright.train.population import Population
from netwright.train.predict import predict_stack
from netwright.train.rows import as_rows
from netwright.train.torch import Torch
from netwright.train.training import train_population

QUIET = Control(lambda: 0.0, lambda: False, lambda progress: None)
TAGS = 5
BAG = Network((BagInput(20, 6, TableInput(0, 2, (), Identity())), Dense(8), ChainHead(TAGS)))
MEMBERS = Network((TableInput(0, 2, (), Identity()), Members(3), Dense(8), ChainHead(TAGS)))
LENGTHS = [1, 1, 30, 2, 1, 17, 3, 64, 1, 5]


def features_of(lengths: list[int], seed: int = 0) -> Features:
    """Return random tokens of sentences of these lengths."""
    generator, rows = np.random.default_rng(seed), sum(lengths)
    return Features(
        {
            "plain": generator.normal(size=(rows, 2)).astype(np.float32),
            "grams": generator.integers(0, 21, (rows, 6)).astype(np.int32),
            "gram_weights": generator.random((rows, 6)).astype(np.float32),
            POSITIONS: positions_of(np.repeat(np.arange(len(lengths)), lengths))[:, None].astype(np.int32),
        }
    )


def weights_of(network: Network, folds: int = 2) -> dict[str, np.ndarray]:
    """Return weights (S, ...) as after a training."""
    made = shaken(initial_weights(network, torch.zeros(0, 2), range(folds)), torch.Generator().manual_seed(0))
    strong = {name: 4 * one if name.endswith("transitions") else one for name, one in made.items()}
    return {name: one.numpy() for name, one in strong.items()}


@pytest.mark.parametrize("network", [BAG, MEMBERS], ids=["bag", "members"])
@pytest.mark.parametrize("lengths", [[1], [2], [1, 1], LENGTHS], ids=str)
def test_answers_are_the_same_in_onnx_runtime(network: Network, lengths: list[int]) -> None:
    """For one row, for two, and for many in sentences of very different lengths, which are parted for the memory."""
    features, weights, sessions = features_of(lengths), weights_of(network), Sessions()
    right = predict_stack(network, weights, features, "cross_entropy")
    assert right.shape == (2, sum(lengths), TAGS)
    np.testing.assert_allclose(right.sum(axis=2), 1, atol=1e-5)
    np.testing.assert_allclose(sessions.predict(network, weights, features, "cross_entropy"), right, atol=1e-5)
    (known, session) = sessions._ready[id(weights)]
    sessions._ready[id(weights)] = (known, replace(session, rows=20))
    np.testing.assert_allclose(sessions.predict(network, weights, features, "cross_entropy"), right, atol=1e-5)


def test_a_sentence_is_answered_alike_alone_and_among_others() -> None:
    """Also where rows go through the networks some at a time."""
    features, weights = features_of(LENGTHS), weights_of(BAG)
    whole = predict_stack(BAG, weights, features, "cross_entropy")
    own = stretches(features[POSITIONS][:, 0])
    for sentence in (0, 2, 3, 7):
        rows = np.flatnonzero(own == sentence)
        alone = predict_stack(BAG, weights, features.rows(rows), "cross_entropy")
        np.testing.assert_allclose(alone, whole[:, rows], atol=1e-6)
    many = features_of(LENGTHS * 40)
    parts = [
        predict_stack(BAG, weights, many.rows(stretches(many[POSITIONS][:, 0]) == one), "cross_entropy")
        for one in range(9)
    ]
    together = predict_stack(BAG, weights, many, "cross_entropy")
    np.testing.assert_allclose(np.concatenate(parts, axis=1), together[:, : sum(LENGTHS[:9])], atol=1e-5)


def test_the_chain_says_something() -> None:
    """Without it the answers are others."""
    features, weights = features_of(LENGTHS), weights_of(BAG)
    plain = {name: one for name, one in weights.items() if not name.endswith("transitions")}
    other = predict_stack(without_chain(BAG), plain, features, "cross_entropy")
    assert np.abs(other - predict_stack(BAG, weights, features, "cross_entropy")).max() > 0.1


def test_sentences_are_learnt_from_whole() -> None:
    """In an order of its own for each network and epoch, of which the first rows are taken."""
    features = features_of(LENGTHS)
    rows = as_rows(features, np.zeros(sum(LENGTHS), np.int64), np.zeros((0, 2), np.float32))
    own = stretches(features[POSITIONS][:, 0])
    splits = [Split(np.flatnonzero(own % 2 == one), np.flatnonzero(own % 2 != one)) for one in (0, 1)]
    population = Population.start(BAG, [Recipe(batch_size=8)], rows, splits, [0])
    count = min(len(split.train) for split in splits)
    orders = [population.shuffled(count) for _ in range(2)]
    assert not torch.equal(*orders)
    for order, split in zip(orders[0], splits, strict=True):
        taken = order.numpy()
        assert set(taken.tolist()) <= set(split.train.tolist()) and len(set(taken.tolist())) == count
        changes = np.flatnonzero(np.diff(own[taken])) + 1
        for part in np.split(taken, changes)[:-1]:  # the last may be cut off
            assert np.array_equal(part, np.flatnonzero(own == own[part[0]]))


def test_transitions_are_learnt() -> None:
    """So tokens that say nothing are told by those beside them; without a chain they cannot be."""
    features, tags = language(120, seed=0)
    own = stretches(features[POSITIONS][:, 0])
    splits = [Split(np.flatnonzero(own % 2 == one), np.flatnonzero(own % 2 != one)) for one in (0, 1)]
    rows = as_rows(features, tags, np.zeros((0, 2), np.float32))
    recipe, losses = Recipe(epochs=24, batch_size=32, learning_rate=0.05, dropout=0.0), {}
    for head in (Head(3), ChainHead(3)):
        network = Network((BagInput(4, 8, TableInput(0, 2, (), Identity())), head))
        (trained,) = train_population(network, [recipe], rows, splits, LOSSES["cross_entropy"], QUIET, [0])
        losses[network.chained] = trained.loss
        found = predict_stack(network, trained.weights, features, "cross_entropy")
        for fold, split in enumerate(splits):
            np.testing.assert_allclose(trained.predictions[fold], found[fold, split.valid], atol=1e-4)
    assert losses[True] < 0.2 * losses[False]


def test_trials_of_a_stack_learn_as_they_do_alone() -> None:
    """Two recipes at once, each over two folds; and through the door that the engine uses, with heirs' weights."""
    features, tags = language(60, seed=1)
    own = stretches(features[POSITIONS][:, 0])
    splits = [Split(np.flatnonzero(own % 2 == one), np.flatnonzero(own % 2 != one)) for one in (0, 1)]
    network = Network((BagInput(4, 8, TableInput(0, 2, (), Identity())), ChainHead(3)))
    recipes = [Recipe(epochs=4, batch_size=32, learning_rate=rate, dropout=0.0) for rate in (0.01, 0.05)]
    trainer = Torch().over(features, tags, np.zeros((0, 2), np.float32))
    both = trainer.train(network, recipes, splits, "cross_entropy", QUIET, [3, 4])
    (alone,) = trainer.train(network, recipes[1:], splits, "cross_entropy", QUIET, [4])
    for name, tensor in alone.weights.items():
        np.testing.assert_allclose(tensor, both[1].weights[name], rtol=1e-3, atol=1e-4, err_msg=name)
    (longer,) = trainer.train(network, recipes[1:], splits, "cross_entropy", QUIET, [4], alone.weights)
    assert longer.loss < alone.loss


def test_chances_are_what_networks_are_to_come_to() -> None:
    """A known class, one of which a share is spread, and chances as they are."""
    classes, smoothing = torch.tensor([[0, 2]]), torch.tensor([0.3])
    assert wanted_chances(classes, 3, torch.zeros(1))[0].tolist() == [[1, 0, 0], [0, 0, 1]]
    torch.testing.assert_close(
        wanted_chances(classes, 3, smoothing)[0], torch.tensor([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    )
    soft = torch.rand(1, 2, 3)
    assert wanted_chances(soft, 3, smoothing) is soft

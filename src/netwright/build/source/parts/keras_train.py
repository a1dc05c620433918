"""Trains the networks of an exported model from the beginning, in Keras."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from netwright.build.backend import keras
from netwright.build.source.parts.keras_changes import distorted, flipped, masked, warped
from netwright.build.source.parts.keras_encoder import encoder, whole
from netwright.build.source.parts.keras_losses import aims, answered, followed, judge, loss_of, lost, mixed, taken
from netwright.build.source.parts.keras_model import (
    DESIGNS,
    HERE,
    ROWS_AT_ONCE,
    Design,
    Rows,
    fed,
    finished,
    named_weights,
    outputs_of,
)
from netwright.build.source.parts.keras_optimisers import Optimiser
from netwright.build.source.parts.keras_trunk import trunk
from netwright.build.source.parts.keras_vector_layers import Dropout
from netwright.build.source.parts.lessons import FOLDS, read_arguments, read_lessons
from netwright.build.source.parts.recipes import PATIENT, RECIPES, Recipe, flat_cosine

CHECKS = 32  # times that the networks are judged while they learn

State = list[np.ndarray]
"""All variables of a network in training."""


def read_weights() -> dict[str, np.ndarray]:
    """Return the weights of all networks, for what of them is measured and not learnt."""
    return load_file(HERE / "weights.safetensors")


WEIGHTS: dict[str, np.ndarray] = {}


def begun(name: str) -> keras.Model:
    """Return a network of a design as it begins."""
    network: keras.Model = DESIGNS[name].build()
    # if knots:
    for part, variable in named_weights(network).items():
        if part == "numbers.knots":
            variable.assign(WEIGHTS[f"networks.{name}.0.{part}"])
    # end
    return network


class Training:
    """A network in training, compiled once; the networks of the folds take turns in it."""

    def __init__(self, name: str, recipe: Recipe) -> None:
        self.name, self.recipe = name, recipe
        self.network = begun(name)
        self.optimiser = Optimiser(self.network, recipe)
        # if chain:
        loss = lost(self.network)
        # end
        # if not chain:
        loss = loss_of
        # end
        # A program of TensorFlow takes longer to compile than it saves
        self.network.compile(self.optimiser, loss, jit_compile=keras.backend.backend() == "jax")
        # if dropout:
        self.dropouts = [(one, one.share) for one in self.network.layers if isinstance(one, Dropout)]
        # end
        self.rest = [np.array(keras.ops.convert_to_numpy(variable)) for variable in self.optimiser.variables]

    def variables(self) -> list[Any]:
        """Return all that changes in training."""
        return [*self.network.variables, *self.optimiser.variables]

    def state(self) -> State:
        """Return what the variables are now."""
        return [np.array(keras.ops.convert_to_numpy(variable)) for variable in self.variables()]

    def begin(self) -> State:
        """Return what the variables are at the beginning: each time others."""
        first = begun(self.name)
        return [*(np.array(keras.ops.convert_to_numpy(variable)) for variable in first.variables), *self.rest]

    def restore(self, state: State) -> None:
        """Go on from a state."""
        for variable, value in zip(self.variables(), state, strict=True):
            variable.assign(value)

    def weights(self) -> State:
        """Return what the network is judged with."""
        # if averaging:
        if self.recipe.averaging:
            return self.optimiser.averaged(self.network)
        # end
        return self.network.get_weights()

    def pass_over(
        self, epoch: int, rows: Rows, wanted: np.ndarray, own: np.ndarray, batch: int, random: np.random.Generator
    ) -> None:
        """Let the network learn once from its own rows, so many at a time and in a random order."""
        recipe, steps = self.recipe, len(own) // batch
        # if chain:
        order = own[shuffled(rows["positions"][own, 0], random)]
        # end
        # if not chain:
        order = random.permutation(own)
        # end
        for step in range(steps):
            progress = (epoch - 1 + (step + 0.5) / steps) / recipe.epochs
            self.optimiser.pace(progress)
            # if averaging:
            self.optimiser.follow(recipe.averaging, progress, 1 / (steps * recipe.epochs))
            # end
            # if dropout:
            for layer, rate in self.dropouts:
                layer.rate.assign(rate * flat_cosine(progress))
            # end
            index = order[step * batch : (step + 1) * batch]
            some, aim = taken(rows, index), wanted[index]
            # if flips:
            some["images"] = flipped(some["images"], recipe, random)
            # end
            # if distortion:
            some["images"] = distorted(some["images"], recipe.distortion, random)
            # end
            # if warp:
            some["images"] = warped(some["images"], recipe.warp, random)
            # end
            # if masking:
            some["images"] = masked(some["images"], recipe.masking, random)
            # end
            # if mixup:
            if recipe.mixup:
                share = float(random.beta(recipe.mixup, recipe.mixup))
                some, aim = mixed(some, aim, share, random.permutation(len(index)))
            # end
            # if chain:
            aim = followed(aim, some["positions"])
            # end
            self.network.train_on_batch(fed(self.network, some), aim)
        # if dropout:
        for layer, rate in self.dropouts:
            layer.rate.assign(rate)
        # end


def shuffled(positions: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return an order of tokens (n,) at random in which those of one sentence follow each other as they did."""
    sentences = np.cumsum(np.diff(positions, prepend=positions[0]) > 1)
    return np.argsort(random.permutation(sentences[-1] + 1)[sentences], kind="stable")


def train(
    name: str, rows: Rows, targets: np.ndarray, folds: np.ndarray, seed: int
) -> tuple[list[dict[str, np.ndarray]], np.ndarray]:
    """Train one network of a design for each fold of the rows.

    Each is kept as it was when the networks of the *other* folds were best on average, so that no row has a say in what
    predicts it.

    Args:
        name: of the design.
        rows: N rows.
        targets: (N,) what is to be predicted.
        folds: (N,) the fold of each row.
        seed: of all that is random.

    Returns:
        The weights of the networks by name, and the answers (N, K) for each row by the network that has not learnt
        from it.
    """
    recipe, random = RECIPES[name], np.random.default_rng(seed)
    training, wanted = Training(name, recipe), aims(targets, recipe)
    learnt = [np.flatnonzero(folds != fold) for fold in range(FOLDS)]
    judged = [np.flatnonzero(folds == fold) for fold in range(FOLDS)]
    batch, most = min(recipe.batch_size, *map(len, learnt)), max(map(len, judged))
    states = [training.begin() for _ in range(FOLDS)]
    kept: list[State] = [[] for _ in range(FOLDS)]
    lowest, waited = [math.inf] * FOLDS, [0] * FOLDS
    every, gone = max(1, recipe.epochs // CHECKS), 0
    for check in [*range(every, recipe.epochs, every), recipe.epochs]:
        losses, weights = [], []
        for fold in range(FOLDS):
            training.restore(states[fold])
            for epoch in range(gone + 1, check + 1):
                training.pass_over(epoch, rows, wanted, learnt[fold], batch, random)
            states[fold] = training.state()
            weights.append(training.weights())
            training.network.set_weights(weights[fold])
            losses.append(judge(answered(training.network, rows, judged[fold], most), targets[judged[fold]]))
        for fold in range(FOLDS):
            others = (sum(losses) - losses[fold]) / (FOLDS - 1)
            waited[fold] += 1
            if others < lowest[fold] or not kept[fold]:
                lowest[fold], waited[fold], kept[fold] = others, 0, weights[fold]
        if recipe.schedule in PATIENT and min(waited) > math.ceil(recipe.epochs / every) // 3:
            break
        gone = check
    found, answers = [], []
    for state, own in zip(kept, judged, strict=True):
        training.network.set_weights(state)
        found.append(arrays_of(training.network))
        answers.append(answered(training.network, rows, own, most))
    order = np.argsort(np.concatenate(judged), kind="stable")
    return found, np.concatenate(answers)[order]


def arrays_of(network: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights of a network by name."""
    return {name: np.array(keras.ops.convert_to_numpy(variable)) for name, variable in named_weights(network).items()}


def seen(lent: keras.Model, name: str, rows: Rows) -> np.ndarray:
    """Return what a network of others, whose weights begin with a name, sees in N rows: (N, F)."""
    for part, variable in named_weights(lent, name).items():
        variable.assign(WEIGHTS[part])
    index = np.arange(len(next(iter(rows.values()))))
    parts = [index[start : start + ROWS_AT_ONCE] for start in range(0, len(index), ROWS_AT_ONCE)]
    return np.concatenate([outputs_of(lent, taken(rows, part)) for part in parts])


def main() -> None:
    """Train on a table, and print the score on rows that the networks have not learnt from."""
    arguments = read_arguments(len(DESIGNS))
    keras.utils.set_random_seed(arguments.seed)
    lessons = read_lessons(arguments)
    rows = lessons.arrays
    # if trunk:
    rows["frozen"] = seen(trunk(), "trunk.", {"images": rows["images"]})  # once: the trunk does not learn
    # end
    # if encoder:
    pieces = whole(rows["word_pieces"])
    rows["frozen"] = seen(encoder(), "encoder.", {"word_pieces": pieces})  # once: the encoder does not learn
    # end
    mixture, shares = np.zeros(()), 0.0
    weights: dict[str, np.ndarray] = {}
    for name, design in [*DESIGNS.items()][: arguments.designs]:
        networks, answers = train(name, rows, lessons.targets, lessons.folds, arguments.seed)
        mixture, shares = mixture + design.share * answers, shares + design.share
        weights |= state_of(name, design, networks)
        print(f"{name}: {lessons.score(finished(answers))}")
    print(f"the mix: {lessons.score(finished(mixture / shares))}")
    if arguments.out:
        # if lent:
        weights |= {name: array for name, array in WEIGHTS.items() if not name.startswith("networks.")}
        # end
        save_file(weights, arguments.out)


def state_of(name: str, design: Design, networks: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the weights of the networks that the mix keeps of a design, by their names in the mix."""
    chosen = [networks[place * len(networks) // design.networks] for place in range(design.networks)]
    return {
        f"networks.{name}.{place}.{part}": array
        for place, network in enumerate(chosen)
        for part, array in network.items()
    }


if __name__ == "__main__":
    main()

"""AdamW, gradient descent with momentum, and Muon for the matrices of inner blocks, in Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

from netwright.build.backend import keras, ops
from netwright.build.source.parts.keras_model import named_weights
from netwright.build.source.parts.keras_rates import rate_and_decay
from netwright.build.source.parts.keras_tensors import Tensor
from netwright.build.source.parts.recipes import Recipe, flat_cosine

RATE, DECAY, LASSO = range(3)  # rows of what is set for each variable


class Optimiser(keras.optimizers.Optimizer):
    """AdamW (arXiv 1711.05101), or what the recipe names, with a rate and a decay for each variable.

    Both change from step to step, so they are variables themselves: the program need not be compiled anew.
    """

    def __init__(self, network: keras.Model, recipe: Recipe) -> None:
        super().__init__(learning_rate=1.0)
        self.recipe, variables = recipe, network.trainable_variables
        names = {id(variable): name for name, variable in named_weights(network).items()}
        self.names = [names[id(variable)] for variable in variables]
        self.settings = self.add_variable((3, len(variables)), dtype="float32", name="settings")
        self.firsts = [self.add_variable_from_reference(variable, "first") for variable in variables]
        self.seconds = [self.add_variable_from_reference(variable, "second") for variable in variables]
        # if averaging:
        self.averages = [self.add_variable_from_reference(variable, "average") for variable in variables]
        self.followed = self.add_variable((), dtype="float32", name="followed")
        # end
        self.build(variables)

    def pace(self, progress: float) -> None:
        """Set rates and decays for the moment when a share of the training has gone."""
        full = np.array([rate_and_decay(name, self.recipe) for name in self.names], np.float32).T
        rates = self.recipe.schedule(progress) * full[0]
        lasso = np.zeros(len(self.names), np.float32)
        # if sparsity:
        lasso[[place for place, name in enumerate(self.names) if name == "scale.scale"]] = self.recipe.sparsity
        # end
        decays = flat_cosine(progress) * full[1]
        self.settings.assign(np.stack([rates, decays, lasso]))

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """Take a step for one variable; the learning rate of Keras itself is left at 1."""
        place = self._get_variable_index(variable)
        rate, decay, lasso = (self.settings[row, place] for row in (RATE, DECAY, LASSO))
        gradient = ops.add(gradient, lasso * ops.sign(variable))  # one of vectors that were looked up becomes dense
        self.assign(variable, self.moved(place, gradient, variable, rate, decay))
        # if averaging:
        average = self.averages[place]
        self.assign(average, average + (variable - average) * self.followed)
        # end

    def moved(self, place: int, gradient: Tensor, variable: Any, rate: Tensor, decay: Tensor) -> Tensor:
        """Return a variable after a step."""
        # if sgd:
        if self.recipe.sgd:
            return self.descended(place, gradient + decay * variable, variable, rate)
        # end
        # if muon:
        if self.recipe.muon and is_inner(self.names[place], variable):
            return self.turned(place, gradient, variable, rate, decay)
        # end
        first, second, memory = self.firsts[place], self.seconds[place], self.recipe.second_moment
        steps = ops.cast(self.iterations, "float32") + 1.0
        self.assign(first, 0.9 * first + 0.1 * gradient)
        self.assign(second, memory * second + (1 - memory) * ops.square(gradient))
        mean = first / (1.0 - ops.power(0.9, steps))
        size = ops.sqrt(second / (1.0 - ops.power(memory, steps)))
        return variable - rate * decay * variable - rate * mean / (size + 1e-8)

    # if sgd:
    def descended(self, place: int, gradient: Tensor, variable: Any, rate: Tensor) -> Tensor:
        """Return a variable after a step of gradient descent with Nesterov's momentum."""
        momentum = self.firsts[place]
        self.assign(momentum, 0.9 * momentum + gradient)
        return variable - rate * (gradient + 0.9 * momentum)

    # end
    # if muon:
    def turned(self, place: int, gradient: Tensor, variable: Any, rate: Tensor, decay: Tensor) -> Tensor:
        """Return a variable after a step of momentum made orthogonal (Jordan et al. 2024), as long as one of AdamW.

        See arXiv 2502.16982.
        """
        momentum = self.firsts[place]
        self.assign(momentum, momentum + 0.05 * (gradient - momentum))
        ahead = gradient + 0.95 * (momentum - gradient)  # Nesterov's
        columns = variable.shape[2 if "_depth." in self.names[place] else -1]  # of a convolution by channel: channels
        matrix = ops.reshape(ahead, (-1, columns))
        length = 0.2 * max(matrix.shape) ** 0.5
        step = ops.reshape(orthogonal(matrix), variable.shape)
        return variable - rate * decay * variable - rate * length * step

    # end
    # if averaging:
    def follow(self, span: float, progress: float, gone: float) -> None:
        """Set how far averages follow weights: over `span` of the training the weight of a step falls to 1/e."""
        gone = min(gone, progress)
        self.followed.assign(gone / max(gone, min(span, progress)))

    def averaged(self, network: keras.Model) -> list[np.ndarray]:
        """Return the weights of a network, with their averages in the place of those that learn."""
        means = {id(one): mean for one, mean in zip(network.trainable_variables, self.averages, strict=True)}
        return [ops.convert_to_numpy(means.get(id(variable), variable)) for variable in network.weights]

    # end


# if muon:
def is_inner(name: str, variable: Any) -> bool:
    """Return whether a variable is a matrix of an inner block."""
    return name.startswith(("trunk_", "linear", "block")) and not name.startswith("trunk_0") and len(variable.shape) > 1


def orthogonal(matrix: Tensor) -> Tensor:
    """Return a matrix whose singular values have been brought near to 1, by five steps of Newton-Schulz."""
    wide = matrix.shape[0] <= matrix.shape[1]
    hidden = matrix if wide else ops.transpose(matrix)
    hidden = hidden / ops.maximum(ops.sqrt(ops.sum(ops.square(hidden))), 1e-7)
    for _ in range(5):
        square = ops.matmul(hidden, ops.transpose(hidden))
        fourth = ops.matmul(square, square)
        hidden = 3.4445 * hidden + ops.matmul(-4.7750 * square + 2.0315 * fourth, hidden)
    return hidden if wide else ops.transpose(hidden)


# end

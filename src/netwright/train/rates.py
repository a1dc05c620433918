"""How fast a tensor learns and how much it decays, by its name and the recipe: the same in all frameworks."""

from __future__ import annotations

from netwright.spec.network import Recipe

MOMENTUM = 0.9  # of AdamW; its second moment is the recipe's
EPSILON = 1e-8

# Biases learn slower, as in RealMLP (2407.04491, table 1), the scales in front of the first layer faster (`Recipe`).
# Its 0.1 for the frequencies of periodic embeddings is not taken over: with 1 the log-loss out of fold was 1 to 4 %
# lower on five of six tables, and nowhere higher by a tenth of that.
BIAS_FACTOR = 0.1
# What is no matrix is not decayed; `scale` at the front has a decay of its own.
UNDECAYED = ("bias", "scale", "phase", "frequency", "categories", "gain", "shift")


def rate_of(name: str, recipe: Recipe, head: str) -> float:
    """Return the learning rate of a tensor by its name; head: the position of the last block, as names begin with."""
    part = name.split(".")[-1]
    special = {"scale": recipe.scale_rate, "grams": recipe.gram_rate, "pieces": recipe.gram_rate}
    factor = special.get(part, BIAS_FACTOR if part.endswith("bias") else 1.0)
    lent = recipe.trunk_rate > 0 and name.partition(".")[0] != head
    return factor * recipe.learning_rate * (recipe.trunk_rate if lent else 1.0)


def decay_of(name: str, recipe: Recipe) -> float:
    """Return the decay of a tensor by its name; 0 where none is due."""
    part = name.split(".")[-1]
    return recipe.scale_decay if part == "scale" else 0.0 if name.endswith(UNDECAYED) else recipe.weight_decay

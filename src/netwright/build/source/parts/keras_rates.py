"""How fast a variable learns, and how much it decays."""

from __future__ import annotations

from netwright.build.source.parts.recipes import BIAS_RATE, Recipe

UNDECAYED = ("bias", "beta", "gamma", "scale", "phase", "frequency")  # what the names of those end with


def rate_and_decay(name: str, recipe: Recipe) -> tuple[float, float]:
    """Return the learning rate and the weight decay of a variable: of all that is no matrix, nothing decays."""
    # if scaled:
    if name == "scale.scale":
        return recipe.scale_rate * recipe.learning_rate, recipe.scale_decay
    # end
    rate = recipe.learning_rate
    # if grams:
    if name in ("gram_vectors.embeddings", "piece_vectors.vectors"):
        rate *= recipe.gram_rate
    # end
    slow = name.endswith((".bias", ".beta"))
    # if maps:
    slow = slow and not name.endswith(("batch_norm.beta", "channel_norm.beta"))
    # end
    decays = not name.endswith(UNDECAYED) and name != "category_vectors.vectors"
    return rate * (BIAS_RATE if slow else 1.0), recipe.weight_decay if decays else 0.0

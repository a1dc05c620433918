"""How the networks of a model were trained, as source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from netwright.build.source.designs import Design
from netwright.build.source.dialects import TORCH, Dialect
from netwright.build.source.linking import link
from netwright.build.source.text import Call, Name, assigned
from netwright.errors import NoSource
from netwright.export.source.files import paragraphs, python_file
from netwright.metrics import metrics_for
from netwright.model import Model
from netwright.pretrained.extended import Extended
from netwright.pretrained.trunks import TextTrunk
from netwright.spec.blocks import BagInput, Dense, ImageInput, Members, Piecewise, Residual, SequenceInput, TableInput
from netwright.spec.network import Network, Recipe
from netwright.tasks import tagging

PLAIN = Recipe(dropout=0.0)  # which does nothing that need not be done
GROWTH = (
    "In the search images were small while training began, which costs less. Here they are whole from the beginning: "
    "for Keras each size would be a program of its own, to be compiled anew."
)
FEWEST_FOLDS = 4  # a model may hold fewer networks of a design than there were folds
SECONDARY = {
    "sparsity": "sparsity",
    "mixup": "mixup",
    "label_smoothing": "smoothing",
    "flips": "flips",
    "distortion": "distortion",
    "warp": "warp",
    "masking": "masking",
    "growth": "growth",
    "averaging": "averaging",
}
"""Fields of a recipe that stand in the source where they are used, and the features that their lines are marked by."""


def train_file(model: Model, names: Sequence[str], designs: Sequence[Design], dialect: Dialect) -> tuple[str, set[str]]:
    """Return the text of `train.py`, and the names of `preprocess.py` that it uses.

    Args:
        model: whose networks are trained.
        names: of the designs, in the order of the model's parts.
        designs: its networks as source, likewise.
        dialect: the framework.

    Raises:
        NoSource: if a recipe does what cannot be written.
    """
    recipes = [part.candidate.recipe for part in model.parts]
    grows = any(_uses(recipe, "growth") for recipe in recipes)
    if dialect is not TORCH:
        recipes = [replace(recipe, growth=PLAIN.growth) for recipe in recipes]
    networks = [part.candidate.network for part in model.parts]
    for recipe, network in zip(recipes, networks, strict=True):
        _check(recipe, network)
    goal = model.preparation.goal
    features = _features(recipes, networks, classes=goal.scale is None) | {rows_are(model), *lent_features(model)}
    if dialect is not TORCH and not any("Dropout" in design.draft.layers for design in designs):
        features.discard("dropout")  # no network has a place for it
    kinds = {name: Call("Recipe", (), _fields(one, features)) for name, one in zip(names, recipes, strict=True)}
    folds = max(FEWEST_FOLDS, *(len(next(iter(part.weights.values()))) for part in model.parts))
    known = [one.name for one in metrics_for(goal.target.outcome)]  # a name from a file is not trusted
    metric = model.result.metric if model.result.metric in known else known[0]
    features |= {"spans"} if metric == "entity_f1" else set()
    features |= {"singles"} if goal.scale is None and "tokens" not in features else set()
    features |= {"chain"} if any(network.chained for network in networks) else set()
    given = {
        "FOLDS": f"FOLDS = {folds}  # parts of the rows: each network learns from all but one of them",
        "RECIPES": assigned("RECIPES", kinds),
        "PATIENT": _patient(recipes),
        "WEIGHTS": "WEIGHTS = read_weights()",
        "OUTPUTS": f"OUTPUTS = {goal.outputs}  # of a network",
        "SCORE": f"SCORE = {metric}",
        "METRIC": assigned("METRIC", metric),
    }
    renamed = {**dialect.train_numbers} if goal.scale else {}
    renamed |= {"optimisers_for": "optimiser_for"} if "muon" in features and dialect is TORCH else {}
    linked = link(dialect.train, {"main"}, features, given, renamed)
    docstring = paragraphs(
        "Trains the networks of `model.py` from the beginning, and prints their score.",
        "    python train.py data.csv",
        f"The rows are dealt to {folds} folds. Each network learns from all folds but one, and answers for that "
        "one, so the score is of rows that no network had learnt from. Encodings stay as `preprocess.py` has them.",
        *([GROWTH] if grows and dialect is not TORCH else []),
    )
    return python_file(docstring, linked.imports, [linked.text]), linked.imports.names.get("preprocess", set())


def can_be_trained(model: Model) -> bool:
    """Return whether a folder can tell how its networks were trained: not where one began as a trained trunk.

    Its first weights are those of others, and stand in no file of the model.
    """
    return not any(part.candidate.recipe.trunk_rate for part in model.parts)


def lent_features(model: Model) -> set[str]:
    """Return the features that tell what of others a model carries: `trunk` or `encoder`, and with each `lent`."""
    if not isinstance(model.preparation, Extended):
        return set()
    return {"encoder" if isinstance(model.preparation.trunk, TextTrunk) else "trunk", "lent"}


def rows_are(model: Model) -> str:
    """Return the feature that tells what a row of a model is: `maps` for a file, `tokens` for a token, else `rows`."""
    if isinstance(model.preparation, tagging.Preparation):
        return "tokens"
    first = model.preparation.schema.used[0]
    return "rows" if first.map_size is None else "maps"


def _check(recipe: Recipe, network: Network) -> None:
    """Refuse a recipe that the written loop would not follow.

    Raises:
        NoSource: if it is one.
    """
    if recipe.optimiser == "muon" and not isinstance(network.blocks[0], ImageInput):
        raise NoSource("how it was trained (muon, but not on images) is not written as source yet")
    if recipe.mixup and recipe.sparsity:
        raise NoSource("how it was trained (mixup of rows and sparsity together) is not written as source yet")


def _features(recipes: Sequence[Recipe], networks: Sequence[Network], *, classes: bool) -> set[str]:
    """Return the features of `parts.train` that these recipes and networks have a use for."""
    blocks = [block for network in networks for block in network.blocks]
    features = {feature for name, feature in SECONDARY.items() if any(_uses(one, name) for one in recipes)}
    features.add("classes" if classes else "number")
    texts = any(isinstance(block, BagInput | SequenceInput) for block in blocks)
    seen = {
        "texts": texts,
        "grams": texts,
        "scaled": any(isinstance(block, TableInput | BagInput | SequenceInput) for block in blocks),
        "hidden": any(isinstance(block, Dense | Residual) for block in blocks),
        "knots": any(isinstance(_embedding(network), Piecewise) for network in networks),
        "dropout": any(one.dropout for one in recipes),
        "members": any(isinstance(block, Members) for block in blocks),
        "muon": any(one.optimiser == "muon" for one in recipes),
        "sgd": any(one.optimiser == "sgd" for one in recipes),
    }
    return features | {name for name, used in seen.items() if used}


def _embedding(network: Network) -> Any:
    first = network.blocks[0]
    table = first.table if isinstance(first, BagInput | SequenceInput) else first
    return table.embedding if isinstance(table, TableInput) and table.numeric else None


def _fields(recipe: Recipe, features: set[str]) -> dict[str, Any]:
    """Return the arguments of a recipe as source."""
    fields: dict[str, Any] = {
        "learning_rate": _short(recipe.learning_rate),
        "schedule": Name(recipe.schedule),
        "weight_decay": _short(recipe.weight_decay),
        "second_moment": recipe.second_moment,
        "batch_size": recipe.batch_size,
        "epochs": recipe.epochs,
    }
    if "scaled" in features:
        fields |= {"scale_rate": recipe.scale_rate, "scale_decay": recipe.scale_decay}
    if "grams" in features:
        fields["gram_rate"] = _short(recipe.gram_rate)
    if recipe.optimiser != "adamw":
        fields[recipe.optimiser] = True
    return fields | {name: _short(getattr(recipe, name)) for name in SECONDARY if _uses(recipe, name)}


def _uses(recipe: Recipe, field: str) -> bool:
    return bool(getattr(recipe, field) != getattr(PLAIN, field))


def _short(value: Any) -> Any:
    """Return a number with the digits that matter of how a network learns; anything else as it is."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _patient(recipes: Sequence[Recipe]) -> str:
    """Return the constant that names the schedules which can end early: where one rises again, the best may follow."""
    patient = [name for name in ("cosine", "flat_cosine", "one_cycle") if any(one.schedule == name for one in recipes)]
    listed = f"({', '.join(patient)}{',' if len(patient) == 1 else ''})"
    return f"PATIENT = {listed}  # schedules that rise once, so that training can end early"

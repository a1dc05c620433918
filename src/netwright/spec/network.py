"""A network as a value: immutable, comparable, JSON-able, and known to no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from netwright.errors import SpecError
from netwright.spec.blocks import (
    STRICT,
    Attention,
    BagInput,
    Block,
    ChainHead,
    GlobalPool,
    Head,
    ImageInput,
    Input,
    Output,
    Recurrent,
    SequenceConvolution,
    SequenceInput,
    SequencePool,
    Sequential,
    Spatial,
    TableInput,
)

_WAYS: tuple[tuple[Any, Any, Any, str], ...] = (
    (ImageInput, Spatial, GlobalPool, "a map of an image goes through convolutions"),
    (SequenceInput, Sequential, SequencePool, "a sequence goes through blocks for sequences"),
)


def _check_heads(blocks: tuple[Block, ...]) -> None:
    """Refuse heads of attention that do not part the width that reaches them."""
    width = blocks[0].width if isinstance(blocks[0], SequenceInput) else 0
    for block in blocks[1:]:
        if isinstance(block, Attention) and width % block.heads:
            raise SpecError("the heads of attention do not part the width evenly")
        width = block.width if isinstance(block, SequenceConvolution | Recurrent) else width


@dataclass(frozen=True)
class Network:
    """Blocks from the inputs to the head, each fed by the one before it."""

    __pydantic_config__ = STRICT
    blocks: Annotated[tuple[Block, ...], Field(min_length=2, max_length=256)]

    def __post_init__(self) -> None:
        first, *inner, last = self.blocks
        if not isinstance(first, Input) or not isinstance(last, Output):
            raise SpecError("a network begins with its inputs and ends with its head")
        if any(isinstance(block, Input | Output) for block in inner):
            raise SpecError("inputs and head stand at the ends of a network only")
        for kind, inside, pool, words in _WAYS:
            within = isinstance(first, kind)
            for block in (*inner, last):
                if isinstance(block, inside | pool) != within:
                    raise SpecError(f"{words} until its pool, and only that far")
                within = within and not isinstance(block, pool)
        _check_heads(self.blocks)

    @property
    def outputs(self) -> int:
        """Return the number of outputs K."""
        head = self.blocks[-1]
        assert isinstance(head, Output)
        return head.outputs

    @property
    def last(self) -> int:
        """Return the position of the last block, as the names of its tensors begin with it."""
        return len(self.blocks) - 1

    @property
    def chained(self) -> bool:
        """Return whether a chain over the tags of rows that follow each other is its last block."""
        return isinstance(self.blocks[-1], ChainHead)


def taken_features(network: Network) -> dict[str, int | None]:
    """Return the features that a network takes, by the names of `data.features.Features`.

    With each stands how many numbers of it a row has; None where that hangs on the rows: images, and how far texts are
    read.
    """
    first = network.blocks[0]
    found: dict[str, int | None] = {"positions": 1} if network.chained else {}
    match first:
        case ImageInput():
            return {**found, "images": None}
        case BagInput():
            found |= {"grams": None, "gram_weights": None}
        case SequenceInput(encoding=encoding):
            found[encoding] = None
    table = first.table if isinstance(first, BagInput | SequenceInput) else first
    assert isinstance(table, TableInput)
    counts = {"numeric": table.numeric, "plain": table.plain, "categories": len(table.cardinalities)}
    return found | {name: count for name, count in (counts | {"frozen": table.frozen}).items() if count}


def seen_by_trunk(network: Network) -> int:
    """Return how many features of a trained trunk a network takes; 0 if it does without."""
    first = network.blocks[0]
    table = first.table if isinstance(first, BagInput | SequenceInput) else first
    return table.frozen if isinstance(table, TableInput) else 0


def learns_from_trunk(candidate: Candidate) -> bool:
    """Return whether a candidate takes what a trained trunk sees, or trains one further.

    Such a one is good at once, and little better in the end; by its losses whoever begins from nothing looks lost.
    """
    return bool(seen_by_trunk(candidate.network) or candidate.recipe.trunk_rate)


def without_chain(network: Network) -> Network:
    """Return the network whose outputs are those that a chain goes over, with the same names of tensors."""
    return replace(network, blocks=(*network.blocks[:-1], Head(network.outputs)))


def without_trunk(network: Network) -> Network:
    """Return the network that does without the features of a trunk, and is else the same."""
    return with_features(network, 0)


def with_features(network: Network, frozen: int) -> Network:
    """Return the network that takes so many features of a trained trunk beside its table, and is else the same."""
    first = network.blocks[0]
    if isinstance(first, BagInput | SequenceInput):
        first = replace(first, table=replace(first.table, frozen=frozen))
    elif isinstance(first, TableInput):
        first = replace(first, frozen=frozen)
    return replace(network, blocks=(first, *network.blocks[1:]))


@dataclass(frozen=True)
class Recipe:
    """Everything of training that is not architecture.

    Attributes:
        learning_rate: the largest step of the schedule.
        optimiser: adamw, muon (momentum made orthogonal, for the matrices of inner blocks), or sgd (with Nesterov's
            momentum, whose learning rate and decay are those of `torch.optim.SGD`).
        schedule: cosine (warm up over 5 %, then half a cosine to 0), coslog4 (four cosines in log time, 2407.04491),
            flat_cosine (full until half of the time, then half a cosine to 0), one_cycle (up along half a cosine over
            30 %, then down along another, 1708.07120).
        weight_decay: decoupled (AdamW) but for sgd, on weights only, follows the schedule.
        scale_rate: factor on the learning rate of the scales that stand in front of the first layer, one a feature.
        scale_decay: as `weight_decay`, for these scales: features that do not pay for themselves fade away. The product
            of a decayed scale and a decayed weight is drawn to zero as by a group lasso (Hoff 2017, arXiv 1611.00040).
        trunk_rate: factor on the learning rate of all blocks but the head where these begin as a trained trunk; 0 where
            all begin at random.
        sparsity: weight of the absolute sum of these scales in the loss: features that do not pay go to zero (as in the
            lasso, Tibshirani 1996).
        gram_rate: factor on the learning rate of the vectors of n-grams and of pieces, each of which few rows move.
        dropout: share of activations set to 0 after each hidden layer of vectors, and of what comes of an image.
        distortion: of images, 0 to 1: how far they are turned, scaled, slanted, shifted, recoloured.
        flips: of images: none, sideways (left is right in every second), all (and above is below, and on its side).
        warp: of spectrograms, 0 to 1: how far they are stretched, shifted, tilted, and noise is added.
        masking: of spectrograms, 0 to 1: how wide the bands and moments are that are hidden (arXiv 1904.08779).
        growth: of images: the share of their side that training begins with; it grows to the whole over two thirds of
            the schedule (progressive resizing). 1 is none.
        averaging: the share of the schedule over which weights are averaged, the latest counting most; 0 is none.
        mixup: the a of the Beta(a, a) by which two rows of a batch and their targets are mixed (arXiv 1710.09412).
        label_smoothing: share of each target spread over all classes; classification only.
        second_moment: β₂ of Adam.
        epochs: passes over the training rows that the schedule is laid out for.
        batch_size: rows per step and network.
    """

    __pydantic_config__ = STRICT
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 3e-3
    optimiser: Literal["adamw", "muon", "sgd"] = "adamw"
    schedule: Literal["cosine", "coslog4", "flat_cosine", "one_cycle"] = "cosine"
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.02
    scale_rate: Annotated[float, Field(gt=0, le=100)] = 6.0
    scale_decay: Annotated[float, Field(ge=0, le=10)] = 0.0
    gram_rate: Annotated[float, Field(gt=0, le=10_000)] = 1.0
    trunk_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    sparsity: Annotated[float, Field(ge=0, le=10)] = 0.0
    dropout: Annotated[float, Field(ge=0, lt=0.9)] = 0.1
    distortion: Annotated[float, Field(ge=0, le=1)] = 0.0
    flips: Literal["none", "sideways", "all"] = "none"
    warp: Annotated[float, Field(ge=0, le=1)] = 0.0
    masking: Annotated[float, Field(ge=0, le=1)] = 0.0
    growth: Annotated[float, Field(ge=0.25, le=1)] = 1.0
    averaging: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    mixup: Annotated[float, Field(ge=0, le=2)] = 0.0
    label_smoothing: Annotated[float, Field(ge=0, lt=0.9)] = 0.0
    second_moment: Annotated[float, Field(gt=0, lt=1)] = 0.95
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 64
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 256


def recipe_of(point: Mapping[str, Any]) -> Recipe:
    """Return the recipe whose fields are the dimensions of a point of the same names; others have their defaults."""
    names = {each.name for each in fields(Recipe)}
    return Recipe(**{name: value for name, value in point.items() if name in names})


def for_sgd(recipe: Recipe, factor: float, grams: float = 1.0) -> Recipe:
    """Return the recipe, meant for AdamW, as one for SGD: steps as large, and as much decay in each.

    Args:
        recipe: its learning rates and decay are those that AdamW would have.
        factor: times the learning rate, which is 1 at most.
        grams: times the factor on it for vectors of n-grams, whose product with rate and decay stays what it is.
    """
    rate = min(1.0, factor * recipe.learning_rate)
    decay = recipe.weight_decay * recipe.learning_rate / (rate * grams)
    return replace(recipe, optimiser="sgd", learning_rate=rate, gram_rate=recipe.gram_rate * grams, weight_decay=decay)


@dataclass(frozen=True)
class Candidate:
    """A network and how to train it. Equal candidates are equal values."""

    __pydantic_config__ = STRICT
    network: Network
    recipe: Recipe

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)


_CANDIDATE = TypeAdapter(Candidate)


def candidate_from_json(text: str | bytes) -> Candidate:
    """Return the candidate that `text` describes.

    Raises:
        SpecError: for anything but ids of the registry with values inside their limits.
    """
    try:
        return _CANDIDATE.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SpecError(f"{place}: {first['msg'].lower()}") from error

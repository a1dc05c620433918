"""Networks as source, in any framework; those that differ in their sizes alone are one class, or one function."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from netwright.build.source.draft import Array, Draft, Tensors
from netwright.spec.blocks import (
    Attention,
    BagInput,
    Block,
    ChainHead,
    ConvNext,
    Convolution,
    Dense,
    ImageInput,
    InvertedResidual,
    Members,
    Periodic,
    Piecewise,
    Recurrent,
    Residual,
    ResidualConvolution,
    SequenceConvolution,
    SequenceInput,
    TableInput,
)
from netwright.spec.network import Candidate, Network


@dataclass(frozen=True)
class Design:
    """One network of a model as source.

    Attributes:
        kind: the name of its class.
        described: what it does, in a few words.
        sizes: the arguments of the class by name, where it has some.
        draft: the class, and where its tensors come from.
    """

    kind: str
    described: str
    sizes: Mapping[str, Any]
    draft: Draft

    def state(self, tensors: Tensors) -> dict[str, Array]:
        """Return the `state_dict` of one network, from its tensors as `build.torch` names them, without a stack."""
        return {name: source(tensors) for name, source in self.draft.tensors.items()}


Write = Callable[[Candidate, Collection[str] | None], Draft]
"""A candidate, and which sizes are arguments of its class (None for all) → its network as lines."""


def designs_of(candidates: Sequence[Candidate], write: Write) -> tuple[Design, ...]:
    """Return each candidate's network as source; those that differ in sizes alone share a class.

    Args:
        candidates: the networks, and how they are trained.
        write: how a framework writes them, such as `write_network`.

    Raises:
        NoSource: if a network cannot be written.
    """
    open_drafts = [write(candidate, None) for candidate in candidates]
    shapes = [_body(draft) for draft in open_drafts]
    kinds = _named([candidate.network for candidate in candidates], shapes)
    designs = []
    for candidate, shape in zip(candidates, shapes, strict=True):
        alike = [draft.sizes for draft, other in zip(open_drafts, shapes, strict=True) if other == shape]
        varying = [name for name in alike[0] if any(sizes[name] != alike[0][name] for sizes in alike)]
        draft = write(candidate, varying)
        sizes = {name: draft.sizes[name] for name in varying}
        designs.append(Design(kinds[shape], _described(candidate.network), sizes, draft))
    return tuple(designs)


def _body(draft: Draft) -> str:
    return "\n".join([*draft.setup, *draft.steps])


def _described(network: Network) -> str:
    """Return in a few words what a network does with a row."""
    kinds = {type(block) for block in network.blocks}
    steps = [words for kind, words in _WORDS if kind in kinds]
    first = _first_words(network.blocks[0])
    if not steps:
        return f"{first}, then one linear layer"
    *others, last = steps
    return f"{first}, then {', '.join(others)} and {last}" if others else f"{first}, then {last}"


def _first_words(block: Block) -> str:
    match block:
        case ImageInput(height, width):
            return f"Images of {height} × {width} pixels"
        case BagInput():
            return "Texts as bags of n-grams"
        case SequenceInput(encoding=encoding):
            return f"Texts as sequences of {encoding}"
        case TableInput(numeric=0, plain=0, cardinalities=()) if block.frozen:
            return "What a trained trunk sees in an image"
        case TableInput(embedding=Periodic()):
            return "Numbers as waves"
        case TableInput(embedding=Piecewise()):
            return "Numbers as shares of intervals"
        case _:
            return "Numbers as they are"


_WORDS: tuple[tuple[type, str], ...] = (
    (Convolution, "convolutions"),
    (ResidualConvolution, "residual convolutions"),
    (InvertedResidual, "inverted residual blocks"),
    (ConvNext, "ConvNeXt blocks"),
    (SequenceConvolution, "convolutions"),
    (Recurrent, "recurrent units"),
    (Attention, "attention"),
    (Members, "members that share weights"),
    (Dense, "linear layers"),
    (Residual, "residual blocks"),
    (ChainHead, "a chain over the tags"),
)


# --- names ---------------------------------------------------------------------------------------------------------


def small(kind: str) -> str:
    """Return the name of a class as that of a value.

    >>> small("PeriodicTabMResNet2")
    'periodic_tabm_resnet2'
    """
    words = "TabM|MLP|GRU|ResNet|ConvNeXt|ConvNet|MobileNet|Linear|Average|Transformer|Chain"
    return re.sub(rf"(?<!^)(?={words})", "_", kind).lower()


def _named(networks: Sequence[Network], shapes: Sequence[str]) -> dict[str, str]:
    """Return a name for the class of each shape; the same name is never given twice."""
    names: dict[str, str] = {}
    for network, shape in zip(networks, shapes, strict=True):
        if shape in names:
            continue
        name, number = _name_of(network.blocks), 2
        while (name if number == 2 else f"{name}{number - 1}") in names.values():
            number += 1
        names[shape] = name if number == 2 else f"{name}{number - 1}"
    return names


def _name_of(blocks: Sequence[Block]) -> str:
    """Return what a network is, as the name of a class."""
    first = blocks[0]
    match first:
        case TableInput(numeric=0, plain=0, cardinalities=()) if first.frozen:
            lead = "Seen"
        case TableInput(embedding=Periodic()):
            lead = "Periodic"
        case TableInput(embedding=Piecewise()):
            lead = "Piecewise"
        case BagInput():
            lead = "Bag"
        case SequenceInput(encoding=encoding):
            lead = encoding.capitalize()
        case _:
            lead = ""
    kinds = {type(block) for block in blocks}
    lead += "TabM" if Members in kinds else ""
    body = next((name for kind, name in _BODIES if kind in kinds), "MLP" if Dense in kinds else "Linear")
    return lead + body + ("Chain" if ChainHead in kinds else "")


_BODIES: tuple[tuple[type, str], ...] = (
    (ConvNext, "ConvNeXt"),
    (InvertedResidual, "MobileNet"),
    (ResidualConvolution, "ResNet"),
    (Attention, "Transformer"),
    (Recurrent, "GRU"),
    (SequenceConvolution, "ConvNet"),
    (ImageInput, "ConvNet"),
    (SequenceInput, "Average"),
    (Residual, "ResNet"),
)
"""What a network is called that has such a block; the first that fits."""

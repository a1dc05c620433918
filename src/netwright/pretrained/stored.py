"""Trained trunks back from a bundle, whose documents and arrays are not trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from netwright.data.pieces import is_vocabulary
from netwright.data.schema import Kind
from netwright.errors import SpecError
from netwright.pretrained.trunks import LARGEST_SIDE, SMALLEST_SIDE, Array, ImageTrunk, TextTrunk, Trunk
from netwright.spec.backbones import BACKBONES, Backbone, trunk_shapes
from netwright.spec.encoders import ENCODERS, Encoder


def restore_trunk(document: Any, tensors: Mapping[str, Array], seen_as: Kind | None) -> Trunk:
    """Return the trunk that a document and arrays describe, for rows of this sort.

    Raises:
        SpecError: if they describe none.
    """
    name = document.get("name") if isinstance(document, dict) else None
    if isinstance(name, str) and name in BACKBONES and seen_as == Kind.IMAGE:
        return _image_trunk(BACKBONES[name], document, tensors)
    if isinstance(name, str) and name in ENCODERS and seen_as == Kind.TEXT:
        return _text_trunk(ENCODERS[name], document, tensors)
    raise SpecError("its trunk is none that Netwright knows for such rows")


def _image_trunk(backbone: Backbone, document: Mapping[str, Any], tensors: Mapping[str, Array]) -> ImageTrunk:
    sides = (document.get("height"), document.get("width"))
    fits = all(type(side) is int and SMALLEST_SIDE <= side <= LARGEST_SIDE for side in sides)
    if set(document) != {"name", "height", "width"} or not fits:
        raise SpecError("the size of images for its trunk is none")
    blocks = enumerate(trunk_shapes(backbone))
    wanted = {f"{place}.{name}": shape for place, shapes in blocks for name, shape in shapes.items()}
    return ImageTrunk(backbone, (document["height"], document["width"]), _in_full(tensors, wanted))


def _text_trunk(encoder: Encoder, document: Mapping[str, Any], tensors: Mapping[str, Array]) -> TextTrunk:
    length = document.get("length")
    if set(document) != {"name", "length"} or type(length) is not int or not 2 <= length <= encoder.positions:
        raise SpecError("the length of texts for its trunk is none")
    letters = tensors.get("vocabulary")
    if letters is None or letters.dtype != np.uint8 or letters.ndim != 1:
        raise SpecError("its trunk has no vocabulary")
    try:
        pieces = tuple(letters.tobytes().decode().split("\n"))
    except UnicodeDecodeError as error:
        raise SpecError("the vocabulary of its trunk is no text") from error
    if len(pieces) != encoder.pieces or not is_vocabulary(pieces):
        raise SpecError("the vocabulary of its trunk is none")
    weights = {name: array for name, array in tensors.items() if name != "vocabulary"}
    return TextTrunk(encoder, length, _in_full(weights, encoder.shapes()), pieces)


def _in_full(tensors: Mapping[str, Array], wanted: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Return arrays as float32.

    Raises:
        SpecError: if they have other names and shapes than are wanted, or are not finite.
    """
    found = {name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in tensors.items()}
    shaped = {name: array.shape for name, array in found.items()} == dict(wanted)
    if not shaped or not all(array.dtype == np.float32 and np.isfinite(array).all() for array in found.values()):
        raise SpecError("the arrays of its trunk are not those of its parts")
    return found

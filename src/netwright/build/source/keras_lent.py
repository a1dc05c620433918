"""What others have trained, a trunk for images or an encoder of sentences, as lines of a file of Keras."""

from __future__ import annotations

from netwright.build.source.draft import Draft, transposed
from netwright.build.source.encoder import MAPS, NORMS, sizes_of
from netwright.build.source.imports import Imports
from netwright.build.source.keras_maps import layer_lines
from netwright.build.source.linking import link
from netwright.build.source.maps import short_floats
from netwright.build.source.text import STEP, flat
from netwright.spec.backbones import Backbone
from netwright.spec.blocks import Spatial
from netwright.spec.cost import Cost
from netwright.spec.encoders import Encoder
from netwright.spec.spatial import spatial_cost

TRUNK = (
    "keras_trunk",
    "keras_map_layers",
    "keras_vector_layers",
    "keras_table_layers",
    "keras_starts",
    "keras_tensors",
)
ENCODER = ("keras_encoder", "keras_tensors")


def trunk_source(backbone: Backbone, size: tuple[int, int], image: tuple[int, ...]) -> tuple[Imports, str, Draft]:
    """Return what a file imports that holds a trunk, its text, and where its tensors come from.

    Args:
        backbone: what it is made of.
        size: height and width that images are brought to.
        image: height, width and channels of those that come in.
    """
    draft = Draft()
    blocks = [block for block in backbone.blocks if isinstance(block, Spatial)]
    before = Cost(len(backbone.means), 1, 0, 0, size)
    shapes = [(before.width, *size)]
    for block in blocks:
        before = spatial_cost(block, before)
        shapes.append((before.width, *before.pixels))
    *steps, last = layer_lines(draft, blocks, shapes)
    steps += [last.replace("maps = ", "return ", 1)] if last.startswith("maps") else [last, "return maps"]
    lines = [
        "def through(maps: Tensor) -> Tensor:",
        f'{STEP}"""Return what comes of maps (B, *SIDES, {len(backbone.means)}) in its layers."""',
        *(f"{STEP}{line}" for line in steps),
    ]
    note = "# height, width and channels of the images that come in"
    given = {
        "IMAGE": f"IMAGE = {flat(tuple(image))}  {note}",
        "SIDES": f"SIDES = {flat(size)}  # height and width that they are brought to",
        "MEANS": f"MEANS = {flat(short_floats(backbone.means))}  # of the colours that it has learnt from",
        "DEVIATIONS": f"DEVIATIONS = {flat(short_floats(backbone.deviations))}",
        "through": "\n".join(lines),
    }
    linked = link(TRUNK, {"trunk"}, (), given)
    return linked.imports, linked.text, draft


def encoder_source(encoder: Encoder, length: int) -> tuple[Imports, str, Draft]:
    """Return what a file imports that holds an encoder, its text, and where its tensors come from.

    Args:
        encoder: what it is made of.
        length: pieces of a text that it reads.
    """
    draft = Draft()
    draft.holds("pieces.embeddings", "pieces")
    draft.holds("positions.vectors", "positions")
    _hold_norm(draft, "norm", "norm")
    for layer in range(encoder.layers):
        for part in MAPS:
            draft.holds(f"layer_{layer}_{part}.kernel", f"{layer}.{part}_weight", transposed)
            draft.holds(f"layer_{layer}_{part}.bias", f"{layer}.{part}_bias")
        for part in NORMS:
            _hold_norm(draft, f"layer_{layer}_{part}_norm", f"{layer}.{part}")
    given = {**sizes_of(encoder), "LENGTH": f"LENGTH = {length}  # pieces that are read here"}
    linked = link(ENCODER, {"encoder", "whole"}, (), given)
    return linked.imports, linked.text, draft


def _hold_norm(draft: Draft, name: str, source: str) -> None:
    draft.holds(f"{name}.gamma", f"{source}_gain")
    draft.holds(f"{name}.beta", f"{source}_shift")

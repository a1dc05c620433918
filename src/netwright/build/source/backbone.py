"""A trained trunk for images, as lines of the file that holds it."""

from __future__ import annotations

from netwright.build.source.draft import Draft
from netwright.build.source.imports import Imports
from netwright.build.source.linking import link
from netwright.build.source.maps import short_floats, write_layers
from netwright.build.source.text import STEP, flat
from netwright.spec.backbones import Backbone
from netwright.spec.blocks import Spatial
from netwright.spec.cost import Cost
from netwright.spec.spatial import spatial_cost


def trunk_source(backbone: Backbone, size: tuple[int, int]) -> tuple[Imports, str, Draft]:
    """Return what a file imports that holds a trunk, its text, and where the tensors of its layers come from.

    Args:
        backbone: what it is made of.
        size: height and width that images are brought to.
    """
    draft = Draft()
    blocks = [block for block in backbone.blocks if isinstance(block, Spatial)]
    before = Cost(len(backbone.means), 1, 0, 0, size)
    shapes = [(before.width, *size)]
    for block in blocks:
        before = spatial_cost(block, before)
        shapes.append((before.width, *before.pixels))
    write_layers(draft, blocks, shapes)
    lines = [
        "def layers() -> nn.Sequential:",
        f'{STEP}"""Return its layers, from maps (B, {len(backbone.means)}, {size[0]}, {size[1]}) on."""',
        f"{STEP}return nn.Sequential(",
        *(f"{STEP}{line}" for line in draft.setup),
        f"{STEP})",
    ]
    given = {
        "SIDES": f"SIDES = {flat(size)}  # height and width that images are brought to",
        "MEANS": f"MEANS = {flat(short_floats(backbone.means))}  # of the colours that it has learnt from",
        "DEVIATIONS": f"DEVIATIONS = {flat(short_floats(backbone.deviations))}",
        "FEATURES": f"FEATURES = {backbone.features}  # that leave it",
        "layers": "\n".join(lines),
    }
    linked = link(("trunk", "map_layers", "activations"), {"Trunk"}, (), given)
    return linked.imports, linked.text, draft

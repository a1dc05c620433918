"""Images of any size brought to that of a model, as nodes of an ONNX graph."""

from __future__ import annotations

import numpy as np

from netwright.build.graph import Graph
from netwright.data.size import Size


def sized(graph: Graph, images: str, size: Size) -> str:
    """Return the name of images (B, H, W, C) float32 from 0 to 255, of the model's size.

    By triangles, as Pillow does when a file is decoded, to one step of 255; images of that size stay as they are.

    Args:
        graph: takes the nodes.
        images: (B, h, w, C) uint8.
        size: what they are brought to.
    """
    planes = graph.apply("Transpose", graph.cast(images, np.float32), perm=[0, 3, 1, 2])
    ends = graph.apply("Shape", planes, start=0, end=2)
    shape = graph.join([ends, graph.constant([size.height, size.width], np.int64)], 0)
    resized = graph.apply(
        "Resize", planes, "", "", shape, mode="linear", antialias=1, coordinate_transformation_mode="half_pixel"
    )
    whole = graph.apply("Round", resized)
    return graph.apply("Transpose", whole, perm=[0, 2, 3, 1])

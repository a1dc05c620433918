"""Images: what each shows, one of several classes or a number."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.files import Told
from netwright.data.frame import Frame
from netwright.data.reading import read_table
from netwright.data.schema import Kind
from netwright.data.size import Size
from netwright.spec import images
from netwright.spec.network import Candidate
from netwright.spec.spaces import Point, Space
from netwright.tasks import media
from netwright.tasks.task import Task

MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"GIF8")  # that files of images begin with


def _is_content(cell: Any) -> bool:
    if isinstance(cell, np.ndarray):
        return cell.ndim in (2, 3) and cell.dtype == np.uint8
    return isinstance(cell, bytes) and cell.startswith(MAGIC) and cell[8:12] != b"WAVE"


def _form(sources: Sequence[Any]) -> str | None:
    from netwright.data.images import common_size  # needs Pillow, which models for tables do without

    size = common_size(sources)
    return None if size is None else str(size)


def _decode(sources: Sequence[Any], form: str, told: Told) -> media.Decoded:
    from netwright.data.images import decode_all  # as above

    size = Size.parse(form)
    assert size is not None
    return decode_all(sources, size, told)


IMAGES = media.Medium("image", Kind.IMAGE, _is_content, _form, _decode, near=True)


def space(preparation: Any, rows: int) -> Space:
    """Return what is searched for so many images."""
    coloured, lent = _coloured(preparation), preparation.lent
    outcome = preparation.schema.target.outcome
    return images.space(rows, outcome, coloured=coloured, trunk=bool(lent.features), tuned=bool(lent.blocks))


def portfolio(preparation: Any, rows: int) -> tuple[Point, ...]:
    """Return the first points to try for so many images."""
    coloured, lent = _coloured(preparation), preparation.lent
    return images.portfolio(rows, coloured=coloured, trunk=bool(lent.features), tuned=bool(lent.blocks))


def _coloured(preparation: Any) -> bool:
    return bool(preparation.own.whole.channels > 1)


def candidate(point: Point, preparation: Any) -> Candidate:
    """Return the network and recipe that a point of the space stands for, for these images."""
    outputs = preparation.goal.outputs
    if point["body"] == images.FROZEN:
        network = images.frozen_network(point, preparation.lent.features, outputs)
    elif point["body"] == images.TUNED:
        network = images.tuned_network(preparation.lent.blocks, outputs)
    else:
        network = images.network(point, images.inputs(point, preparation.own.whole), outputs)
    return media.candidate_for(preparation, network, images.recipe(point))


def show(frame: Frame, row: int) -> tuple[Literal["image"], str]:
    """Return an image as the networks see it, as the text of a PNG file."""
    from netwright.data.images import as_png  # as above

    (pixels,) = frame.columns.values()
    return "image", base64.b64encode(as_png(pixels[row])).decode()


def toy(seed: int) -> tuple[pd.DataFrame, str]:
    """Return small images of bars and their class: whether they lie, stand or slant."""
    generator = np.random.default_rng(seed)
    classes = generator.integers(0, 3, 240)
    down, across = np.mgrid[:12, :12]
    pictures = []
    for kind in classes:
        distance = {0: down, 1: across, 2: (down + across) / 2}[int(kind)] - generator.integers(3, 9)
        bright = 200 * (np.abs(distance) < 1.5) + generator.integers(0, 50, (12, 12))
        pictures.append(bright.astype(np.uint8))
    return pd.DataFrame({"image": pictures, "class": np.array(["lying", "standing", "slanting"])[classes]}), "class"


def _restore(documents: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> media.Preparation:
    return media.restore(documents, tensors, Kind.IMAGE)


TASK = Task(
    name="image",
    read=partial(read_table, held="image"),
    recognises=IMAGES.recognises,
    load=IMAGES.load,
    parse=IMAGES.parse,
    parse_target=media.parse_truth,
    prepare=media.prepare,
    restore=_restore,
    space=space,
    portfolio=portfolio,
    first_glance=images.first_glance,
    default_network=images.default_network,
    candidate=candidate,
    describe=images.describe,
    show=show,
    toy=toy,
    largest=24_000_000,
    seen_as=Kind.IMAGE,
)

"""Sounds: what is heard in each, one of several classes or a number."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.clip import Clip
from netwright.data.files import Told
from netwright.data.frame import Frame
from netwright.data.reading import read_table
from netwright.data.schema import Kind
from netwright.data.wave import as_wave
from netwright.spec import images, sounds
from netwright.spec.network import Candidate
from netwright.spec.spaces import Point, Space
from netwright.tasks import media
from netwright.tasks.task import Task

MAGIC = (b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")  # that files of sounds begin with


def _is_content(cell: Any) -> bool:
    return isinstance(cell, bytes) and (cell.startswith(MAGIC) or (cell[:4] == b"RIFF" and cell[8:12] == b"WAVE"))


def _form(sources: Sequence[Any]) -> str | None:
    from netwright.data.sounds import common_clip  # needs soundfile, which models for tables do without

    clip = common_clip(sources)
    return None if clip is None else str(clip)


def _decode(sources: Sequence[Any], form: str, told: Told) -> media.Decoded:
    from netwright.data.sounds import encode_all  # as above

    clip = Clip.parse(form)
    assert clip is not None
    return encode_all(sources, clip, told)


SOUNDS = media.Medium("sound", Kind.SOUND, _is_content, _form, _decode, near=False)


def space(preparation: media.Preparation, rows: int) -> Space:
    """Return what is searched for so many sounds."""
    return sounds.space(rows, preparation.schema.target.outcome)


def portfolio(preparation: media.Preparation, rows: int) -> tuple[Point, ...]:
    """Return the first points to try for so many sounds."""
    return sounds.portfolio(rows)


def candidate(point: Point, preparation: media.Preparation) -> Candidate:
    """Return the network and recipe that a point of the space stands for, for these sounds."""
    network = images.network(point, sounds.inputs(point, preparation.whole), preparation.goal.outputs)
    return media.candidate_for(preparation, network, images.recipe(point))


def show(frame: Frame, row: int) -> tuple[Literal["image"], str]:
    """Return a sound's spectrogram, high above low, as the text of a PNG file."""
    from netwright.data.images import as_png  # needs Pillow, which models for tables do without

    (maps,) = frame.columns.values()
    return "image", base64.b64encode(as_png(np.ascontiguousarray(maps[row][::-1]))).decode()


def toy(seed: int) -> tuple[pd.DataFrame, str]:
    """Return short tones in noise and their class: whether they rise, fall or stay."""
    generator = np.random.default_rng(seed)
    kinds, rate = generator.integers(0, 3, 150), 8_000
    time = np.arange(rate // 4) / rate
    files = []
    for kind in kinds:
        pitch = generator.uniform(500, 1_500) * np.array([2.0, 0.5, 1.0])[kind] ** (time / time[-1])
        tone = np.sin(2 * np.pi * np.cumsum(pitch) / rate) * generator.uniform(0.1, 0.8)
        files.append(as_wave(tone + generator.normal(0, 0.02, len(time)), rate))
    return pd.DataFrame({"sound": files, "class": np.array(["rising", "falling", "steady"])[kinds]}), "class"


def _restore(documents: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> media.Preparation:
    return media.restore(documents, tensors, Kind.SOUND)


TASK = Task(
    name="audio",
    read=partial(read_table, held="sound"),
    recognises=SOUNDS.recognises,
    load=SOUNDS.load,
    parse=SOUNDS.parse,
    parse_target=media.parse_truth,
    prepare=media.prepare,
    restore=_restore,
    space=space,
    portfolio=portfolio,
    first_glance=sounds.first_glance,
    default_network=sounds.default_network,
    candidate=candidate,
    describe=sounds.describe,
    show=show,
    toy=toy,
    largest=12_000_000,
)

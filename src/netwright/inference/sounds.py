"""Sounds as maps, as nodes of an ONNX graph: what `data.sounds.encode` makes of samples at one rate.

Letters in shapes: B sound, n sample, T frame of a map, K bin of the Fourier transform, W window.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from netwright.build.graph import Graph
from netwright.data.clip import RANGE, STEPS, Clip
from netwright.data.logmel import QUIETEST, WINDOW, mel_filters


def rate_of(clip: Clip) -> int:
    """Return the samples a second that sounds are fed at: as many as its highest frequency needs."""
    return 2 * clip.highest


def maps(graph: Graph, samples: str, clip: Clip) -> str:
    """Return the name of the maps (B, bands, frames, 1) float32, from 0 to 255, of sounds of one length.

    Args:
        graph: takes the nodes.
        samples: (B, n) float32, mono, at the rate of `rate_of`; n is at least 1.
        clip: the form of the maps.
    """
    rate = rate_of(clip)
    length = math.ceil(clip.seconds * rate)
    count = graph.apply("Shape", samples, start=1, end=2)  # (1,)
    part = _loudest(graph, samples, count, length)
    decibels = _log_mel(graph, part, clip, rate, length)  # (B, T, bands), of silence behind the end of a short sound
    used = _frames(graph, count, clip, rate, length)
    kept = graph.apply("Slice", decibels, _whole(graph, 0), used, _whole(graph, 1))
    most = graph.apply("ReduceMax", kept, graph.constant([1, 2], np.int64), keepdims=1)
    share = graph.apply("Div", graph.apply("Sub", kept, most), graph.constant(RANGE, np.float64))
    share = graph.apply("Add", share, graph.constant(1, np.float64))
    share = graph.apply("Clip", share, graph.constant(0, np.float64), graph.constant(1, np.float64))
    loud = graph.apply("ReduceMax", graph.apply("Abs", part), _whole(graph, 1), keepdims=1)
    heard = graph.cast(graph.apply("Greater", loud, graph.constant(0, np.float32)), np.float64)
    levels = graph.apply("Mul", share, graph.constant(255, np.float64))
    levels = graph.cast(graph.apply("Round", graph.apply("Mul", levels, graph.add_axes(heard, 2))), np.float32)
    return graph.add_axes(graph.apply("Transpose", _in_the_middle(graph, levels, used, clip), perm=[0, 2, 1]), 3)


def _whole(graph: Graph, number: int) -> str:
    return graph.constant([number], np.int64)


def _loudest(graph: Graph, samples: str, count: str, length: int) -> str:
    """Return the part (B, length) with the most energy, to a hundredth of it; zeros stand behind a shorter sound."""
    step = max(1, length // STEPS)
    behind = graph.apply("Sub", _whole(graph, step), graph.apply("Mod", count, _whole(graph, step)))
    padded = _padded(graph, samples, 0, behind)
    wide = graph.cast(graph.apply("Reshape", padded, graph.constant([0, -1, step], np.int64)), np.float64)
    energy = graph.apply("ReduceSum", graph.apply("Mul", wide, wide), _whole(graph, 2), keepdims=0)
    # A window behind the end holds nothing, so that there always is one that begins at the first sample.
    sums = graph.apply("CumSum", _padded(graph, energy, 1, _whole(graph, STEPS + 1)), graph.constant(1, np.int64))
    width = length // step
    end = graph.apply("Slice", sums, _whole(graph, width), _whole(graph, np.iinfo(np.int64).max), _whole(graph, 1))
    begin = graph.apply("Slice", sums, _whole(graph, 0), _whole(graph, -width), _whole(graph, 1))
    best = graph.apply("ArgMax", graph.apply("Sub", end, begin), axis=1, keepdims=1)  # (B, 1)
    last = graph.apply("Max", graph.apply("Sub", count, _whole(graph, length)), _whole(graph, 0))
    first = graph.apply("Min", graph.apply("Mul", best, _whole(graph, step)), last)
    places = graph.apply("Add", first, graph.constant(np.arange(length)[None], np.int64))
    return graph.apply("GatherElements", _padded(graph, samples, 0, _whole(graph, length)), places, axis=1)


def _padded(graph: Graph, value: str, before: int, behind: str) -> str:
    """Return a value (B, n) with so many zeros before and behind."""
    pads = graph.join([graph.constant([0, before, 0], np.int64), behind], 0)
    return graph.apply("Pad", value, pads)


def _frames(graph: Graph, count: str, clip: Clip, rate: int, length: int) -> str:
    """Return how many frames (1,) a sound of so many samples has, as `data.logmel.log_mel` counts them."""
    shorter = graph.cast(graph.apply("Min", count, _whole(graph, length)), np.float64)
    seconds = graph.apply("Div", shorter, graph.constant(rate, np.float64))
    frames = graph.apply("Round", graph.apply("Div", seconds, graph.constant(clip.step / 1e6, np.float64)))
    some = graph.apply("Max", graph.cast(frames, np.int64), _whole(graph, 1))
    return graph.apply("Min", some, _whole(graph, clip.frames))


def _log_mel(graph: Graph, part: str, clip: Clip, rate: int, length: int) -> str:
    """(B, length) → (B, T, bands) in decibels: the Fourier transform is a product with waves, see `data.logmel`."""
    step = clip.step / 1e6
    width = max(2, round(max(WINDOW, 2 * step) * rate))
    starts = np.round(np.arange(clip.frames) * (step * rate)).astype(np.int64)
    behind = max(width, int(starts[-1]) + width - width // 2 - length)
    padded = _padded(graph, part, width // 2, _whole(graph, behind))
    frames = graph.apply("Gather", padded, graph.constant(starts[:, None] + np.arange(width)), axis=1)  # (B, T, W)
    window = np.hanning(width + 1)[:-1].astype(np.float32)
    transform = 2 ** (2 * width - 1).bit_length()
    filters = mel_filters(rate, transform, clip.bands, clip.highest)
    waves, used = _waves(window, transform, filters)
    power = ""
    for wave in waves:
        each = graph.apply("MatMul", graph.cast(frames, np.float64), graph.constant(wave))
        square = graph.apply("Mul", each, each)
        power = graph.apply("Add", power, square) if power else square
    bands = graph.apply("MatMul", power, graph.constant(filters[used], np.float64))
    mean = graph.apply("Div", bands, graph.constant(transform * np.square(window).sum(), np.float64))
    logs = graph.apply("Log", graph.apply("Max", mean, graph.constant(QUIETEST, np.float64)))
    return graph.apply("Mul", logs, graph.constant(10 / math.log(10), np.float64))


def _waves(
    window: NDArray[np.float32], transform: int, filters: NDArray[np.float32]
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], NDArray[np.int64]]:
    """Return windowed cosines and sines (W, K) of the bins that any band looks at, and which bins (K,) these are."""
    used = np.flatnonzero(filters.any(axis=1))
    angles = 2 * np.pi / transform * np.arange(len(window))[:, None] * used
    return (window[:, None] * np.cos(angles), window[:, None] * np.sin(angles)), used


def _in_the_middle(graph: Graph, levels: str, used: str, clip: Clip) -> str:
    """Return maps (B, frames, bands) with silence on both sides of shorter ones."""
    rest = graph.apply("Sub", _whole(graph, clip.frames), used)
    before = graph.apply("Div", rest, _whole(graph, 2))
    behind = graph.apply("Sub", rest, before)
    pads = graph.join([_whole(graph, 0), before, graph.constant([0, 0], np.int64), behind, _whole(graph, 0)], 0)
    return graph.apply("Pad", levels, pads)

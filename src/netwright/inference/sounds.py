"""Sounds as maps, as nodes of an ONNX graph: what `data.sounds.encode` makes of samples at one rate.

Waves, bands and places are computed by operators: as tables they would be megabytes of a file whose networks are often
smaller. They hang on nothing that is fed, so ONNX Runtime computes them once, as a session begins.

Letters in shapes: B sound, n sample, T frame of a map, K bin of the Fourier transform, W window.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from netwright.build.graph import Graph
from netwright.data.clip import RANGE, STEPS, Clip
from netwright.data.logmel import QUIETEST, WINDOW, band_edges, mel_filters


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
    places = graph.apply("Add", first, graph.add_axes(_range(graph, 0, length), 0))
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
    places = graph.apply("Add", graph.constant(starts[:, None]), _range(graph, 0, width))
    frames = graph.cast(graph.apply("Gather", padded, places, axis=1), np.float64)  # (B, T, W)
    window = np.hanning(width + 1)[:-1].astype(np.float32)
    transform = 2 ** (2 * width - 1).bit_length()
    used = np.flatnonzero(mel_filters(rate, transform, clip.bands, clip.highest).any(axis=1))
    bins = _range(graph, int(used[0]), int(used[-1]) + 1)  # what no band looks at between them counts for nothing
    power = ""
    for wave in _waves(graph, window, transform, bins):
        each = graph.apply("MatMul", frames, wave)
        square = graph.apply("Mul", each, each)
        power = graph.apply("Add", power, square) if power else square
    bands = graph.apply("MatMul", power, _filters(graph, bins, rate / transform, clip))
    mean = graph.apply("Div", bands, graph.constant(transform * np.square(window).sum(), np.float64))
    logs = graph.apply("Log", graph.apply("Max", mean, graph.constant(QUIETEST, np.float64)))
    return graph.apply("Mul", logs, graph.constant(10 / math.log(10), np.float64))


def _range(graph: Graph, first: int, end: int) -> str:
    """Return the whole numbers from the first to the one before the end."""
    return graph.apply("Range", *(graph.constant(number, np.int64) for number in (first, end, 1)))


def _waves(graph: Graph, window: NDArray[np.float32], transform: int, bins: str) -> tuple[str, str]:
    """Return windowed cosines and sines (W, K) float64 of bins (K,), whose angles are reduced as whole numbers."""
    samples = graph.add_axes(_range(graph, 0, len(window)), 1)
    turns = graph.apply("Mod", graph.apply("Mul", samples, bins), graph.constant(transform, np.int64))
    angles = graph.apply("Mul", graph.cast(turns, np.float64), graph.constant(2 * np.pi / transform, np.float64))
    weights = graph.cast(graph.constant(window[:, None]), np.float64)
    cosines, sines = (graph.apply("Mul", graph.apply(wave, angles), weights) for wave in ("Cos", "Sin"))
    return cosines, sines


def _filters(graph: Graph, bins: str, hertz: float, clip: Clip) -> str:
    """Return how much of each bin (K,) belongs to each band (K, bands) float64: see `data.logmel.mel_filters`.

    Args:
        graph: takes the nodes.
        bins: their numbers.
        hertz: from one to the next.
        clip: names the bands.
    """
    edges = band_edges(clip.bands, clip.highest)
    places = graph.add_axes(graph.apply("Mul", graph.cast(bins, np.float64), graph.constant(hertz, np.float64)), 1)
    lowest, middle, highest = (graph.constant(edges[first : first + clip.bands]) for first in range(3))
    rising = graph.apply("Div", graph.apply("Sub", places, lowest), graph.apply("Sub", middle, lowest))
    falling = graph.apply("Div", graph.apply("Sub", highest, places), graph.apply("Sub", highest, middle))
    triangles = graph.apply("Max", graph.constant(0, np.float64), graph.apply("Min", rising, falling))
    return graph.cast(graph.cast(triangles, np.float32), np.float64)


def _in_the_middle(graph: Graph, levels: str, used: str, clip: Clip) -> str:
    """Return maps (B, frames, bands) with silence on both sides of shorter ones."""
    rest = graph.apply("Sub", _whole(graph, clip.frames), used)
    before = graph.apply("Div", rest, _whole(graph, 2))
    behind = graph.apply("Sub", rest, before)
    pads = graph.join([_whole(graph, 0), before, graph.constant([0, 0], np.int64), behind, _whole(graph, 0)], 0)
    return graph.apply("Pad", levels, pads)

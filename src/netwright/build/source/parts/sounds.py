"""From sounds to spectrograms of one form.

Letters in shapes: n sample, T frame, K bin of the Fourier transform, B band.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netwright.build.source.parts.files import FILE

BANDS, FRAMES = 64, 100  # of a spectrogram
STEP = 0.01  # seconds from one frame to the next
LOWEST, HIGHEST = 20, 8_000  # Hz of the bands
RANGE = 80.0  # decibels below the loudest that are told apart
WINDOW = 0.025  # seconds that a frame looks at, at least
MOST_SAMPLES = 2**24  # that are read of one sound


def encode(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return what the networks take of N rows: `images`, spectrograms (N, B, T, 1) from 0 to 255.

    Args:
        rows: a dictionary for each, whose `FILE` is a path or the bytes of a file, for which soundfile is needed; or
            samples (n,) between -1 and 1 with how many of them make a second; or a spectrogram (B, T, 1) of uint8.
    """
    maps = np.empty((len(rows), BANDS, FRAMES, 1), np.uint8)
    for place, row in enumerate(rows):
        sound = row[FILE]
        maps[place] = sound if isinstance(sound, np.ndarray) else spectrogram(*decoded_sound(sound))
    return {"images": maps}


def decoded_sound(source: str | Path | bytes | tuple[np.ndarray, int]) -> tuple[np.ndarray, int]:
    """Return a sound (n,), the mean of its channels, and its samples a second."""
    if isinstance(source, tuple):
        return np.asarray(source[0], np.float32), source[1]
    import soundfile  # samples do without

    data = io.BytesIO(source) if isinstance(source, bytes) else source
    samples, rate = soundfile.read(data, frames=MOST_SAMPLES, dtype="float32", always_2d=True)
    return np.nan_to_num(samples.mean(axis=1), posinf=0.0, neginf=0.0), rate


def spectrogram(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return a sound as a map (B, T, 1): 255 is the loudest that it holds, 0 what is `RANGE` decibels below.

    A short sound has silence on both sides, and of a long one the loudest part is taken.
    """
    decibels = log_mel(loudest(samples, math.ceil(FRAMES * STEP * rate)), rate)[:FRAMES]
    levels = np.clip((decibels - decibels.max()) / RANGE + 1, 0, 1) * (255 if samples.any() else 0)
    before = (FRAMES - len(levels)) // 2
    out = np.zeros((BANDS, FRAMES, 1), np.uint8)
    out[:, before : before + len(levels), 0] = np.rint(levels).astype(np.uint8).T
    return out


def loudest(samples: np.ndarray, length: int) -> np.ndarray:
    """Return the part (length,) with the most energy, to a hundredth of it; all if it is no longer than that."""
    if len(samples) <= length:
        return samples
    step = max(1, length // 100)
    energy = np.add.reduceat(np.square(samples), np.arange(0, len(samples), step), dtype=np.float64)
    sums = np.concatenate([[0.0], np.cumsum(energy)])
    width = length // step
    first = step * int(np.argmax(sums[width:] - sums[:-width]))
    return samples[min(first, len(samples) - length) :][:length]


def log_mel(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return the power of each band in decibels (T, B), one frame every `STEP` seconds.

    Hann windows, the squared magnitude of the Fourier transform, summed in triangular bands that are evenly spaced on
    the mel scale, divided by the length of the transform and the power of the window.
    """
    width = max(2, round(max(WINDOW, 2 * STEP) * rate))
    starts = np.round(np.arange(max(1, round(len(samples) / rate / STEP))) * (STEP * rate)).astype(np.int64)
    padded = np.pad(samples, (width // 2, width))  # the middle of the first window is the first sample
    window = np.hanning(width + 1)[:-1].astype(np.float32)
    transform = 2 ** (2 * width - 1).bit_length()  # twice as fine as the window: low bands are narrow
    filters = mel_filters(rate, transform)
    powers = np.empty((len(starts), BANDS))
    for first in range(0, len(starts), 256):
        places = starts[first : first + 256, None] + np.arange(width)
        frames = padded[np.minimum(places, len(padded) - 1)].astype(np.float64)
        spectrum = np.fft.rfft(frames * window, transform)
        powers[first : first + 256] = (np.square(spectrum.real) + np.square(spectrum.imag)) @ filters
    return 10 * np.log10(np.maximum(powers / (transform * np.square(window).sum()), 1e-12))


@functools.lru_cache(maxsize=16)
def mel_filters(rate: int, transform: int) -> np.ndarray:
    """Return how much of each bin of a Fourier transform (K,) belongs to each band (K, B): triangles of height 1."""
    mels = np.linspace(mel(LOWEST), mel(HIGHEST), BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)  # Hz
    bins = np.arange(transform // 2 + 1)[:, None] * (rate / transform)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


def mel(hertz: float) -> float:
    """Return a frequency on the mel scale."""
    return float(2595 * np.log10(1 + hertz / 700))

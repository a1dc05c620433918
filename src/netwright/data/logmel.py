"""The front end for sounds: how strong each band of frequencies is, moment by moment.

Sounds of any sampling rate become comparable without being resampled: the moments have one length in seconds, and the
bands one place in Hz, whatever number of samples that is. A band above half of the rate is empty.

Letters in shapes: n sample, T frame, K bin of the Fourier transform, B band.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from netwright.data.clip import LOWEST, Clip

WINDOW = 0.025  # seconds that a frame looks at, at least
FRAMES_AT_ONCE = 256
QUIETEST = 1e-12  # power that stands for none


def log_mel(samples: NDArray[np.float32], rate: int, clip: Clip) -> NDArray[np.float64]:
    """Return the power of each band in decibels (T, B), one frame every step of the clip; T hangs on the length.

    Hann windows, the squared magnitude of the Fourier transform, summed in triangular bands that are evenly spaced on
    the mel scale (Davis and Mermelstein 1980; the scale is O'Shaughnessy's, 2595 · log₁₀(1 + f / 700)). Divided by the
    length of the transform and the power of the window it is the mean power of the sound (Parseval), at any rate.

    Args:
        samples: (n,) mono.
        rate: samples a second.
        clip: its bands, step and highest frequency; its number of frames is not looked at.
    """
    step = clip.step / 1e6
    width = max(2, round(max(WINDOW, 2 * step) * rate))
    starts = np.round(np.arange(max(1, round(len(samples) / rate / step))) * (step * rate)).astype(np.int64)
    padded = np.pad(samples, (width // 2, width))  # the middle of the first window is the first sample
    window = np.hanning(width + 1)[:-1].astype(np.float32)
    transform = 2 ** (2 * width - 1).bit_length()  # twice as fine as the window: low bands are narrow
    filters = mel_filters(rate, transform, clip.bands, clip.highest)
    powers = np.empty((len(starts), clip.bands))
    for first in range(0, len(starts), FRAMES_AT_ONCE):
        places = starts[first : first + FRAMES_AT_ONCE, None] + np.arange(width)
        # In float64: what float32 loses beside a loud tone is as much as a quiet band has, differently on each machine.
        frames = padded[np.minimum(places, len(padded) - 1)].astype(np.float64)
        spectrum = np.fft.rfft(frames * window, transform)
        powers[first : first + FRAMES_AT_ONCE] = (np.square(spectrum.real) + np.square(spectrum.imag)) @ filters
    return np.asarray(10 * np.log10(np.maximum(powers / (transform * np.square(window).sum()), QUIETEST)), np.float64)


@functools.lru_cache(maxsize=16)
def mel_filters(rate: int, transform: int, bands: int, highest: int) -> NDArray[np.float32]:
    """Return how much of each bin of a Fourier transform (K,) belongs to each band (K, B): triangles of height 1."""
    edges = band_edges(bands, highest)
    bins = np.arange(transform // 2 + 1)[:, None] * (rate / transform)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    filters.setflags(write=False)
    return filters


def band_edges(bands: int, highest: int) -> NDArray[np.float64]:
    """Return where bands begin, are strongest and end (B + 2,), in Hz: evenly spaced on the mel scale."""
    return _hertz(np.linspace(_mel(LOWEST), _mel(highest), bands + 2))


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(700 * (10 ** (mel / 2595) - 1))

"""Sounds from files and bytes as spectrograms of one form. What cannot be decoded is named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from netwright.data.clip import RANGE, STEPS, Clip
from netwright.data.files import Pixels, Told, Unreadable, decode_into, nobody, opened, survey
from netwright.data.logmel import log_mel

FORMATS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "MPEG")
RATES = (1_000, 384_000)  # samples a second
MOST_CHANNELS = 64
MOST_SAMPLES = 2**24  # of one channel: what comes after them, 6 minutes at 48 kHz, is not read
READ_AT_ONCE = 2**18  # numbers of all channels

BANDS = 64
USUAL_STEP, LONGEST_STEP = 10_000, 32_000  # microseconds
MOST_FRAMES = 320
MOST_LEFT_WHOLE = 0.95  # share of the sounds that are not cut
HIGHEST = 16_000  # Hz: what lies above says little
MOST_BYTES = 4 * 2**30  # of all encoded sounds; more sounds are encoded shorter


def decode(source: Any, most: int = MOST_SAMPLES) -> tuple[NDArray[np.float32], int]:
    """Return a sound (n,), the mean of its channels, and its samples a second.

    Args:
        source: a path or the bytes of a file.
        most: samples that are read.

    Raises:
        Unreadable: if it is none, damaged, or empty.
    """
    with _open(source) as file:
        each = max(1, READ_AT_ONCE // file.channels)
        pieces, left = [], most
        while left > 0:
            piece = file.read(min(each, left), dtype="float32", always_2d=True)
            if not len(piece):
                break
            pieces.append(piece.mean(axis=1))
            left -= len(piece)
        rate = file.samplerate
    if not pieces:
        raise Unreadable("it holds no sound")
    return np.nan_to_num(np.concatenate(pieces), copy=False, posinf=0.0, neginf=0.0), rate


class _open:  # noqa: N801 - it is used as a function
    """A sound file, whose decoder's errors are ours."""

    def __init__(self, source: Any) -> None:
        data = opened(source)
        try:
            self.file = soundfile.SoundFile(data)
        except (soundfile.SoundFileError, ValueError, RuntimeError, TypeError) as error:
            raise Unreadable("it is no sound of a known format") from error
        low, high = RATES
        usual = self.file.format in FORMATS and low <= self.file.samplerate <= high
        if not usual or not 1 <= self.file.channels <= MOST_CHANNELS:
            self.file.close()
            raise Unreadable("it is no sound of a known format")

    def __enter__(self) -> soundfile.SoundFile:
        return self.file

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.file.close()
        if isinstance(error, soundfile.SoundFileError | RuntimeError | ValueError):
            raise Unreadable("it is damaged") from error


def encode(source: Any, clip: Clip) -> Pixels:
    """Return a sound as a map (bands, frames, 1): 255 is the loudest that it holds, 0 what is `RANGE` dB below.

    A short sound has silence on both sides, and of a long one the loudest part is taken.

    Raises:
        Unreadable: if it cannot be decoded.
    """
    samples, rate = decode(source)
    decibels = log_mel(_loudest(samples, math.ceil(clip.seconds * rate)), rate, clip)[: clip.frames]
    levels = np.clip((decibels - decibels.max()) / RANGE + 1, 0, 1) * (255 if samples.any() else 0)
    before = (clip.frames - len(levels)) // 2
    out = np.zeros((clip.bands, clip.frames, 1), np.uint8)
    out[:, before : before + len(levels), 0] = np.rint(levels).astype(np.uint8).T
    return out


def _loudest(samples: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return the part (length,) with the most energy, to a hundredth of it; all if it is no longer than that."""
    if len(samples) <= length:
        return samples
    step = max(1, length // STEPS)
    energy = np.add.reduceat(np.square(samples), np.arange(0, len(samples), step), dtype=np.float64)
    sums = np.concatenate([[0.0], np.cumsum(energy)])
    width = length // step
    first = step * int(np.argmax(sums[width:] - sums[:-width]))
    return samples[min(first, len(samples) - length) :][:length]


def common_clip(sources: Sequence[Any]) -> Clip | None:
    """Return the form that sounds are encoded in, by a sample of them; None if none of these can be decoded.

    It is long enough for nearly all, with longer steps where they are long.
    """

    def facts(source: Any) -> tuple[float, int]:
        with _open(source) as file:
            frames = file.frames if 0 < file.frames < 2**40 else len(decode(source)[0])  # some formats do not say
            return frames / file.samplerate, file.samplerate

    found = survey(sources, facts)
    if not found:
        return None
    lengths, rates = zip(*found, strict=True)
    seconds = float(np.quantile(lengths, MOST_LEFT_WHOLE, method="higher"))
    frames = max(1, min(MOST_FRAMES, MOST_BYTES // (BANDS * len(sources))))
    step = int(np.clip(math.ceil(seconds * 1e6 / frames), USUAL_STEP, LONGEST_STEP))
    highest = max(500, min(HIGHEST, int(np.median(rates)) // 2))
    return Clip(BANDS, int(np.clip(math.ceil(seconds * 1e6 / step), 8, max(8, frames))), step, highest)


def encode_all(sources: Sequence[Any], clip: Clip, told: Told = nobody) -> tuple[Pixels, dict[int, str]]:
    """Return sounds as maps (N, bands, frames, 1), and for those that cannot be decoded their places and why."""
    return decode_into((clip.bands, clip.frames, 1), sources, lambda source: encode(source, clip), told)

"""Sounds as WAV files."""

from __future__ import annotations

import io
import wave

import numpy as np
from numpy.typing import NDArray

LOUDEST = 32_767


def as_wave(samples: NDArray[np.float64], rate: int) -> bytes:
    """Return mono samples (n,) between -1 and 1, of which `rate` make a second, as a WAV file of 16 bits."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, rate, len(samples), "NONE", ""))
        file.writeframes(np.rint(np.clip(samples, -1, 1) * LOUDEST).astype("<i2").tobytes())
    return out.getvalue()

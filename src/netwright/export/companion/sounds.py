"""Decodes sounds for the model.onnx beside this file. It needs numpy and soundfile."""

import re

import numpy as np
import soundfile
from numpy.typing import NDArray

MOST = 2**24  # samples that are read


def samples(path: str, form: str) -> NDArray[np.float32]:
    """Return a sound (1, n) at the rate that the model takes, the mean of its channels.

    Args:
        path: of the file.
        form: of the model's maps, which names the highest frequency in Hz: the rate is twice that.
    """
    sound, rate = soundfile.read(path, frames=MOST, dtype="float32", always_2d=True)
    wanted = 2 * int(re.findall(r"(\d+)Hz", form)[0])
    one = np.nan_to_num(sound.mean(axis=1), posinf=0.0, neginf=0.0)
    if rate != wanted:  # drawn through its samples
        count = max(1, round(len(one) * wanted / rate))
        one = np.interp(np.arange(count) * rate / wanted, np.arange(len(one)), one).astype(np.float32)
    return one[None]

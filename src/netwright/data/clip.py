"""The form of sounds that are encoded as spectrograms, as a value and as text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from netwright.data.size import Size

_TEXT = re.compile(r"(\d{1,3})x(\d{1,4}) of (\d{4,6})us to (\d{3,5})Hz")
LOWEST = 20  # Hz: what ears begin to hear
RANGE = 80.0  # decibels below the loudest that are told apart
STEPS = 100  # of the wanted length: where the loudest part may begin


@dataclass(frozen=True)
class Clip:
    """The common form of encoded sounds: a map of bands by frames.

    Attributes:
        bands: between `LOWEST` and the highest frequency, evenly spaced to the ear.
        frames: how many.
        step: microseconds from one frame to the next.
        highest: frequency in Hz.
    """

    bands: int
    frames: int
    step: int
    highest: int

    @property
    def seconds(self) -> float:
        """Return how long it is."""
        return self.frames * self.step / 1e6

    @property
    def size(self) -> Size:
        """Return the size of the map."""
        return Size(self.bands, self.frames, 1)

    def __str__(self) -> str:
        return f"{self.bands}x{self.frames} of {self.step}us to {self.highest}Hz"

    @staticmethod
    def parse(text: str) -> Clip | None:
        """Return the form that a text such as `64x100 of 10000us to 8000Hz` names; None for any other text."""
        match = _TEXT.fullmatch(text)
        clip = Clip(*map(int, match.groups())) if match else None
        sides, steps, ends = range(1, 1025), range(1_000, 200_001), range(10 * LOWEST, 96_001)
        possible = clip and clip.bands in sides and clip.frames in sides and clip.step in steps and clip.highest in ends
        return clip if possible else None

"""The size of images, as a value and as text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """The common size of encoded images: height and width in pixels, and 1 channel for grey or 3 for colour."""

    height: int
    width: int
    channels: int

    def __str__(self) -> str:
        return f"{self.height}x{self.width}x{self.channels}"

    @staticmethod
    def parse(text: str) -> Size | None:
        """Return the size that a text such as `28x28x1` names; None for any other text."""
        numbers = text.split("x")
        if len(numbers) != 3 or not all(number.isdecimal() and len(number) < 5 for number in numbers):
            return None
        size = Size(*map(int, numbers))
        sides = range(1, 1025)
        return size if size.height in sides and size.width in sides and size.channels in (1, 3) else None

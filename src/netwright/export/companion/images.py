"""Decodes images for the model.onnx beside this file. It needs numpy and Pillow."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")  # for others Pillow may run programs
WIDE = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")  # grey of more than eight bits
MOST_PIXELS = 100_000_000  # of one image: a bomb unpacks to more


def pixels(path: str, size: str) -> NDArray[np.uint8]:
    """Return an image as its camera meant it, transparent pixels on white, in the size and colours of the model.

    Args:
        path: of the file.
        size: height, width and channels, such as 28x28x1.
    """
    height, width, channels = (int(number) for number in re.findall(r"\d+", size))
    mode = "L" if channels == 1 else "RGB"
    with Image.open(path, formats=FORMATS) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise ValueError(f"{path} has more than {MOST_PIXELS:,} pixels")
        opened.draft(None, (2 * width, 2 * height))
        image = ImageOps.exif_transpose(opened)
        if image.mode in WIDE:
            image = Image.fromarray(eight_bits(np.asarray(image)))
        elif image.has_transparency_data:
            colour = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", colour.size, "white"), colour)
        image = image.convert(mode)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(image).reshape(height, width, channels)


def eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return grey values in eight bits, by the smallest usual range that holds them, or by their own."""
    pieces = np.array_split(values.ravel(), 1 + values.size // 2**20)  # in 64 bits all would take ten times their room
    low, high = (
        min(float(in_64_bits(piece).min()) for piece in pieces),
        max(float(in_64_bits(piece).max()) for piece in pieces),
    )
    usual = ((1.0,) if values.dtype.kind == "f" else ()) + (255.0, 4_095.0, 65_535.0)
    most = next((most for most in usual if high <= most), None) if low >= 0 else None
    if most is not None:
        low, high = 0.0, most
    share = 255 / max(high - low, 1e-9)
    return np.concatenate([((in_64_bits(piece) - low) * share).astype(np.uint8) for piece in pieces]).reshape(
        values.shape
    )


def in_64_bits(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return grey values in 64 bits, and 0 for what is no number."""
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)

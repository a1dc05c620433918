"""From images to arrays of one size."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netwright.build.source.parts.files import FILE

HEIGHT, WIDTH, CHANNELS = 32, 32, 3  # that images are brought to; 1 channel for grey, 3 for colours
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
MOST_PIXELS = 100_000_000  # of one image: a bomb unpacks to more
WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")  # grey of more than eight bits


def encode(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return what the networks take of N rows: `images` (N, H, W, C) from 0 to 255.

    Args:
        rows: a dictionary for each, whose `FILE` is a path, the bytes of a file, or an array (H, W) or (H, W, C) of
            uint8. Arrays of the right size are taken as they are, all else needs Pillow.
    """
    images = np.empty((len(rows), HEIGHT, WIDTH, CHANNELS), np.uint8)
    for place, row in enumerate(rows):
        images[place] = decoded_image(row[FILE])
    return {"images": images}


def decoded_image(source: str | Path | bytes | np.ndarray) -> np.ndarray:
    """Return an image (H, W, C) of the size that networks take.

    The first frame of a moving image; turned as its camera says; transparent pixels on white; more than eight bits are
    scaled to eight.
    """
    if isinstance(source, np.ndarray) and source.shape == (HEIGHT, WIDTH, CHANNELS):
        return source
    from PIL import Image, ImageOps  # arrays of the right size do without

    if isinstance(source, np.ndarray):
        grey = source.ndim == 3 and source.shape[2] == 1
        return sized(eight_bit_image(Image.fromarray(source[:, :, 0] if grey else source)))
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"the image has more than {MOST_PIXELS} pixels")
        image.draft(None, (2 * WIDTH, 2 * HEIGHT))  # a JPEG need not be decoded in full
        return sized(eight_bit_image(ImageOps.exif_transpose(image)))


def eight_bit_image(image: Any) -> Any:
    """Return an image of Pillow as grey or colour of eight bits."""
    from PIL import Image

    if image.mode in WIDE_MODES:
        return Image.fromarray(eight_bits(np.asarray(image)))
    if image.has_transparency_data:
        colour = image.convert("RGBA")
        white = Image.new("RGBA", colour.size, "white")
        return Image.alpha_composite(white, colour).convert("L" if image.mode in ("L", "LA") else "RGB")
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")


def eight_bits(values: np.ndarray) -> np.ndarray:
    """Return grey values of more bits in eight: by the smallest of the usual ranges that holds them, or by their own.

    The usual ranges are from 0 to 1 (of fractions), to 255, to 4,095 (12 bits, of cameras and scanners) and to 65,535.
    """
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


def in_64_bits(values: np.ndarray) -> np.ndarray:
    """Return grey values in 64 bits, and 0 for what is no number."""
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def sized(image: Any) -> np.ndarray:
    """Return an image of Pillow as an array (H, W, C) of the size and the channels that networks take."""
    from PIL import Image

    image = image.convert("L" if CHANNELS == 1 else "RGB")
    if image.size != (WIDTH, HEIGHT):
        image = image.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(image).reshape(HEIGHT, WIDTH, CHANNELS)

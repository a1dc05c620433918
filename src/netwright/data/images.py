"""Images from files, bytes and arrays as arrays of one size. What cannot be decoded is named."""

from __future__ import annotations

import io
import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from netwright.data.files import Pixels, Told, Unreadable, decode_into, nobody, opened, survey
from netwright.data.size import Size

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
MOST_PIXELS = 100_000_000  # of one image: a bomb unpacks to more
LARGEST_SIDE = 128  # pixels that images are encoded at, at most: what small networks can use
MOST_BYTES = 4 * 2**30  # of all encoded images; more images are encoded smaller
WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")  # grey of more than eight bits

TOO_LARGE = f"it has more than {MOST_PIXELS // 10**6} million pixels"


def decode(source: Any, size: Size | None = None) -> Pixels:
    """Return an image (H, W, C): C is 1 for grey and 3 for colour.

    The first frame of a moving image; turned as its camera says; transparent pixels on white; more than eight bits are
    scaled to eight.

    Args:
        source: a path, the bytes of a file, or an array (H, W) or (H, W, C) of uint8.
        size: what to bring it to; by default it stays as it is.

    Raises:
        Unreadable: if it is none, damaged, or too large.
    """
    if isinstance(source, np.ndarray):
        image = _of_array(source)
        return _sized(image, size)
    try:
        with Image.open(opened(source), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Unreadable(TOO_LARGE)
            if size is not None:
                image.draft(None, (2 * size.width, 2 * size.height))  # a JPEG need not be decoded in full
            return _sized(_plain(ImageOps.exif_transpose(image)), size)
    except Unreadable:
        raise
    except Image.DecompressionBombError as error:
        raise Unreadable(TOO_LARGE) from error
    except Exception as error:  # Pillow raises whatever its decoders meet
        raise Unreadable(_reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is no image of a known format"
    if isinstance(error, PermissionError):
        return "it may not be read"
    return "it is damaged"


def _plain(image: Image.Image) -> Image.Image:
    """Return the image as grey or colour of eight bits."""
    if image.mode in WIDE_MODES:
        return Image.fromarray(_eight_bits(np.asarray(image)))
    if image.has_transparency_data:
        colour = image.convert("RGBA")
        white = Image.new("RGBA", colour.size, "white")
        return Image.alpha_composite(white, colour).convert("L" if image.mode in ("L", "LA") else "RGB")
    return image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")


def _eight_bits(values: NDArray[Any]) -> Pixels:
    """Return grey values of more bits in eight: by the smallest of the usual ranges that holds them, or by their own.

    The usual ranges are from 0 to 1 (of fractions), to 255, to 4,095 (12 bits, of cameras and scanners) and to 65,535.
    """
    wide = np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(wide.min()), float(wide.max())
    usual = ((1.0,) if values.dtype.kind == "f" else ()) + (255.0, 4_095.0, 65_535.0)
    most = next((most for most in usual if high <= most), None) if low >= 0 else None
    if most is not None:
        low, high = 0.0, most
    return ((wide - low) * (255 / max(high - low, 1e-9))).astype(np.uint8)


def _of_array(array: NDArray[Any]) -> Image.Image:
    shape = array.shape[2:] if array.ndim == 3 else ()
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or shape not in ((), (1,), (3,), (4,)) or not array.size:
        raise Unreadable("an array is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8")
    if array.shape[0] * array.shape[1] > MOST_PIXELS:
        raise Unreadable(TOO_LARGE)
    return _plain(Image.fromarray(array[:, :, 0] if shape == (1,) else array))


def _sized(image: Image.Image, size: Size | None) -> Pixels:
    if size is not None:
        image = image.convert("L" if size.channels == 1 else "RGB")
        if image.size != (size.width, size.height):
            image = image.resize((size.width, size.height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    pixels = np.asarray(image)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def as_png(pixels: Pixels) -> bytes:
    """Return an image (H, W, C) as a PNG file."""
    out = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(out, "PNG")
    return out.getvalue()


# --- many of them --------------------------------------------------------------------------------------------------


def common_size(sources: Sequence[Any]) -> Size | None:
    """Return the size that images are encoded at: the median of a sample, made smaller where it is large.

    Colour if one in the sample has colours. None if none of the sample can be decoded.
    """

    def facts(source: Any) -> tuple[int, int, bool]:
        pixels = decode(source)  # in full; no more than one a thread is held
        return pixels.shape[0], pixels.shape[1], pixels.shape[2] == 3 and bool((pixels != pixels[:, :, :1]).any())

    found = survey(sources, facts)
    if not found:
        return None
    heights, widths, coloured = zip(*found, strict=True)
    height, width, channels = statistics.median_low(heights), statistics.median_low(widths), 3 if any(coloured) else 1
    fitting = math.sqrt(MOST_BYTES / (len(sources) * height * width * channels))
    share = min(1.0, LARGEST_SIDE / max(height, width), fitting)
    return Size(max(1, round(share * height)), max(1, round(share * width)), channels)


def decode_all(sources: Sequence[Any], size: Size, told: Told = nobody) -> tuple[Pixels, dict[int, str]]:
    """Return images (N, H, W, C), and for those that cannot be decoded their places and why."""
    return decode_into((size.height, size.width, size.channels), sources, lambda source: decode(source, size), told)

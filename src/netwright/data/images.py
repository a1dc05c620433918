"""Images from files, bytes and arrays as arrays of one size. What cannot be decoded is named."""

from __future__ import annotations

import io
import math
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from netwright.data.files import AtOnce, Pixels, Told, Unreadable, decode_into, nobody, opened, survey
from netwright.data.size import Size

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
MOST_PIXELS = 100_000_000  # of one image: a bomb unpacks to more
AT_ONCE = MOST_PIXELS  # of all images that are decoded at one time, each of 4 to 16 bytes: threads wait for one another
LARGE = 25_000_000  # pixels of a JPEG above which its size and colours are told without decoding it in full
TILE = 2**20  # pixels that are converted together
LARGEST_SIDE = 128  # pixels that images are encoded at, at most: what small networks can use
MOST_BYTES = 4 * 2**30  # of all encoded images; more images are encoded smaller
WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")  # grey of more than eight bits

SIDEWAYS = (5, 6, 7, 8)  # turns of a camera after which height is width

_AT_ONCE = AtOnce(AT_ONCE)

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
    enough = None if size is None else (2 * size.width, 2 * size.height)
    with _decoded(source, enough) as picture:
        return _sized(picture.image, size)


@dataclass(frozen=True)
class _Picture:
    """An image in grey or colour of eight bits, turned as its camera says.

    Attributes:
        image: it, smaller where that is enough.
        height, width: of the whole, in pixels.
    """

    image: Image.Image
    height: int
    width: int


@contextmanager
def _decoded(source: Any, enough: tuple[int, int] | None, above: int = 0) -> Iterator[_Picture]:
    """Decode an image; while it is looked at, threads that would hold too many pixels at once wait.

    Args:
        source: as of `decode`.
        enough: width and height that do; a JPEG is then decoded at a fraction of its own, which takes less of all.
        above: pixels of an image that has to have more for that.

    Raises:
        Unreadable: if it is none, damaged, or too large.
    """
    if isinstance(source, np.ndarray):
        with _AT_ONCE.taken(math.prod(source.shape[:2])):
            image = _of_array(source)
            yield _Picture(image, image.height, image.width)
        return
    try:
        with Image.open(opened(source), formats=FORMATS) as image:
            whole = image.size
            if math.prod(whole) > MOST_PIXELS:
                raise Unreadable(TOO_LARGE)
            if enough is not None and math.prod(whole) > above:
                image.draft(None, enough)
            smaller = image.size != whole
            every = "progression" in image.info  # of such a JPEG all is held, whatever it is decoded at
            with _AT_ONCE.taken(math.prod(whole if every else image.size)):
                image.load()
                sideways = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
                ImageOps.exif_transpose(image, in_place=True)  # a copy would be as large again
                width, height = image.size if not smaller else whole[::-1] if sideways else whole
                yield _Picture(_plain(image), height, width)
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
        return Image.fromarray(_eight_bits(image))
    if image.has_transparency_data:
        return _on_white(image, "L" if image.mode in ("L", "LA") else "RGB")
    return _as_mode(image, "L" if image.mode in ("1", "L", "LA") else "RGB")


def _as_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return an image in another mode; itself where that is its own."""
    return image if image.mode == mode else image.convert(mode)


def _tiles(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """Yield boxes (left, upper, right, lower) that cover an image, each of `TILE` pixels at the most."""
    across = min(image.width, TILE)
    down = TILE // across
    for top in range(0, image.height, down):
        for left in range(0, image.width, across):
            yield left, top, min(left + across, image.width), min(top + down, image.height)


def _on_white(image: Image.Image, mode: str) -> Image.Image:
    """Return an image with what is transparent on white; tile by tile, since it is copied some times for that."""
    out = Image.new(mode, image.size)
    for box in _tiles(image):
        colour = image.crop(box).convert("RGBA")
        white = Image.new("RGBA", colour.size, "white")
        out.paste(Image.alpha_composite(white, colour).convert(mode), box[:2])
    return out


def _eight_bits(image: Image.Image) -> Pixels:
    """Return grey values of more bits in eight: by the smallest of the usual ranges that holds them, or by their own.

    The usual ranges are from 0 to 1 (of fractions), to 255, to 4,095 (12 bits, of cameras and scanners) and to 65,535.
    They are computed tile by tile: in 64 bits all of them would take ten times what the image does.
    """

    def wide(box: tuple[int, int, int, int]) -> NDArray[np.float64]:
        return np.nan_to_num(np.asarray(image.crop(box)).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)

    low = min(float(wide(box).min()) for box in _tiles(image))
    high = max(float(wide(box).max()) for box in _tiles(image))
    usual = ((1.0,) if image.mode == "F" else ()) + (255.0, 4_095.0, 65_535.0)
    most = next((most for most in usual if high <= most), None) if low >= 0 else None
    if most is not None:
        low, high = 0.0, most
    out = np.empty((image.height, image.width), np.uint8)
    for box in _tiles(image):
        left, top, right, bottom = box
        out[top:bottom, left:right] = (wide(box) - low) * (255 / max(high - low, 1e-9))
    return out


def _of_array(array: NDArray[Any]) -> Image.Image:
    shape = array.shape[2:] if array.ndim == 3 else ()
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or shape not in ((), (1,), (3,), (4,)) or not array.size:
        raise Unreadable("an array is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8")
    if array.shape[0] * array.shape[1] > MOST_PIXELS:
        raise Unreadable(TOO_LARGE)
    return _plain(Image.fromarray(array[:, :, 0] if shape == (1,) else array))


def _sized(image: Image.Image, size: Size | None) -> Pixels:
    if size is not None:
        image = _as_mode(image, "L" if size.channels == 1 else "RGB")
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
    found = survey(sources, _facts)
    if not found:
        return None
    heights, widths, coloured = zip(*found, strict=True)
    height, width, channels = statistics.median_low(heights), statistics.median_low(widths), 3 if any(coloured) else 1
    fitting = math.sqrt(MOST_BYTES / (len(sources) * height * width * channels))
    share = min(1.0, LARGEST_SIDE / max(height, width), fitting)
    return Size(max(1, round(share * height)), max(1, round(share * width)), channels)


def _facts(source: Any) -> tuple[int, int, bool]:
    """Return the height and width of an image, and whether it has colours: of a large JPEG as far as a few pixels tell.

    Raises:
        Unreadable: if it is none, damaged, or too large.
    """
    with _decoded(source, (2 * LARGEST_SIDE, 2 * LARGEST_SIDE), above=LARGE) as picture:
        tiles = (np.asarray(picture.image.crop(box)) for box in _tiles(picture.image))
        coloured = picture.image.mode == "RGB" and any((tile != tile[:, :, :1]).any() for tile in tiles)
        return picture.height, picture.width, coloured


def decode_all(sources: Sequence[Any], size: Size, told: Told = nobody) -> tuple[Pixels, dict[int, str]]:
    """Return images (N, H, W, C), and for those that cannot be decoded their places and why."""
    return decode_into((size.height, size.width, size.channels), sources, lambda source: decode(source, size), told)

"""Damaged images and sounds: real ones of every format with bytes changed, and headers that promise too much."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from random import Random

import numpy as np
import soundfile
from fuzz_tables import damaged
from PIL import Image

SIDES = (1, 16, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1)
IMAGES = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
SOUNDS = ("WAV", "FLAC", "OGG", "MP3")
MODES = ("L", "RGB", "RGBA", "P", "1", "I;16")


def make(draw: Random) -> tuple[str, bytes]:
    """Return the name and the content of a file."""
    if draw.random() < 0.15:
        return draw.choice((("big.png", _png(draw)), ("big.bmp", _bmp(draw)), ("big.wav", _wav(draw))))
    if draw.random() < 0.5:
        form = draw.choice(IMAGES)
        name, content = f"one.{form.lower()}", good_image(form, draw.choice(MODES), draw.randrange(3))
    else:
        form = draw.choice(SOUNDS)
        name, content = f"one.{form.lower()}", good_sound(form, draw.randrange(3))
    return name, damaged(draw, content) if draw.random() < 0.95 else content


@cache
def good_image(form: str, mode: str, seed: int) -> bytes:
    """Return an image of a format; where it does not know a mode, one of colours."""
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 24, 3), np.uint8)
    image, out = Image.fromarray(pixels), io.BytesIO()
    with_mode = Image.fromarray(pixels[:, :, 0].astype(np.uint16) * 200) if mode == "I;16" else image.convert(mode)
    try:
        with_mode.save(out, form)
    except (OSError, ValueError):
        image.save(out := io.BytesIO(), form)
    return out.getvalue()


@cache
def good_sound(form: str, seed: int) -> bytes:
    """Return half a second of sound in a format."""
    moments = np.arange(4_000) / 8_000
    samples = np.sin(2 * np.pi * (300 + 200 * seed) * moments)
    stereo, out = np.stack([samples, samples], 1) if seed else samples, io.BytesIO()
    soundfile.write(out, stereo, 8_000, format=form)
    return out.getvalue()


def _png(draw: Random) -> bytes:
    """Return a PNG file with a sound checksum whose header says any size; its pixels are few."""
    depth, colour = draw.choice((1, 8, 16)), draw.choice((0, 2, 3, 6))
    header = struct.pack(">IIBBBBB", draw.choice(SIDES), draw.choice(SIDES), depth, colour, 0, 0, draw.choice((0, 1)))
    pixels = zlib.compress(bytes(draw.choice((10, 10**6))))
    parts = ((b"IHDR", header), (draw.choice((b"tEXt", b"iCCP", b"eXIf")), draw.randbytes(40)), (b"IDAT", pixels))
    chunks = (struct.pack(">I", len(body)) + kind + body + _crc(kind + body) for kind, body in (*parts, (b"IEND", b"")))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _crc(content: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(content))


def _bmp(draw: Random) -> bytes:
    width, height = draw.choice(SIDES) & 0x7FFFFFFF, draw.choice((*SIDES[:5], -1, -(2**31)))
    bits, packing = draw.choice((1, 4, 8, 16, 24, 32, 0, 77)), draw.choice((0, 1, 2, 3, 99))
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, packing, 0, 0, 0, draw.choice((0, 2**32 - 1)), 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + info + draw.randbytes(200)


def _wav(draw: Random) -> bytes:
    """Return a WAV file whose header says any rate, channels and length; its samples are few."""
    bits, channels = draw.choice((0, 8, 16, 24, 32, 64, 65535)), draw.choice((0, 1, 2, 64, 65, 65535))
    rate, kind = draw.choice((0, 1, 8_000, 2**31, 2**32 - 1)), draw.choice((1, 3, 2, 17, 49, 0xFFFE))
    block = channels * bits // 8 & 0xFFFF
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * block & 0xFFFFFFFF, block, bits)
    size = draw.choice((0, 400, 2**31, 2**32 - 1))
    data = b"data" + struct.pack("<I", size) + draw.randbytes(400)
    return b"RIFF" + struct.pack("<I", size) + b"WAVEfmt " + struct.pack("<I", len(form)) + form + data

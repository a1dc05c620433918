"""Images of any sort become arrays of one size; what is damaged is named."""

from __future__ import annotations

import errno
import io
import os
import struct
import threading
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from netwright.data import files, images
from netwright.data.files import AtOnce, Unreadable
from netwright.data.images import common_size, decode, decode_all
from netwright.data.size import Size
from netwright.errors import CannotWrite

GRADIENT = np.linspace(0, 255, 12 * 16).reshape(12, 16).astype(np.uint8)
COLOURED = np.stack([GRADIENT, GRADIENT[::-1], GRADIENT[:, ::-1]], axis=2)


def packed(image: Image.Image, name: str, **options: object) -> bytes:
    """Return the bytes of an image file."""
    out = io.BytesIO()
    image.save(out, name, **options)
    return out.getvalue()


@pytest.mark.parametrize("name", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG"])
@pytest.mark.parametrize("array", [GRADIENT, COLOURED], ids=["grey", "coloured"])
def test_formats_are_read(name: str, array: np.ndarray) -> None:
    """What is lossless comes out as it went in, the others nearly."""
    pixels = decode(packed(Image.fromarray(array), name, **({"lossless": True} if name == "WEBP" else {})))
    assert pixels.dtype == np.uint8
    assert pixels.shape[:2] == (12, 16)
    wanted = array if array.ndim == 3 else np.repeat(array[:, :, None], pixels.shape[2], axis=2)
    assert np.abs(pixels.astype(int) - wanted).mean() < (25 if name in ("JPEG", "GIF") else 1)


def test_sixteen_bits_are_scaled_to_eight() -> None:
    """Else all but the darkest would be white."""
    wide = (GRADIENT.astype(np.uint16) * 257).astype(np.uint16)
    pixels = decode(packed(Image.fromarray(wide), "PNG"))
    assert pixels.shape == (12, 16, 1)
    assert np.abs(pixels[:, :, 0].astype(int) - GRADIENT).max() <= 1


@pytest.mark.parametrize("most", [1.0, 255.0, 4_095.0, 65_535.0])
def test_greys_of_any_range_keep_their_content(most: float) -> None:
    """Fractions, twelve bits and sixteen; a single grey is no error."""
    values = GRADIENT.astype(np.float32) / 255 * most
    pixels = decode(packed(Image.fromarray(values), "TIFF"))
    assert np.abs(pixels[:, :, 0].astype(int) - GRADIENT).max() <= 1
    flat = decode(packed(Image.fromarray(np.full((3, 3), -5.0, np.float32)), "TIFF"))
    assert len(np.unique(flat)) == 1


def test_palettes_alpha_and_turns_are_undone() -> None:
    """A palette is colour, what is transparent lies on white, and the camera's turn is made."""
    palette = decode(packed(Image.fromarray(COLOURED).convert("P"), "PNG"))
    assert palette.shape == (12, 16, 3)
    clear = np.dstack([COLOURED, np.zeros((12, 16), np.uint8)])
    assert (decode(packed(Image.fromarray(clear), "PNG")) == 255).all()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    turned = decode(packed(Image.fromarray(GRADIENT), "PNG", exif=exif))
    assert np.array_equal(turned[:, :, 0], np.rot90(GRADIENT, -1))


def test_arrays_are_images_too() -> None:
    """Of one, three or four channels, or none."""
    assert decode(GRADIENT).shape == decode(GRADIENT[:, :, None]).shape == (12, 16, 1)
    assert np.array_equal(decode(COLOURED), COLOURED)
    for wrong in (GRADIENT.astype(float), np.zeros((3, 3, 2), np.uint8), np.zeros((0, 3), np.uint8), np.zeros(3)):
        with pytest.raises(Unreadable, match="uint8"):
            decode(wrong)


def at_once(image: Image.Image) -> np.ndarray:
    """Return an image in eight bits as `decode` should, computed on all of its pixels together."""
    if image.mode in images.WIDE_MODES:
        wide = np.nan_to_num(np.asarray(image).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        low, high = wide.min(), wide.max()
        usual = [most for most in (255.0, 4_095.0, 65_535.0) if high <= most]
        low, high = (0.0, usual[0]) if low >= 0 and usual else (low, high)
        return ((wide - low) * (255 / (high - low))).astype(np.uint8)[:, :, None]
    grey = image.mode in ("1", "L", "LA")
    if image.has_transparency_data:
        colour = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", colour.size, "white"), colour)
    pixels = np.asarray(image.convert("L" if grey else "RGB"))
    return pixels[:, :, None] if grey else pixels


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGB", "RGBA", "CMYK", "I;16", "I", "F", "negative", "clear"])
@pytest.mark.parametrize("tile", [7, 100, 2**20])
def test_images_are_converted_tile_by_tile_as_at_once(mode: str, tile: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit, whatever their shape: what is done to a pixel hangs on no other but the range of all."""
    monkeypatch.setattr(images, "TILE", tile)
    for height, width in ((30, 41), (1, 300), (300, 1)):
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 4), dtype=np.uint8)
        wide = {"I;16": np.uint16, "I": np.int32, "F": np.float32, "negative": np.float32}
        if mode in wide:
            image = Image.fromarray((pixels[:, :, 0] * 16.0 - (mode == "negative") * 900).astype(wide[mode]))
        elif mode == "clear":
            image = Image.fromarray(pixels).convert("RGB").convert("P")
            image.info["transparency"] = int(np.asarray(image)[0, 0])
        else:
            image = Image.fromarray(pixels).convert(mode)
        content = packed(image, "PNG" if mode == "clear" else "TIFF")
        with Image.open(io.BytesIO(content)) as kept:
            assert kept.mode in (mode, "P", "F")
            wanted = at_once(kept)
        assert np.array_equal(decode(content), wanted)


def test_sixteen_bits_take_no_room_of_sixty_four() -> None:
    """Of all pixels together: of 100 million that were 2.4 GB."""
    content = packed(Image.fromarray(np.arange(3_000_000, dtype=np.uint16).reshape(1_500, 2_000)), "PNG")
    tracemalloc.start()
    try:
        assert decode(content).shape == (1_500, 2_000, 1)
        assert tracemalloc.get_traced_memory()[1] < 45_000_000  # in 64 bits twice 24 MB, and as much again for 8 bits
    finally:
        tracemalloc.stop()


def test_what_many_threads_take_is_bounded() -> None:
    """Together no more than all; more than that alone."""
    room, lock = AtOnce(10), threading.Lock()
    held: list[int] = []
    most: list[tuple[int, int]] = []

    def work(amount: int) -> None:
        for _ in range(20):
            with room.taken(amount):
                with lock:
                    held.append(amount)
                    most.append((sum(held), len(held)))
                threading.Event().wait(0.0005)
                with lock:
                    held.remove(amount)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, amount) for amount in (1, 2, 3, 4, 5, 6, 10, 25)]:
            done.result()
    assert len(most) == 160 and max(number for _, number in most) > 1
    assert all(taken <= 10 or number == 1 for taken, number in most)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "arrays"])
def test_large_images_wait_for_one_another(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many cores there are; of a JPEG as much counts as is decoded of it."""
    picture = np.repeat(np.repeat(COLOURED, 20, axis=0), 20, axis=1)  # 240 rows of 320
    pixels = picture.shape[0] * picture.shape[1]
    content = picture if form == "arrays" else packed(Image.fromarray(picture), form)
    monkeypatch.setattr(images, "_AT_ONCE", AtOnce(pixels))
    monkeypatch.setattr(files, "usable_cores", lambda: 6)
    plain, lock, held, most = images._plain, threading.Lock(), [0], []

    def watched(image: Image.Image) -> Image.Image:
        with lock:
            held[0] += 1
            most.append(held[0])
        threading.Event().wait(0.002)
        try:
            return plain(image)
        finally:
            with lock:
                held[0] -= 1

    monkeypatch.setattr(images, "_plain", watched)
    found, failures = decode_all([content] * 40, Size(12, 16, 3))
    assert not failures and len(most) == 40 and (found == found[:1]).all()
    assert max(most) == 1 if form != "JPEG" else 1 < max(most) <= 16
    if form == "JPEG":
        most.clear()
        decode_all([packed(Image.fromarray(picture), "JPEG", progressive=True)] * 20, Size(12, 16, 3))
        assert max(most) == 1  # all of its pixels are held at once, whatever it is decoded at


def test_the_size_of_a_large_photograph_is_told_without_decoding_it_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its height and width as its camera held it, and whether it has colours."""
    monkeypatch.setattr(images, "LARGE", 100_000)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    plain, decoded = images._plain, []
    monkeypatch.setattr(images, "_plain", lambda image: decoded.append(image.size) or plain(image))
    grey = Image.fromarray(np.repeat(np.repeat(GRADIENT, 150, axis=0), 150, axis=1))  # 1,800 rows of 2,400
    coloured = Image.fromarray(np.repeat(np.repeat(COLOURED, 150, axis=0), 150, axis=1))
    assert common_size([packed(coloured, "JPEG")]) == Size(96, 128, 3)
    assert common_size([packed(grey.convert("RGB"), "JPEG", exif=exif)]) == Size(128, 96, 1)
    assert common_size([packed(grey.resize((301, 300)), "JPEG", exif=exif)]) == Size(128, 128, 1)
    assert [max(size) for size in decoded] == [600, 600, 301]
    decoded.clear()
    assert common_size([packed(coloured, "PNG")]) == Size(96, 128, 3)  # of which there is no part
    assert common_size([packed(coloured.resize((320, 240)), "JPEG")]) == Size(96, 128, 3)
    assert [max(size) for size in decoded] == [2_400, 320]


def bomb() -> bytes:
    """Return a small PNG whose header says that it has 10 billion pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def test_what_is_damaged_is_named(tmp_path: Path) -> None:
    """Each for its own reason, and none takes the others with it."""
    good = packed(Image.fromarray(COLOURED), "JPEG")
    files = {"good.jpg": good, "cut.jpg": good[: len(good) // 2], "empty.jpg": b"", "text.jpg": b"hello" * 50}
    files["bomb.png"] = bomb()
    files["other.png"] = good  # a wrong name does no harm
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    pixels, failures = decode_all([*(tmp_path / name for name in files), tmp_path / "none.jpg"], Size(12, 16, 3))
    assert pixels.shape == (7, 12, 16, 3)
    names = [*files, "none.jpg"]
    assert {names[place]: why for place, why in failures.items()} == {
        "cut.jpg": "it is damaged",
        "empty.jpg": "the file is empty",
        "text.jpg": "it is no image of a known format",
        "bomb.png": "it has more than 100 million pixels",
        "none.jpg": "there is no such file",
    }
    assert pixels[0].any()
    assert not pixels[1].any()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"]), st.data())
def test_a_flipped_byte_breaks_nothing(name: str, data: st.DataObject) -> None:
    """Either an image comes out, or one error."""
    content = bytearray(packed(Image.fromarray(COLOURED), name))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert decode(bytes(content), Size(12, 16, 3)).shape == (12, 16, 3)
    except Unreadable as error:
        assert str(error)


def test_the_common_size_is_the_median_made_small() -> None:
    """Images are encoded alike, in colour if one of them has colours."""
    small, large = np.zeros((10, 20), np.uint8), np.zeros((300, 600), np.uint8)
    assert common_size([small, small, large]) == Size(10, 20, 1)
    assert common_size([large]) == Size(64, 128, 1)
    assert common_size([small, COLOURED, small]) == Size(10, 20, 3)
    assert common_size([np.repeat(GRADIENT[:, :, None], 3, axis=2)]) == Size(12, 16, 1)
    assert common_size([b"nothing"]) is None


@pytest.mark.parametrize("text", ["", "28x28", "28x28x2", "0x28x1", "28x28x1x1", "-1x2x3", "9999999x1x1", "2000x2x1"])
def test_texts_that_are_no_size(text: str) -> None:
    """They come from files."""
    assert Size.parse(text) is None


def test_a_size_is_a_text_and_back() -> None:
    """As it stands in a schema."""
    assert Size.parse(str(Size(28, 32, 3))) == Size(28, 32, 3)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no system call for it")
def test_what_does_not_lie_in_memory_has_its_room_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of a file that finds none on the disk would end the process."""
    monkeypatch.setattr(files, "MOST_IN_MEMORY", 10)
    pixels, failures = files.decode_into((4, 4, 1), [1, 2], lambda source: np.full((4, 4, 1), source, np.uint8))
    assert isinstance(pixels, np.memmap) and not failures
    assert pixels[:, 0, 0, 0].tolist() == [1, 2]

    def full(*given: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(CannotWrite, match=r"TMPDIR.*No space left"):
        files.decode_into((4, 4, 1), [1, 2], lambda source: pytest.fail("nothing is decoded"))

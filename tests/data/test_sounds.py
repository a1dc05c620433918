"""Sounds of any format, decoded; what is none is refused with a reason."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.data.clip import Clip
from netwright.data.files import Unreadable
from netwright.data.sounds import common_clip, decode, encode, encode_all
from netwright.data.wave import as_wave

RATE = 16_000
FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "deep": ("WAV", "FLOAT"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
CLIP = Clip(64, 60, 10_000, 8_000)


def sweep(rate: int = RATE, seconds: float = 0.5) -> np.ndarray:
    """Return a tone that rises from 300 to 2,000 Hz."""
    time = np.arange(round(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * (300 * time + 1_700 * time**2 / (2 * seconds)))


def file_of(samples: np.ndarray, rate: int, name: str) -> bytes:
    """Return samples (n,) or (n, C) in a format."""
    out = io.BytesIO()
    form, subtype = FORMATS[name]
    soundfile.write(out, samples, rate, format=form, subtype=subtype)
    return out.getvalue()


@pytest.mark.parametrize("name", FORMATS)
def test_a_sound_is_the_same_in_every_format(name: str) -> None:
    """Up to what a lossy format loses."""
    plain = encode(as_wave(sweep(), RATE), CLIP).astype(int)
    found = encode(file_of(sweep(), RATE, name), CLIP).astype(int)
    loud = plain > 200
    assert loud.sum() > 100
    assert np.median(np.abs(found - plain)[loud]) <= 12


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_rate_and_channels_hardly_matter(rate: int, channels: int) -> None:
    """The loudest path of the sweep stays where it is."""
    plain = encode(as_wave(sweep(), RATE), CLIP)[:, :, 0].astype(int)
    found = encode(file_of(np.repeat(sweep(rate)[:, None], channels, axis=1), rate, "flac"), CLIP)[:, :, 0].astype(int)
    middle = slice(10, 50)
    assert np.abs(plain[:, middle].argmax(axis=0) - found[:, middle].argmax(axis=0)).max() <= 1


def test_level_does_not_matter() -> None:
    """A microphone further away."""
    assert np.array_equal(encode(as_wave(sweep(), RATE), CLIP), encode(file_of(sweep() / 8, RATE, "deep"), CLIP)) or (
        np.abs(
            encode(as_wave(sweep(), RATE), CLIP).astype(int) - encode(file_of(sweep() / 8, RATE, "deep"), CLIP)
        ).max()
        <= 25
    )


def test_a_short_sound_stands_in_silence_and_of_a_long_one_the_loudest_part_is_taken() -> None:
    """On both sides alike."""
    short = encode(as_wave(sweep(seconds=0.2), RATE), CLIP)
    assert not short[:, :20].any() and not short[:, 41:].any() and short[:, 25:35].any()
    quiet = np.random.default_rng(0).normal(0, 1e-4, 10 * RATE)
    quiet[4 * RATE : 4 * RATE + RATE // 2] += sweep()
    found = encode(as_wave(quiet, RATE), CLIP)
    assert (found.max(axis=(0, 2)) > 150).sum() >= 48


def test_silence_is_black() -> None:
    """And no fault."""
    assert not encode(as_wave(np.zeros(800), RATE), CLIP).any()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no sound"),
        (b"RIFF" + b"\0" * 60, "no sound"),
        (b"hello, world" * 20, "no sound"),
        (as_wave(np.zeros(0), RATE), "holds no sound"),
        (file_of(sweep(), RATE, "flac")[:60], "damaged|no sound"),
    ],
)
def test_what_is_no_sound_is_refused_with_a_reason(content: bytes, why: str) -> None:
    """In a few words."""
    with pytest.raises(Unreadable, match=why):
        decode(content)


def test_a_path_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    """Among the others, which are decoded."""
    (tmp_path / "empty.wav").touch()
    (tmp_path / "good.wav").write_bytes(as_wave(sweep(), RATE))
    maps, failures = encode_all([tmp_path / name for name in ("empty.wav", "good.wav", "none.wav")], CLIP)
    assert failures == {0: "the file is empty", 2: "there is no such file"}
    assert maps[1].any() and not maps[0].any()


def test_no_more_is_read_than_allowed() -> None:
    """A file that unpacks to hours costs no more memory than others."""
    samples, rate = decode(as_wave(np.zeros(50_000), RATE), most=20_000)
    assert len(samples) == 20_000 and rate == RATE


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([*FORMATS]), st.floats(0, 1), st.integers(1, 255))
def test_one_changed_byte_gives_a_sound_or_one_error(name: str, place: float, change: int) -> None:
    """Never another exception."""
    content = bytearray(file_of(sweep(seconds=0.1), RATE, name))
    content[min(int(place * len(content)), len(content) - 1)] ^= change
    try:
        assert encode(bytes(content), CLIP).shape == (64, 60, 1)
    except Unreadable as error:
        assert str(error)


def test_the_common_form_suits_nearly_all() -> None:
    """Long sounds have longer steps, and above half of the usual rate there is nothing to see."""
    files = [as_wave(sweep(8_000, seconds), 8_000) for seconds in (0.3, 0.5, 0.8)]
    assert common_clip(files) == Clip(64, 80, 10_000, 4_000)
    long = common_clip([as_wave(np.zeros(8_000 * 20), 8_000)])
    assert long is not None and (long.frames, long.step) == (320, 32_000)
    assert common_clip([b"", b"no"]) is None

"""The front end for sounds, against its definition and across sampling rates."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.data.clip import Clip
from netwright.data.logmel import log_mel, mel_filters

CLIP = Clip(40, 100, 10_000, 4_000)


def tone(hertz: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    """Return a tone of half the loudest."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def centre(band: int) -> float:
    """Return the middle of a band in Hz, by the formula of the scale."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (20, CLIP.highest))
    return float(700 * (10 ** ((low + (high - low) * (band + 1) / (CLIP.bands + 1)) / 2595) - 1))


@pytest.mark.parametrize("band", [3, 15, 30, 39])
def test_a_tone_is_loudest_in_its_band(band: int) -> None:
    """At every moment but the edges."""
    found = log_mel(tone(centre(band), 16_000), 16_000, CLIP)
    assert found.shape == (50, 40)
    assert (found[3:-3].argmax(axis=1) == band).all()


def test_it_is_what_the_definition_says() -> None:
    """One frame by a sum of cosines, without a fast transform."""
    rate, generator = 8_000, np.random.default_rng(0)
    samples = generator.normal(size=2_000).astype(np.float32)
    frame, width, transform = 10, 200, 512
    first = frame * 80 - width // 2
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)
    piece = samples[first : first + width] * window
    angles = 2 * np.pi * np.outer(np.arange(transform // 2 + 1), np.arange(width)) / transform
    power = (np.cos(angles) @ piece) ** 2 + (np.sin(angles) @ piece) ** 2
    expected = 10 * np.log10(power @ mel_filters(rate, transform, 40, 4_000) / (transform * (window**2).sum()))
    assert np.allclose(log_mel(samples, rate, CLIP)[frame], expected, atol=1e-3)


def test_it_hardly_depends_on_the_sampling_rate() -> None:
    """Nothing need be resampled."""
    found = [log_mel(tone(700, rate), rate, CLIP)[5:-5, 2:30] for rate in (8_000, 11_025, 44_100)]
    for other in found[1:]:
        loud = found[0] > found[0].max() - 30
        assert np.abs(found[0] - other)[loud].max() < 1.0


def test_bands_above_what_the_rate_can_hold_are_empty() -> None:
    """A telephone says nothing of them."""
    wide = Clip(40, 100, 10_000, 8_000)
    found = log_mel(tone(700, 8_000), 8_000, wide)
    assert (found[:, -5:] <= -119).all()


def test_every_band_hears_something() -> None:
    """The transform is fine enough for the lowest."""
    for rate, transform in ((8_000, 512), (16_000, 1_024), (44_100, 4_096)):
        assert (mel_filters(rate, transform, 64, rate // 2).sum(axis=0) > 0).all()


@pytest.mark.parametrize("samples", [1, 2, 79, 80, 81])
def test_the_shortest_sounds_have_a_frame(samples: int) -> None:
    """However few samples."""
    found = log_mel(np.ones(samples, np.float32), 8_000, CLIP)
    assert len(found) == 1 and np.isfinite(found).all()


@pytest.mark.parametrize("text", ["", "64x100", "64x0 of 10000us to 8000Hz", "64x100 of 10us to 8000Hz", "x" * 99])
def test_a_form_that_is_none_is_refused(text: str) -> None:
    """A model file is not trusted; what is one comes back as it was."""
    assert Clip.parse(text) is None
    assert Clip.parse(str(CLIP)) == CLIP

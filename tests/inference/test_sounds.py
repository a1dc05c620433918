"""The graph makes of samples the map that the front end makes of a file."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("soundfile")

from netwright.build.graph import Graph
from netwright.data.clip import Clip
from netwright.data.sounds import encode
from netwright.data.wave import as_wave
from netwright.inference.session import Session, start
from netwright.inference.sounds import maps, rate_of

CLIP = Clip(32, 40, 12_500, 4_000)


def session(clip: Clip) -> Session:
    """Return what makes maps of samples."""
    graph = Graph()
    samples = graph.input("samples", np.float32, ("batch", "samples"))
    graph.output(maps(graph, samples, clip), "maps", np.float32, ("batch", clip.bands, clip.frames, 1))
    return start(graph.finish("test", {}), rows=100)


def sound(seconds: float, seed: int) -> np.ndarray:
    """Return a tone in noise that is loudest somewhere, as a file of sixteen bits holds it."""
    generator = np.random.default_rng(seed)
    time = np.arange(max(1, round(seconds * rate_of(CLIP)))) / rate_of(CLIP)
    loud = np.exp(-np.square((time - generator.uniform(0, seconds)) * 6 / max(seconds, 0.1)))
    tone = loud * np.sin(2 * np.pi * generator.uniform(200, 3_000) * time) + generator.normal(0, 0.01, len(time))
    return (np.round(0.4 * tone * 32_767) / 32_768).astype(np.float32)  # loud ones would be rounded once more


@pytest.mark.parametrize("seconds", [CLIP.seconds, 0.3, 0.031, 0.0001, 0.9 * CLIP.seconds, 1.3, 3.0])
def test_a_map_is_that_of_the_front_end(seconds: float) -> None:
    """Of sounds as long as a map, shorter, and longer; to one step of 255, hardly anywhere."""
    ready = session(CLIP)
    for seed in range(5):
        samples = sound(seconds, seed)
        right = encode(as_wave(samples, rate_of(CLIP)), CLIP).astype(int)
        found = ready.run({"samples": samples[None]})[0]
        apart = np.abs(found - right)
        assert apart.max() <= 1, f"{seconds} s, seed {seed}"
        assert (apart > 0).mean() < 1e-4


def test_silence_is_a_map_of_nothing() -> None:
    """As by the front end; and sounds of one length are fed together, each on its own."""
    samples = np.stack([np.zeros(8_000, np.float32), sound(1.0, 3)])
    found = session(CLIP).run({"samples": samples})
    assert not found[0].any() and found[1].max() == 255
    alone = session(CLIP).run({"samples": samples[1:]})
    np.testing.assert_array_equal(found[1:], alone)


def test_other_forms_of_maps() -> None:
    """Longer steps have longer windows, and the highest frequency sets the rate."""
    clip = Clip(64, 100, 32_000, 8_000)
    generator = np.random.default_rng(0)
    samples = (generator.integers(-9_000, 9_000, math.ceil(clip.seconds * rate_of(clip))) / 32_768).astype(np.float32)
    right = encode(as_wave(samples, rate_of(clip)), clip).astype(int)
    assert np.abs(session(clip).run({"samples": samples[None]})[0] - right).max() <= 1

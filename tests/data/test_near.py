"""Images that are nearly the same are found; others are not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from netwright.data import near
from netwright.data.near import near_groups

GENERATOR = np.random.default_rng(0)


def scenes(count: int) -> np.ndarray:
    """Return smooth random images (N, 32, 32, 3), each different from the others."""
    coarse = GENERATOR.integers(0, 256, (count, 6, 6, 3)).astype(np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((32, 32), Image.Resampling.BICUBIC)) for one in coarse])


def saved_anew(image: np.ndarray) -> np.ndarray:
    """Return the image after a JPEG of usual quality, and a little brighter."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=75)
    return np.clip(np.asarray(Image.open(out)).astype(int) + 6, 0, 255).astype(np.uint8)


def test_images_saved_anew_share_a_group() -> None:
    """And no others do."""
    images = scenes(400)
    again = np.stack([saved_anew(image) for image in images[:50]])
    groups = near_groups(np.concatenate([images, again]), np.zeros(450))
    assert len(np.unique(groups[:400])) == 400
    assert np.mean(groups[400:] == groups[:50]) > 0.95


def test_chains_are_one_group() -> None:
    """Frames of a film: each is near the next."""
    start, end = scenes(2).astype(float)
    film = np.stack([start + (end - start) * share for share in np.linspace(0, 0.3, 30)]).astype(np.uint8)
    groups = near_groups(np.concatenate([film, scenes(250)]), np.zeros(280))
    assert len(np.unique(groups[:30])) == 1
    assert len(np.unique(groups)) == 251


def test_images_without_content_are_things_of_their_own() -> None:
    """Black images are equal, but say nothing of being copies."""
    assert near_groups(np.zeros((5, 8, 8, 1), np.uint8), np.zeros(5)).tolist() == [0, 1, 2, 3, 4]
    assert near_groups(np.zeros((1, 8, 8, 1), np.uint8), np.zeros(1)).tolist() == [0]


def test_images_may_be_smaller_than_thumbnails() -> None:
    """Down to one pixel."""
    images = GENERATOR.integers(0, 256, (20, 3, 5, 1)).astype(np.uint8)
    assert len(np.unique(near_groups(np.concatenate([images, images]), np.zeros(40)))) == 20


def test_images_of_different_truths_are_different_things() -> None:
    """A scratch that makes a part a bad one is smaller than what a thumbnail shows."""
    images = scenes(30)
    groups = near_groups(np.concatenate([images, images]), np.repeat([0, 1], 30))
    assert len(np.unique(groups)) == 60


def test_what_all_images_show_makes_no_group() -> None:
    """A fixed camera sees the same room in every image; exact copies stay together."""
    noise = GENERATOR.integers(0, 9, (60, 32, 32, 3)).astype(np.uint8)
    images = np.clip(scenes(1).astype(int) + noise, 0, 255).astype(np.uint8)
    groups = near_groups(np.concatenate([images, images[:5]]), np.zeros(65))
    assert len(np.unique(groups)) == 60
    assert np.array_equal(groups[60:], groups[:5])


def test_many_images_are_compared_along_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most pairs are found so, too."""
    monkeypatch.setattr(near, "MOST_PAIRED", 100)
    images = scenes(1_500)
    again = np.stack([saved_anew(image) for image in images[:200]])
    groups = near.near_groups(np.concatenate([images, again]), np.zeros(1_700))
    assert np.mean(groups[1_500:] == groups[:200]) > 0.8

"""Images that are nearly the same are found; others are not."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

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
    groups = near_groups(np.concatenate([images, again]))
    assert len(np.unique(groups[:400])) == 400
    assert np.mean(groups[400:] == groups[:50]) > 0.95


def test_chains_are_one_group() -> None:
    """Frames of a film: each is near the next."""
    start, end = scenes(2).astype(float)
    film = np.stack([start + (end - start) * share for share in np.linspace(0, 0.3, 30)]).astype(np.uint8)
    groups = near_groups(np.concatenate([film, scenes(50)]))
    assert len(np.unique(groups[:30])) == 1
    assert len(np.unique(groups)) == 51


def test_images_without_content_are_things_of_their_own() -> None:
    """Black images are equal, but say nothing of being copies."""
    assert near_groups(np.zeros((5, 8, 8, 1), np.uint8)).tolist() == [0, 1, 2, 3, 4]
    assert near_groups(np.zeros((1, 8, 8, 1), np.uint8)).tolist() == [0]


def test_images_may_be_smaller_than_thumbnails() -> None:
    """Down to one pixel."""
    images = GENERATOR.integers(0, 256, (20, 3, 5, 1)).astype(np.uint8)
    assert len(np.unique(near_groups(np.concatenate([images, images])))) == 20

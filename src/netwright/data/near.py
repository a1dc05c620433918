"""Images that are nearly the same: saved anew, resized, a frame later. They should not be on both sides of a split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.data.groups import of_wide_groups, united

THUMBNAIL = 16  # pixels a side
ALIKE = 0.985  # correlation of two thumbnails from which on they are of one image: JPEGs of quality 75 keep as much
MOST_PAIRED = 12_000  # images of which all pairs are compared: a second or two
DIRECTIONS = 24  # in which more images are put in order
NEIGHBOURS = 24  # in each order, that an image is compared with
FLAT = 1.0  # deviation of grey values, of 255, below which a thumbnail shows nothing to compare
BLOCK = 2_048

Integers = NDArray[np.int64]


def near_groups(images: NDArray[np.uint8], truth: NDArray[Any], seed: int = 0) -> Integers:
    """Return a number for each image (N,), from 0 in the order of first images; those that are nearly one share it.

    Images of one truth are compared by the correlation of small grey thumbnails: all pairs up to `MOST_PAIRED` images.
    Among more, those that are alike lie close to each other on any line, so images are put in order along some random
    ones (random projection, as in Charikar 2002), and each is compared with those next to it: some pairs are missed.
    A group that is too large (`of_wide_groups`) is no thing photographed twice but what all of them show, such as the
    view of a fixed camera; its images are things of their own, but for exact copies.

    Args:
        images: (N, H, W, C).
        truth: (N,) class numbers or values.
        seed: of the directions.
    """
    thumbnails, flat = _thumbnails(images)
    find = _all_pairs if len(images) <= MOST_PAIRED else _likely_pairs
    groups = np.arange(len(images), dtype=np.int64)
    for one, two in find(thumbnails, seed):
        same = (truth[one] == truth[two]) & ~flat[one] & ~flat[two]
        groups = united(groups, one[same], two[same])
    wide = of_wide_groups(groups, truth)
    groups[wide] = wide[_first_of_equals(images[wide])]
    return np.unique(groups, return_inverse=True)[1].astype(np.int64)


def equal_groups(maps: NDArray[np.uint8]) -> Integers:
    """Return a number for each map (N,), from 0 in the order of first ones; equal ones share it."""
    return np.unique(_first_of_equals(maps), return_inverse=True)[1].astype(np.int64)


def _first_of_equals(images: NDArray[np.uint8]) -> Integers:
    """Return for each image (n,) the place of the first that is equal to it."""
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(image.tobytes(), place) for place, image in enumerate(images)], np.int64)


def _all_pairs(thumbnails: NDArray[np.float32], seed: int) -> Iterator[tuple[Integers, Integers]]:
    """Yield the pairs of images that are alike, some images at a time."""
    for first in range(0, len(thumbnails), BLOCK):
        rows = thumbnails[first : first + BLOCK]
        one, two = np.nonzero(rows @ thumbnails[first:].T >= ALIKE)
        later = two > one
        yield (one[later] + first).astype(np.int64), (two[later] + first).astype(np.int64)


def _likely_pairs(thumbnails: NDArray[np.float32], seed: int) -> Iterator[tuple[Integers, Integers]]:
    """Yield pairs of images that are alike, found along random lines."""
    directions = np.random.default_rng(seed).standard_normal((thumbnails.shape[1], DIRECTIONS), np.float32)
    for places in (thumbnails @ directions).T:
        order = np.argsort(places, kind="stable").astype(np.int64)
        for step in range(1, NEIGHBOURS + 1):
            one, two = order[:-step], order[step:]
            alike = _alike(thumbnails, one, two)
            yield one[alike], two[alike]


def _thumbnails(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return grey thumbnails as vectors (N, D) of length 1 and mean 0, and which of them show nothing."""
    rows, columns = (_edges(images.shape[side]) for side in (1, 2))
    small = np.empty((len(images), (len(rows) - 1) * (len(columns) - 1)), np.float32)
    area = np.outer(np.diff(rows), np.diff(columns))
    for first in range(0, len(images), BLOCK):
        grey = images[first : first + BLOCK].mean(axis=3, dtype=np.float32)
        sums = np.add.reduceat(np.add.reduceat(grey, rows[:-1], axis=1), columns[:-1], axis=2)
        small[first : first + BLOCK] = (sums / area).reshape(len(grey), -1)
    small -= small.mean(axis=1, keepdims=True)
    deviation = small.std(axis=1)
    lengths = np.linalg.norm(small, axis=1, keepdims=True)
    return small / np.maximum(lengths, 1e-6), deviation < FLAT


def _edges(side: int) -> Integers:
    """Return where the patches of a thumbnail begin along a side, and where the last one ends."""
    return np.unique(np.linspace(0, side, min(side, THUMBNAIL) + 1).astype(np.int64))


def _alike(thumbnails: NDArray[np.float32], one: Integers, two: Integers) -> NDArray[np.bool_]:
    """Return whether the thumbnails of these pairs are of one image."""
    parts = [
        np.einsum("nd,nd->n", thumbnails[one[first : first + BLOCK]], thumbnails[two[first : first + BLOCK]])
        for first in range(0, len(one), BLOCK)
    ]
    return np.asarray(np.concatenate(parts) >= ALIKE)

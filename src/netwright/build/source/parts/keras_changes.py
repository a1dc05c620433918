"""Images and spectrograms changed at random each time they are learnt from, in numpy.

Letters in shapes: N image, H height, W width, C channel.
"""

from __future__ import annotations

import math

import numpy as np

from netwright.build.source.parts.recipes import Recipe


def flipped(images: np.ndarray, recipe: Recipe, random: np.random.Generator) -> np.ndarray:
    """Return images (N, H, W, C), every second turned round along each axis that the recipe allows."""
    if recipe.flips == "none":
        return images
    images = np.where(half(images, random), images[:, :, ::-1], images)
    if recipe.flips == "sideways":
        return images
    images = np.where(half(images, random), images[:, ::-1], images)
    square = images.shape[1] == images.shape[2]
    return np.where(half(images, random), images.swapaxes(1, 2), images) if square else images


def half(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return true for every second image (N, 1, 1, 1), at random."""
    return (random.random(len(images)) < 0.5)[:, None, None, None]


def drawn(count: int, images: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return numbers between ± a strength (count, N)."""
    return (strength * random.uniform(-1, 1, (count, len(images)))).astype(np.float32)


def distorted(images: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return images (N, H, W, C) turned, scaled, slanted and shifted, with other contrast, light and colour."""
    if not strength:
        return images
    images = moved(images.astype(np.float32), drawn(5, images, strength, random))
    return recoloured(images, drawn(3 + images.shape[3], images, strength, random))


def moved(images: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(N, H, W, C) → the same, turned by up to 20 degrees, scaled and slanted by a fifth, shifted by an eighth."""
    turn, scale, slant, across, down = shares
    ratio, size, lean = images.shape[1] / images.shape[2], np.exp(0.2 * scale), 0.2 * slant
    cosine, sine = size * np.cos(math.radians(20) * turn), size * np.sin(math.radians(20) * turn)
    first = np.stack([cosine, ratio * (lean * cosine - sine), 0.24 * across], axis=1)
    second = np.stack([sine / ratio, lean * sine + cosine, 0.24 * down], axis=1)
    return sampled(images, first, second, reflected=True)


def sampled(maps: np.ndarray, first: np.ndarray, second: np.ndarray, *, reflected: bool) -> np.ndarray:
    """Return maps (N, H, W, C) looked at in other places, between whose pixels lie lines.

    Args:
        maps: of float32.
        first: (N, 3) for each new place: factors on how far it lies sideways and down, both from -1 to 1, and what is
            added, to come to how far the old one lies sideways.
        second: (N, 3) likewise, to come to how far it lies down.
        reflected: whether what lies outside is as in a mirror, else zero.
    """
    height, width = maps.shape[1:3]
    down, across = np.meshgrid(middles(height), middles(width), indexing="ij")  # (H, W)
    places = []
    for row, side in ((second, height), (first, width)):
        place = row[:, 0, None, None] * across + row[:, 1, None, None] * down + row[:, 2, None, None]
        pixel = ((place + 1) * side - 1) / 2
        places.append(mirrored(pixel, side) if reflected else pixel)
    found, rows = np.zeros(maps.shape, np.float32), np.arange(len(maps))[:, None, None]
    top, left = (np.floor(place).astype(np.int64) for place in places)
    for below in (0, 1):
        for beside in (0, 1):
            y, x = top + below, left + beside
            weight = (1 - np.abs(places[0] - y)) * (1 - np.abs(places[1] - x))
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            pixels = maps[rows, y.clip(0, height - 1), x.clip(0, width - 1)]
            found += np.where(inside, weight, 0)[..., None].astype(np.float32) * pixels
    return found


def middles(side: int) -> np.ndarray:
    """Return where the middles of the pixels of a side lie, from -1 to 1."""
    return (2 * np.arange(side) + 1) / side - 1


def mirrored(pixel: np.ndarray, side: int) -> np.ndarray:
    """Return places as they are seen in mirrors at both ends of a side."""
    away = np.abs(pixel + 0.5)
    rest, odd = away % side, (away // side) % 2 == 1
    return (np.where(odd, side - rest, rest) - 0.5).clip(0, side - 1)


def recoloured(images: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(N, H, W, C) → the same, with more or less contrast, light and colour."""
    contrast, brightness, saturation, *tints = shares[:, :, None, None, None]
    middle = images.mean(axis=(1, 2, 3), keepdims=True)
    images = middle + 255 * 0.15 * brightness + (images - middle) * np.exp(0.3 * contrast)
    if len(tints) > 1:
        grey = images.mean(axis=3, keepdims=True)
        images = grey + (images - grey) * np.exp(0.7 * saturation)
        images = images * np.exp(0.15 * np.concatenate(tints, axis=3))
    return images.clip(0, 255)


def warped(maps: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return spectrograms (N, bands, frames, 1) with other speed, pitch, timbre and noise, as of another voice or room.

    Speed and time are changed as for Ko et al. (2015, Audio augmentation for speech recognition), frequencies as by
    vocal tract length perturbation (Jaitly and Hinton 2013); what comes from outside of a map is silence.
    """
    if not strength:
        return maps
    noise = random.standard_normal(maps.shape, np.float32)
    return resung(maps.astype(np.float32), drawn(7, maps, strength, random), noise)


def resung(maps: np.ndarray, shares: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """(N, bands, frames, 1) → the same in another voice and room."""
    speed, later, voice, higher, tilt, spread, loudness = shares
    zero = np.zeros_like(speed)
    first = np.stack([np.exp(0.2 * speed), zero, 0.24 * later], axis=1)
    second = np.stack([zero, np.exp(0.1 * voice), 0.12 * higher], axis=1)
    maps = sampled(maps, first, second, reflected=False)
    tilt, spread, loudness = (one[:, None, None, None] for one in (tilt, spread, loudness))
    band = np.linspace(-1, 1, maps.shape[1], dtype=np.float32)[None, :, None, None]
    loud = 255 + (maps + band * 255 * 0.15 * tilt - 255) * np.exp(0.25 * spread)
    floor = 255 * (0.5 * loudness + 0.06 * noise)
    return np.where(loudness > 0, np.maximum(loud, floor), loud).clip(0, 255)


def masked(maps: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Return spectrograms with two stretches of bands and two of frames replaced by the mean (arXiv 1904.08779)."""
    if not strength:
        return maps
    maps = maps.astype(np.float32)
    middle = maps.mean(axis=(1, 2, 3), keepdims=True)
    for axis in (1, 2):
        inside = stretches(maps.shape[axis], strength, random.random((2, 2, len(maps))))  # (N, side)
        maps = np.where(inside[:, :, None, None] if axis == 1 else inside[:, None, :, None], middle, maps)
    return maps


def stretches(side: int, strength: float, shares: np.ndarray) -> np.ndarray:
    """Return what of a side lies in one of two stretches (N, side), of which shares (2, 2, N) tell width and place."""
    widths = shares[0] * strength * 0.25 * side
    starts = shares[1] * (side - widths)
    index = np.arange(side) + 0.5
    return ((index >= starts[..., None]) & (index < (starts + widths)[..., None])).any(axis=0)

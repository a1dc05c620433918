"""Images and spectrograms changed at random each time they are learnt from."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from netwright.build.source.parts.recipes import Recipe


def flipped(images: Tensor, recipe: Recipe) -> Tensor:
    """Return images (B, H, W, C), every second turned round along each axis that the recipe allows."""
    if recipe.flips == "none":
        return images
    images = torch.where(half(images), images.flip(2), images)
    if recipe.flips == "sideways":
        return images
    images = torch.where(half(images), images.flip(1), images)
    return torch.where(half(images), images.transpose(1, 2), images) if images.shape[1] == images.shape[2] else images


def half(images: Tensor) -> Tensor:
    """Return true for every second image (B, 1, 1, 1), at random."""
    return (torch.rand(len(images)) < 0.5)[:, None, None, None]


def distorted(images: Tensor, strength: float) -> Tensor:
    """Return images (B, H, W, C) turned, scaled, slanted and shifted, with other contrast, light and colour."""
    return recoloured(moved(images.float(), strength), strength) if strength else images


def moved(images: Tensor, strength: float) -> Tensor:
    """(B, H, W, C) → the same, turned by up to 20 degrees, scaled and slanted by a fifth, shifted by an eighth."""
    turn, scale, slant, across, down = strength * (2 * torch.rand(5, len(images)) - 1)
    height, width = images.shape[1:3]
    ratio, size, lean = height / width, torch.exp(0.2 * scale), 0.2 * slant
    cosine, sine = size * torch.cos(math.radians(20) * turn), size * torch.sin(math.radians(20) * turn)
    first = torch.stack([cosine, ratio * (lean * cosine - sine), 0.24 * across], dim=1)
    second = torch.stack([sine / ratio, lean * sine + cosine, 0.24 * down], dim=1)
    grid = functional.affine_grid(
        torch.stack([first, second], dim=1), [len(images), 1, height, width], align_corners=False
    )
    maps = functional.grid_sample(
        images.permute(0, 3, 1, 2), grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    return maps.permute(0, 2, 3, 1)


def recoloured(images: Tensor, strength: float) -> Tensor:
    """(B, H, W, C) → the same, with more or less contrast, light and colour."""
    shares = strength * (2 * torch.rand(3 + images.shape[3], len(images), 1, 1, 1) - 1)
    contrast, brightness, saturation, *tints = shares
    middle = images.mean(dim=(1, 2, 3), keepdim=True)
    images = middle + 255 * 0.15 * brightness + (images - middle) * torch.exp(0.3 * contrast)
    if len(tints) > 1:
        grey = images.mean(dim=3, keepdim=True)
        images = grey + (images - grey) * torch.exp(0.7 * saturation)
        images = images * torch.exp(0.15 * torch.cat(tints, dim=3))
    return images.clamp(0, 255)


def warped(maps: Tensor, strength: float) -> Tensor:
    """Return spectrograms (B, bands, frames, 1) with other speed, pitch, timbre and noise, as of another voice or room.

    Speed and time are changed as for Ko et al. (2015, Audio augmentation for speech recognition), frequencies as by
    vocal tract length perturbation (Jaitly and Hinton 2013); what comes from outside of a map is silence.
    """
    if not strength:
        return maps
    maps = maps.float()
    speed, later, voice, higher, tilt, spread, noise = strength * (2 * torch.rand(7, len(maps)) - 1)
    zero = torch.zeros_like(speed)
    first = torch.stack([torch.exp(0.2 * speed), zero, 0.24 * later], dim=1)
    second = torch.stack([zero, torch.exp(0.1 * voice), 0.12 * higher], dim=1)
    grid = functional.affine_grid(
        torch.stack([first, second], dim=1), [len(maps), 1, *maps.shape[1:3]], align_corners=False
    )
    moved_maps = functional.grid_sample(
        maps.permute(0, 3, 1, 2), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    ).permute(0, 2, 3, 1)
    tilt, spread, noise = (one[:, None, None, None] for one in (tilt, spread, noise))
    band = torch.linspace(-1, 1, maps.shape[1])[None, :, None, None]
    loud = 255 + (moved_maps + band * 255 * 0.15 * tilt - 255) * torch.exp(0.25 * spread)
    floor = 255 * (0.5 * noise + 0.06 * torch.randn(maps.shape))
    return torch.where(noise > 0, torch.maximum(loud, floor), loud).clamp(0, 255)


def masked(maps: Tensor, strength: float) -> Tensor:
    """Return spectrograms with two stretches of bands and two of frames replaced by the mean (arXiv 1904.08779)."""
    if not strength:
        return maps
    maps = maps.float()
    middle = maps.mean(dim=(1, 2, 3), keepdim=True)
    for axis in (1, 2):
        side = maps.shape[axis]
        widths, places = torch.rand(2, 2, len(maps))
        widths = widths * strength * 0.25 * side
        starts = places * (side - widths)
        index = torch.arange(side) + 0.5
        inside = ((index >= starts[..., None]) & (index < (starts + widths)[..., None])).any(dim=0)  # (B, side)
        hidden = inside[:, :, None, None] if axis == 1 else inside[:, None, :, None]
        maps = torch.where(hidden, middle, maps)
    return maps

"""Spectrograms changed at random, as other voices, rooms and moments would change them.

Letters in shapes: N sound, B band (the lowest first), T frame.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

LOUDEST = 255.0  # of what a spectrogram holds; 0 is silence

# The most that a strength of 1 does; each sound gets a share of it between -1 and 1, evenly drawn.
SPEED = 0.2  # of the logarithm of the length
LATER = 0.12  # of the length
VOICE = 0.1  # of the logarithm of the range of frequencies, as of a longer or shorter vocal tract
HIGHER = 0.06  # of that range
TILT = 0.15  # of the loudest, from the middle to either end of the frequencies: another microphone
RANGE = 0.25  # of the logarithm of the distance between loud and quiet
NOISE = 0.5  # of the loudest: up to where noise drowns what is quieter
ROUGHNESS = 0.06  # deviation of that noise, of the loudest

MASKS = 2  # of bands, and as many of frames (SpecAugment, Park et al. 2019, arXiv 1904.08779)
HIDDEN = 0.25  # of all bands or frames: the widest mask


def drawn(count: int, strengths: Tensor, generator: torch.Generator, device: torch.device) -> Tensor:
    """Return (count, N) numbers between -1 and 1, times the strengths (N,), drawn where the generator is."""
    chosen = torch.rand(count, len(strengths), generator=generator, device=generator.device)
    return ((2 * chosen - 1) * strengths).to(device)


def warped(maps: Tensor, strengths: Tensor, generator: torch.Generator) -> Tensor:
    """Return maps (N, B, T, 1) of 0 to 255 with other speed, pitch, timbre and noise, by strengths (N,) of 0 to 1.

    Speed and time are changed as for Ko et al. (2015, Audio augmentation for speech recognition), frequencies as by
    vocal tract length perturbation (Jaitly and Hinton 2013), both on the spectrogram; what comes from outside of it is
    silence.
    """
    speed, later, voice, higher, tilt, spread, noise = drawn(7, strengths, generator, maps.device)
    zero = torch.zeros_like(speed)
    first = torch.stack([torch.exp(SPEED * speed), zero, 2 * LATER * later], dim=1)
    second = torch.stack([zero, torch.exp(VOICE * voice), 2 * HIGHER * higher], dim=1)
    grid = functional.affine_grid(
        torch.stack([first, second], dim=1), [len(maps), 1, *maps.shape[1:3]], align_corners=False
    )
    moved = functional.grid_sample(
        maps.permute(0, 3, 1, 2), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    ).permute(0, 2, 3, 1)
    band = torch.linspace(-1, 1, maps.shape[1], device=maps.device)[None, :, None, None]
    slope = band * (TILT * LOUDEST * tilt)[:, None, None, None]
    loud = LOUDEST + (moved + slope - LOUDEST) * torch.exp(RANGE * spread)[:, None, None, None]
    rough = torch.randn(maps.shape, generator=generator, device=generator.device).to(maps.device)
    floor = (NOISE * LOUDEST * noise)[:, None, None, None] + rough * (ROUGHNESS * LOUDEST)
    audible = noise[:, None, None, None] > 0
    return torch.where(audible, torch.maximum(loud, floor), loud).clamp_(0, LOUDEST)


def masked(maps: Tensor, strengths: Tensor, generator: torch.Generator) -> Tensor:
    """Return maps (N, B, T, 1) with some bands and some frames replaced by the mean, by strengths (N,) of 0 to 1."""
    middle = maps.mean(dim=(1, 2, 3), keepdim=True)
    hidden = torch.zeros((), dtype=torch.bool, device=generator.device)
    for axis in (1, 2):
        side = maps.shape[axis]
        widths, places = torch.rand(2, MASKS, len(maps), generator=generator, device=generator.device)
        widths = widths * strengths * HIDDEN * side  # (MASKS, N)
        starts = places * (side - widths)
        index = torch.arange(side, device=generator.device) + 0.5
        inside = ((index >= starts[..., None]) & (index < (starts + widths)[..., None])).any(dim=0)  # (N, side)
        hidden = hidden | (inside[:, :, None, None] if axis == 1 else inside[:, None, :, None])
    return torch.where(hidden.to(maps.device), middle, maps)

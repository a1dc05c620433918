"""Images and spectrograms changed at random each time they are learnt from, as far as each network's recipe says.

Letters in shapes: M network of the stack, B row of the batch, N = M · B images, C channel, H height, W width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from netwright.spec.network import Recipe
from netwright.train.spectral import drawn, masked, warped

# The most that a distortion of 1 does; each image gets a share of it between -1 and 1, evenly drawn.
TURN = math.radians(20)
SCALE = 0.2  # of the logarithm of the size
SLANT = 0.2  # pixels sideways for each pixel down
SHIFT = 0.12  # of the side
CONTRAST = 0.3  # of the logarithm
BRIGHTNESS = 0.15  # of white
SATURATION = 0.7  # of the logarithm of the distance to grey
TINT = 0.15  # of the logarithm of each colour
WHITE = 255.0


@dataclass(frozen=True)
class Used:
    """Which changes any network asks for."""

    distortions: bool
    sideways: bool
    all_ways: bool
    warps: bool
    maskings: bool


@dataclass
class Augmentation:
    """What is done to the images of M networks.

    Attributes:
        distortions: (M,) from 0 to 1.
        sideways: (M,) whether every second image is mirrored.
        all_ways: (M,) whether it may also be turned upside down and on its side.
        warps, maskings: (M,) from 0 to 1, of spectrograms.
        generator: where the random numbers come from; the tensors above are where it is.
        used: which of these changes any network asks for: to look at tensors would make the processor wait for a card.
    """

    distortions: Tensor
    sideways: Tensor
    all_ways: Tensor
    warps: Tensor
    maskings: Tensor
    generator: torch.Generator
    used: Used

    @staticmethod
    def of(recipes: Sequence[Recipe], generator: torch.Generator) -> Augmentation:
        """Return what the recipes (M,) ask for."""
        distortions = [recipe.distortion for recipe in recipes]
        sideways = [recipe.flips != "none" for recipe in recipes]
        all_ways = [recipe.flips == "all" for recipe in recipes]
        warps = [recipe.warp for recipe in recipes]
        maskings = [recipe.masking for recipe in recipes]
        place = generator.device
        return Augmentation(
            torch.tensor(distortions, device=place),
            torch.tensor(sideways, device=place),
            torch.tensor(all_ways, device=place),
            torch.tensor(warps, device=place),
            torch.tensor(maskings, device=place),
            generator,
            Used(any(distortions), any(sideways), any(all_ways), any(warps), any(maskings)),
        )

    def apply(self, images: Tensor) -> Tensor:
        """Return images (M, B, H, W, C) of 0 to 255, changed or as they are."""
        stack, rows = images.shape[:2]
        flat = images.flatten(0, 1)
        if self.used.sideways:
            flat = self._flipped(flat, rows)
        if self.used.distortions:
            strengths = self.distortions.repeat_interleave(rows)
            flat = self._recoloured(self._moved(flat.float(), strengths), strengths)
        if self.used.warps:
            flat = warped(flat.float(), self.warps.repeat_interleave(rows), self.generator)
        if self.used.maskings:
            flat = masked(flat.float(), self.maskings.repeat_interleave(rows), self.generator)
        return flat.view(stack, rows, *flat.shape[1:])

    def _flipped(self, images: Tensor, rows: int) -> Tensor:
        """(N, H, W, C), each axis of every second image turned round where its network says so."""
        sideways, all_ways = self.sideways.repeat_interleave(rows), self.all_ways.repeat_interleave(rows)
        images = torch.where(self._half(sideways, images.device), images.flip(2), images)
        if not self.used.all_ways:
            return images
        images = torch.where(self._half(all_ways, images.device), images.flip(1), images)
        square = images.shape[1] == images.shape[2]
        return torch.where(self._half(all_ways, images.device), images.transpose(1, 2), images) if square else images

    def _half(self, allowed: Tensor, device: torch.device) -> Tensor:
        chosen = torch.rand(len(allowed), generator=self.generator, device=self.generator.device) < 0.5
        return (chosen & allowed)[:, None, None, None].to(device)

    def _moved(self, images: Tensor, strengths: Tensor) -> Tensor:
        """(N, H, W, C) → the same, turned, scaled, slanted and shifted by strengths (N,)."""
        turn, scale, slant, across, down = drawn(5, strengths, self.generator, images.device)
        height, width = images.shape[1:3]
        shifts = 2 * SHIFT * torch.stack([across, down])
        maps = _matrices(TURN * turn, torch.exp(SCALE * scale), SLANT * slant, shifts, height / width)
        grid = functional.affine_grid(maps, [len(images), 1, height, width], align_corners=False)
        return functional.grid_sample(
            images.permute(0, 3, 1, 2), grid, mode="bilinear", padding_mode="reflection", align_corners=False
        ).permute(0, 2, 3, 1)

    def _recoloured(self, images: Tensor, strengths: Tensor) -> Tensor:
        """(N, H, W, C) → the same, with more or less contrast, light and colour, by strengths (N,)."""
        count = 3 + images.shape[3]
        shares = drawn(count, strengths, self.generator, images.device)[:, :, None, None, None]
        contrast, brightness, saturation, *tints = shares
        middle = images.mean(dim=(1, 2, 3), keepdim=True)
        images = torch.addcmul(
            middle + WHITE * BRIGHTNESS * brightness, images - middle, torch.exp(CONTRAST * contrast)
        )
        if len(tints) > 1:
            grey = images.mean(dim=3, keepdim=True)
            images = torch.addcmul(grey, images - grey, torch.exp(SATURATION * saturation))
            images = images * torch.exp(TINT * torch.cat(tints, dim=3))
        return images.clamp_(0, WHITE)


def _matrices(turn: Tensor, scale: Tensor, slant: Tensor, shifts: Tensor, ratio: float) -> Tensor:
    """Return affine maps (N, 2, 3) from places in the new image to places in the old one, both from -1 to 1.

    Args:
        turn: angles (N,).
        scale: factors (N,).
        slant: pixels sideways for each pixel down (N,).
        shifts: (2, N) sideways and down, in halves of a side.
        ratio: of height to width.
    """
    cosine, sine = scale * torch.cos(turn), scale * torch.sin(turn)
    first = torch.stack([cosine, ratio * (slant * cosine - sine), shifts[0]], dim=1)
    second = torch.stack([sine / ratio, slant * sine + cosine, shifts[1]], dim=1)
    return torch.stack([first, second], dim=1)

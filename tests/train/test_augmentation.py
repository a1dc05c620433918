"""Images change as far as each network's recipe says, and no further."""

from __future__ import annotations

import torch

from netwright.spec.network import Recipe
from netwright.train.augmentation import Augmentation


def images(stack: int, rows: int = 64) -> torch.Tensor:
    """Return (M, B, H, W, C) with a bright spot left of and above the middle."""
    made = torch.zeros(stack, rows, 12, 12, 1, dtype=torch.uint8)
    made[:, :, 3, 2] = 250
    return made


def of(*recipes: Recipe) -> Augmentation:
    """Return what the recipes ask for."""
    return Augmentation.of(recipes, torch.Generator().manual_seed(0))


def test_without_a_wish_nothing_changes() -> None:
    """The very same numbers come out."""
    before = images(2)
    assert of(Recipe(), Recipe()).apply(before) is before or torch.equal(of(Recipe(), Recipe()).apply(before), before)


def test_each_network_has_its_own_wish() -> None:
    """One that asks for nothing gets what is there, whatever its neighbours ask for."""
    before = images(3)
    after = of(Recipe(), Recipe(flips="sideways"), Recipe(distortion=1.0)).apply(before)
    assert after.shape == before.shape
    torch.testing.assert_close(after[0], before[0].float(), rtol=0, atol=0.1)
    mirrored = (after[1].float() - before[1].flip(2).float()).abs().flatten(1).amax(dim=1) < 0.1
    same = (after[1].float() - before[1].float()).abs().flatten(1).amax(dim=1) < 0.1
    assert bool((mirrored ^ same).all())
    assert 0.25 < float(mirrored.float().mean()) < 0.75
    assert float((after[2] - before[2].float()).abs().max()) > 50


def test_flips_all_ways_reach_all_corners() -> None:
    """A spot comes to eight places."""
    after = of(Recipe(flips="all")).apply(images(1, 256))[0, :, :, :, 0]
    places = {tuple(place.tolist()) for place in torch.nonzero(after)[:, 1:]}
    assert len(places) == 8


def test_distortions_are_mild() -> None:
    """The spot stays inside, and not far from where it was; grey values stay in their range."""
    after = of(Recipe(distortion=1.0)).apply(images(1, 256))[0, :, :, :, 0]
    assert 0 <= float(after.min()) <= float(after.max()) <= 255
    brightest = after.flatten(1).argmax(dim=1)
    far = torch.hypot((brightest // 12 - 3).float(), (brightest % 12 - 2).float())
    assert float(far.median()) < 2.5
    assert len(brightest.unique()) > 8


def test_wide_images_are_turned_without_being_stretched() -> None:
    """A circle stays a circle where the sides are of different length."""
    down, across = torch.meshgrid(torch.arange(16), torch.arange(48), indexing="ij")
    disc = (((down - 7.5) ** 2 + (across - 23.5) ** 2) < 25).to(torch.uint8) * 200
    after = of(Recipe(distortion=0.5)).apply(disc[None, None, :, :, None].expand(1, 128, -1, -1, -1).contiguous())
    bright = after[0, :, :, :, 0] > after[0, :, :, :, 0].amax(dim=(1, 2), keepdim=True) * 0.5 + 1
    heights, widths = bright.any(dim=2).sum(dim=1).float(), bright.any(dim=1).sum(dim=1).float()
    assert 0.8 < float((heights / widths).mean()) < 1.25

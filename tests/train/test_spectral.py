"""Spectrograms changed at random."""

from __future__ import annotations

import torch

from netwright.train.spectral import HIDDEN, MASKS, masked, warped


def maps(count: int = 64) -> torch.Tensor:
    """Return a bright point in the middle of silence, many times."""
    one = torch.zeros(40, 60, 1)
    one[18:22, 28:32] = 200
    return one.expand(count, 40, 60, 1)


def test_strength_0_changes_nothing() -> None:
    """And only the sounds that it is asked for."""
    generator = torch.Generator().manual_seed(0)
    strengths = torch.tensor([0.0, 1.0]).repeat(32)
    for change in (warped, masked):
        found = change(maps(), strengths, generator)
        assert torch.allclose(found[0::2], maps()[0::2], atol=1e-3)
        assert (found[1::2] != maps()[1::2]).flatten(1).any(dim=1).float().mean() > 0.9


def test_a_warp_moves_in_time_and_pitch() -> None:
    """By no more than it says, and stays in range."""
    found = warped(maps(), torch.ones(64), torch.Generator().manual_seed(1))
    assert float(found.min()) >= 0 and float(found.max()) <= 255
    peaks = [divmod(int(each.flatten().argmax()), 60) for each in found]
    bands, frames = (torch.tensor(each).float() for each in zip(*peaks, strict=True))
    assert frames.std() > 2 and bands.std() > 0.8
    assert (frames - 29.5).abs().max() < 60 * 0.12 * 1.3 + 3


def test_masks_hide_whole_bands_and_frames() -> None:
    """As many and as wide as it says, by the mean of the sound."""
    noise = torch.rand(64, 40, 60, 1, generator=torch.Generator().manual_seed(2)) * 255
    found = masked(noise, torch.ones(64), torch.Generator().manual_seed(3))
    hidden = (found != noise)[..., 0]
    rows, columns = hidden.all(dim=2).sum(dim=1), hidden.all(dim=1).sum(dim=1)
    assert rows.max() <= MASKS * HIDDEN * 40 + MASKS and columns.max() <= MASKS * HIDDEN * 60 + MASKS
    assert rows.float().mean() > 3 and columns.float().mean() > 4
    means = noise.mean(dim=(1, 2, 3))
    assert all(
        torch.allclose(each[where], mean) for each, where, mean in zip(found[..., 0], hidden, means, strict=True)
    )

"""What written folders do with images and sounds is what Netwright does, number by number."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from netwright.build.source.linking import FILES, KERAS, TORCH, defined_in
from netwright.build.source.parts import changes
from netwright.build.source.parts import sounds as written
from netwright.build.source.parts.recipes import Recipe as WrittenRecipe
from netwright.build.source.parts.recipes import cosine
from netwright.data import sounds
from netwright.data.clip import Clip
from netwright.data.wave import as_wave
from netwright.spec.network import Recipe
from netwright.train.augmentation import Augmentation

RECIPES = (
    Recipe(flips="sideways"),
    Recipe(flips="all"),
    Recipe(distortion=0.7),
    Recipe(flips="all", distortion=1.0),
    Recipe(warp=0.8),
    Recipe(masking=1.0),
    Recipe(warp=1.0, masking=0.5),
)


INSTEAD = {"encode", "read_rows", "rate_and_decay"}
"""What several parts define since a file takes it from one of them alone: of tables or tokens, of this framework."""


@pytest.mark.parametrize("others", [KERAS, TORCH], ids=["torch", "keras"])
def test_parts_of_one_file_define_no_name_twice(others: dict[str, str]) -> None:
    """The later of two constants would count for both, and nothing would say so."""
    names = Counter(
        (file, name) for part, file in FILES.items() if part not in others for name in defined_in(part) - INSTEAD
    )
    assert not [name for name, times in names.items() if times > 1]


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
@pytest.mark.parametrize("shape", [(9, 12, 12, 3), (9, 10, 14, 1)], ids=str)
def test_images_are_changed_as_in_the_search(recipe: Recipe, shape: tuple[int, ...]) -> None:
    """With the same random numbers they come out the same."""
    images = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    torch.manual_seed(5)
    wanted = Augmentation.of([recipe], torch.default_generator).apply(images[None])[0]
    torch.manual_seed(5)
    said = WrittenRecipe(0.1, cosine, 0.0, 0.9, 1, 1, 1.0, 0.0, 1.0, flips=recipe.flips, distortion=recipe.distortion)
    found = changes.distorted(changes.flipped(images, said), recipe.distortion)
    found = changes.masked(changes.warped(found, recipe.warp), recipe.masking)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("seconds", [0.05, 0.9, 3.0])
def test_sounds_become_the_spectrograms_that_networks_know(
    rate: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the bytes of a file and from samples, short ones and such that are cut."""
    clip = Clip(40, 80, 12_500, 6_000)
    values = {"BANDS": 40, "FRAMES": 80, "STEP": 0.0125, "LOWEST": 20, "HIGHEST": 6_000}
    for name, value in values.items():
        monkeypatch.setattr(written, name, value)
    written.mel_filters.cache_clear()
    random = np.random.default_rng(rate)
    time = np.arange(round(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * 440 * time) * (time > seconds / 2) + 0.1 * random.normal(size=len(time))
    content = as_wave(0.4 * tone, rate)
    wanted = sounds.encode(content, clip)
    samples = sounds.decode(content)
    assert np.array_equal(written.encode([{"image": content}])["images"][0], wanted)
    assert np.array_equal(written.encode([{"image": samples}])["images"][0], wanted)
    assert np.array_equal(written.encode([{"image": wanted}])["images"][0], wanted)
    written.mel_filters.cache_clear()

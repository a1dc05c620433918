from pathlib import Path

import numpy as np
import pytest

from netwright.build.pretrained import installed_weights
from netwright.pretrained import trunks
from netwright.pretrained.trunks import BACKBONE, image_trunk


@pytest.mark.parametrize(
    ("shape", "looked"),
    [((28, 28, 1), False), ((28, 28, 3), True), ((64, 64, 1), True)],
    ids=["small and grey", "small", "grey"],
)
def test_many_small_grey_images_are_not_looked_at_in_a_short_time(
    shape: tuple[int, int, int], looked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenth of the share that others have is too little for them; of few there is enough."""
    monkeypatch.setattr(trunks, "_speed", lambda *given: 100e9)
    one = trunks._flops(BACKBONE, trunks.SIDES[0]) / 100e9  # seconds of an image
    many, few = (np.zeros((count, *shape), np.uint8) for count in (400, 40))
    seconds = 1.5 * 400 * one / trunks.SHARE
    assert (image_trunk(weights(), many, seconds) is not None) == looked
    assert image_trunk(weights(), few, seconds) is not None
    assert image_trunk(weights(), many, None) is not None


def weights() -> Path:
    """Return the file of the weights that a package brings."""
    path = installed_weights(BACKBONE)
    assert path is not None
    return path

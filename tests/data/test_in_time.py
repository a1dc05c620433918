"""Of very many files as many are decoded as there is time for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from netwright.data.in_time import FEWEST, SHARE, TIMED, check_in_time, files_in_time
from netwright.data.needs import MOST_AGAIN


@dataclass
class Clock:
    """Seconds that are left, of which each file takes some."""

    left: float
    each: float
    asked: list[int] = field(default_factory=list)

    def decode(self, places: np.ndarray) -> None:
        """Let time go by."""
        self.asked.append(len(places))
        self.left -= self.each * len(places)

    def read(self) -> float:
        """Return what is left."""
        return self.left


CLASSES = np.repeat([0, 1, 2], [30_000, 9_990, 10])


def test_as_many_are_chosen_as_there_is_time_for() -> None:
    """By what a few of them take; classes keep their shares, and rare ones are not lost."""
    clock = Clock(100.0, 0.01)
    places = files_in_time(CLASSES, clock.decode, clock.read)
    assert clock.asked == [TIMED]
    assert len(places) == pytest.approx(SHARE * 100 / 0.01, rel=0.01)
    assert (np.diff(places) > 0).all()
    shares = np.bincount(CLASSES[places]) / len(places)
    assert shares[:2] == pytest.approx([0.75, 0.25], abs=0.001)
    assert shares[2] > 0
    assert abs(np.median(places[CLASSES[places] == 0]) - 15_000) < 1_500  # not the first of each


def test_a_few_are_decoded_however_little_time_there_is() -> None:
    """The limit of the time is then passed, as there would be no model else."""
    clock = Clock(1.0, 1.0)
    places = files_in_time(CLASSES, clock.decode, clock.read)
    assert len(places) == FEWEST
    assert np.bincount(CLASSES[places]).tolist() == pytest.approx([1_499, 500, 1], abs=2)


@pytest.mark.parametrize(("files", "seconds"), [(FEWEST, 1.0), (40_000, math.inf), (40_000, 10_000.0)])
def test_all_are_decoded_where_nothing_forbids_it(files: int, seconds: float) -> None:
    """Few files, no limit, or enough time."""
    clock = Clock(seconds, 0.01)
    assert files_in_time(CLASSES[:files], clock.decode, clock.read).tolist() == [*range(files)]


def test_files_that_are_left_out_are_told_of() -> None:
    """In a sentence."""
    assert check_in_time(5, 5, "image") == []
    (finding,) = check_in_time(50_000, 4_000, "image")
    assert "all 50,000 images: 4,000 of them" in finding.message


def test_a_run_that_goes_on_decodes_the_same_files_whatever_the_time() -> None:
    """As many as an earlier one had the time for, and these very ones."""
    classes = np.arange(5 * FEWEST, dtype=np.int64) % 3
    clock = Clock(100.0, 0.01)
    first = files_in_time(classes, clock.decode, clock.read)
    assert len(first) < len(classes)
    late = Clock(0.0, 0.01)
    np.testing.assert_array_equal(files_in_time(classes, late.decode, late.read, len(first)), first)
    np.testing.assert_array_equal(files_in_time(classes, late.decode, late.read, len(first), len(first) / 2), first)
    assert late.asked == []


def test_a_record_does_not_say_how_much_memory_is_taken() -> None:
    """No more than twice the files that it holds now; one, where it holds none."""
    clock = Clock(0.0, 0.01)
    assert len(files_in_time(CLASSES, clock.decode, clock.read, 10**12, 100.0)) == MOST_AGAIN * 100
    assert len(files_in_time(CLASSES, clock.decode, clock.read, 10**12)) == len(CLASSES)
    assert len(files_in_time(CLASSES, clock.decode, clock.read, 0, 0.0)) == 1

"""Importing without the garbage collector leaves it as it was."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from netwright.importing import without_collecting


def collections() -> int:
    """Return how often the collector ran so far."""
    return sum(generation["collections"] for generation in gc.get_stats())


def test_nothing_is_collected_inside_and_the_collector_is_on_again_afterwards() -> None:
    """Much is made inside, and no collection runs."""
    assert gc.isenabled()
    with without_collecting():
        before = collections()
        kept = [[place] for place in range(200_000)]
        assert collections() == before
    assert gc.isenabled()
    assert len(kept) == 200_000


def test_a_collector_that_was_off_stays_off() -> None:
    """Who works without a collector goes on so."""
    gc.disable()
    try:
        with without_collecting():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_collector_is_on_again_after_an_import_that_failed() -> None:
    """A package that is missing does not turn it off for good."""
    with pytest.raises(ModuleNotFoundError), without_collecting():
        raise ModuleNotFoundError
    assert gc.isenabled()


def test_what_its_owner_froze_stays_frozen() -> None:
    """Objects that a program froze itself are not thawed."""
    gc.freeze()
    try:
        with without_collecting():
            pass
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_a_run_trains_with_the_collector_on() -> None:
    """It is on again once PyTorch is there."""
    find = "from netwright.train.frameworks import find_framework; find_framework('torch')"
    code = f"import gc, sys; {find}; print(gc.isenabled(), 'torch' in sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert printed.split() == ["True", "True"]


def test_pytorch_is_imported_without_a_collection() -> None:
    """Else a first model comes two fifths of a second later."""
    code = (
        "import gc; from netwright.train.frameworks import find_framework; start = gc.get_stats()[2]['collections']; "
        "find_framework('torch'); print(gc.get_stats()[2]['collections'] - start)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert int(printed) == 0

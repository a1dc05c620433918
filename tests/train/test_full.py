"""Errors of PyTorch that mean that memory is full are told from others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.data.features import table_features
from netwright.spec.blocks import Dense, Head, Identity, TableInput
from netwright.spec.network import Network, Recipe
from netwright.train.control import Control
from netwright.train.failures import short_of_memory
from netwright.train.framework import Split
from netwright.train.torch import Torch

NETWORK = Network((TableInput(1, 0, (), Identity()), Dense(4), Head(2)))


def _taken(size: int) -> RuntimeError:
    """Return what PyTorch says where so many bytes are too many."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(size, dtype=torch.uint8)
    return caught.value


def test_a_full_memory_is_known_by_its_error() -> None:
    """Of the processor, as it is; of a card and of cuBLAS, as they say it; and nothing else that has the word."""
    assert short_of_memory(_taken(2**55))
    assert short_of_memory(torch.OutOfMemoryError("Allocation on device 0 would exceed allowed memory."))
    for said in ("CUDA out of memory. Tried to allocate 2.00 GiB.", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED"):
        assert short_of_memory(RuntimeError(said))
    for said in ("CUDA error: an illegal memory access was encountered", "unsupported memory format option Contiguous"):
        assert not short_of_memory(RuntimeError(said))


def test_a_training_that_does_not_fit_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a `MemoryError`, which keeps nothing of the training alive."""
    monkeypatch.setattr("netwright.train.torch.train_population", lambda *given: torch.empty(2**55))
    numeric = np.zeros((9, 1), np.float32)
    features = table_features(numeric, np.zeros((9, 0), np.float32), np.zeros((9, 0), np.int64))
    trainer = Torch().over(features, np.zeros(9, np.int64), np.zeros((1, 49), np.float32))
    quiet = Control(lambda: 0.0, lambda: False, lambda progress: None)
    with pytest.raises(MemoryError) as caught:
        trainer.train(NETWORK, [Recipe()], [Split(np.arange(6), np.arange(6, 9))], "cross_entropy", quiet, [0])
    assert caught.value.__cause__ is None and caught.value.__context__ is None

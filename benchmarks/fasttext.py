"""Texts as the mean of vectors of their words and pairs of words, with a linear classifier on it, as fastText has it.

Joulin et al. 2016, "Bag of Tricks for Efficient Text Classification" (arXiv 1607.01759), written in plain PyTorch: the
probabilities of a text of the n-grams g_1 … g_n are softmax(B (A[g_1] + … + A[g_n]) / n), learnt by stochastic gradient
descent, one text a step, with a rate that falls linearly to 0. A starts small and even, B at 0, as in its code.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

BUCKETS = 2**18
WIDTH = 64
EPOCHS, RATE = 25, 1.0
"""As the tutorial of fastText's own tool ends for sets of some thousand texts.

The paper has 5 epochs and rates up to 0.5, for sets a hundred times as large. Of three sets a fifth of the texts to
learn from was held out: with a rate of 0.5 no more of them were right."""

WORDS = re.compile(r"\w+|[^\w\s]")


def buckets(text: str) -> list[int]:
    """Return the places of a text's words, then of its pairs of neighbours, case aside; marks are words too.

    >>> len(buckets("Not bad!")), buckets("bad, BAD")[0] == buckets("bad, BAD")[2]
    (5, True)
    """
    words = WORDS.findall(text.lower())
    return [crc32(gram.encode()) % BUCKETS for gram in (*words, *map(" ".join, pairwise(words)))]


class Classifier(nn.Module):
    """Bags of places → logits of `classes` classes."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.vectors = nn.EmbeddingBag(BUCKETS, WIDTH, mode="mean", sparse=True)
        self.head = nn.Linear(WIDTH, classes, bias=False)
        nn.init.uniform_(self.vectors.weight, -1 / WIDTH, 1 / WIDTH)
        nn.init.zeros_(self.head.weight)

    def forward(self, bags: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the logits (B, K) of B bags; one without words gets none but zeros."""
        starts = np.cumsum([0, *map(len, bags[:-1])])
        return self.head(self.vectors(torch.cat(list(bags)), torch.from_numpy(starts)))  # (B, K)


def chances(learn: Sequence[str], labels: NDArray[Any], asked: Sequence[str], seconds: float, seed: int) -> Any:
    """Learn from texts with their labels, and return the probabilities (N, K) of other texts.

    Args:
        learn: the texts to learn from.
        labels: their classes (M,); the K columns are the sorted ones.
        asked: N texts.
        seconds: the most that it may take; where `EPOCHS` take longer the rate falls sooner, to 0 in time.
        seed: of the first weights and the order of the texts; as the rate heeds the clock, it gives nearly one answer.
    """
    began = time.monotonic()
    torch.manual_seed(seed)
    classes, places = np.unique(labels, return_inverse=True)
    truth = torch.from_numpy(places)
    bags, others = ([torch.tensor(buckets(text), dtype=torch.long) for text in texts] for texts in (learn, asked))
    model = Classifier(len(classes))
    order = torch.cat([torch.randperm(len(bags)) for _ in range(EPOCHS)]).tolist()
    usable = 0.9 * seconds
    for step, row in enumerate(order):
        done = max(step / len(order), (time.monotonic() - began) / usable)
        if done >= 1:
            break
        descend(model, bags[row], truth[row : row + 1], RATE * (1 - done))
    with torch.no_grad():
        return torch.cat(
            [model(others[first : first + 500]).softmax(1) for first in range(0, len(others), 500)]
        ).numpy()


def descend(model: Classifier, bag: torch.Tensor, truth: torch.Tensor, rate: float) -> None:
    """Take one step down the gradient of the cross-entropy of one text."""
    model.zero_grad()
    functional.cross_entropy(model([bag]), truth).backward()
    with torch.no_grad():
        for weights in model.parameters():
            assert weights.grad is not None
            weights.add_(weights.grad, alpha=-rate)

"""A chain over the tags of a sentence.

Letters in shapes: B token, E member that shares weights, K tag.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class TagChain(nn.Module):
    """A linear chain over the tags of a sentence: a conditional random field (Lafferty et al. 2001; arXiv 1603.01360).

    The tags of a sentence have a score: that of each by itself, and that of each pair of neighbours. Their probability
    is the exponential of it, divided by the sum of those of all tags that the sentence could have.
    """

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(*sizes))  # scores of pairs: (K, K) or, of members, (E, K, K)

    def forward(self, scores: Tensor, positions: Tensor) -> Tensor:
        """Return the logarithm of the probability of each tag of each token; of one in training the scores.

        Args:
            scores: (B, K) or (B, E, K) of the tags of each token by itself.
            positions: (B, 1) of the tokens, one more than that of the one before where they follow each other.
        """
        if self.training or not len(scores):
            return scores
        goes_on = (positions[1:, 0] == positions[:-1, 0] + 1).tolist()
        before = messages(scores, self.weight, goes_on)
        after = messages(scores.flip(0), self.weight.transpose(-1, -2), goes_on[::-1]).flip(0)
        return torch.log_softmax(before + scores + after, dim=-1)

    def loss(self, scores: Tensor, positions: Tensor, targets: Tensor) -> Tensor:
        """Return -ln of the probability of the true tags (B,), a token: of each one given the one before it."""
        goes_on = positions[1:, 0] == positions[:-1, 0] + 1
        after = messages(scores.flip(0), self.weight.transpose(-1, -2), goes_on.tolist()[::-1]).flip(0)
        pairs = self.weight[..., targets[:-1], :].movedim(-2, 0)  # (B - 1, K) or (B - 1, E, K)
        known = pairs * goes_on.view(-1, *[1] * (pairs.ndim - 1))
        logits = (scores + after + torch.cat([torch.zeros_like(scores[:1]), known])).flatten(0, -2)
        return functional.cross_entropy(logits, targets.repeat_interleave(len(logits) // len(targets)))


def messages(scores: Tensor, pairs: Tensor, goes_on: Sequence[bool]) -> Tensor:
    """Return what each token (B) is told by those before it in its sentence: as many numbers as it has scores.

    Args:
        scores: (B, K) or (B, E, K) of the tags of each token.
        pairs: (K, K) or (E, K, K) scores of two tags that follow each other.
        goes_on: (B - 1) whether each token from the second on follows the one before it.
    """
    told = [torch.zeros_like(scores[0])]
    for own, follows in zip(scores[:-1], goes_on, strict=True):
        message = torch.logsumexp((told[-1] + own).unsqueeze(-1) + pairs, dim=-2)
        told.append(message - message.amax(dim=-1, keepdim=True) if follows else torch.zeros_like(own))
    return torch.stack(told)

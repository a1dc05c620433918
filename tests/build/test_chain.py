"""A chain over tags: marginals and what training minimises, as a sum over all ways through the tags gives them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from netwright.build.chain import marginals as marginals_in_numpy
from netwright.build.torch_chain import Layout, chain_loss, marginals, windowed_marginals
from netwright.data.stretches import positions_of

NETWORKS, TAGS = 2, 3
CASES = [[1], [1, 1], [2], [1, 2], [4, 1, 3], [1, 1, 1, 1], [6, 1, 2]]


def scores_of(rows: int, seed: int = 0, spread: float = 1.5) -> tuple[Tensor, Tensor]:
    """Return random scores (M, B, K) of tags, and (M, K, K) of pairs."""
    generator = torch.Generator().manual_seed(seed)
    scores = spread * torch.randn(NETWORKS, rows, TAGS, generator=generator)
    return scores, spread * torch.randn(NETWORKS, TAGS, TAGS, generator=generator)


def positions(lengths: list[int]) -> Tensor:
    """Return the positions (B,) of sentences of these lengths."""
    return torch.from_numpy(positions_of(np.repeat(np.arange(len(lengths)), lengths)))


def layout_of(lengths: list[int]) -> Layout:
    """Return where the rows of sentences of these lengths lie, the same for both networks."""
    return Layout.of(positions(lengths).expand(NETWORKS, -1))


def all_ways(scores: Tensor, pairs: Tensor) -> dict[tuple[int, ...], float]:
    """Return the score of each way through the tags of one sentence (B, K)."""
    found = {}
    for way in itertools.product(range(TAGS), repeat=len(scores)):
        own = sum(float(scores[place, tag]) for place, tag in enumerate(way))
        found[way] = own + sum(float(pairs[one, two]) for one, two in itertools.pairwise(way))
    return found


def summed(scores: Tensor, pairs: Tensor) -> tuple[np.ndarray, float]:
    """Return the marginals (B, K) of one sentence, and its log Z, by the sum over all ways."""
    ways = all_ways(scores, pairs)
    total = float(np.logaddexp.reduce([*ways.values()]))
    found = np.zeros(scores.shape)
    for way, score in ways.items():
        found[np.arange(len(way)), way] += np.exp(score - total)
    return found, total


@pytest.mark.parametrize("lengths", CASES, ids=str)
def test_marginals_are_those_of_a_sum_over_all_ways(lengths: list[int]) -> None:
    """In PyTorch, in numpy, and as one graph; sentences of one token and of several beside each other."""
    scores, pairs = scores_of(sum(lengths))
    found = marginals(scores, pairs, layout_of(lengths)).exp()
    for network in range(NETWORKS):
        parts = scores[network].split(lengths)
        right = np.concatenate([summed(part, pairs[network])[0] for part in parts])
        np.testing.assert_allclose(found[network].numpy(), right, atol=1e-5)
    others = (
        marginals_in_numpy(scores.numpy(), pairs.numpy(), positions(lengths).numpy()),
        torch.log_softmax(windowed_marginals(scores, pairs, positions(lengths)), dim=2).numpy(),
    )
    for other in others:
        np.testing.assert_allclose(np.exp(other), found.numpy(), atol=1e-5)


def test_networks_of_a_stack_have_rows_of_their_own() -> None:
    """Each is answered as if it stood alone, however differently their sentences lie."""
    lengths = [[3, 1, 5], [1, 1, 7]]
    scores, pairs = scores_of(9)
    whole = marginals(scores, pairs, Layout.of(torch.stack([positions(each) for each in lengths])))
    for place, own in enumerate(lengths):
        one = slice(place, place + 1)
        alone = marginals(scores[one], pairs[one], Layout.of(positions(own)[None]))
        torch.testing.assert_close(whole[one], alone)


def test_a_sentence_is_answered_alike_wherever_it_stands() -> None:
    """Alone, among others, and taken out of their order."""
    scores, pairs = scores_of(9)
    whole = marginals(scores, pairs, layout_of([3, 2, 4]))
    alone = marginals(scores[:, 3:5], pairs, layout_of([2]))
    torch.testing.assert_close(whole[:, 3:5], alone)
    order = torch.tensor([5, 6, 7, 8, 3, 4, 0, 1, 2])
    turned = marginals(scores[:, order], pairs, Layout.of(positions([3, 2, 4])[order].expand(NETWORKS, -1)))
    torch.testing.assert_close(turned, whole[:, order])


def test_tokens_that_were_taken_out_part_a_sentence() -> None:
    """What is left of it are two that know nothing of each other."""
    scores, pairs = scores_of(4)
    parted = Layout.of(positions([5])[[0, 1, 3, 4]].expand(NETWORKS, -1))
    torch.testing.assert_close(marginals(scores, pairs, parted), marginals(scores, pairs, layout_of([2, 2])))


def test_very_long_sentences_stay_numbers() -> None:
    """Beside short ones, with scores that are far apart; further than the graph looks, too."""
    lengths = [1, 2_000, 1, 3]
    scores, pairs = scores_of(sum(lengths), spread=8.0)
    found = marginals(scores, pairs, layout_of(lengths))
    assert bool(torch.isfinite(found).all())
    torch.testing.assert_close(found.exp().sum(dim=2), torch.ones(found.shape[:2]))
    exact = marginals(scores.double(), pairs.double(), layout_of(lengths)).exp()
    np.testing.assert_allclose(found.exp().numpy(), exact.numpy(), atol=1e-3)
    seen = torch.softmax(windowed_marginals(*scores_of(sum(lengths)), positions(lengths)), dim=2)
    right = marginals(*scores_of(sum(lengths)), layout_of(lengths)).exp()
    np.testing.assert_allclose(seen.numpy(), right.numpy(), atol=1e-4)


def test_no_rows_are_answered_by_none() -> None:
    """Nothing is gone through."""
    scores, pairs = scores_of(0)
    assert marginals(scores, pairs, layout_of([])).shape == (NETWORKS, 0, TAGS)
    assert marginals_in_numpy(scores.numpy(), pairs.numpy(), np.zeros(0, np.int64)).shape == (NETWORKS, 0, TAGS)


@pytest.mark.parametrize("lengths", CASES, ids=str)
def test_the_loss_is_the_negative_log_likelihood(lengths: list[int]) -> None:
    """Of the true tags of all sentences, a token; a tag that never occurs among them."""
    scores, pairs = scores_of(sum(lengths))
    targets = torch.randint(0, TAGS - 1, (NETWORKS, sum(lengths)), generator=torch.Generator().manual_seed(1))
    found = chain_loss(scores, pairs, layout_of(lengths), torch.eye(TAGS)[targets])
    for network in range(NETWORKS):
        parts = zip(scores[network].split(lengths), targets[network].split(lengths), strict=True)
        right = 0.0
        for part, true in parts:
            ways = all_ways(part, pairs[network])
            right += float(np.logaddexp.reduce([*ways.values()])) - ways[tuple(true.tolist())]
        assert float(found[network]) == pytest.approx(right / sum(lengths), rel=1e-5)


@pytest.mark.parametrize("lengths", CASES, ids=str)
def test_gradients_are_those_of_the_marginals_way(lengths: list[int]) -> None:
    """The derivatives that are written down are those that PyTorch finds in -ln of each tag given the one before it."""
    scores, pairs = (one.double().requires_grad_() for one in scores_of(sum(lengths)))
    wanted = torch.softmax(torch.randn(scores.shape, generator=torch.Generator().manual_seed(2)).double(), dim=2)
    own = torch.autograd.grad(chain_loss(scores, pairs, layout_of(lengths), wanted).sum(), [scores, pairs])

    def by_ways(scores: Tensor, pairs: Tensor) -> Tensor:
        total = scores.new_zeros(())
        for network in range(NETWORKS):
            parts = zip(scores[network].split(lengths), wanted[network].split(lengths), strict=True)
            for part, chances in parts:
                message = part[0]
                for row in part[1:]:
                    message = row + (message.unsqueeze(1) + pairs[network]).logsumexp(dim=0)
                expected = torch.einsum("bi,bj->ij", chances[:-1], chances[1:])
                total = total + message.logsumexp(dim=0) - (chances * part).sum() - (expected * pairs[network]).sum()
        return total / sum(lengths)

    right = torch.autograd.grad(by_ways(scores, pairs), [scores, pairs])
    for one, other in zip(own, right, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)


def test_marginals_can_be_learnt_through() -> None:
    """What another loss asks of them gets to the pairs of tags."""
    scores, pairs = (one.double().requires_grad_() for one in scores_of(6))
    assert torch.autograd.gradcheck(lambda *given: marginals(*given, layout_of([4, 2])), (scores, pairs))

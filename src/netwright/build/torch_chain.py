"""A linear chain over the tags of rows that follow each other, in PyTorch: marginals, and what training minimises.

With s_t the scores of row t and A those of pairs of neighbouring tags, messages are passed along each stretch of rows
(the forward-backward algorithm, Rabiner 1989; for conditional random fields Lafferty, McCallum and Pereira 2001):

    a_t[j] = s_t[j] + log sum_i exp(a_t-1[i] + A[i, j])        b_t[i] = log sum_j exp(A[i, j] + s_t+1[j] + b_t+1[j])

The logarithms of the marginals are a_t + b_t, but for a number that all tags of a row have in common. Stretches go in
step, the longest first, so that those which have ended are at the end and take no time. Letters in shapes: M network,
B row, S stretch, N stretch that goes on at a place, P place of a stretch, those of all stretches together, K tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

LEAST = 1e-30  # of a product of messages, whose logarithm is taken
WINDOW = 7  # doublings: 128 rows on either side are seen, see `windowed_marginals`


@dataclass(frozen=True)
class Layout:
    """Where the rows of stretches lie: place after place, at each of them the stretches that go on so far.

    Attributes:
        index: (M, P) the row at each place of each stretch; B where a network has none.
        ends: (M, P) whether it is the last one of its stretch.
        counts: of the stretches at each place from the first on, which fall.
        rows: B.
    """

    index: Tensor
    ends: Tensor
    counts: tuple[int, ...]
    rows: int

    @staticmethod
    def of(positions: Tensor) -> Layout:
        """Return the layout of rows by their positions (M, B), see `data.stretches`; both are on the processor."""
        networks, rows = positions.shape
        if not rows:
            return Layout(
                torch.zeros(networks, 0, dtype=torch.int64), torch.zeros(networks, 0, dtype=torch.bool), (), 0
            )
        begins = torch.ones_like(positions, dtype=torch.bool)
        begins[:, 1:] = positions[:, 1:] != positions[:, :-1] + 1
        stretch = begins.cumsum(dim=1) - 1  # (M, B)
        shape = (networks, int(stretch[:, -1].max()) + 1)
        lengths = torch.zeros(shape, dtype=torch.int64).scatter_add_(1, stretch, torch.ones_like(stretch))
        network, row = begins.nonzero(as_tuple=True)
        starts = torch.zeros(shape, dtype=torch.int64)
        starts[network, stretch[begins]] = row
        lengths, order = lengths.sort(dim=1, descending=True, stable=True)
        starts = starts.gather(1, order)
        counts = _going(lengths)
        places = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))  # (P,)
        stretches = torch.cat([torch.arange(count) for count in counts])
        left = lengths[:, stretches] - places  # (M, P) rows from here on
        index = torch.where(left > 0, starts[:, stretches] + places, rows)
        return Layout(index, left == 1, tuple(counts), rows)

    def of_members(self, members: int, device: torch.device) -> Layout:
        """Return the layout for as many members of each network, one behind the other, on a device."""
        index, ends = (one.repeat_interleave(members, dim=0).to(device) for one in (self.index, self.ends))
        return Layout(index, ends, self.counts, self.rows)


def _going(lengths: Tensor) -> list[int]:
    """Return at each place how many stretches go on, at most in any network; lengths (M, S), the longest first."""
    ended = torch.zeros(len(lengths), int(lengths.max()) + 1, dtype=torch.int64)
    ended.scatter_add_(1, lengths, torch.ones_like(lengths))  # how many are so long
    longer = ended.flip(1).cumsum(dim=1).flip(1)[:, 1:]
    return [int(count) for count in longer.max(dim=0).values]


def marginals(scores: Tensor, transitions: Tensor, layout: Layout) -> Tensor:
    """Return the logarithms of the marginals (M, B, K) of rows, each given all of its stretch.

    Args:
        scores: (M, B, K) of tags.
        transitions: (M, K, K) of pairs of neighbouring tags, the first before the second.
        layout: of M networks, where the scores are.
    """
    if not layout.rows:
        return scores
    passed = _pass(scores, transitions, layout)
    return functional.log_softmax(_by_row(passed.before + passed.after, layout), dim=2)


@dataclass(frozen=True)
class _Messages:
    """What has been passed along stretches, place after place as in `Layout`.

    Attributes:
        own: (M, P, K) the scores of tags; 0 where there is no row.
        before: (M, P, K) a, less a number that the tags have in common.
        after: (M, P, K) b, likewise; 0 where a stretch ends.
        shifts: (M, P', 1) what was taken from a, at all places but the first.
    """

    own: Tensor
    before: Tensor
    after: Tensor
    shifts: Tensor


def _pass(scores: Tensor, transitions: Tensor, layout: Layout) -> _Messages:
    counts, powers = [*layout.counts], transitions.exp()
    own = _by_place(scores, layout)
    each, goes_on = torch.split(own, counts, dim=1), torch.split((~layout.ends).unsqueeze(2), counts, dim=1)
    before, shifts = [each[0]], []
    for count, scored in zip(counts[1:], each[1:], strict=True):
        message, shift = _through(before[-1][:, :count], powers)
        before.append(scored + message)
        shifts.append(shift)
    after = [torch.zeros_like(each[-1])]
    for place in range(len(counts) - 1, 0, -1):
        message, _ = _through(each[place] + after[-1], powers.transpose(1, 2))
        longer = functional.pad(message, (0, 0, 0, counts[place - 1] - counts[place]))
        after.append(longer * goes_on[place - 1])
    shifted = torch.cat(shifts, dim=1) if shifts else own.new_zeros(len(own), 0, 1)
    return _Messages(own, torch.cat(before, dim=1), torch.cat(after[::-1], dim=1), shifted)


def _through(message: Tensor, powers: Tensor) -> tuple[Tensor, Tensor]:
    """(M, N, K) → (M, N, K), less a number that is common to all tags, and that number (M, N, 1)."""
    shift = message.amax(dim=2, keepdim=True).detach()
    return torch.bmm((message - shift).exp(), powers).log(), shift


def _by_place(values: Tensor, layout: Layout) -> Tensor:
    """(M, B, K) → (M, P, K); 0 where a network has no row."""
    longer = functional.pad(values, (0, 0, 0, 1))
    return longer.gather(1, layout.index.unsqueeze(2).expand(-1, -1, values.shape[2]))


def _by_row(found: Tensor, layout: Layout) -> Tensor:
    """(M, P, K) → (M, B, K)."""
    index = layout.index.unsqueeze(2).expand_as(found)
    out = found.new_zeros(found.shape[0], layout.rows + 1, found.shape[2])
    return out.scatter(1, index, found)[:, : layout.rows]


# --- learning --------------------------------------------------------------------------------------------------------


def chain_loss(scores: Tensor, transitions: Tensor, layout: Layout, wanted: Tensor) -> Tensor:
    """Return the cross-entropy (M,) of a chain, a row: where tags are known, its negative log-likelihood.

    That is log Z less the score that tags drawn by the wanted chances, each row by itself, have on average.

    Args:
        scores: (M, B, K) of tags.
        transitions: (M, K, K) of pairs of neighbouring tags.
        layout: of M networks, where the scores are.
        wanted: (M, B, K) the chance of each tag, 1 for the known one.
    """
    chances = _by_place(wanted, layout)  # of rows that are none 0
    pairs = torch.bmm(_earlier(chances, layout).transpose(1, 2), _later(chances, layout))
    own = (wanted * scores).sum(dim=(1, 2)) + (pairs * transitions).sum(dim=(1, 2))
    partition: Tensor = _Partition.apply(scores, transitions, layout)  # type: ignore[no-untyped-call]
    return (partition - own) / layout.rows


def _later(values: Tensor, layout: Layout) -> Tensor:
    """(M, P, K) → (M, P', K): those of all places but the first."""
    return values[:, layout.counts[0] :]


def _earlier(values: Tensor, layout: Layout) -> Tensor:
    """(M, P, K) → (M, P', K): for all places but the first those of the place before."""
    each = torch.split(values, [*layout.counts], dim=1)
    parts = [one[:, : two.shape[1]] for one, two in pairwise(each)]
    return torch.cat(parts, dim=1) if parts else values[:, :0]


class _Partition(torch.autograd.Function):
    """log Z (M,), whose derivatives are the expected tags and pairs of tags: no message need be gone through again."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, transitions: Tensor, layout: Layout) -> Tensor:
        """Return log Z (M,), summed over all stretches."""
        passed = _pass(scores, transitions, layout)
        tags = functional.softmax(_by_row(passed.before + passed.after, layout), dim=2)
        ctx.save_for_backward(tags, _expected_pairs(passed, transitions, layout))
        there = _later(layout.index.unsqueeze(2), layout) < layout.rows
        ended = passed.before.logsumexp(dim=2) * layout.ends
        return ended.sum(dim=1) + (passed.shifts * there).sum(dim=(1, 2))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the derivatives by scores (M, B, K) and transitions (M, K, K)."""
        tags, pairs = ctx.saved_tensors
        return gradient[:, None, None] * tags, gradient[:, None, None] * pairs, None


def _expected_pairs(passed: _Messages, transitions: Tensor, layout: Layout) -> Tensor:
    """Return how often each pair of neighbouring tags is expected (M, K, K)."""
    there = _later(layout.index.unsqueeze(2), layout) < layout.rows
    before, after = _earlier(passed.before, layout), _later(passed.own + passed.after, layout)  # (M, P', K)
    before, after = (torch.exp(one - one.amax(dim=2, keepdim=True)) for one in (before, after))
    powers = transitions.exp()
    whole = (torch.bmm(before, powers) * after).sum(dim=2, keepdim=True)
    return powers * torch.bmm((before * there / whole).transpose(1, 2), after)


# --- as one graph ----------------------------------------------------------------------------------------------------


def windowed_marginals(scores: Tensor, transitions: Tensor, positions: Tensor) -> Tensor:
    """Return what `marginals` does, by steps whose number hangs neither on the rows nor on where stretches end.

    So a program can be made of them. What a row's message comes from is a product of matrices exp(A + s), one a row. It
    is found by doubling: of 2 rows, of 4, and so on (Hillis and Steele 1986), up to 128 on either side; further rows
    are left out of account. Where a stretch begins, the matrix forgets what was before.

    Args:
        scores: (M, B, K) of tags.
        transitions: (M, K, K) of pairs of neighbouring tags.
        positions: (B,) of the rows, the same for all networks.
    """
    rows = torch.arange(positions.shape[0], device=positions.device)
    begins = ((rows == 0) | (positions != positions[(rows - 1).clamp_min(0)] + 1))[:, None, None]  # (B, 1, 1)
    powers = (scores - scores.amax(dim=2, keepdim=True)).exp().unsqueeze(2)  # (M, B, 1, K)
    each = powers * torch.where(begins, torch.ones_like(transitions[:, None]), transitions[:, None].exp())
    left, right = each, _of_rows(each, rows + 1)  # up to a row, and from the next one on
    for doubling in range(WINDOW):
        far = 2**doubling
        left = _even(_of_rows(left, rows - far) @ left)
        right = _even(right @ _of_rows(right, rows + far))
    return (left.sum(dim=2) * right.sum(dim=3)).clamp_min(LEAST).log()


def _of_rows(matrices: Tensor, rows: Tensor) -> Tensor:
    """Return the matrices (M, B, K, K) of other rows (B,); such as say nothing where there is no such row."""
    last = matrices.shape[1] - 1
    there = (rows >= 0) & (rows <= last)
    return torch.where(there[:, None, None], matrices[:, rows.clamp(0, last)], torch.ones_like(matrices))


def _even(matrices: Tensor) -> Tensor:
    """Return matrices (M, B, K, K) whose largest number is 1: what they have in common says nothing."""
    return matrices / matrices.amax(dim=(2, 3), keepdim=True)

"""A chain over the tags of a sentence.

Letters in shapes: B token, E member that shares weights, K tag.
"""

from __future__ import annotations

from netwright.build.backend import layers, ops
from netwright.build.source.parts.keras_tensors import Tensor


class TagChain(layers.Layer):
    """A linear chain over the tags of a sentence: a conditional random field (Lafferty et al. 2001; arXiv 1603.01360).

    The tags of a sentence have a score: that of each by itself, and that of each pair of neighbours. Their probability
    is the exponential of it, divided by the sum of those of all tags that the sentence could have.
    """

    def __init__(self, *, name: str = "chain") -> None:
        super().__init__(name=name)

    def build(self, scores_shape: tuple[int, ...], positions_shape: tuple[int, ...]) -> None:
        """Make the scores of pairs, (K, K) or, of members, (E, K, K), for scores of tags (B, K) or (B, E, K)."""
        sizes = (*scores_shape[1:], scores_shape[-1])
        self.weight = self.add_weight(shape=sizes, initializer="zeros", name="weight")

    def compute_output_shape(self, scores_shape: tuple[int, ...], positions_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of what comes out, which is that of the scores."""
        return scores_shape

    def call(self, scores: Tensor, positions: Tensor, training: bool = False) -> Tensor:
        """Return the logarithm of the probability of each tag of each token; of one in training the scores.

        Args:
            scores: (B, K) or (B, E, K) of the tags of each token by itself.
            positions: (B, 1) of the tokens, one more than that of the one before where they follow each other.
            training: whether something is learnt.
        """
        if training:
            return scores
        goes_on = ops.cast(ops.equal(positions, ops.roll(positions, 1, axis=0) + 1), scores.dtype)[:, 0]
        before = messages(scores, ops.convert_to_tensor(self.weight), ops.roll(goes_on, -1, axis=0))
        return ops.log_softmax(before + scores + self.told_by_those_behind(scores, goes_on), axis=-1)

    def told_by_those_behind(self, scores: Tensor, goes_on: Tensor) -> Tensor:
        """Return what each token (B) is told by those behind it in its sentence."""
        turned = messages(ops.flip(scores, 0), ops.swapaxes(self.weight, -1, -2), ops.flip(goes_on, 0))
        return ops.flip(turned, 0)

    def given_those_before(self, scores: Tensor, aims: Tensor, goes_on: Tensor) -> Tensor:
        """Return logits (B, K) or (B, E, K) of the tags of each token, given the true tag of the token before it.

        Their cross-entropy is -ln of the probability of the true tags of all sentences together, a token.

        Args:
            scores: (B, K) or (B, E, K) of the tags of each token by itself.
            aims: (B, K) 1 for the true tag, else 0.
            goes_on: (B) 1 where a token follows the one before it in its sentence, else 0.
        """
        pairs = ops.moveaxis(ops.matmul(ops.roll(aims, 1, axis=0), self.weight), -2, 0)  # (B, K) or (B, E, K)
        known = pairs * ops.reshape(goes_on, (-1, *[1] * (len(scores.shape) - 1)))
        return scores + self.told_by_those_behind(scores, goes_on) + known


def messages(scores: Tensor, pairs: Tensor, followed: Tensor) -> Tensor:
    """Return what each token (B) is told by those before it in its sentence: as many numbers as it has scores.

    Args:
        scores: (B, K) or (B, E, K) of the tags of each token.
        pairs: (K, K) or (E, K, K) scores of two tags that follow each other.
        followed: (B) 1 where the next token is of the same sentence, else 0.
    """

    def step(told: Tensor, token: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        own, goes_on = token
        message = ops.logsumexp(ops.expand_dims(told + own, -1) + pairs, axis=-2)
        return (message - ops.max(message, axis=-1, keepdims=True)) * goes_on, told

    return ops.scan(step, ops.zeros_like(scores[0]), (scores, followed))[1]

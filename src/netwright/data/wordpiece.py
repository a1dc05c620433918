"""Texts as the pieces of words that a trained encoder knows (WordPiece, Schuster and Nakajima 2012; as in BERT)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from netwright.data.pieces import FIRST, LAST, UNKNOWN

LETTERS = 12  # a piece has hardly more in the mean: what comes after so many times the length is not read


def encode_pieces(vocabulary: tuple[str, ...], texts: Sequence[str | None], length: int) -> NDArray[np.int64]:
    """Return the numbers of the first pieces (N, length) of texts, between a first and a last mark; 0 behind them.

    Args:
        vocabulary: the pieces, the first of which stands behind the end of a text.
        texts: N of them; a missing one has no pieces.
        length: marks included, at least 2.
    """
    tokenizer = _tokenizer(vocabulary)
    first, last = vocabulary.index(FIRST), vocabulary.index(LAST)
    found = np.zeros((len(texts), length), np.int64)
    cut = [
        (text or "")[: LETTERS * length].encode("utf-8", "replace").decode() for text in texts
    ]  # no halves of letters
    for row, encoding in enumerate(tokenizer.encode_batch(cut, add_special_tokens=False)):
        pieces = [first, *encoding.ids[: length - 2], last]
        found[row, : len(pieces)] = pieces
    return found


@lru_cache(maxsize=2)
def _tokenizer(vocabulary: tuple[str, ...]) -> Tokenizer:
    """Return what parts texts, made of a list of pieces alone: nothing else is read from a file."""
    model = WordPiece({piece: place for place, piece in enumerate(vocabulary)}, unk_token=UNKNOWN)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer

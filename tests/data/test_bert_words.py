"""Pieces of words are found in plain Python as the package finds them by which networks have learnt."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from netwright.build.pretrained import VOCABULARY_FILE, installed_encoder
from netwright.data.bert_words import word_pieces, words
from netwright.data.wordpiece import encode_pieces
from netwright.pretrained.trunks import ENCODER

LENGTH = 32
TEXTS = (
    *(
        "",
        " ",
        "Hello, wörld! 東京 is nice",
        "naïve NAÏVE Ｆｕｌｌ ﬁne",
        "don't stop-believing_in it",
        "İstanbul ΣΑΣ ὈΔΥΣΣΕΎΣ",
    ),
    *(
        "tab\tnew\nline\r\x0b\x0c\x85\u00a0\u2003\u3000end",
        "zero\u200bwidth\ufeff\u00ad\x00\x1f\ufffd",
        "한국어 조선말 ᄒᆞᆫ글",
    ),
    *("٣٤٥ ١٢ 12.5 % € $5 ~ ^ ` | + < = >", "👍🏽 👩‍👩‍👧 🇩🇪 🙂", "नमस्ते สวัสดี שָׁלוֹם", "[CLS] [SEP] [UNK] [PAD] ##ing"),
    *("x" * 100, "x" * 101, "a " * 500, "e\u0301" * 60, "\ud800 half", "「引用」…—–‐", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠀀𪜀𫝀\ue123"),
)


@pytest.fixture(scope="module")
def vocabulary() -> tuple[str, ...]:
    """Return the pieces that the encoder knows."""
    folder = installed_encoder(ENCODER)
    assert folder is not None
    return tuple((folder / VOCABULARY_FILE).read_text(encoding="utf-8").splitlines())


def whole(texts: list[str | None], vocabulary: tuple[str, ...], length: int) -> np.ndarray:
    """Return pieces (N, length), as wide as those of the package."""
    found = word_pieces(texts, vocabulary, length)
    return np.pad(found, ((0, 0), (0, length - found.shape[1])))


@pytest.mark.parametrize("length", [2, 3, 7, 64])
def test_texts_of_every_sort_are_parted_alike(length: int, vocabulary: tuple[str, ...]) -> None:
    """Of other scripts, with controls, halves of letters, marks and words that are too long; however few are read."""
    texts = [*TEXTS, None]
    assert (whole(texts, vocabulary, length) == encode_pieces(vocabulary, texts, length)).all()


def test_every_letter_is_read_alike(vocabulary: tuple[str, ...]) -> None:
    """Inside a word and alone; but for some that came with later versions of Unicode than the package knows."""
    codes = [*range(1, 0xD800), *range(0xE000, 0xE100), *range(0xF900, 0x1F000, 3), *range(0x1F000, 0x30000, 17)]
    texts: list[str | None] = [f"ab{chr(code)}cd {chr(code)}" for code in codes]
    differs = (whole(texts, vocabulary, LENGTH) != encode_pieces(vocabulary, texts, LENGTH)).any(axis=1)
    others = [chr(code) for code, one in zip(codes, differs, strict=True) if one]
    assert len(others) < 600
    old = [letter for letter in others if unicodedata.ucd_3_2_0.category(letter) != "Cn"]
    assert {*old} <= {"\u166d", "\u1734", "\u1885", "\u1886"}  # which Unicode has since counted otherwise


def test_words_are_small_and_without_accents() -> None:
    """Punctuation and ideographs stand alone."""
    assert words("Crème-brûlée, 5€!") == ["creme", "-", "brulee", ",", "5€", "!"]
    assert words("東京tower") == ["東", "京", "tower"]
    assert words("\u0301") == []

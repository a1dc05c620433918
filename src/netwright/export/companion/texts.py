"""Makes of texts what the model.onnx beside this file takes: code points, lengths, pieces of words and bytes.

The graph does the rest. It needs numpy; the normal forms of letters are those of Python's unicodedata.
"""

import re
import unicodedata
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHORT, LONG = 2_000, 20_000  # letters that are read of a column, and of all columns together
AT_ONCE = 2_000  # letters that are normalised together
LONGEST_PIECE, LONGEST_WORD = 5, 40
RANGES = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0xD7FF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
UNSPACED = "".join(f"{chr(low)}-{chr(high)}" for low, high in RANGES)  # letters of scripts without spaces
JOINERS = "\u200c\u200d"  # inside of words, as are marks on letters
MARKS = JOINERS + "".join(one for one in map(chr, range(0x300, 0x1F000)) if unicodedata.category(one).startswith("M"))


def plain(text: str, most: int) -> str:
    """Return the first letters of a text, normalised (NFKC) and in lower case."""
    cut = text[:most]
    pieces = (cut[start : start + AT_ONCE] for start in range(0, len(cut), AT_ONCE))
    return "".join(unicodedata.normalize("NFKC", piece) for piece in pieces).lower()[:most]


def code_points(texts: list[str], most: int) -> NDArray[np.int32]:
    """Return the letters of texts as numbers, 0 behind their end."""
    letters = [plain(text, most) for text in texts]
    found = np.zeros((len(texts), max(map(len, letters), default=1) or 1), np.int32)
    for row, text in enumerate(letters):
        found[row, : len(text)] = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    return found


def lengths(texts: list[str]) -> NDArray[np.float64]:
    """Return how many letters and words texts have; NaN where there is none."""
    counts = [[len(text), len(text.split())] if text else [np.nan, np.nan] for text in texts]
    return np.array(counts, np.float64)


def joined(columns: list[list[str]]) -> list[str]:
    """Return the texts of all columns of each row, one after the other."""
    most = LONG // max(1, len(columns))
    return ["\n".join(text[:most] for text in row if text) for row in zip(*columns, strict=True)]


def pieces(texts: list[str], known: list[str], length: int, marked: bool) -> NDArray[np.int32]:
    """Return the numbers of the first pieces of words of texts, counted from 1, 0 behind their end."""
    numbers = {piece: number for number, piece in enumerate(known, 1)}
    letter = rf"[^\W_{UNSPACED}]"
    word = re.compile(rf"[{UNSPACED}]|{letter}+{f'(?:[{MARKS}]+{letter}*)*' if marked else ''}|\S")
    found = np.zeros((len(texts), length), np.int32)
    for row, text in enumerate(texts):
        words = word.findall(plain(text, 8 * length))
        parted = [one for word in words for one in ([numbers[word]] if word in numbers else cut(word, numbers))]
        found[row, : len(parted[:length])] = parted[:length]
    return found


def cut(word: str, numbers: dict[str, int]) -> list[int]:
    """Return the longest known pieces of a word from the left; those inside a word have a + in front."""
    word, found, place = word[:LONGEST_WORD], [], 0
    while place < len(word):
        mark, longest = ("+", LONGEST_PIECE) if place else ("", LONGEST_WORD)
        ends = range(min(len(word), place + longest), place, -1)
        end = next((end for end in ends if mark + word[place:end] in numbers), 0)
        found += [numbers[mark + word[place:end]]] if end else []
        place = end or place + 1
    return found


def spelled(texts: list[str], length: int) -> NDArray[np.uint8]:
    """Return the first bytes of texts, 0 behind their end and 255 for a zero."""
    found = np.zeros((len(texts), length), np.uint8)
    for row, text in enumerate(texts):
        letters = text[:length].encode("utf-8", "surrogatepass")[:length].replace(b"\x00", b"\xff")
        found[row, : len(letters)] = np.frombuffer(letters, np.uint8)
    return found


def fed(columns: dict[str, list[str]], words: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the inputs that texts give, by the names that the graph has for them."""
    found: dict[str, NDArray[Any]] = {name: code_points(texts, SHORT) for name, texts in columns.items()}
    found |= {f"{name}: lengths": lengths(texts) for name, texts in columns.items()}
    rows = joined([*columns.values()])
    found["netwright: texts"] = code_points(rows, LONG)
    if "pieces" in words:
        found["netwright: pieces"] = pieces(rows, **words["pieces"])
    return found | ({"netwright: bytes": spelled(rows, words["bytes"])} if "bytes" in words else {})

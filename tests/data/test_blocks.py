"""A text is cut into blocks of whole rows, wherever the pieces end in which it is read."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.data import blocks as cut
from netwright.data.blocks import Block, Marks, Span, blocks, drawn, opened_rows, read_span, row_ends
from netwright.errors import NotATable

LINES = Marks(10, 34)


def rows_of(found: list[Block]) -> list[bytes]:
    """Return all rows of some blocks."""
    return [block.row(block.first + place) for block in found for place in range(len(block.ends))]


@given(
    st.lists(st.lists(st.text("ab,\n é", max_size=6), min_size=1, max_size=3), min_size=1, max_size=20),
    st.integers(1, 40),
)
def test_rows_are_whole_wherever_pieces_end(cells: list[list[str]], size: int) -> None:
    """Quoted line ends are part of a cell; numbers and places go on from block to block."""
    rows = [",".join(f'"{cell}"' for cell in row).encode() + b"\n" for row in cells]
    content = b"".join(rows)
    before, cut.BLOCK = cut.BLOCK, size
    try:
        found = [block for block, _ in blocks(io.BytesIO(content), LINES, 100, "it")]
    finally:
        cut.BLOCK = before
    assert rows_of(found) == rows
    assert b"".join(block.content for block in found) == content
    assert [block.start - 100 for block in found] == [
        sum(len(one.content) for one in found[:n]) for n in range(len(found))
    ]
    assert [block.first for block in found] == [sum(len(one.ends) for one in found[:n]) for n in range(len(found))]


def test_rows_can_be_taken_out_of_a_block() -> None:
    """The first, the last, none, all."""
    content = b"a\nbb\nccc\n"
    block = Block(7, 0, content, row_ends(content, LINES))
    assert block.without(np.array([], np.int64)) == content
    assert block.without(np.array([7])) == b"bb\nccc\n"
    assert block.without(np.array([8])) == b"a\nccc\n"
    assert block.without(np.array([7, 9])) == b"bb\n"
    assert block.without(np.array([7, 8, 9])) == b""


def test_a_last_line_without_an_end_is_a_row() -> None:
    """It gets one."""
    found = [block for block, _ in blocks(io.BytesIO(b"a\nb"), LINES, 0, "it")]
    assert rows_of(found) == [b"a\n", b"b\n"]


def test_a_quote_inside_a_word_does_not_swallow_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """From a row on that would be too long, quotes are no longer looked at."""
    monkeypatch.setattr(cut, "BLOCK", 16)
    monkeypatch.setattr(cut, "LONGEST_ROW", 64)
    content = b'a\n5" disk\n' + b"plain row\n" * 30
    found = [*blocks(io.BytesIO(content), LINES, 0, "it")]
    assert b"".join(rows_of([block for block, _ in found])) == content
    assert sum(len(block.ends) for block, _ in found) > 25
    assert found[-1][1].quote is None


def test_a_line_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before all of it is in memory."""
    monkeypatch.setattr(cut, "BLOCK", 16)
    monkeypatch.setattr(cut, "LONGEST_ROW", 64)
    file = io.BytesIO(b"x" * 10_000)
    with pytest.raises(NotATable, match="a line of more than"):
        [*blocks(file, LINES, 0, "it")]
    assert file.tell() <= 96


def test_a_block_is_read_again_from_its_place(tmp_path: Path) -> None:
    """Also the last one, whose line has no end; a file that has become shorter is told of."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"head\na\nb")
    found = [*blocks(io.BytesIO(b"a\nb"), LINES, 5, path)]
    spans = [Span(one.first, len(one.ends), one.start, len(one.content), marks) for one, marks in found]
    assert rows_of([read_span(path, span) for span in spans]) == [b"a\n", b"b\n"]
    path.write_bytes(b"he")
    with pytest.raises(NotATable, match="changed while it was read"):
        read_span(path, Span(0, 2, 0, 4, LINES))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_as_utf_8(encoding: str, tmp_path: Path) -> None:
    """In pieces that end anywhere, packed or not."""
    text = "größe,尺\n😀,1\n" * 50
    for path, content in (
        (tmp_path / "a", text.encode(encoding)),
        (tmp_path / "b", gzip.compress(text.encode(encoding))),
    ):
        path.write_bytes(content)
        with opened_rows(path, encoding) as file:
            read = b"".join(iter(lambda: file.read(7), b""))
        assert read.decode() == text


def test_rows_are_drawn_without_repeats() -> None:
    """Each as likely, the same ones for a seed, and all where there are no more."""
    numbers = drawn(1_000_000, 5_000, 0)
    assert len(np.unique(numbers)) == 5_000 and (np.diff(numbers) > 0).all()
    assert abs(numbers.mean() - 500_000) < 15_000
    np.testing.assert_array_equal(numbers, drawn(1_000_000, 5_000, 0))
    assert drawn(3, 3, 0).tolist() == [0, 1, 2]

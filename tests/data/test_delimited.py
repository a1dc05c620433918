"""Delimited text in its many dialects."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwright.data.delimited import Dialect, decode, find_dialect, read_delimited
from netwright.errors import DataError, EmptyTable, NotATable, RaggedRow


def cells(text: str | bytes) -> tuple[list[str], list[list[str | None]]]:
    """Return the header and the rows of a text."""
    table = read_delimited(text if isinstance(text, bytes) else text.encode(), "t.csv")
    rows = [[None if pd.isna(cell) else cell for cell in row] for row in table.to_numpy(dtype=object).tolist()]
    return list(table.columns), rows


PLAIN = (["a", "b"], [["1", "x"], ["2", "y"]])


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,x\n2,y\n",
        "a,b\r\n1,x\r\n2,y",
        "a;b\n1;x\n2;y\n",
        "a\tb\n1\tx\n2\ty\n",
        "a|b\n1|x\n2|y\n",
        "\ufeffa,b\n1,x\n2,y\n",
        "sep=;\na;b\n1;x\n2;y\n",
        "sep=§\na§b\n1§x\n2§y\n",
        "# made by hand\n# on a Monday, at noon\n\na,b\n1,x\n2,y\n",
        "\n\na,b\n\n1,x\n\n2,y\n\n",
        '"a","b"\n"1","x"\n"2","y"\n',
        "'a','b'\n'1','x'\n'2','y'\n",
        'a, "b"\n1, "x"\n2, "y"\n',
        "a,b\n1,x,\n2,y,\n",
        "#a,b\n1,x\n2,y\n",
        "# a,b\n1,x\n2,y\n",
    ],
)
def test_dialects_of_one_table_give_one_table(text: str) -> None:
    """Separators, line ends, quotes, marks, comments and stray separators make no difference."""
    assert cells(text) == PLAIN


@pytest.mark.parametrize("stated", ['"', "\r"], ids=["quote", "line end"])
def test_what_cannot_part_cells_is_stated_in_vain(stated: str) -> None:
    """The line is then the header of a column; nothing that is stated ends a command without a sentence."""
    assert cells(f"sep={stated}\n1\n2\n")[1][-2:] == [["1"], ["2"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk"])
def test_chinese_is_read_in_every_encoding(encoding: str) -> None:
    """The letters are those that were written."""
    text = "城市,價格,comment\n北京,1,很好\n上海,2,不太好\n"
    assert cells(text.encode(encoding)) == (
        ["城市", "價格", "comment"],
        [["北京", "1", "很好"], ["上海", "2", "不太好"]],
    )


def test_a_few_bytes_that_are_no_utf_8_cost_their_letters_alone() -> None:
    """The others are read as they are meant; a text of which most is none has another encoding."""
    rows = ["这家酒店很干净", "朝食が美味しかった", "naïve 😀", "größer"] * 5
    content = "\n".join(["text", *rows]).encode() + b"\nbroken \xff\xfe here"
    assert decode(content) == "\n".join(["text", *rows, "broken \ufffd\ufffd here"])
    for text, encoding in (("größe\nMélanie à Évian", "latin-1"), ("这家酒店很干净\n早餐非常好吃", "gb18030")):
        assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252"])
def test_western_letters_are_read_in_every_encoding(encoding: str) -> None:
    """Accents are not mistaken for Chinese, not even before other letters."""
    text = "prénom,ville\nMélanie,Orléans\nHélène,Besançon\nJürgen,Köln\n"
    assert cells(text.encode(encoding))[1] == [["Mélanie", "Orléans"], ["Hélène", "Besançon"], ["Jürgen", "Köln"]]


def test_the_euro_sign_of_windows_is_read() -> None:
    """Windows-1252 has signs where Latin-1 has none."""
    assert decode("price\n€ 5 – “new”".encode("cp1252")) == "price\n€ 5 – “new”"


def test_cells_stay_as_they_are_written() -> None:
    """No cell is taken for a number, a date or a missing value; only empty ones are missing."""
    header, rows = cells('a,b,c\n007,NA,1e5\n,"",true\n1_0, ,2024-01-01\n')
    assert header == ["a", "b", "c"]
    assert rows[0] == ["007", "NA", "1e5"] and rows[1] == [None, None, "true"] and rows[2][0] == "1_0"


def test_quoted_cells_hold_separators_quotes_and_lines() -> None:
    """What stands between quotes is one cell."""
    assert cells('a,b\n"1,5","say ""yes"""\n"two\nlines",y\n')[1] == [["1,5", 'say "yes"'], ["two\nlines", "y"]]


def test_decimal_commas_do_not_mislead() -> None:
    """The separator is that of the header, however many commas the numbers have."""
    assert cells("a;b;c\n1,5;2,5;3,5\n4,5;5,5;6,5\n")[1][0] == ["1,5", "2,5", "3,5"]


def test_short_rows_are_filled_up() -> None:
    """A row that ends early has missing cells; comments among the rows are passed over."""
    assert cells("a,b,c\n1,2,3\n4\n# note\n5,6\n")[1] == [["1", "2", "3"], ["4", None, None], ["5", "6", None]]


def test_long_rows_are_named_by_line() -> None:
    """A row with more cells than the header is an error that says where."""
    with pytest.raises(RaggedRow, match=r"Line 5 of t\.csv has 3 cells, but the header has 2"):
        read_delimited(b"# comment\na,b\n1,x\n\n2,y,z\n", "t.csv")


@pytest.mark.parametrize(
    "text, names",
    [
        ("5.1,3.5,setosa\n4.9,3.0,setosa\n", ["column 1", "column 2", "column 3"]),
        ("7,3,9\n1,2,3\n", ["column 1", "column 2", "column 3"]),
        ("0,1,2\n5,3,9\n", ["0", "1", "2"]),
        ("country,2019,2020\nA,3,9\n", ["country", "2019", "2020"]),
        (",b\n0,x\n", ["column 1", "b"]),
        ("#,b\n0,x\n", ["#", "b"]),
        (" a , b\n0,x\n", ["a", "b"]),
    ],
)
def test_the_header_is_told_from_data(text: str, names: list[str]) -> None:
    """A first row of numbers is data, unless it counts; columns without a name are numbered."""
    assert cells(text)[0] == names


def test_columns_parted_by_blanks_are_read() -> None:
    """Tables of numbers set in columns with blanks are tables too."""
    assert cells("a  b   c\n1.0 2.0  3.0\n 4.0 5.0 6.0\n") == (
        ["a", "b", "c"],
        [["1.0", "2.0", "3.0"], ["4.0", "5.0", "6.0"]],
    )


def test_one_column_is_a_table() -> None:
    """Text without a separator is one column."""
    assert cells("word\nhello there\nyes\n") == (["word"], [["hello there"], ["yes"]])


@pytest.mark.parametrize(
    "content, error, words",
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", NotATable, "binary"),
        (bytes(range(1, 32)) * 9, NotATable, "binary"),
        (b"\n \n\n", EmptyTable, "blank"),
        (b"# only\n#\n", EmptyTable, "blank"),
        (b'a,b\n1,"x\n2,y\n' + b"3,z\n" * 60_000, NotATable, "quoted cell does not end"),
        (b'a,b\n"x"y",1\n' + b"z" * 140_000 + b",2\n", NotATable, "more than 131,072 letters"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, error: type[DataError], words: str) -> None:
    """Binary data, nothing but comments, and quotes without end each have a sentence."""
    with pytest.raises(error, match=words):
        read_delimited(content, "t.csv")


def test_thousands_of_columns_are_read() -> None:
    """Width is no obstacle."""
    names = [f"c{place}" for place in range(5_000)]
    text = ",".join(names) + "\n" + "\n".join(",".join(map(str, range(5_000))) for _ in range(3))
    header, rows = cells(text)
    assert header == names and len(rows) == 3 and rows[2][4_999] == "4999"


WORDS = st.text(alphabet="ab1.,;\"' \n#é漢", max_size=5)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 4).flatmap(
        lambda width: st.lists(st.lists(WORDS, min_size=width, max_size=width), min_size=1, max_size=5)
    )
)
def test_what_a_csv_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    """Whatever the cells hold, quotes, lines and separators included, they come back."""
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerows([[f"name{place}" for place in range(len(rows[0]))], *rows])
    assert cells(file.getvalue())[1] == [[cell or None for cell in row] for row in rows]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    """Any bytes are a table or one of our errors."""
    try:
        table = read_delimited(b"a,b\n" + content, "t.csv")
    except DataError:
        return
    assert isinstance(table, pd.DataFrame)


def test_single_quotes_need_to_be_the_rule() -> None:
    """An apostrophe here and there is a letter."""
    assert find_dialect(["a,b\n", "'s is,x\n", "it's,y\n"]) == Dialect(",", '"')


def test_a_line_of_very_many_tabs_is_cut_at_once() -> None:
    """To look for quotes took the square of their number: for these, minutes."""
    found = find_dialect(["a\tb\n", "1" + "\t" * 100_000 + "2\n", "1\t2\n"])
    assert found.separator == "\t" and found.quote == '"'

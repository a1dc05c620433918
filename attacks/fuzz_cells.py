"""Cells, names and texts that are hard to read: one by one, and as columns that a table may have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

ODD = (
    *("", " ", "\t", "\u00a0", "\u200b", "\ufeff", "\u2028", "NA", "nan", "NaN", "None", "null", "-", "?", "#REF!"),
    *("inf", "-inf", "∞", "1e400", "-1e400", "1e-400", "0x1F", "1_000", "1,5", "1.234,5", "1,234.5", "$5", "5 %"),
    *("(3)", "--1", "+-1", "−5", "１２３", "٣٤", "²", "½", "Ⅷ", "१२", "1e", ".", "e5", "00012", "1" * 30, "9" * 400),
    *("2024-13-45", "0000-00-00", "9999-12-31T23:59:60Z", "31/02/2024", "12:60", "-0044-03-15", "99999-01-01", "24:00"),
    *("1e18", "253402300800", "-62135596801", "18446744073709551616", "-9223372036854775809", "true", "TRUE", "Ja"),
    *("[1,2]", "{}", '{"a":[', '"', "'", '""', 'a"b', "a'b", "a,b", "a;b", "a\tb", "a|b", "a\nb", "a\r\nb", "#", "# a"),
    *(
        "\x1b[31m",
        "\x07",
        "\u202eabc",
        "e" + 60 * "\u0301",
        "👩\u200d👩\u200d👧",
        "汉字",
        "नमस्ते",
        "ﷺ",
        "İ",
    ),
    *("ß", "\U0010ffff", "=1+1", "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "{{7*7}}", "%s%n", "$(id)"),
    *("../../../etc/passwd", "cat.png", "x" * 300 + ".jpg", "http://x/y.png", ".wav", "/dev/zero"),
)
LENGTHS = (1_000, 10_000, 10_000, 70_000)  # letters of a long cell
NAMES = ("", " ", "a", "a", "A", "target", "target ", "Unnamed: 0", "0", "1", "index", "id", "class", "part", "image")
WORDS = ("red", "green", "blue", "quite good", "very bad", "rather plain", "größe", "赤い")

Column = Callable[[Random, int], list[str]]


def odd_cell(draw: Random) -> str:
    """Return a cell that is hard to read; now and then a long one."""
    if draw.random() < 0.03:
        start, end = (
            draw.choice(("", "", "1", "a", "2024-01-01 10:00", "5 jan", "$")),
            draw.choice(("", "", "x", "%", ".")),
        )
        return (
            start
            + draw.choice(("a", "1", " ", ",", '"', "漢", "\n", "\t", "1 ", "1,000", "- ")) * draw.choice(LENGTHS)
            + end
        )
    if draw.random() < 0.002:
        return draw.choice(("\0", "a\0b", "a\0b.png"))  # a zero makes a file binary, and nothing more is read of it
    if draw.random() < 0.1:
        return "".join(
            chr(draw.choice((draw.randrange(32, 128), draw.randrange(32, 0xD800), 0x1F600))) for _ in range(6)
        )
    return draw.choice(ODD)


def odd_name(draw: Random) -> str:
    """Return the name of a column."""
    return odd_cell(draw) if draw.random() < 0.3 else draw.choice(NAMES)


def _numbers(draw: Random, rows: int) -> list[str]:
    scale, digits = 10.0 ** draw.randrange(-12, 13), draw.choice((0, 2, 17))
    return [f"{draw.gauss(0, 1) * scale:.{digits}f}" for _ in range(rows)]


def _extremes(draw: Random, rows: int) -> list[str]:
    return [draw.choice(("1e308", "-1e308", "5e-324", "0", "-0.0", "1", "1.0000000000000002")) for _ in range(rows)]


def _words(draw: Random, rows: int) -> list[str]:
    few = draw.sample(WORDS, draw.randrange(1, 5))
    return [draw.choice(few) for _ in range(rows)]


def _sentences(draw: Random, rows: int) -> list[str]:
    return [" ".join(draw.choice(WORDS) for _ in range(draw.randrange(3, 12))) for _ in range(rows)]


def _dates(draw: Random, rows: int) -> list[str]:
    form = draw.choice(("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%y %H:%M", "%d %b %Y", "%Y%m%d", "%H:%M:%S"))
    first = datetime(draw.choice((1, 1700, 1970, 2024, 9990)), 1, 1)
    moments = (first + timedelta(days=draw.randrange(3000), seconds=draw.randrange(86400)) for _ in range(rows))
    return [moment.strftime(form) for moment in moments]


def _truths(draw: Random, rows: int) -> list[str]:
    pair = draw.choice((("true", "false"), ("yes", "no"), ("1", "0"), ("Y", "n")))
    return [draw.choice(pair) for _ in range(rows)]


def _places(draw: Random, rows: int) -> list[str]:
    start = draw.choice((0, 1, 1990, 10**15))
    return [str(start + place) for place in range(rows)]


def _constant(draw: Random, rows: int) -> list[str]:
    return [odd_cell(draw)[:50]] * rows


def _anything(draw: Random, rows: int) -> list[str]:
    return [odd_cell(draw) for _ in range(rows)]


COLUMNS: tuple[Column, ...] = (
    *(_numbers, _extremes, _words, _words, _sentences, _dates, _truths, _places, _constant, _anything),
)


def column(draw: Random, rows: int) -> list[str]:
    """Return the cells of a column; of most of them a few cells are odd."""
    cells = draw.choice(COLUMNS)(draw, rows)
    share = draw.choice((0.0, 0.0, 0.02, 0.1, 0.5))
    return [odd_cell(draw) if draw.random() < share else cell for cell in cells]

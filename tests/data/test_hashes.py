"""Equal rows have equal numbers, and other rows others."""

from __future__ import annotations

import numpy as np

from netwright.data.frame import Frame
from netwright.data.hashes import row_hashes


def frame(rows: int) -> tuple[Frame, np.ndarray]:
    """Return rows of all kinds of cells, with many that are equal, and their truth."""
    generator = np.random.default_rng(0)
    words = np.array(["a", "b", "尺", None], object)
    return (
        Frame(
            {
                "number": generator.choice([0.5, 1.5, np.nan], rows),
                "word": words[generator.integers(0, 4, rows)],
                "day": generator.choice(np.array(["2024-01-01", "NaT"], "M8[s]"), rows),
            },
            rows,
        ),
        generator.integers(0, 2, rows),
    )


def test_numbers_are_equal_where_all_cells_and_the_truth_are() -> None:
    """Compared with the cells themselves."""
    rows, truth = frame(400)
    numbers = row_hashes(rows, truth)
    cells = [tuple(map(str, row)) for row in zip(*rows.columns.values(), truth, strict=True)]
    known = dict(zip(cells, numbers.tolist(), strict=True))
    assert [known[row] for row in cells] == numbers.tolist()
    assert len({*known.values()}) == len(known) > 20


def test_a_row_s_number_hangs_on_itself_alone() -> None:
    """Whatever rows stand beside it."""
    rows, truth = frame(50)
    whole = row_hashes(rows, truth)
    for place in (0, 7, 49):
        alone = row_hashes(rows.take(np.array([place])), truth[[place]])
        assert alone.tolist() == [whole[place]]


def test_zero_and_missing_have_one_number_each() -> None:
    """However they are written in bits; and columns are not exchanged."""
    odd = np.frombuffer(np.array([0x7FF8000000000001], np.uint64).tobytes(), np.float64)[0]
    cells = np.array([0.0, -0.0, np.nan, odd])
    truth = np.zeros(4)
    numbers = row_hashes(Frame({"a": cells}, 4), truth)
    assert numbers[0] == numbers[1] != numbers[2] == numbers[3]
    one, two = np.array([1.0]), np.array([2.0])
    assert row_hashes(Frame({"a": one, "b": two}, 1), one) != row_hashes(Frame({"a": two, "b": one}, 1), one)

"""Tags that mark entities, from one scheme to another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwright.data.tags import Span, as_iob2, iob2_labels, marks_entities, spans_of

SCHEMES = {
    "IOB1": "I-PER I-PER O I-LOC B-LOC O",
    "IOB2": "B-PER I-PER O B-LOC B-LOC O",
    "BIOES": "B-PER E-PER O S-LOC S-LOC O",
    "BILOU": "B-PER L-PER O U-LOC U-LOC O",
    "BMES": "B-PER E-PER O S-LOC S-LOC O",
}


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_says_the_same(name: str) -> None:
    """One person of two tokens, and two places side by side."""
    tags = SCHEMES[name].split()
    assert spans_of(tags) == [Span(0, 1, "PER"), Span(3, 3, "LOC"), Span(4, 4, "LOC")]
    assert as_iob2(tags) == SCHEMES["IOB2"].split()


def test_middle_tags_and_unknown_ones() -> None:
    """A token whose tag nobody knows ends an entity, and stays unknown."""
    assert spans_of(["B-A", "M-A", "E-A"]) == [Span(0, 2, "A")]
    assert as_iob2(["B-A", None, "I-A", "I-B"]) == ["B-A", None, "B-A", "B-B"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.sampled_from("AB")), max_size=6))
def test_spans_survive(entities: list[tuple[int, int, str]]) -> None:
    """From spans to tags and back, however near they are to each other."""
    tags: list[str | None] = []
    spans = []
    for gap, length, kind in entities:
        tags += ["O"] * gap
        spans.append(Span(len(tags), len(tags) + length - 1, kind))
        tags += [f"B-{kind}"] + [f"I-{kind}"] * (length - 1)
    assert spans_of(tags) == spans
    assert as_iob2(tags) == tags


def test_parts_of_speech_are_no_entities() -> None:
    """Nor is one tag without a type."""
    assert marks_entities(["O", "B-PER", "I-PER"]) and marks_entities(["S-X"])
    assert not marks_entities(["NOUN", "VERB"]) and not marks_entities(["O"]) and not marks_entities(["B-", "O"])
    assert iob2_labels(["I-LOC", "O", "B-PER"]) == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")

"""Tags of tokens that mark entities: from any of the usual schemes to one, as numbers, and to spans.

In the scheme IOB2 (Tjong Kim Sang and Veenstra 1999) the first token of an entity has the tag `B-` and its type, each
further one `I-`, and all others have `O`. As class numbers these are 0 for `O`, and 2k + 1 and 2k + 2 for `B-` and `I-`
of type k, so that numbers alone tell where entities lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

OUTSIDE = "O"
_FIRST, _LAST, _INSIDE = "BSU", "ESLU", "BIESLMU"  # of IOB, BIOES, BILOU and BMES


@dataclass(frozen=True)
class Span:
    """An entity: of tokens `first` to `last`, both in it."""

    first: int
    last: int
    kind: str


def marks_entities(tags: Iterable[str]) -> bool:
    """Return whether tags mark entities, rather than give each token a tag of its own, such as its part of speech."""
    distinct = set(tags) - {OUTSIDE}
    return bool(distinct) and all(tag[:1] in _INSIDE and tag[1:2] == "-" and len(tag) > 2 for tag in distinct)


def spans_of(tags: Sequence[str | None]) -> list[Span]:
    """Return the entities of a sentence, in any of the schemes IOB1, IOB2, BIOES, BILOU and BMES.

    A tag that continues nothing begins an entity, as in the scorer of CoNLL-2000.
    """
    spans: list[Span] = []
    ended = True
    for place, tag in enumerate(tags):
        if tag is None or tag == OUTSIDE:
            ended = True
            continue
        mark, kind = tag[:1], tag[2:]
        if ended or mark in _FIRST or spans[-1].kind != kind:
            spans.append(Span(place, place, kind))
        else:
            spans[-1] = Span(spans[-1].first, place, kind)
        ended = mark in _LAST
    return spans


def as_iob2(tags: Sequence[str | None]) -> list[str | None]:
    """Return the tags of a sentence in the scheme IOB2; unknown ones stay so."""
    found: list[str | None] = [None if tag is None else OUTSIDE for tag in tags]
    for span in spans_of(tags):
        for place in range(span.first, span.last + 1):
            found[place] = f"{'B' if place == span.first else 'I'}-{span.kind}"
    return found


def iob2_labels(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the classes for tags: `O`, and both tags of each type in alphabetical order."""
    kinds = sorted({tag[2:] for tag in tags if tag != OUTSIDE})
    return (OUTSIDE, *(f"{mark}-{kind}" for kind in kinds for mark in "BI"))

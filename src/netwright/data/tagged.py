"""Sentences whose tokens have tags, from files: CoNLL columns, JSON lines, or plain text to be tagged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from netwright.data.cells import read_number
from netwright.data.delimited import decode
from netwright.data.halves import read_json
from netwright.data.reading import as_table, file_content, read_table
from netwright.data.tags import OUTSIDE, marks_entities, spans_of
from netwright.data.words import word_spans
from netwright.errors import EmptyTable, NotATable

SENTENCE, TOKEN, TAG, START, END = "sentence", "token", "tag", "start", "end"
"""Columns of the table: the number of the sentence, the token, its tag; and where it stands in its text, if known."""

TABLES = (".csv", ".tsv", ".parquet", ".xlsx")
CONLL, JSON_LINES = (".conll", ".iob", ".iob2", ".bio"), (".jsonl", ".ndjson", ".json")
LISTS = ("spans", "entities", "labels", "label")  # names that spans have in records of common tools
TAG_LISTS = ("tags", "ner_tags", "labels")

DIGITS = 6  # of a probability after the point
LOOKED_AT = 2_000  # tokens that tell whether a table is one of tokens
MOSTLY = 0.8  # of them are single words; of the sentences hold different parts of speech
FEWEST_TOKENS = 2  # of a sentence on average
_OF_TAGS = "of tags"  # among the attributes of a table: it was read from a file of sentences


@dataclass(frozen=True)
class _Sentence:
    tokens: list[str]
    tags: Sequence[str | None]
    starts: list[int]
    ends: list[int]


def is_tagged(table: pd.DataFrame) -> bool:
    """Return whether a table has the columns of sentences and tokens."""
    return {SENTENCE, TOKEN} <= {*table.columns}


def looks_tagged(table: pd.DataFrame, target: str) -> bool:
    """Return whether a table holds tagged tokens, and not only columns that are named as theirs.

    A file of CoNLL columns does. In any other table the tokens are single words, the tokens of a sentence follow each
    other, and the tags mark entities or are words that differ within a sentence, as parts of speech do.
    """
    if not is_tagged(table) or target in (SENTENCE, TOKEN) or target not in table.columns:
        return False
    if table.attrs.get(_OF_TAGS):
        return True
    sentences, codes, tags = sentence_numbers(table), *pd.factorize(table[target])
    words = [token for token in table[TOKEN].iloc[:LOOKED_AT] if isinstance(token, str)]
    single = sum(len(word.split()) <= 1 for word in words)
    if single < MOSTLY * min(LOOKED_AT, len(table)) or len(table) < FEWEST_TOKENS * (sentences[-1] + 1):
        return False
    if not all(isinstance(tag, str) for tag in tags):
        return False
    if marks_entities(tags):
        return True
    differing = np.unique(sentences[1:][(np.diff(sentences) == 0) & (np.diff(codes) != 0)])
    several = np.count_nonzero(np.bincount(sentences) > 1)
    named = not any(tag.strip() == "" or len(tag.split()) > 1 or np.isfinite(read_number(tag)) for tag in tags)
    return named and bool(len(differing) >= MOSTLY * several)


def sentence_numbers(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of the sentence of each row (N,), from 0: rows one after the other that say the same."""
    codes = pd.factorize(table[SENTENCE], use_na_sentinel=False)[0]
    begins = np.concatenate([np.zeros(1, np.int64), (np.diff(codes) != 0).astype(np.int64)])[: len(codes)]
    return np.asarray(np.cumsum(begins), np.int64)


def read_tagged(source: Any) -> pd.DataFrame:
    """Return one row a token.

    Args:
        source: a file of CoNLL columns (the token first, its tag last, blank lines between sentences), of JSON lines
            (objects with `tokens` and `tags`, or `text` and `spans`, each with `start`, `end` and `label`), or of plain
            text, a sentence a line; or a table or pandas frame with the columns sentence and token.

    Raises:
        DataError: if there is no such file, or it is none of these.
    """
    if isinstance(source, pd.DataFrame | np.ndarray):
        return as_table(source)
    if not isinstance(source, str | Path):
        raise NotATable(f"A {type(source).__name__}", "it is neither a path nor a pandas data frame")
    path = Path(source)
    if path.suffix.lower() in TABLES:
        return read_table(path)
    text = decode(file_content(path))
    if path.suffix.lower() in JSON_LINES or text.lstrip()[:1] == "{":
        sentences = _of_json(path, text)
    elif path.suffix.lower() in (".txt", ".text"):
        sentences = (_of_text(line, None) for line in _lines(text) if line.strip())
    else:
        sentences = _of_columns(path, text)
    table = _as_table(list(sentences))
    if not len(table):
        raise EmptyTable(path, "it holds no token")
    return table


def tokens_of(text: str) -> list[tuple[int, int]]:
    """Return where the tokens of a text begin and end."""
    return word_spans(text)


def _as_table(sentences: list[_Sentence]) -> pd.DataFrame:
    lengths = [len(sentence.tokens) for sentence in sentences]
    flat: dict[str, list[Any]] = {
        TOKEN: [token for sentence in sentences for token in sentence.tokens],
        TAG: [tag for sentence in sentences for tag in sentence.tags],
        START: [start for sentence in sentences for start in sentence.starts],
        END: [end for sentence in sentences for end in sentence.ends],
    }
    columns: dict[str, Any] = {SENTENCE: np.repeat(np.arange(len(sentences)), lengths)}
    columns |= {TOKEN: pd.Series(flat[TOKEN], dtype=object), TAG: pd.Series(flat[TAG], dtype=object)}
    table = pd.DataFrame(columns)
    placed = len(flat[END]) == len(table) and any(flat[END])
    table = table.assign(start=flat[START], end=flat[END]) if placed else table
    table.attrs[_OF_TAGS] = True
    return table


def _of_columns(path: Path, text: str) -> Iterator[_Sentence]:
    """Yield sentences of CoNLL columns; with a single column there are no tags."""
    usual = 0

    def sentence(lines: list[tuple[int, list[str]]]) -> _Sentence:
        nonlocal usual
        usual = usual or len(lines[0][1])
        for number, cells in lines:
            if len(cells) != usual:
                raise NotATable(path, f"line {number} has {len(cells)} columns, where others have {usual}")
        tags = [cells[-1] if usual > 1 else None for _, cells in lines]
        return _Sentence([cells[0] for _, cells in lines], tags, [], [])

    block: list[tuple[int, list[str]]] = []
    for number, line in enumerate(_lines(text), 1):
        if not line.strip() or line.startswith("-DOCSTART-"):
            if block:
                yield sentence(block)
            block = []
            continue
        cells = line.split("\t") if "\t" in line else line.split()
        tagged = len(cells) == usual and (cells[-1] == OUTSIDE or marks_entities(cells[-1:]))
        if block or tagged or not line.startswith("# "):  # else a comment in front of a sentence
            block.append((number, [cell.strip() for cell in cells]))
    if block:
        yield sentence(block)


def _lines(text: str) -> list[str]:
    """Return lines as files part them: other signs that end a line somewhere may stand in a token."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _of_json(path: Path, text: str) -> Iterator[_Sentence]:
    for number, line in enumerate(_lines(text), 1):
        if not line.strip():
            continue
        try:
            record = read_json(line)
        except (ValueError, RecursionError) as error:
            raise NotATable(path, f"line {number} is no JSON object") from error
        found = _of_record(record) if isinstance(record, dict) else None
        if found is None:
            raise NotATable(path, f"line {number} holds neither tokens with tags nor a text with spans")
        if found.tokens:
            yield found


def _of_record(record: dict[str, Any]) -> _Sentence | None:
    """Return the sentence of a record; None if it is none."""
    listed = isinstance(record.get("tokens"), list) and any(name in record for name in TAG_LISTS)
    if isinstance(record.get("text"), str) and not listed:
        lists = [record[name] for name in LISTS if isinstance(record.get(name), list)]
        spans = [_span(one) for one in lists[0]] if lists else None
        if spans is not None and None in spans:
            return None
        return _of_text(record["text"], None if spans is None else [span for span in spans if span])
    tokens = record.get("tokens")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        return None
    tags = next((record[name] for name in TAG_LISTS if isinstance(record.get(name), list)), [None] * len(tokens))
    fits = len(tags) == len(tokens) and all(isinstance(tag, str | None) for tag in tags)
    return _Sentence(tokens, tags, [], []) if fits else None


def _span(one: Any) -> tuple[int, int, str] | None:
    """Return start, end and type of an object or a list of these three; None if it is none."""
    values = (one.get("start"), one.get("end"), one.get("label")) if isinstance(one, dict) else one
    if not isinstance(values, list | tuple) or len(values) != 3:
        return None
    start, end, label = values
    right = type(start) is int and type(end) is int and isinstance(label, str) and label.strip()
    return (start, end, label) if right and 0 <= start < end else None


def _of_text(text: str, spans: list[tuple[int, int, str]] | None) -> _Sentence:
    """Return the tokens of a text, those that a span touches with its type; without spans no tag is known."""
    places = tokens_of(text)
    tags: list[str | None] = [None if spans is None else OUTSIDE] * len(places)
    for start, end, kind in sorted(spans or []):
        mark = "B"
        for number, (first, last) in enumerate(places):
            if first < end and last > start and tags[number] == OUTSIDE:
                tags[number], mark = f"{mark}-{kind}", "I"
    return _Sentence([text[a:b] for a, b in places], tags, [a for a, _ in places], [b for _, b in places])


# --- writing -------------------------------------------------------------------------------------------------------


def as_conll(table: pd.DataFrame) -> str:
    """Return tokens and tags, tab between them, with a blank line after each sentence."""
    lines, tag = [], _tag_column(table)
    for places in _places_of_sentences(table):
        sentence = table.iloc[places]
        cells = (map(_unbroken, sentence[name]) for name in (TOKEN, tag))
        lines += [f"{token}\t{one}" for token, one in zip(*cells, strict=True)]
        lines.append("")
    return "\n".join(lines) + "\n"


def _places_of_sentences(table: pd.DataFrame) -> list[NDArray[np.intp]]:
    """Return the places of the rows of each sentence: two may have the same name, or none."""
    return np.split(np.arange(len(table)), np.flatnonzero(np.diff(sentence_numbers(table))) + 1)


def _unbroken(cell: Any) -> str:
    """Return a cell as text in which nothing ends a line or a column; of a missing token there is none."""
    return "" if pd.isna(cell) else re.sub(r"[\t\r\n]+", " ", str(cell))


def chances_of(table: pd.DataFrame) -> NDArray[np.float64] | None:
    """Return the probability (N,) of each answered tag of a table of answers; None if none was asked for."""
    tag = _tag_column(table)
    names = [name for name in table.columns if name.startswith(f"{tag}=")]
    if not names:
        return None
    places = {name.removeprefix(f"{tag}="): place for place, name in enumerate(names)}
    chosen = np.array([places[str(one)] for one in table[tag]], np.int64)
    return np.asarray(table[names].to_numpy(np.float64)[np.arange(len(table)), chosen])


def _tag_column(table: pd.DataFrame) -> str:
    return next(name for name in table.columns if name not in (SENTENCE, TOKEN, START, END))


def as_json_lines(table: pd.DataFrame) -> str:
    """Return an object a sentence: its tokens and tags, and its entities by their places in the text, if known.

    Where probabilities were asked for, `scores` are those of the tags, and the `score` of an entity is its lowest.
    """
    lines, tag, chances = [], _tag_column(table), chances_of(table)
    for places in _places_of_sentences(table):
        sentence = table.iloc[places]
        tokens = ["" if pd.isna(token) else token for token in sentence[TOKEN].tolist()]
        tags = [str(one) for one in sentence[tag]]
        scores = None if chances is None else [round(chance, DIGITS) for chance in chances[places].tolist()]
        entities = spans_of(tags) if marks_entities(tags) else []
        edges = (sentence[START].tolist(), sentence[END].tolist()) if START in sentence else None
        spans = []
        for span in entities:
            start, end = (edges[0][span.first], edges[1][span.last]) if edges else (span.first, span.last + 1)
            inside = slice(span.first, span.last + 1)
            found = {"start": start, "end": end, "label": span.kind, "words": tokens[inside]}
            spans.append(found if scores is None else {**found, "score": min(scores[inside])})
        record = {"tokens": tokens, "tags": tags, "spans": spans}
        lines.append(json.dumps(record if scores is None else {**record, "scores": scores}, ensure_ascii=False))
    return "\n".join(lines) + "\n"

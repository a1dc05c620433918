"""Sentences and tags from files of the usual sorts."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from netwright.data.tagged import as_conll, as_json_lines, looks_tagged, read_tagged, tokens_of
from netwright.errors import EmptyTable, MissingFile, NotATable

CONLL = "-DOCSTART- -X- O O\n\nAda NNP B-PER\nlives VBZ O\n\n# id 3\nOslo NNP B-LOC\n"


def written(folder: Path, name: str, text: str) -> Path:
    """Return the path of a new file."""
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_columns_of_conll(tmp_path: Path) -> None:
    """The token first, the tag last; blanks or tabs between; comments and document marks are left out."""
    for text in (CONLL, CONLL.replace(" ", "\t").replace("#\tid\t3", "# id 3"), CONLL.replace("\n", "\r\n")):
        table = read_tagged(written(tmp_path, "a.conll", text))
        assert table["token"].tolist() == ["Ada", "lives", "Oslo"]
        assert table["tag"].tolist() == ["B-PER", "O", "B-LOC"]
        assert table["sentence"].tolist() == [0, 0, 1]


def test_one_column_is_to_be_tagged(tmp_path: Path) -> None:
    """So is a text, a sentence a line."""
    assert read_tagged(written(tmp_path, "a.conll", "Ada\nlives\n\nOslo\n"))["tag"].isna().all()
    table = read_tagged(written(tmp_path, "a.txt", "Ada lives in Oslo.\n\n我住在奥斯陆\n"))
    assert table["token"].tolist() == ["Ada", "lives", "in", "Oslo", ".", *"我住在奥斯陆"]
    assert table["start"].tolist()[:5] == [0, 4, 10, 13, 17]
    assert table["tag"].isna().all()


def test_a_table_with_sentences_and_tokens(tmp_path: Path) -> None:
    """One row a token, as answers are written too."""
    table = read_tagged(written(tmp_path, "a.csv", "sentence,token,tag\n0,Ada,B-PER\n0,lives,O\n"))
    assert table["token"].tolist() == ["Ada", "lives"] and table["tag"].tolist() == ["B-PER", "O"]


SENTENCES = [["Ada", "lives", "in", "Oslo"], ["we", "met", "Grace"], ["Lima", "is", "far"]] * 4


def tokens(tags: dict[str, str]) -> pd.DataFrame:
    """Return a row a token; the tags of all but some words are O."""
    rows = [(place, word, tags.get(word, "O")) for place, words in enumerate(SENTENCES) for word in words]
    return pd.DataFrame(rows, columns=["sentence", "token", "tag"])


PARTS_OF_SPEECH = {
    **dict.fromkeys(["Ada", "Oslo", "Grace", "Lima"], "NN"),
    **dict.fromkeys(["lives", "met", "is"], "VB"),
    "in": "IN",
    "we": "PR",
    "far": "JJ",
}


@pytest.mark.parametrize("tags", [{"Ada": "B-PER"}, {"Oslo": "U-LOC", "Lima": "S-LOC"}, PARTS_OF_SPEECH])
def test_tags_of_tokens_are_known(tags: dict[str, str]) -> None:
    """Of entities in any scheme, be they rare, and of parts of speech."""
    assert looks_tagged(tokens(tags), "tag")


def test_columns_that_are_only_named_so_are_no_tokens(tmp_path: Path) -> None:
    """A number to predict, a property of the sentence, rows without order, or tokens that are texts."""
    table = tokens(PARTS_OF_SPEECH)
    assert not looks_tagged(table.assign(tag=range(len(table))), "tag")
    assert not looks_tagged(table.assign(tag=[str(place % 3) for place in range(len(table))]), "tag")
    assert not looks_tagged(table.assign(tag=[f"class {place % 3}" for place in range(len(table))]), "tag")
    assert not looks_tagged(table.assign(tag=["ab"[place % 2] for place in table["sentence"]]), "tag")
    assert not looks_tagged(table.assign(sentence=range(len(table))), "tag")
    assert not looks_tagged(table.assign(token=table["token"] + " and so on"), "tag")
    assert not looks_tagged(table.assign(token=range(len(table))), "tag")
    assert not looks_tagged(table, "sentence") and not looks_tagged(table, "nothing")
    assert not looks_tagged(table.drop(columns="token"), "tag")
    assert looks_tagged(read_tagged(written(tmp_path, "a.conll", "a 1\nb 2\n\nc 1\n")), "tag")  # the file says so


RECORDS = [
    {"tokens": ["Ada", "Lovelace", "lives"], "tags": ["B-PER", "I-PER", "O"]},
    {"tokens": ["Ada", "Lovelace", "lives"], "ner_tags": ["B-PER", "I-PER", "O"]},
    {"text": "Ada Lovelace lives", "spans": [{"start": 0, "end": 12, "label": "PER"}]},
    {"text": "Ada Lovelace lives", "entities": [[0, 12, "PER"]]},
    {"text": "Ada Lovelace lives", "label": [[0, 12, "PER"]]},
]


@pytest.mark.parametrize("record", RECORDS, ids=[",".join(record) for record in RECORDS])
def test_json_lines_of_common_tools(tmp_path: Path, record: dict[str, object]) -> None:
    """Lists of tokens and tags, or a text and spans."""
    table = read_tagged(written(tmp_path, "a.jsonl", json.dumps(record) + "\n"))
    assert table["token"].tolist() == ["Ada", "Lovelace", "lives"]
    assert table["tag"].tolist() == ["B-PER", "I-PER", "O"]


def test_a_span_takes_every_token_that_it_touches(tmp_path: Path) -> None:
    """And of two that touch one token, the first has it."""
    record = {"text": "New-York state", "spans": [[0, 6, "LOC"], [4, 14, "ORG"]]}
    assert read_tagged(written(tmp_path, "a.jsonl", json.dumps(record)))["tag"].tolist() == [
        "B-LOC",
        "I-LOC",
        "I-LOC",
        "B-ORG",
    ]


@pytest.mark.parametrize(
    ("name", "text", "error", "why"),
    [
        ("a.conll", "Ada O\nlives in O\n", NotATable, "line 2 has 3 columns"),
        ("a.jsonl", '{"tokens": ["a"], "tags": []}', NotATable, "line 1 holds neither"),
        ("a.jsonl", '{"text": "a", "spans": [[5, 2, "X"]]}', NotATable, "line 1 holds neither"),
        ("a.jsonl", '{"tokens": 3}', NotATable, "line 1 holds neither"),
        ("a.jsonl", "[" * 100_000, NotATable, "line 1 is no JSON object"),
        ("a.conll", "\n\n", EmptyTable, "no token"),
        ("a.conll", "", EmptyTable, "empty"),
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, name: str, text: str, error: type[Exception], why: str) -> None:
    """With the line and the reason."""
    with pytest.raises(error, match=why):
        read_tagged(written(tmp_path, name, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """As for tables, with what was meant."""
    written(tmp_path, "train.conll", CONLL)
    with pytest.raises(MissingFile, match=r"train\.conll"):
        read_tagged(tmp_path / "trian.conll")


def test_tags_that_mark_no_entities_are_written_as_they_are() -> None:
    """No span is made up of a part of speech."""
    table = pd.DataFrame({"sentence": [0, 0], "token": ["the", "dog"], "tag": ["DET", "NOUN"]})
    record = json.loads(as_json_lines(table))
    assert record["tags"] == ["DET", "NOUN"] and record["spans"] == []


def test_odd_files_are_read_whole(tmp_path: Path) -> None:
    """A token that is a hash, signs that end a line elsewhere, records of two sorts, and lists beside a text."""
    table = read_tagged(written(tmp_path, "a.conll", "# id 1\nPaid O\n# B-CUR\n100 O\n"))
    assert table["token"].tolist() == ["Paid", "#", "100"]
    records = [
        {"text": "a\u2028b"},
        {"tokens": ["c"], "tags": ["O"]},
        {"text": "d", "tokens": ["d"], "ner_tags": ["B-X"]},
    ]
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    table = read_tagged(written(tmp_path, "a.jsonl", lines))
    assert table["token"].tolist() == ["a", "b", "c", "d"] and table["tag"].tolist()[2:] == ["O", "B-X"]


def test_tokens_that_break_lines_are_written_in_one() -> None:
    """A break or tab inside a token becomes a blank, so that rows stay rows; of a missing token nothing is written."""
    table = pd.DataFrame(
        {"sentence": [0, 0, 0, 1], "token": ["New\r\nYork", "a\tb", None, "c"], "tag": ["B-X", *"OOO"]}
    )
    assert as_conll(table) == "New York\tB-X\na b\tO\n\tO\n\nc\tO\n\n"
    first = json.loads(as_json_lines(table).splitlines()[0])
    assert first["tokens"] == ["New\r\nYork", "a\tb", ""]


def test_sentences_are_written_as_they_were_told_apart() -> None:
    """Rows that follow each other: a number may come again, and one that is missing is a sentence too."""
    table = pd.DataFrame({"sentence": [1, 2, 1, None], "token": [*"abcd"], "tag": ["B-X", "O", "I-X", "O"]})
    assert as_conll(table) == "a\tB-X\n\nb\tO\n\nc\tI-X\n\nd\tO\n\n"
    assert [json.loads(line)["tokens"] for line in as_json_lines(table).splitlines()] == [["a"], ["b"], ["c"], ["d"]]


def test_probabilities_are_written_with_entities() -> None:
    """An entity is as sure as the least sure of its tags; without probabilities there is no score."""
    table = pd.DataFrame({"sentence": [0, 0, 0], "token": [*"abc"], "tag": ["B-X", "I-X", "O"]})
    chances = {"tag=O": [0.1, 0.2, 1.0], "tag=B-X": [0.9, 0.0, 0.0], "tag=I-X": [0.0, 0.8, 0.0]}
    record = json.loads(as_json_lines(table.assign(**chances)))
    assert record["scores"] == [0.9, 0.8, 1.0] and record["spans"][0]["score"] == 0.8
    plain = json.loads(as_json_lines(table))
    assert "scores" not in plain and "score" not in plain["spans"][0]


def test_tokens_of_mixed_scripts() -> None:
    """Words, single letters where a script has no spaces, and every other sign by itself."""
    text = "Ωmega, 東京 3.5 😀"
    assert [text[a:b] for a, b in tokens_of(text)] == ["Ωmega", ",", "東", "京", "3", ".", "5", "😀"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("हिन्दी भाषा।", ["हिन्दी", "भाषा", "।"]),
        ("தமிழ்", ["தமிழ்"]),
        ("مَرْحَبًا", ["مَرْحَبًا"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("cafe\u0301s, o\u0308", ["cafe\u0301s", ",", "o\u0308"]),
        ("❤\ufe0f -\u0301a_\u0301b", ["❤", "\ufe0f", "-", "\u0301", "a", "_", "\u0301", "b"]),
        ("ไทยที่", ["ไ", "ท", "ย", "ท", "ี", "่"]),
    ],
    ids=["hindi", "tamil", "arabic", "persian", "accents", "signs", "thai"],
)
def test_marks_belong_to_the_word_that_they_stand_in(text: str, tokens: list[str]) -> None:
    """Words of scripts whose vowels are marks are whole, and a mark on a sign is a sign."""
    assert [text[a:b] for a, b in tokens_of(text)] == tokens


def test_answers_can_be_written_and_read_again(tmp_path: Path) -> None:
    """As CoNLL and as JSON lines, with entities by their places."""
    table = read_tagged(written(tmp_path, "a.jsonl", json.dumps(RECORDS[2])))
    again = read_tagged(written(tmp_path, "b.conll", as_conll(table)))
    assert again[["token", "tag"]].equals(table[["token", "tag"]])
    (line,) = as_json_lines(table).splitlines()
    assert json.loads(line)["spans"] == [{"start": 0, "end": 12, "label": "PER", "words": ["Ada", "Lovelace"]}]
    assert read_tagged(written(tmp_path, "c.jsonl", line))["tag"].tolist() == table["tag"].tolist()


def test_a_frame_stays_as_it_is() -> None:
    """It has the columns already."""
    frame = pd.DataFrame({"sentence": [0], "token": ["a"]})
    assert read_tagged(frame) is frame
    with pytest.raises(NotATable):
        read_tagged(3)

"""What a table, or texts, go through before the networks, as source."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import save

from netwright.build.source.linking import Linked, docstring_of, link
from netwright.build.source.text import Call, Name, assigned, columns_of, flat
from netwright.data.categories import CategoryEncoding
from netwright.data.cells import read_name
from netwright.data.clip import LOWEST, Clip
from netwright.data.encoding import Encoding, TableEncoder
from netwright.data.folders import SUFFIXES
from netwright.data.goal import Goal
from netwright.data.moments import MomentEncoding
from netwright.data.numeric import NumberEncoding, PairEncoding
from netwright.data.schema import Column, Kind, Outcome, Schema
from netwright.data.text import TextEncoding
from netwright.errors import NoSource
from netwright.export.source.files import paragraphs, python_file
from netwright.pretrained.extended import Extended
from netwright.pretrained.trunks import TextTrunk
from netwright.tasks import media, tabular, tagging, text

LONGEST = 60  # columns of a screen that a category may take in the source; longer ones stand in the file of constants
MOST_LABELS = 50  # likewise, classes
CLOSE = 1e-7  # of a scaled number: as far as constants may be off for the sake of fewer digits
OWN_FILES = ("bert_words", "cells", "context", "ngrams")  # beside it, in such an order that none uses one before it
_TWINS = {"true": "1", "false": "0", "1": "true", "0": "false"}


@dataclass
class Stored:
    """What is too long to stand in the source.

    Attributes:
        values: by column, and `labels` and `pieces`, as JSON.
        arrays: by name.
    """

    values: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def of_column(self, column: str, part: str, value: Any) -> Call:
        """Store a part of a column; return the expression for it."""
        self.values.setdefault("columns", {}).setdefault(column, {})[part] = value
        return Call("stored", (column, part))


def preprocess_files(preparation: Any, wanted: Collection[str]) -> dict[str, bytes]:
    """Return the files that turn rows into arrays, by name.

    Args:
        preparation: of a table, of texts or of images.
        wanted: names of `preprocess.py` that the other files use.

    Raises:
        NoSource: if the preparation is of another sort.
    """
    reader = None
    if isinstance(preparation, Extended):  # what others have trained stands in a file of its own
        reader = preparation.trunk if isinstance(preparation.trunk, TextTrunk) else None
        preparation = preparation.own
    if isinstance(preparation, media.Preparation):
        return _map_files(preparation, wanted)
    if isinstance(preparation, tagging.Preparation):
        return _token_files(preparation, wanted)
    table = preparation.table if isinstance(preparation, text.Preparation) else preparation
    if not isinstance(table, tabular.Preparation):
        raise NoSource("what its data go through before the networks is not written as source yet")
    stored = Stored()
    given = {
        "STORED": "STORED = read_constants()",
        "ARRAYS": "ARRAYS = read_arrays()",
        "COLUMNS": assigned("COLUMNS", _columns(table.encoder, table.schema, stored)),
        **_target(table.goal, stored),
        **(_texts(preparation, stored) if isinstance(preparation, text.Preparation) else {}),
        **(_word_pieces(reader, table, stored) if reader else {}),
    }
    features = _features(preparation, table) | ({"texts", "word_pieces"} if reader else set())
    linked = link(("preprocess", "target"), {*wanted, "encode", "read_rows"}, features, given)
    told = paragraphs(
        "From the rows of a table to the arrays that the networks take.",
        "Everything here was fitted to the rows that were learnt from, without a look at what is to be predicted.",
    )
    return _files(told, linked, stored)


def _map_files(preparation: media.Preparation, wanted: Collection[str]) -> dict[str, bytes]:
    """Return the files that bring images to one size, or sounds to spectrograms of one form."""
    (column,) = preparation.schema.used
    stored, clip = Stored(), Clip.parse(column.format)
    given = {"FILE": f"{assigned('FILE', column.name)}  # the column of the files", **_target(preparation.goal, stored)}
    if column.kind == Kind.SOUND and clip is not None:
        part, about = "sounds", "From sounds to spectrograms of one form."
        form = f"BANDS, FRAMES = {clip.bands}, {clip.frames}  # of a spectrogram"
        given |= {**dict.fromkeys(("BANDS", "FRAMES"), form), "ENDINGS": _endings("sound")}
        given["STEP"] = f"STEP = {clip.step / 1e6!r}  # seconds from one frame to the next"
        given |= dict.fromkeys(("LOWEST", "HIGHEST"), f"LOWEST, HIGHEST = {LOWEST}, {clip.highest}  # Hz of the bands")
    else:
        part, about, size = "images", "From images to arrays of one size.", column.map_size
        assert size is not None
        note = "# that images are brought to; 1 channel for grey, 3 for colours"
        sides = f"HEIGHT, WIDTH, CHANNELS = {size.height}, {size.width}, {size.channels}  {note}"
        given |= {**dict.fromkeys(("HEIGHT", "WIDTH", "CHANNELS"), sides)}
        given["ENDINGS"] = _endings("image")
    linked = link((part, "files", "target"), {*wanted, "encode", "read_rows"}, (), given)
    return _files(about, linked, stored)


def _token_files(preparation: tagging.Preparation, wanted: Collection[str]) -> dict[str, bytes]:
    """Return the files that describe tokens by what stands around them."""
    stored = Stored(arrays={"buckets": preparation.buckets})
    given = {"ARRAYS": "ARRAYS = read_arrays()", **_target(preparation.goal, stored)}
    if stored.values:
        given["STORED"] = "STORED = read_constants()"
    features = {"entities"} if preparation.goal.target.outcome == Outcome.TAGS else set()
    features |= {"chain"} if preparation.ordered else set()
    linked = link(("tokens", "target", "entities"), {*wanted, "encode", "read_rows"}, features, given)
    return _files("From the tokens of sentences to the arrays that the networks take.", linked, stored)


def _endings(held: str) -> str:
    return assigned("ENDINGS", tuple(sorted(SUFFIXES[held])))


def _files(told: str, linked: Linked, stored: Stored) -> dict[str, bytes]:
    """Return `preprocess.py` and what it needs beside it, by name."""
    files = {"preprocess.py": python_file(told, linked.imports, [linked.text]).encode()}
    open_names = {name: {*linked.imports.names[name]} for name in OWN_FILES if name in linked.imports.names}
    for name in OWN_FILES:
        if name in open_names:
            part = link(name, open_names[name])
            files[f"{name}.py"] = python_file(docstring_of(name), part.imports, [part.text]).encode()
            for other in part.imports.names.keys() & {*OWN_FILES}:
                open_names.setdefault(other, set()).update(part.imports.names[other])
    if stored.values:
        files["preprocess.json"] = (json.dumps(stored.values, ensure_ascii=False, indent=1) + "\n").encode()
    if stored.arrays:
        files["preprocess.safetensors"] = save(stored.arrays)
    return files


def _features(preparation: Any, table: tabular.Preparation) -> set[str]:
    """Return the features of `parts.preprocess` that a preparation has a use for."""
    columns = table.encoder.columns.values()
    numbers = [one for one in columns if isinstance(one, NumberEncoding)]
    seen = {
        "normal_scores": any(one.heavy for one in numbers),
        "common": any(one.common is not None for one in numbers),
        "marks": any(column.kind == Kind.NUMERIC and column.format == "," for column in table.schema.used),
        "codes": any(column.kind == Kind.CATEGORICAL and column.format for column in table.schema.used),
    }
    features = {name for name, used in seen.items() if used}
    if isinstance(preparation, text.Preparation):
        read = {"bags": preparation.vocabulary, "pieces": preparation.subwords, "bytes": preparation.spelling}
        features |= {name for name, used in read.items() if used is not None}
        features |= {"texts"} if features & {*read} else set()
    return features


# --- columns -------------------------------------------------------------------------------------------------------


def _columns(encoder: TableEncoder, schema: Schema, stored: Stored) -> dict[str, Call]:
    """Return how each column is encoded."""
    columns = {column.name: column for column in schema.used}
    return {name: _column(columns[name], encoding, stored) for name, encoding in encoder.columns.items()}


def _column(column: Column, encoding: Encoding, stored: Stored) -> Call:
    flagged = {"flagged": True} if encoding.flagged else {}
    match encoding:
        case NumberEncoding():
            common = {} if encoding.common is None else {"common": encoding.common}
            knots = {"knots": stored.of_column(column.name, "knots", encoding.knots.tolist())} if encoding.heavy else {}
            return Call("Number", (), {**_scaling(encoding), **flagged, **common, **knots, **_mark(column)})
        case PairEncoding(low, high) if column.kind == Kind.BOOLEAN:
            ends = {} if (low, high) == (0.0, 1.0) else {"low": low, "high": high}
            return Call("TrueOrFalse", (), {**flagged, **ends})
        case PairEncoding(low, high):
            return Call("TwoNumbers", (), {"low": low, "high": high, **flagged, **_mark(column)})
        case MomentEncoding():
            cycles = {"cycles": encoding.cycles} if encoding.cycles else {}
            return Call("Moment", (), {"order": column.format, **_scaling(encoding), **cycles, **flagged})
        case CategoryEncoding():
            return _categories(column, encoding, {**flagged, **_digits(column)}, stored)
        case TextEncoding(letters, words):
            name = f"text_{column.name}"
            stored.arrays |= {f"{name}.{part}": array for part, array in vars(encoding.projection).items()}
            lengths = {"letters": _brief(*letters), "words": _brief(*words)}
            return Call("Text", (), {**lengths, "arrays": name, **flagged})


def _categories(column: Column, encoding: CategoryEncoding, others: Mapping[str, Any], stored: Stored) -> Call:
    """Return the call of a column of categories, which stand in the source where they are few and short."""
    levels: Any = encoding.levels
    if encoding.cardinality:
        levels = stored.of_column(column.name, "levels", [*levels])
        shares = stored.of_column(column.name, "shares", [*encoding.shares])
        return Call("ManyCategories", (), {"levels": levels, "shares": shares, **others})
    if any(columns_of(flat(level)) > LONGEST for level in levels):
        levels = stored.of_column(column.name, "levels", [*levels])
    return Call("FewCategories", (), {"levels": levels, **others})


def _scaling(encoding: NumberEncoding | MomentEncoding) -> dict[str, float]:
    centre, factor = _brief(encoding.centre, encoding.factor)
    return {"centre": centre, "factor": factor}


def _brief(centre: float, factor: float) -> tuple[float, float]:
    """Return a scaling with as few digits as change no scaled number by more than `CLOSE`."""
    tries = (float(f"{centre:.{digits}g}") for digits in range(4, 17))
    short = next((one for one in tries if abs(one - centre) * factor <= CLOSE), centre)
    return short, float(f"{factor:.8g}")


def _mark(column: Column) -> dict[str, str]:
    return {"mark": ","} if column.format == "," else {}


def _digits(column: Column) -> dict[str, int]:
    return {"digits": int(column.format)} if column.format else {}


# --- texts, and the target -----------------------------------------------------------------------------------------


def _texts(preparation: text.Preparation, stored: Stored) -> dict[str, str]:
    """Return the constants by which texts are read."""
    given = _text_columns(preparation.schema)
    if preparation.vocabulary is not None:
        given["GRAMS"] = f"GRAMS = {preparation.vocabulary.grams}  # n-grams of a text that are kept"
        given["FINE"] = f"FINE = {preparation.vocabulary.reading}  # how n-grams are told apart"
        stored.arrays |= {"buckets": preparation.vocabulary.buckets, "rarity": preparation.vocabulary.rarity}
    if preparation.subwords is not None:
        stored.values["pieces"] = [*preparation.subwords.pieces]
        given["PIECES"] = 'PIECES = {piece: number for number, piece in enumerate(STORED["pieces"], start=1)}'
        given["PIECE_COUNT"] = f"PIECE_COUNT = {preparation.subwords.length}  # that are read of a text"
        given["MARKED"] = f"MARKED = {preparation.subwords.marked}  # whether marks on letters belong to their word"
    if preparation.spelling is not None:
        given["BYTE_COUNT"] = f"BYTE_COUNT = {preparation.spelling.length}  # that are read of a text"
    return given


def _text_columns(schema: Schema) -> dict[str, str]:
    names = tuple(column.name for column in schema.used if column.kind == Kind.TEXT)
    return {"TEXTS": assigned("TEXTS", names)}


def _word_pieces(reader: TextTrunk, table: tabular.Preparation, stored: Stored) -> dict[str, str]:
    """Return the constants by which a trained encoder of sentences reads texts."""
    stored.values["word_pieces"] = [*reader.vocabulary]
    return {
        **_text_columns(table.schema),
        "WORD_PIECES": 'WORD_PIECES = STORED["word_pieces"]  # that the encoder of sentences knows',
        "WORD_PIECE_COUNT": f"WORD_PIECE_COUNT = {reader.length}  # that it reads of a text, two marks included",
    }


def _target(goal: Goal, stored: Stored) -> dict[str, str]:
    """Return the constants of the target."""
    target, scale = goal.target, goal.scale
    given = {"TARGET": assigned("TARGET", target.name)}
    if scale is not None:
        given["SHIFT"] = f"SHIFT, SPREAD = {scale.shift!r}, {scale.scale!r}  # mean and deviation of the target"
        given["SPREAD"] = given["SHIFT"]
        given["LOW"] = f"LOW, HIGH = {scale.low!r}, {scale.high!r}  # its range, which predictions do not leave"
        given["HIGH"] = given["LOW"]
        given["MARK"] = f"{assigned('MARK', target.format or '.')}  # of decimals"
        return given
    labels: Any = target.labels
    words = [read_name(label) or "" for label in labels]
    if len(labels) > MOST_LABELS or any(columns_of(flat(label)) > LONGEST for label in labels):
        stored.values["labels"] = [*labels]
        labels = Name('tuple(STORED["labels"])')
    given["LABELS"] = assigned("LABELS", labels)
    if {*words} <= {*_TWINS}:  # true and false may also be written 1 and 0
        others = ((word, _TWINS[word]) for word in words)
        given["WORDS"] = assigned("WORDS", tuple((word,) if twin in words else (word, twin) for word, twin in others))
    return given

"""What is written can be read, equal models are equal files, and a write that fails changes nothing."""

from __future__ import annotations

import errno
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from netwright import errors
from netwright.bundle import Contents, read_bundle, read_manifest, write, write_bundle
from netwright.bundle import format as rules
from netwright.bundle.format import DTYPES

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
SHAPES = arrays_of.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
ARRAYS = st.sampled_from(sorted(DTYPES)).flatmap(lambda name: arrays_of.arrays(DTYPES[name], SHAPES))
NAMES = TEXT.filter(lambda name: name != "__metadata__")
TENSORS = st.lists(st.dictionaries(NAMES, ARRAYS, max_size=4), max_size=3).map(tuple)
DOCUMENTS = st.fixed_dictionaries(dict.fromkeys(rules.DOCUMENTS, JSON))
EMPTY: dict[str, Any] = dict.fromkeys(rules.DOCUMENTS)


def same(found: Contents, meant: Contents) -> bool:
    """Return whether contents are equal to the bit, types, shapes and not-a-numbers included."""
    if found.documents != meant.documents or len(found.tensors) != len(meant.tensors):
        return False
    for one, other in zip(found.tensors, meant.tensors, strict=True):
        if set(one) != set(other):
            return False
        for name in one:
            alike = one[name].dtype == other[name].dtype and one[name].shape == other[name].shape
            if not alike or one[name].tobytes() != other[name].tobytes():
                return False
    return True


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=DOCUMENTS, tensors=TENSORS)
def test_round_trip(tmp_path: Path, documents: dict[str, Any], tensors: tuple[dict[str, Any], ...]) -> None:
    """Any documents and any arrays come back as they were, and writing them again gives the same bytes."""
    path, again = tmp_path / "model.nw", tmp_path / "again.nw"
    contents = Contents(documents, tensors)
    write_bundle(path, contents)
    found = read_bundle(path)
    assert same(found, contents)
    write_bundle(again, found)
    assert again.read_bytes() == path.read_bytes()


def test_the_order_of_names_does_not_show(tmp_path: Path) -> None:
    """Equal contents are equal files, in whatever order they were put together."""
    one, other = tmp_path / "one.nw", tmp_path / "other.nw"
    arrays = {"b": np.ones(2), "a": np.zeros(3, np.int64)}
    write_bundle(one, Contents({**EMPTY, "card": {"x": 1, "y": 2}}, (arrays,)))
    turned = {name: arrays[name] for name in reversed(arrays)}
    write_bundle(other, Contents({"card": {"y": 2, "x": 1}} | dict.fromkeys(rules.DOCUMENTS[2::-1]), (turned,)))
    assert one.read_bytes() == other.read_bytes()


def test_memory_order_and_byte_order_do_not_matter(tmp_path: Path) -> None:
    """Views, transposed, big-endian and read-only arrays are written as what they hold."""
    plain = np.arange(12, dtype=np.float32).reshape(3, 4)
    frozen = plain.copy()
    frozen.setflags(write=False)
    kinds = {"turned": plain.T, "step": plain[::2, ::-1], "big": plain.astype(">f4"), "frozen": frozen}
    write_bundle(tmp_path / "model.nw", Contents(EMPTY, (kinds,)))
    found = read_bundle(tmp_path / "model.nw").tensors[0]
    assert all(found[name].dtype == np.float32 and np.array_equal(found[name], kinds[name]) for name in kinds)


def test_any_zip_reader_reads_it(tmp_path: Path) -> None:
    """Python's own zip module, which has no part in it, finds the members stored, sound and in their order."""
    path = tmp_path / "model.nw"
    write_bundle(path, Contents({**EMPTY, "card": {"Größe": "尺寸"}}, ({}, {"w": np.ones((2, 2))})))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(rules.member_names(7))
        assert archive.read("card.json").decode() == '{"Größe":"尺寸"}'
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_its_bytes_are_those_of_the_zip_module(tmp_path: Path) -> None:
    """The records are what Python's zip module writes for the same members, byte for byte."""
    path, other = tmp_path / "model.nw", io.BytesIO()
    write_bundle(path, Contents(EMPTY, ({"w": np.ones(3)},)))
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o100600 << 16
            target.writestr(info, source.read(name))
    assert other.getvalue() == path.read_bytes()


def test_ranges_stand_in_the_manifest(tmp_path: Path) -> None:
    """The manifest gives the least and greatest finite value of each tensor, or none."""
    values = {
        "plain": np.array([-2.5, 7.0], np.float32),
        "strange": np.array([np.nan, np.inf, -np.inf, 4.0], np.float16),
        "nothing": np.array([np.nan]),
        "empty": np.zeros((0, 3), np.int32),
        "truth": np.array(True),
    }
    write_bundle(tmp_path / "model.nw", Contents(EMPTY, (values,)))
    entries = read_manifest(tmp_path / "model.nw").members["weights-00000.safetensors"].tensors
    ranges = {name: (entry.low, entry.high) for name, entry in entries.items()}
    assert ranges == {
        "plain": (-2.5, 7.0),
        "strange": (4.0, 4.0),
        "nothing": (None, None),
        "empty": (None, None),
        "truth": (1.0, 1.0),
    }


def test_as_many_members_and_tensors_as_the_format_holds(tmp_path: Path) -> None:
    """A bundle just inside the limits is written and read."""
    most = rules.MOST_MEMBERS - len(rules.member_names(0))
    many = {f"t{number}": np.zeros(0, np.uint8) for number in range(rules.MOST_TENSORS)}
    contents = Contents(EMPTY, (many, *({} for _ in range(most - 1))))
    write_bundle(tmp_path / "model.nw", contents)
    assert same(read_bundle(tmp_path / "model.nw"), contents)


def nested(levels: int) -> Any:
    """Return lists in lists."""
    return [nested(levels - 1)] if levels else 1


TOO_MUCH = [
    ("members", Contents(EMPTY, tuple({} for _ in range(76))), "81 members"),
    ("tensors", Contents(EMPTY, ({f"{n}": np.zeros(0, np.uint8) for n in range(20_001)},)), "20,001 tensors"),
    ("document", Contents({**EMPTY, "preprocess": "x" * 2**23}, ()), "preprocess.json takes 8,388,610 bytes"),
    ("manifest", Contents(EMPTY, ({"n" * 2**22: np.zeros(0)},)), "manifest.json takes"),
    ("depth", Contents({**EMPTY, "card": nested(33)}, ()), "card.json is nested deeper than 32"),
    ("values", Contents({**EMPTY, "card": [0] * 500_001}, ()), "card.json holds more than 500,000 values"),
    ("keys", Contents({**EMPTY, "card": {f"{n}": 0 for n in range(200_001)}}, ()), "more than 200,000 keys"),
    ("surrogate", Contents({**EMPTY, "schema": "\ud800"}, ()), "not valid Unicode"),
    ("surrogate name", Contents(EMPTY, ({"\udc00": np.zeros(1)},)), "not valid Unicode"),
]


@pytest.mark.parametrize(("contents", "says"), [case[1:] for case in TOO_MUCH], ids=[case[0] for case in TOO_MUCH])
def test_what_could_not_be_read_is_not_written(tmp_path: Path, contents: Contents, says: str) -> None:
    """A model that passes a limit is refused in a plain sentence, and the old file stays."""
    path = tmp_path / "model.nw"
    path.write_bytes(b"old")
    with pytest.raises(errors.UnwritableModel, match=says):
        write_bundle(path, contents)
    assert path.read_bytes() == b"old" and [path] == list(tmp_path.iterdir())


def test_an_archive_that_would_be_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of the whole file is seen before a byte is written."""
    monkeypatch.setattr(rules, "LARGEST_ARCHIVE", 2_000)
    with pytest.raises(errors.UnwritableModel):
        write_bundle(tmp_path / "model.nw", Contents(EMPTY, ({"w": np.ones(100)},)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "contents",
    [
        Contents({"schema": 1}, ()),
        Contents({**EMPTY, "code": 1}, ()),
        Contents({**EMPTY, "card": float("nan")}, ()),
        Contents(EMPTY, ({"w": np.zeros(1, np.complex64)},)),
        Contents(EMPTY, ({"w": np.array([object()])},)),
        Contents(EMPTY, ({"__metadata__": np.zeros(1)},)),
        Contents(EMPTY, ({"w": np.zeros((1,) * 17)},)),
    ],
)
def test_what_is_no_bundle_is_a_mistake_of_the_caller(tmp_path: Path, contents: Contents) -> None:
    """Other documents, types and names than the format's are a ValueError, and nothing is written."""
    with pytest.raises(ValueError):
        write_bundle(tmp_path / "model.nw", contents)
    assert not list(tmp_path.iterdir())


class Full(io.BytesIO):
    """A disk that is full at its k-th write."""

    def __init__(self, good: int) -> None:
        super().__init__()
        self.good = good

    def write(self, content: Any) -> int:
        """Write, as long as there is room."""
        self.good -= 1
        if self.good < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(content)


def test_a_disk_that_is_full_at_any_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever write fails, the sentence is plain, the old bundle still loads, and nothing else is left behind."""
    path = tmp_path / "model.nw"
    old, new = Contents({**EMPTY, "card": "old"}, ()), Contents({**EMPTY, "card": "new"}, ({"w": np.ones(9)},))
    write_bundle(path, old)
    writer, failures = write.write_archive, 0

    for good in range(100):

        def short(file: Any, members: dict[str, bytes], good: int = good) -> None:
            disk = Full(good)
            writer(disk, members)
            file.write(disk.getvalue())

        monkeypatch.setattr(write, "write_archive", short)
        try:
            write_bundle(path, new)
        except errors.CannotWrite as error:
            assert "No space left on device" in str(error)
            assert same(read_bundle(path), old) and leftovers(tmp_path) == [path]
            failures += 1
        else:
            break
    assert failures > 10
    assert same(read_bundle(path), new)


def leftovers(folder: Path) -> Iterable[Path]:
    """Return everything in a folder."""
    return sorted(folder.iterdir())

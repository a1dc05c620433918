"""A bundle is read whole or refused by an error of ours; nothing in it is run."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import BinaryIO

import forge
import pytest
from make import ATTACKS

from netwright import errors
from netwright.bundle import format as rules
from netwright.bundle import read, read_bundle, read_manifest
from netwright.bundle.archive import Member

SECONDS = 3.0  # each takes less than 0.2 s on a quiet machine; a busy one must not fail the test
BYTES = 64 * 2**20
MUTATIONS = 2_000
PERMITTED = {"open", "os.stat"}  # what reading a file may do, as the interpreter tells it
BUNDLE_ERRORS = {kind.__name__ for kind in errors.BundleError.__subclasses__()}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Return a small bundle that is in order."""
    path = tmp_path / "good.nw"
    path.write_bytes(forge.good())
    return path


def members_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that fills with the names of the members that are read."""
    seen: list[str] = []
    reader = read.read_member

    def noted(path: Path, file: BinaryIO, member: Member) -> bytes:
        seen.append(member.name)
        return reader(path, file, member)

    monkeypatch.setattr(read, "read_member", noted)
    return seen


def put(path: Path, content: bytes) -> None:
    """Write over a file in place: to empty it first makes the file system wait for the disk, each time."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(content)
        file.truncate()


def test_the_forged_good_bundle_is_read(good: Path) -> None:
    """What the attacks start from is a bundle, so that each fails for its own reason."""
    contents = read_bundle(good)
    assert set(contents.documents) == set(rules.DOCUMENTS)
    assert contents.tensors[0]["kernel"].tolist() == [[-1.5, 0, 1], [2, 3, 4.5]]
    assert contents.tensors[0]["mask"].tolist() == [True, False]


def test_attacks_are_many_and_told_apart() -> None:
    """There are enough attacks, each with a name of its own and an error that exists."""
    assert len(ATTACKS) >= 40
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert {attack.error for attack in ATTACKS} <= BUNDLE_ERRORS


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_every_attack_is_refused_by_its_own_error(attack: forge.Attack, tmp_path: Path) -> None:
    """Each hostile file is refused with a plain sentence, in little time and memory."""
    path = attack.write(tmp_path)
    started = time.process_time()
    with pytest.raises(getattr(errors, attack.error)) as caught:
        read_bundle(path)
    seconds = time.process_time() - started
    tracemalloc.start()
    try:
        with pytest.raises(getattr(errors, attack.error)):
            read_bundle(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    sentence = str(caught.value)
    assert type(caught.value).__name__ == attack.error
    assert attack.says in sentence and str(path) in sentence and "\n" not in sentence and len(sentence) < 600
    assert seconds < SECONDS and peak <= BYTES


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_manifest_alone_is_read_as_warily(attack: forge.Attack, tmp_path: Path) -> None:
    """Looking at the manifest of a hostile file gives the manifest or the same error, never another one."""
    try:
        manifest = read_manifest(attack.write(tmp_path))
    except errors.BundleError as error:
        assert type(error).__name__ == attack.error
    else:
        assert manifest.format == 1


def test_manifest_is_a_cheap_look(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest gives version, members and sizes, and no other member is read for it."""
    seen = members_read(monkeypatch)
    manifest = read_manifest(good)
    assert seen == ["manifest.json"]
    assert (manifest.format, manifest.netwright) == (1, "0.1.0")
    assert manifest.members["spec.json"].size == len(b'{"a":1}')
    assert manifest.members["weights-00000.safetensors"].tensors["kernel"].shape == (2, 3)


def test_members_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the manifest cannot hold true of a member is seen without reading the member."""
    path = tmp_path / "large.nw"
    path.write_bytes(forge.hostile_tensors(forge.encode(forge.HEADER) + b" " * 5 * 2**20, forge.BODY, forge.ENTRIES))
    seen = members_read(monkeypatch)
    with pytest.raises(errors.OversizedBundle):
        read_bundle(path)
    assert seen == ["manifest.json"]


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    """Names that no file can have, and files in the place of folders, are errors of ours too."""
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "a\0b", tmp_path / ("x" * 5000), tmp_path / "file" / "model.nw"):
        with pytest.raises(errors.BundleError):
            read_bundle(path)


def test_faults_of_the_system_are_told(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that cannot be read and a memory that is too small become plain sentences."""

    def fails(error: Exception) -> None:
        def reader(*_: object) -> bytes:
            raise error

        monkeypatch.setattr(read, "read_member", reader)

    fails(OSError(5, "Input/output error"))
    with pytest.raises(errors.UnreadableBundle, match="Input/output error"):
        read_bundle(good)
    fails(MemoryError())
    with pytest.raises(errors.OversizedBundle, match="memory"):
        read_bundle(good)


def test_a_file_that_shrinks_or_changes_is_refused(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are exchanged between check and use are noticed: hashes are of the bytes that are used."""
    whole, reader = good.read_bytes(), read.read_member
    for other in (whole[:400], whole.replace(b'{"a":1}', b'{"a":2}')):
        good.write_bytes(whole)

        def late(path: Path, file: BinaryIO, member: Member, other: bytes = other) -> bytes:
            if member.name == "schema.json":
                good.write_bytes(other)
                file.seek(10**6)  # out of the buffer, so that the disk is asked again
            return reader(path, file, member)

        monkeypatch.setattr(read, "read_member", late)
        with pytest.raises((errors.TruncatedBundle, errors.DamagedBundle)):
            read_bundle(good)


def mutated(content: bytes, dice: random.Random) -> bytes:
    """Return the content with one to four bytes flipped, a piece cut out, doubled or inserted, or the end cut off."""
    changed, place = bytearray(content), dice.randrange(len(content))
    kind = dice.randrange(6)
    if kind <= 1:
        for _ in range(dice.randint(1, 4)):
            changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    elif kind == 2:
        del changed[place:]
    elif kind == 3:
        del changed[place : place + dice.randint(1, 40)]
    elif kind == 4:
        changed[place:place] = changed[place : place + dice.randint(1, 40)]
    else:
        changed[place:place] = dice.choice([b"\0", b"PK\3\4", b"PK\5\6", b"{", b'"', dice.randbytes(9)])
    return bytes(changed)


def test_no_change_of_a_byte_goes_unseen(good: Path, tmp_path: Path) -> None:
    """Of thousands of damaged files each is refused by an error of ours, wherever the damage is."""
    whole, dice, path = good.read_bytes(), random.Random(0), tmp_path / "mutated.nw"
    for _ in range(MUTATIONS):
        content = mutated(whole, dice)
        put(path, content)
        try:
            read_bundle(path)
        except errors.BundleError:
            continue
        assert content == whole


def test_single_flips_everywhere(good: Path, tmp_path: Path) -> None:
    """Every byte of a bundle matters: a flip in any of them is refused."""
    whole, path = good.read_bytes(), tmp_path / "flipped.nw"
    for place in range(len(whole)):
        put(path, whole[:place] + bytes([whole[place] ^ 0x20]) + whole[place + 1 :])
        with pytest.raises(errors.BundleError):
            read_bundle(path)


def test_damage_under_a_good_hash(tmp_path: Path) -> None:
    """Members that were mutated and hashed anew are read or refused, without an error of anybody else's."""
    dice, path, records = random.Random(1), tmp_path / "sealed.nw", forge.honest()
    card = json.dumps({"a": [1, -2.5e3, None, True, {"b": 'x\\"y\u4e2d'}], "c": {}}).encode()
    for _ in range(MUTATIONS // 4):
        for content in (
            forge.archive(forge.honest(weights=mutated(forge.weights(), dice))),
            forge.archive(forge.honest(card=mutated(card, dice))),
            forge.archive([forge.record("manifest.json", mutated(records[0].content, dice)), *records[1:]]),
        ):
            put(path, content)
            try:
                read_bundle(path)
            except errors.BundleError as error:
                assert "\n" not in str(error)


LISTENER = """
import json, sys
from pathlib import Path
from netwright import errors
from netwright.bundle import read_bundle, read_manifest
events, listening = set(), False
def hear(event, arguments):
    if listening:
        events.add(event)
sys.addaudithook(hear)
modules = set(sys.modules)
for path in sorted(Path(sys.argv[1]).iterdir()):
    for reader in (read_manifest, read_bundle):
        listening = True
        try:
            reader(path)
        except errors.BundleError:
            pass
        listening = False
print(json.dumps({"events": sorted(events), "modules": sorted(set(sys.modules) - modules)}))
"""


def test_reading_runs_nothing(tmp_path: Path) -> None:
    """The interpreter reports no exec, compile, import, process or socket while good and hostile files are read."""
    (tmp_path / "good.nw").write_bytes(forge.good())
    for attack in ATTACKS:
        attack.write(tmp_path)
    command = [sys.executable, "-c", LISTENER, str(tmp_path)]
    heard = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert set(heard["events"]) <= PERMITTED
    assert heard["modules"] == []


def test_the_bundle_needs_no_heavy_modules() -> None:
    """Reading bundles imports neither torch nor pandas, nor what makes networks."""
    program = "import sys, netwright.bundle; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    heavy = {"torch", "pandas", "pyarrow", "sklearn", "multiprocessing", "netwright.model", "netwright.tasks"}
    assert not heavy & set(done.stdout.split())

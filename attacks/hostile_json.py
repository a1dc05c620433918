"""Bundles in sound archives whose manifest or documents are forged."""

from __future__ import annotations

from typing import Any

from forge import ENTRIES, archive, attack, encode, honest, manifest_of, record

MEBIBYTE = 2**20


def _manifest(content: bytes) -> bytes:
    return archive([record("manifest.json", content), *honest()[1:]])


def _tree(**changes: Any) -> bytes:
    return archive(honest(changes))


def _entry(name: str, **changes: Any) -> bytes:
    members = {one.name.decode(): one.content for one in honest()[1:]}
    tree = manifest_of(members)
    tree["members"][name] |= changes
    return _manifest(encode(tree))


def _card(content: bytes) -> bytes:
    return archive(honest(card=content))


LIES = "not one that Netwright writes"
JSON = [
    attack("newer", "NewerBundle", "written by a newer Netwright (format 999", lambda: _tree(format=999, seal="x")),
    attack("newer-members", "NewerBundle", "newer Netwright", lambda: _manifest(b'{"format":999}') + b"more"),
    attack("format-zero", "DamagedBundle", "which format it has", lambda: _tree(format=0)),
    attack("format-true", "DamagedBundle", "which format it has", lambda: _tree(format=True)),
    attack("format-text", "DamagedBundle", "which format it has", lambda: _tree(format="1")),
    attack("format-huge", "DamagedBundle", "which format it has", lambda: _tree(format=10**4000)),
    attack("manifest-list", "DamagedBundle", "which format it has", lambda: _manifest(b"[1]")),
    attack("manifest-large", "OversizedBundle", "more than 4 MiB", lambda: _manifest(b" " * (4 * MEBIBYTE + 1))),
    attack("manifest-more", "DamagedBundle", LIES, lambda: _tree(run="os.system")),
    attack("manifest-less", "DamagedBundle", LIES, lambda: _tree(netwright=None)),
    attack("manifest-twice", "DamagedBundle", "not plain JSON", lambda: _manifest(b'{"format":1,"format":2}')),
    attack("manifest-deep", "OversizedBundle", "deeper than 32", lambda: _manifest(b"[" * MEBIBYTE)),
    attack("member-not-there", "DamagedBundle", "not those that its manifest", lambda: _tree(members={})),
    attack("wrong-size", "DamagedBundle", "not those that its manifest", lambda: _entry("spec.json", size=8)),
    attack("negative-size", "DamagedBundle", LIES, lambda: _entry("spec.json", size=-1)),
    attack("wrong-hash", "DamagedBundle", "hash says", lambda: _entry("spec.json", sha256="0" * 64)),
    attack("no-hash", "DamagedBundle", LIES, lambda: _entry("spec.json", sha256="")),
    attack(
        "document-tensors", "DamagedBundle", "names tensors in spec.json", lambda: _entry("spec.json", tensors=ENTRIES)
    ),
    attack("swapped", "DamagedBundle", "hash says", lambda: archive([*honest()[:4], *honest(card=b'{"a":2}')[4:]])),
    attack("document-large", "OversizedBundle", "more than 8 MiB", lambda: _card(b" " * (8 * MEBIBYTE + 1))),
    attack("document-deep", "OversizedBundle", "deeper than 32", lambda: _card(b'{"a":' * 33 + b"1" + b"}" * 33)),
    attack("deep-behind-quotes", "OversizedBundle", "deeper than 32", lambda: _card(b'["\\"",' + b"[" * MEBIBYTE)),
    attack("many-values", "OversizedBundle", "500,000 values", lambda: _card(b"[" + b"{}," * 2_700_000 + b"1]")),
    attack(
        "many-keys", "OversizedBundle", "200,000 keys", lambda: _card(encode({str(key): 0 for key in range(200_001)}))
    ),
    attack("many-quotes", "DamagedBundle", "not plain JSON", lambda: _card(b'"' * (8 * MEBIBYTE))),
    attack("open-string", "DamagedBundle", "not plain JSON", lambda: _card(b'"' + b'\\"' * (4 * MEBIBYTE - 1))),
    attack("long-number", "DamagedBundle", "not plain JSON", lambda: _card(b"9" * (8 * MEBIBYTE))),
    attack("not-a-number", "DamagedBundle", "not plain JSON", lambda: _card(b'{"score":NaN}')),
    attack("infinite", "DamagedBundle", "not plain JSON", lambda: _card(b'{"score":-Infinity}')),
    attack("overflow", "DamagedBundle", "not plain JSON", lambda: _card(b'{"score":1e999}')),
    attack("key-twice", "DamagedBundle", "not plain JSON", lambda: _card(b'{"a":1,"b":{"c":1,"\\u0063":2}}')),
    attack("not-unicode", "DamagedBundle", "not plain JSON", lambda: _card(b'{"a":"\xff"}')),
    attack("closing", "DamagedBundle", "not plain JSON", lambda: _card(b"]" * (8 * MEBIBYTE))),
    attack("utf16", "DamagedBundle", "not plain JSON", lambda: _card('{"a":1}'.encode("utf-16"))),
]

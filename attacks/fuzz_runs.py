"""Hostile run folders: real ones in which files were damaged or forged, or other things put in their places.

    python attacks/fuzz_runs.py FOLDER      # makes the real ones

A case is a list of damages as JSON, each with a seed of its own, which are done to a copy of a real run one after
another. Beside the copy stands a folder to which links lead, and in which nothing may change.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import fuzz_bundles
from fuzz_tables import damaged

RUN, OUTSIDE, TABLE = "run", "outside", "table.csv"
BASES = {"cut": ("--trials", "4"), "done": ("--trials", "2"), "timed": ("--time", "4s")}
"""Real runs, and what ends them: one cut off, one at its end, one cut off shortly before its time was over."""

USES = ("fit", "fit", "fit", "fit", "read", "read", "pick", "show", "fresh")
JOURNAL, SHELF, MODEL = "journal.sqlite", "trials.nw", "model.nw"
PLACES = (
    *(JOURNAL, "journal.sqlite-wal", "journal.sqlite-shm", "journal.sqlite-journal"),
    *(SHELF, MODEL, "report.html", "picked.nw", "checkpoints", "checkpoints/trial-000001.nw"),
    *("checkpoints/trial-000002.nw", "checkpoints/trial-999999999.nw", "checkpoints/stack-000003.nw"),
)
LINKS = ("nowhere", ".", "..", "../outside", "../outside/file", "/dev/zero", "/dev/null", "journal.sqlite", "x" * 300)
TABLES = {
    "event": ("kind", "seconds", "body"),
    "trial": (
        *("trial", "name", "origin", "candidate", "parameters", "started"),
        *("status", "reason", "score", "loss", "duration"),
    ),
    "epoch": ("trial", "seconds", "epoch", "loss"),
    "best": ("seconds", "score", "loss", "members"),
    "search": ("step", "kind", "body"),
}
ODD = (
    *("NULL", "0", "-1", "1", "2", "3", "7", "0.5", "1e308", "-1e308", "9e999", "-9e999", "9223372036854775807"),
    *(
        "''",
        "'x'",
        "'finished'",
        "'failed'",
        "'running'",
        "'{}'",
        "'[]'",
        "x'ff00'",
        "x''",
        "'1e999'",
        "zeroblob(9000000)",
    ),
    *("'[' || hex(zeroblob(3000000)) || ']'", "replace(hex(zeroblob(200000)), '0', '[')"),
    *("replace(hex(zeroblob(2000000)), '00', '[],')", "char(27) || '[31m'", "'a' || char(0) || 'b'"),
)
OTHERS = (
    *("DROP TABLE epoch", "DROP TABLE search", "CREATE TABLE more (x)", "ALTER TABLE best RENAME TO worst"),
    "CREATE TRIGGER t AFTER INSERT ON best BEGIN DELETE FROM trial; END",
    "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c",
    *("CREATE INDEX i ON search (body)", "DELETE FROM search", "DELETE FROM trial", "DELETE FROM event"),
    "DELETE FROM event WHERE kind = 'bench'",
    "DELETE FROM search WHERE step % 2",
    "UPDATE search SET step = -step",
    "UPDATE trial SET trial = trial + 1000",
    "UPDATE trial SET status = 'finished', score = 0.5, loss = 0.1, duration = 1",
    "UPDATE trial SET status = 'failed', reason = 'x'",
    "UPDATE trial SET status = 'running'",
    "INSERT INTO event SELECT * FROM event",
    "INSERT INTO search (kind, body) SELECT kind, body FROM search",
    *("PRAGMA user_version = 0", "PRAGMA user_version = 99", "PRAGMA application_id = 1"),
)
PAGE = 4_096  # bytes
NUMBERS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT {many}) "
MANY = (
    "INSERT INTO epoch SELECT 1, n * 1e-3, n, 0.5 FROM c",
    "INSERT INTO epoch SELECT n, 0.1, 1, 0.5 FROM c",
    "INSERT INTO best SELECT n * 1e-3, 0.5, 0.5, 1 FROM c",
    "INSERT INTO event SELECT 'not kept', 0.1, '{\"reason\": \"x\"}' FROM c",
    "INSERT OR IGNORE INTO trial SELECT n, 'x', 'heir', '{}', 1, 0.1, 'finished', NULL, 0.5, 0.5, 0.1 FROM c",
    "INSERT INTO search (kind, body) SELECT 'told', '{\"trial\": 1, \"loss\": 0.5}' FROM c",
    "INSERT INTO search (kind, body) SELECT 'proposed', '{\"trials\": [], \"asked\": true}' FROM c",
)


LARGEST = 100 * 2**20  # bytes of a file that is damaged further
MOST_LOOKS = 300_000  # at a statement, a thousand steps each: on a table without end it would not end either
NO_ARCHIVE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError)  # a file of it needs a password
NOTHING_LEFT = (sqlite3.Error, OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration, *NO_ARCHIVE)
"""What a damage may meet where an earlier one has left nothing to be damaged further."""


def make(draw: Random) -> tuple[str, bytes]:
    """Return the name of a case and its damages."""
    names = draw.choices([*DAMAGES], weights=[weight for weight, _ in DAMAGES.values()], k=draw.choice((1, 1, 1, 2, 4)))
    damages = [[name, draw.randrange(2**32)] for name in names]
    case = {"base": draw.choice(("cut", "cut", "cut", "done", "timed")), "use": draw.choice(USES), "damages": damages}
    return "case.json", json.dumps(case).encode()


def lay_out(case: dict[str, Any], folder: Path) -> Path:
    """Put the run of a case into a folder; return it."""
    run, outside = folder / RUN, folder / OUTSIDE
    shutil.copytree(bases() / case["base"], run)
    outside.mkdir()
    (outside / "file").write_bytes(b"not ours")
    shutil.copy(run / JOURNAL, outside / JOURNAL)
    shutil.copy(bases() / "done" / SHELF, outside / "trial-000001.nw")
    for name, seed in case["damages"]:
        with contextlib.suppress(*NOTHING_LEFT):
            DAMAGES[name][1](Random(seed), run)
    return run


def content_of(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder, by which is seen that nothing has changed."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# --- real runs -------------------------------------------------------------------------------------------------------

_making = threading.Lock()
_made: list[tempfile.TemporaryDirectory[str]] = []


def bases() -> Path:
    """Return the folder of the real runs, which are made once, by a process of their own."""
    with _making:
        if not _made:
            folder = tempfile.TemporaryDirectory(prefix="fuzz-runs-")
            command = [sys.executable, __file__, folder.name]
            subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
            _made.append(folder)
        return Path(_made[0].name)


def data() -> Path:
    """Return the table that the real runs learn from."""
    return bases() / TABLE


class Cut(BaseException):
    """Stands for the end of a process: what is on disk is all that is left."""


def make_bases(folder: Path) -> None:
    """Make the real runs."""
    from netwright import api
    from netwright.engine import attempt

    attempt.KEPT_EVERY, attempt.KEEPING_SHARE = 0.02, 0  # so that stacks in training lie there too
    draw = Random(0)
    rows = [f"{draw.gauss(0, 1):.2f},{draw.gauss(0, 1):.2f},{'xy'[row % 2]}" for row in range(60)]
    (folder / TABLE).write_text("\n".join(["a,b,y", *rows]))
    api.fit(folder / TABLE, "y", trials=2, out=folder / "done", device="cpu")
    with contextlib.suppress(Cut):
        api.fit(folder / TABLE, "y", trials=4, out=folder / "cut", device="cpu", listener=_cutter(folder / "cut"))
    with contextlib.suppress(Cut):
        api.fit(folder / TABLE, "y", time="4s", out=folder / "timed", device="cpu", listener=_cutter(folder / "timed"))


def _cutter(run: Path) -> Callable[[Any], None]:
    """Return a listener that cuts a run off where a trial has finished and another is in training."""
    heard: list[str] = []

    def listen(event: Any) -> None:
        heard.append(type(event).__name__)
        if heard[-1] != "EpochDone" or heard.count("Told") < 2:
            return
        if (run.name == "cut" or event.seconds > 2.5) and [*run.glob("checkpoints/stack-*.nw")]:
            raise Cut

    return listen


# --- damages ---------------------------------------------------------------------------------------------------------


def _file(draw: Random, run: Path, pattern: str = "*") -> Path:
    files = [path for path in sorted(run.rglob(pattern)) if path.is_file() and path.stat().st_size <= LARGEST]
    return draw.choice(files or [run / "none"])


def _bytes(draw: Random, run: Path) -> None:
    """Change bytes of a file, or cut it off."""
    path = _file(draw, run)
    path.write_bytes(damaged(draw, path.read_bytes()))


def _bundle(draw: Random, run: Path) -> None:
    """Forge a file of networks, every size and hash being right."""
    path = _file(draw, run, "*.nw")
    path.write_bytes(fuzz_bundles.hostile(draw, path.read_bytes()))


def _replace(draw: Random, run: Path) -> None:
    """Put something else in the place of a file or a folder of ours."""
    place = run / draw.choice(PLACES)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    place.parent.mkdir(exist_ok=True)
    place.unlink(missing_ok=True)
    match draw.randrange(6):
        case 0:
            os.mkfifo(place)
        case 1 | 2:
            place.symlink_to(draw.choice(LINKS))
        case 3:
            place.mkdir()
            (place / draw.choice(("file", "trial-000001.nw"))).write_bytes(b"x")
        case 4:
            with socket.socket(socket.AF_UNIX) as one, contextlib.suppress(OSError):  # a path may be too long for one
                one.bind(str(place))
        case _:
            with place.open("wb") as file:
                file.truncate(draw.choice((0, 1, 100, 2**31, 2**40)))


def _swap(draw: Random, run: Path) -> None:
    """Copy one file over another."""
    shutil.copy(_file(draw, run), _file(draw, run))


def _close_to_all(draw: Random, run: Path) -> None:
    """Take all rights of a file or folder away; they bind whoever is not root."""
    draw.choice([*sorted(run.rglob("*"))] or [run]).chmod(0)


def _sql(draw: Random, run: Path) -> None:
    """Change values, tables or rows of the record."""
    table = draw.choice([*TABLES])
    changed = f"UPDATE {table} SET {draw.choice(TABLES[table])} = {draw.choice(ODD)}"
    if draw.random() < 0.5:
        changed += f" WHERE rowid = (SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET {_place(draw, table)})"
    if table == "event" and draw.random() < 0.7:
        changed = f"UPDATE event SET seconds = {draw.choice(ODD)} WHERE kind = 'data'"
    _do(run, changed if draw.random() < 0.6 else draw.choice(OTHERS))


def _place(draw: Random, table: str) -> str:
    """Return the place of a row, in SQL, which would draw another one each time."""
    return f"{draw.randrange(10**6)} % max(1, (SELECT count(*) FROM {table}))"


def _many(draw: Random, run: Path) -> None:
    """Put very many rows into the record."""
    _do(run, NUMBERS.format(many=draw.choice((1_000, 100_000, 500_000))) + draw.choice(MANY))


def _json(draw: Random, run: Path) -> None:
    """Change one place of what an event, a trial or a step of the search says."""
    table, column = draw.choice((("event", "body"), ("search", "body"), ("trial", "candidate")))
    with contextlib.closing(_connected(run)) as connection:
        rows = connection.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid").fetchall()
        if rows:
            row, body = draw.choice(rows)
            with contextlib.suppress(ValueError, TypeError):  # it was damaged before
                body = json.dumps(fuzz_bundles.changed(draw, json.loads(body)))
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (body, row))


def _search(draw: Random, run: Path) -> None:
    """Go on with the search of the record by very many steps that are none the less valid."""
    with contextlib.closing(_connected(run)) as connection:
        steps = [json.loads(body) for (body,) in connection.execute("SELECT body FROM search ORDER BY step")]
        last = max((number for step in steps for number, *_ in step.get("trials", ())), default=0)
        _, point, _ = next(step["trials"][0] for step in steps if step.get("trials"))
        lost = draw.choice((0.5, None, "open"))
        connection.execute("BEGIN")
        for number in range(last + 1, last + 1 + draw.choice((100, 10_000, 100_000))):
            told = [("proposed", {"trials": [[number, point, "heir"]], "asked": draw.random() < 0.5})]
            told += [] if lost == "open" else [("told", {"trial": number, "loss": lost})]
            for kind, body in told:
                connection.execute("INSERT INTO search (kind, body) VALUES (?, ?)", (kind, json.dumps(body)))
        connection.execute("COMMIT")


def _endless(draw: Random, run: Path) -> None:
    """Let a small table have rows without end."""
    _do(run, "PRAGMA journal_mode = DELETE")  # so that all pages are in the one file
    make_endless(run / JOURNAL, draw.choice([*TABLES, "sqlite_master"]))


def make_endless(path: Path, table: str, levels: int = 12, children: int = 300) -> None:
    """Let the tree of a table have pages each of which names the next one as its child very many times.

    Args:
        path: a record, with pages of 4,096 bytes and no log beside it.
        table: its name.
        levels: pages one below the other.
        children: of each.
    """
    with contextlib.closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    root, content = found[0] if found else 1, bytearray(path.read_bytes())
    pages = len(content) // PAGE
    leaf = content[(root - 1) * PAGE : root * PAGE]  # the rows that there are, over and over
    offset = 100 if root == 1 else 0
    for level in range(levels):
        content += _inner_page(pages + 2 + level, children)
    content += bytes(PAGE) if offset else leaf
    content[(root - 1) * PAGE + offset : root * PAGE] = _inner_page(pages + 1, children)[: PAGE - offset]
    content[28:32] = struct.pack(">I", len(content) // PAGE)
    path.write_bytes(bytes(content))


def _inner_page(child: int, children: int) -> bytes:
    """Return a page of a table's tree (https://www.sqlite.org/fileformat.html, 1.6) with one child many times."""
    cells = [struct.pack(">IB", child, min(127, 1 + number // 3)) for number in range(children)]
    starts = [PAGE - 5 * (number + 1) - 200 for number in range(children)]
    head = struct.pack(">BHHHBI", 5, 0, children, starts[-1], 0, child)
    page = bytearray(PAGE)
    page[: len(head) + 2 * children] = head + b"".join(struct.pack(">H", start) for start in starts)
    for start, cell in zip(starts, cells, strict=True):
        page[start : start + 5] = cell
    return bytes(page)


def _do(run: Path, statement: str) -> None:
    with contextlib.closing(_connected(run)) as connection:
        connection.execute(statement)


def _connected(run: Path) -> sqlite3.Connection:
    beside = [run / f"{JOURNAL}{ending}" for ending in ("", "-wal", "-shm", "-journal")]
    if not beside[0].is_file() or any(path.exists() and not path.is_file() for path in beside):
        raise FileNotFoundError(run / JOURNAL)  # a pipe would be waited for
    connection, looks = sqlite3.connect(run / JOURNAL, isolation_level=None), iter(range(MOST_LOOKS))
    connection.set_progress_handler(lambda: next(looks, None) is None, 1_000)
    return connection


DAMAGES: dict[str, tuple[int, Callable[[Random, Path], None]]] = {
    "bytes": (4, _bytes),
    "bundle": (5, _bundle),
    "replace": (5, _replace),
    "swap": (1, _swap),
    "close": (1, _close_to_all),
    "sql": (5, _sql),
    "json": (5, _json),
    "many": (1, _many),
    "search": (1, _search),
    "endless": (1, _endless),
}
"""Name → how often it is drawn, and (draw, run) → what it does to a run."""


if __name__ == "__main__":
    make_bases(Path(sys.argv[1]))

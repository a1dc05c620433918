"""What is done with a hostile input: each way leads to an answer or to an error of ours; anything else is a fault."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import fuzz_bundles
import fuzz_media
import fuzz_requests
import fuzz_runs
import fuzz_tables
import numpy as np
import pandas as pd
from fuzz_properties import PROPERTIES
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import seed as seeded
from make import ATTACKS

from netwright import api
from netwright.answers import answer_table, write_table
from netwright.bundle import read_manifest
from netwright.data.clip import Clip
from netwright.data.files import Unreadable
from netwright.data.images import decode as decode_image
from netwright.data.size import Size
from netwright.data.sounds import encode as encode_sound
from netwright.errors import NetwrightError, NoTrialFinished
from netwright.evaluation import evaluate
from netwright.journal import Journal
from netwright.model import Model, load
from netwright.report.html import write_report
from netwright.report.text import describe
from netwright.serve.app import PATHS, make_app
from netwright.serve.limits import Limits
from netwright.serve.metrics import Metrics
from netwright.tasks import TASKS, find_task, reader
from netwright.tasks.task import Request

sys.path.insert(0, str(fuzz_bundles.RELEASED.parent))  # what kept the models lies beside them
from keep import as_cell

LONGEST_SENTENCE = 3_000  # letters: an error is to be read
EXAMPLES = 25  # of a property, each time
REFUSED = frozenset({500, 501, 502})  # statuses that say that the server has a fault
PATIENCE = 25.0  # seconds for the answer to a request
TABLES = ("tabular", "number", "text", "tagging")  # models that answer for files of tables
FOLDERS = ("b", "b", "NA", "a b", "a\nb", "é", "\U0001f600", os.fsdecode(b"caf\xe9"), "x" * 200, "1", "-rf", "=1+1")
CLIP, SIZE = Clip(32, 40, 12_500, 4_000), Size(16, 16, 3)


class Fault(AssertionError):
    """Something came of an input that should not."""


@dataclass(frozen=True)
class Target:
    """One way into Netwright.

    Attributes:
        make: draws an input: its name and its content.
        use: (name, content, folder, draw) → what came of it, in a word or two; raises whatever is a fault.
    """

    make: Callable[[Random], tuple[str, bytes]]
    use: Callable[[str, bytes, Path, Random], str]


def refusal(error: NetwrightError) -> str:
    """Return the name of an error that a user is told of.

    Raises:
        Fault: if its sentence is none, or its status is not that of something wrong with an input.
    """
    text = str(error)
    if error.exit_status != 2 or not text.strip() or len(text) > LONGEST_SENTENCE:
        raise Fault(f"{type(error).__name__} says {text[:200]!r} ({len(text)} letters) with status {error.exit_status}")
    return type(error).__name__


def _put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def learn(name: str, content: bytes, folder: Path, draw: Random) -> str:
    """Go all the way of `netwright fit` to where training would begin."""
    path = _put(folder, name, content)
    try:
        asked = draw.choice(("auto", "auto", "auto", "tagging", "text", "tabular", "regression", "classification"))
        table = reader(asked, path)(path)
        target = draw.choice([*table.columns]) if len(table.columns) and draw.random() < 0.97 else "target"
        task, outcome = find_task(asked, table, target, {})
        loaded = task.load(Request(table, target, {}, outcome))
        features = task.prepare(loaded, 0).encode(loaded.frame)
    except NetwrightError as error:
        return refusal(error)
    if not all(np.isfinite(array).all() for array in features.arrays.values() if array.dtype.kind == "f"):
        raise Fault("a feature is not finite")
    json.dumps(loaded.schema.to_json(), allow_nan=False)
    return f"learnt from as {task.name}"


def answer(name: str, content: bytes, folder: Path, draw: Random) -> str:
    """Predict the rows of a file, measure the model on them, and write the answers."""
    path = _put(folder, name, content)
    known = Path(name).stem
    model = model_of(known if known in TABLES else draw.choice(TABLES))
    classes = bool(model.labels)
    try:
        table = answer_table(model, model.task.read(path), proba=classes)
        write_table(table, folder / f"answers{draw.choice(('.csv', '.tsv', '.jsonl', '.parquet'))}")
    except NetwrightError as error:
        return refusal(error)
    numbers = table.select_dtypes("number").to_numpy(np.float64)
    if not np.isfinite(numbers).all():
        raise Fault("an answer is not finite")
    try:
        evaluate(model, path)
    except NetwrightError as error:
        refusal(error)
    return "answered"


def make_known(draw: Random) -> tuple[str, bytes]:
    """Return a table with the columns of a model, some cells of which are hostile."""
    model = draw.choice(TABLES[:3])
    rows = rows_of(model)
    frame = rows.astype(object).copy()
    for _ in range(draw.choice((1, 3, 20))):
        frame.iloc[draw.randrange(len(frame)), draw.randrange(frame.shape[1])] = fuzz_tables.odd_cell(draw)
    content = frame.to_csv(index=False, lineterminator="\n").encode("utf-8", "surrogatepass")
    return f"{model}.csv", fuzz_tables.damaged(draw, content) if draw.random() < 0.2 else content


@cache
def model_of(name: str) -> Model:
    """Return a model that an earlier version wrote."""
    return load(fuzz_bundles.RELEASED / f"{name}.nw")


@cache
def rows_of(name: str) -> pd.DataFrame:
    """Return rows that such a model knows."""
    columns = json.loads((fuzz_bundles.RELEASED / f"{name}.json").read_text())["columns"]
    return pd.DataFrame({column: [as_cell(cell) for cell in cells] for column, cells in columns.items()})


def open_bundle(name: str, content: bytes, folder: Path, draw: Random) -> str:
    """Load a model file, and ask all that can be asked of it."""
    path = _put(folder, name, content)
    try:
        read_manifest(path)
        model = load(path)
        rows = rows_of(Path(name).stem)
        describe(model)
        model.cost()
        answers = model.answers(rows)
        again = folder / "again.nw"
        model.save(again)
        load(again)
    except NetwrightError as error:
        return refusal(error)
    if len(answers) != len(rows):
        raise Fault(f"{len(answers)} answers for {len(rows)} rows")
    return "loaded"


def make_shelf(draw: Random) -> tuple[str, bytes]:
    """Return the hostile trials of a run."""
    return "trials.nw", fuzz_bundles.hostile(draw, _shelf())


@cache
def _shelf() -> bytes:
    """Return the trials of a run, which the process makes once."""
    generator = np.random.default_rng(0)
    table = pd.DataFrame(generator.normal(size=(60, 2)).round(2), columns=["a", "b"]).assign(y=["x", "y"] * 30)
    with tempfile.TemporaryDirectory() as folder:
        api.fit(table, "y", trials=2, device="cpu", out=folder)
        return Path(folder, api.SHELF).read_bytes()


def pick(name: str, content: bytes, folder: Path, draw: Random) -> str:
    """Choose a model from the trials of a run."""
    _put(folder, name, content)
    try:
        api.pick(folder, max_size=draw.choice((None, "20kB")))
        load(folder / "picked.nw")
    except NetwrightError as error:
        return refusal(error)
    return "picked"


def use_run(name: str, content: bytes, folder: Path, draw: Random) -> str:
    """Do with a hostile run folder what its case says: go on with it, read it, choose from it; nothing else changes."""
    case = json.loads(content)
    run = fuzz_runs.lay_out(case, folder)
    outside = folder / fuzz_runs.OUTSIDE
    before = fuzz_runs.content_of(outside)
    try:
        said = _used(case, run)
    except NoTrialFinished:  # the record may say that all of them failed
        said = "no trial left"
    except NetwrightError as error:
        said = refusal(error)
    if fuzz_runs.content_of(outside) != before:
        raise Fault("a file beside the run has changed")
    return f"{case['use']}: {said}"


def _used(case: dict[str, Any], run: Path) -> str:
    limit = dict([fuzz_runs.BASES[case["base"]]])
    ends: Any = {"trials": int(limit["--trials"])} if "--trials" in limit else {"time": limit["--time"]}
    match case["use"]:
        case "read":
            return _read(run)
        case "pick":
            api.pick(run)
            load(run / "picked.nw")
        case "show":
            describe(load(run / "model.nw"))
        case use:
            api.fit(fuzz_runs.data(), "y", out=run, device="cpu", fresh=use == "fresh", **ends)
            load(run / "model.nw")
            with Journal.open(run / "journal.sqlite") as journal:
                write_report(run / "report.html", journal)
    return "done"


def _read(run: Path) -> str:
    """Read all that a record holds, and make the report of it; a damaged part hides no other."""
    with Journal.open(run / "journal.sqlite") as journal:
        asked = (journal.settings, journal.data, journal.bench, journal.search, journal.trials, journal.curve)
        said = set()
        for ask in (*asked, journal.result, journal.mistakes, journal.limit, journal.spent, journal.given_up):
            try:
                ask()
            except NetwrightError as error:
                said.add(refusal(error))
        write_report(run / "report.html", journal)
    return ", ".join(sorted(said)) or "whole"


def make_attack(draw: Random) -> tuple[str, bytes]:
    """Return the number of one of the attacks that are written down."""
    return "attack.txt", str(draw.randrange(len(ATTACKS))).encode()


def refuse(name: str, content: bytes, folder: Path, draw: Random) -> str:
    """See that a written attack is refused."""
    attack = ATTACKS[int(content)]
    try:
        load(attack.write(folder))
    except NetwrightError as error:
        return refusal(error)
    raise Fault(f"the attack {attack.name} was loaded")


def look(name: str, content: bytes, folder: Path, draw: Random) -> str:
    """Decode an image or a sound; now and then learn from a folder that it lies in among good ones."""
    sound = Path(name).suffix in (".wav", ".flac", ".ogg", ".mp3")
    try:
        pixels = encode_sound(content, CLIP) if sound else decode_image(content, draw.choice((SIZE, None)))
        if pixels.dtype != np.uint8 or pixels.ndim != 3:
            raise Fault(f"decoded to {pixels.dtype} {pixels.shape}")
        said = "decoded"
    except Unreadable as error:
        said = str(error)
    return f"{said}; in a folder {_in_folder(name, content, folder, sound, draw)}" if draw.random() < 0.1 else said


def _in_folder(name: str, content: bytes, folder: Path, sound: bool, draw: Random) -> str:
    odd = draw.choice(FOLDERS)
    for place in range(14):
        own = folder / "files" / ("a", odd)[place % 2] / f"{place}{Path(name).suffix}"
        own.parent.mkdir(parents=True, exist_ok=True)
        good = fuzz_media.good_sound("WAV", place % 3) if sound else fuzz_media.good_image("PNG", "RGB", place)
        own.write_bytes(good if place else content)
    try:
        task = TASKS["audio" if sound else "image"]
        loaded = task.load(Request(task.read(folder / "files"), "class", {}, "auto"))
        task.prepare(loaded, 0).encode(loaded.frame)
    except NetwrightError as error:
        return refusal(error)
    return "learnt from"


def ask(name: str, content: bytes, folder: Path, draw: Random) -> str:
    """Send a request to a served model; the answer is whole, and never says that the server has a fault."""
    asked = json.loads(content)
    model = Path(name).stem
    status = _loop().run_until_complete(asyncio.wait_for(_answered(model, asked), PATIENCE))
    if status in REFUSED:
        raise Fault(f"status {status}")
    return "the client had gone" if status is None else f"status {status}"


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


@cache
def _served(name: str) -> Any:
    """Return what serves a model; waits are short, so that a body that never ends is soon refused."""
    return make_app(model_of(name), Limits(wait=0.2, seconds=20.0), None, Metrics(PATHS))


async def _answered(name: str, asked: dict[str, Any]) -> int | None:
    """Return the status of the answer, None where the client went away before there was one."""
    pieces, sent = [piece.encode("latin-1") for piece in asked["pieces"]], list[dict[str, Any]]()

    async def receive() -> dict[str, Any]:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces) or not asked["ends"]}
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(key.lower().encode("latin-1"), value.encode("latin-1", "replace")) for key, value in asked["headers"]]
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": ""}
    scope |= {"method": asked["method"], "path": asked["path"], "raw_path": b"/", "query_string": b"", "state": {}}
    await _served(name)({**scope, "headers": headers, "client": ("::1", 1), "server": ("::1", 80)}, receive, send)
    if not sent and not asked["ends"]:
        return None
    kinds = [message["type"] for message in sent]
    if kinds[:1] != ["http.response.start"] or kinds.count("http.response.start") > 1 or sent[-1].get("more_body"):
        raise Fault(f"the answer is not whole: {kinds}")
    return int(sent[0]["status"])


def make_property(draw: Random) -> tuple[str, bytes]:
    """Return the name of a property and the seed of its examples."""
    return draw.choice([*PROPERTIES]), str(draw.randrange(2**32)).encode()


def hold(name: str, content: bytes, folder: Path, draw: Random) -> str:
    """Try a property on examples that Hypothesis makes up, and then makes as small as they can be."""
    one, tried = PROPERTIES[name], 0

    @seeded(int(content))
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=[*HealthCheck],
        phases=[Phase.generate, Phase.shrink],
        verbosity=Verbosity.quiet,
    )
    @given(one.examples)
    def check(example: Any) -> None:
        nonlocal tried
        tried += 1
        one.check(example)

    check()
    return f"{name} held {tried}"


TARGETS: dict[str, Target] = {
    "learn": Target(fuzz_tables.make, learn),
    "answer": Target(fuzz_tables.make, answer),
    "answer-known": Target(make_known, answer),
    "bundle": Target(fuzz_bundles.make, open_bundle),
    "shelf": Target(make_shelf, pick),
    "run": Target(fuzz_runs.make, use_run),
    "attack": Target(make_attack, refuse),
    "media": Target(fuzz_media.make, look),
    "request": Target(fuzz_requests.make, ask),
    "property": Target(make_property, hold),
}

"""The command line: what it hands to the API, what it prints where, and how it ends."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import netwright as nw
from netwright import api, cli
from netwright.cli import clock, training
from netwright.errors import NoTrialFinished
from netwright.events import DataRead, Listener, ResourcesUsed
from netwright.intake.order import Order
from netwright.report import words as report
from netwright.resources.budget import Budget
from netwright.result import Baseline, Result, Standing
from netwright.search import SAMPLERS
from netwright.team.staff import HERE

ROOT = Path(__file__).parent.parent
PENGUINS = ROOT / "examples" / "data" / "penguins.csv"
COMMANDS = ("fit", "predict", "evaluate", "show", "doctor")
RESULT = Result(
    task="tabular_binary",
    metric="accuracy",
    greater_is_better=True,
    score=0.9,
    score_low=0.85,
    score_high=float("nan"),
    estimate="Made up for a test.",
    metrics={"accuracy": 0.9},
    test_metrics={},
    baselines=(Baseline("always the usual answer", 0.5),),
    leaderboard=(Standing(1, "1×64 silu", "portfolio", 0.9, 0.1, 1.0, 100, 2.0),),
    seconds=3.5,
    trials=7,
    failed=1,
    labels=("no", "yes"),
    confusion=((1, 0), (0, 1)),
    reliability=(),
    importance=(),
    ended_early=False,
)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass
class FakeFit:
    """Stands for `api.fit`: keeps what it was given and returns a result at once."""

    result: Result = RESULT
    given: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
    resources: ResourcesUsed | None = None

    def __call__(self, *words: Any, **options: Any) -> api.Run:
        """Take the call."""
        self.given = (words, options)
        return api.Run(None, self.result, (), Path(options["out"]), resources=self.resources)  # type: ignore[arg-type]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs a command in this process and tells how it ended."""

    def run(*words: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["netwright", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def fake_fit(monkeypatch: pytest.MonkeyPatch) -> FakeFit:
    """Put a fake in the place of `api.fit`."""
    fake = FakeFit()
    monkeypatch.setattr(api, "fit", fake)
    return fake


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the model of a short run on the penguins."""
    return nw.fit(PENGUINS, "species", trials=1, out=tmp_path_factory.mktemp("penguins")).bundle


def process(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own and return how it ended."""
    return subprocess.run(
        [sys.executable, "-c", "from netwright.cli import main; main()", *map(str, words)],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


# --- help and misuse -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_that_fits_80_columns(
    name: str, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example is one line, beginning with the command's own name."""
    monkeypatch.setenv("COLUMNS", "80")
    ended = command(name, "--help")
    assert ended.status == 0
    assert re.search(rf"^ Example: netwright {name}\b.*$", ended.out, re.MULTILINE)
    assert max(map(len, ended.out.splitlines())) <= 80


@pytest.mark.parametrize("name", ["export", "pick", "predict"])
def test_the_help_says_what_is_replaced(command: Any, name: str) -> None:
    """A file that was named is; of a folder that was named only what an export wrote."""
    assert "replaced" in command(name, "--help").out


def test_the_bare_command_shows_help(command: Any) -> None:
    """All commands are listed, and nothing is an error."""
    ended = command()
    assert ended.status == 0 and ended.err == ""
    assert all(name in ended.out for name in COMMANDS)


def test_the_version_is_printed(command: Any) -> None:
    """Alone, for scripts."""
    assert command("--version").out == f"{nw.__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fti",), "Did you mean 'fit'? See: netwright --help"),
        (("fit",), "Missing argument 'data'. See: netwright fit --help"),
        (("fit", "x.csv", "--target", "y", "--seed", "one"), "'--seed'"),
        (("fit", "x.csv", "--target", "y", "--seed", "-1"), "'--seed'"),
        (("fit", "x.csv", "--target", "y", "--tiem", "5s"), "--time"),
        (("fit", "x.csv", "--target", "y", "--trials", "0"), "1 or more"),
        (("fit", "x.csv", "--target", "y", "--time", "-3s"), "60s"),
        (("fit", "x.csv", "--target", "y", "--kind", "zip"), "COL=KIND"),
        (("fit", "x.csv", "--target", "y", "--kind", "=text"), "COL=KIND"),
        (("predict", "model.nw"), "See: netwright predict --help"),
        (("predict", "model.nw", "x.csv", "-o", "answers.doc"), ".csv, .tsv, .parquet, .jsonl"),
        (("show", "model.nw", "another.nw"), "another.nw"),
    ],
)
def test_misuse_is_said_in_plain_words(words: tuple[str, ...], said: str, command: Any) -> None:
    """One line on standard error, status 2, nothing on standard output."""
    ended = command(*words)
    assert ended.status == 2 and ended.out == ""
    assert said in ended.err
    assert ended.err.count("\n") == 1 and "Traceback" not in ended.err


@pytest.mark.parametrize("words", [("predict", "no.nw", PENGUINS), ("evaluate", "no.nw", PENGUINS), ("show", "no.nw")])
def test_a_model_that_is_not_there_is_said(words: tuple[str, ...], command: Any) -> None:
    """By its path."""
    ended = command(*words)
    assert ended.status == 2 and "no.nw" in ended.err and ended.out == ""


# --- fit -------------------------------------------------------------------------------------------------------------


def test_fit_hands_over_what_it_was_told(command: Any, fake_fit: FakeFit) -> None:
    """Every option arrives; a column's name may hold the sign of its kind."""
    options = (
        "--task",
        "binary",
        "--metric",
        "roc_auc",
        "--search",
        "tpe",
        "--out",
        "here",
        "--seed",
        "5",
        "--test",
        "t.csv",
        "--text",
        "review",
        "--group",
        "who",
        "--pretrained",
        "none",
        "--bad-files",
        "0.2",
        "--single",
        "--max-latency",
        "1ms",
        "--max-size",
        "2MB",
        "--framework",
        "jax",
        "--device",
        "cpu",
        "--memory",
        "4GB",
        "--workers",
        "3",
        "--cluster",
        "head:6379",
        "--fresh",
    )
    kinds = ("--kind", "zip=categorical", "--kind", "a=b=text")
    assert command("fit", "d.csv", "--target", "y", "--time", "5m", *options, *kinds).status == 0
    words, given = fake_fit.given
    budget = given.pop("budget")
    given.pop("listener")
    assert words == ("d.csv", "y")
    assert given == {
        "task": "binary",
        "metric": "roc_auc",
        "search": "tpe",
        "single": True,
        "max_latency": "1ms",
        "max_size": "2MB",
        "framework": "jax",
        "device": "cpu",
        "memory": "4GB",
        "workers": 3,
        "cluster": "head:6379",
        "fresh": True,
        "out": Path("here"),
        "seed": 5,
        "test": "t.csv",
        "group": "who",
        "pretrained": "none",
        "bad_files": 0.2,
        "kinds": {"zip": "categorical", "a=b": "text", "review": "text"},
    }
    assert (budget.seconds, budget.trials) == (300, None)


SAID = {
    "target": ("--target", "y"),
    "time": ("--time", "90s"),
    "trials": ("--trials", "7"),
    "task": ("--task", "tabular_binary"),
    "metric": ("--metric", "log_loss"),
    "search": ("--search", "random"),
    "seed": ("--seed", "7"),
    "kind": ("--kind", "size=categorical"),
    "text": ("--text", "note"),
    "group": ("--group", "who"),
    "test": ("--test", "test.csv"),
    "pretrained": ("--pretrained", "none"),
    "bad_files": ("--bad-files", "0.2"),
    "single": ("--single",),
    "max_latency": ("--max-latency", "1ms"),
    "max_size": ("--max-size", "2MB"),
    "framework": ("--framework", "jax"),
    "device": ("--device", "cpu"),
    "memory": ("--memory", "4GB"),
    "workers": ("--workers", "2"),
    "cluster": ("--cluster", "head:6379"),
}
"""Options of fit that a run is made again with, as they may be given: none as it is without."""
UNSAID = {
    "data": "it has no name",
    "out": "where it goes: there it would be found done",
    "fresh": "likewise",
    "as_json": "how it is told",
}


def test_every_option_of_fit_is_told_or_has_a_reason_not_to_be() -> None:
    """Whoever adds one has to see to it that a report can tell how its run is made again."""
    assert {*inspect.signature(training.fit).parameters} == {*SAID} | {*UNSAID}


@pytest.mark.parametrize("name", SAID)
def test_the_command_that_a_report_tells_has_what_was_said(
    name: str, command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each option, from the command line to the record and back; and as lines of Python, for a frame."""
    rows = {"size": range(20), "who": [*range(10)] * 2, "note": ["a b", "c d"] * 10, "y": ["no", "yes"] * 10}
    for file in ("data.csv", "test.csv"):
        pd.DataFrame(rows).to_csv(tmp_path / file, index=False)
    orders = list[Order]()

    def carry_out(order: Order, budget: Budget, listener: Listener) -> None:
        orders.append(order)
        raise NoTrialFinished("this is a test")

    def find_framework(name: str, device: str) -> SimpleNamespace:
        return SimpleNamespace(name=name, device="cuda:0", pinned={}, versions=dict)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(api, "carry_out", carry_out)
    monkeypatch.setattr(api, "find_framework", find_framework)
    monkeypatch.setattr(api, "make_staff", lambda *asked: HERE)
    said = {"target": SAID["target"], "time": SAID["time"], name: SAID[name]}
    if name == "trials":
        del said["time"]
    ended = command("fit", "data.csv", *(word for words in said.values() for word in words))
    assert "this is a test" in ended.err
    settings = json.loads(json.dumps(orders[0].settings, default=str))  # as the record keeps them
    wanted = ("--kind", "note=text") if name == "text" else SAID[name]
    told = shlex.split(report.command(settings))
    assert wanted in [tuple(told[place : place + len(wanted)]) for place in range(len(told))]
    argument = {"kind": "kinds", "text": "kinds"}.get(name, name)
    assert f" {argument}=" in report.command({**settings, "data": report.FRAME}).replace("(", " ")


def test_without_options_fit_takes_a_minute_from_the_start_of_the_process(command: Any, fake_fit: FakeFit) -> None:
    """The time that interpreter and imports take is part of it."""
    command("fit", "d.csv", "--target", "y")
    given = fake_fit.given[1]
    assert given["budget"].seconds == 60
    assert given["budget"].started < time.monotonic()
    assert given["budget"].started == pytest.approx(clock.process_start(), abs=0.5)
    assert given["out"] == Path("netwright-run") and given["test"] is None and given["kinds"] == {}


def test_a_number_of_trials_replaces_the_time(command: Any, fake_fit: FakeFit) -> None:
    """No time limit then."""
    command("fit", "d.csv", "--target", "y", "--trials", "3")
    budget = fake_fit.given[1]["budget"]
    assert (budget.seconds, budget.trials) == (None, 3)


def test_fit_prints_the_result_and_where_it_lies(command: Any, fake_fit: FakeFit) -> None:
    """For a person."""
    ended = command("fit", "d.csv", "--target", "y", "--out", "here")
    for words in ("accuracy 90.0 %", "always the usual answer: 50.0 %", "1×64 silu", "model   here/model.nw"):
        assert words in ended.out
    assert ended.err == ""


def test_fit_prints_one_json_object(command: Any, fake_fit: FakeFit) -> None:
    """For a program: the promised keys, null for what is no number, and metrics of a test file if there was one."""
    ended = command("fit", "d.csv", "--target", "y", "--out", "here", "--json")
    assert ended.out.count("\n") == 1
    values = json.loads(ended.out)
    where = {"model": str(Path("here/model.nw").absolute()), "report": str(Path("here/report.html").absolute())}
    numbers = {"score": 0.9, "score_low": 0.85, "score_high": None, "seconds": 3.5, "trials": 7, "failed": 1}
    numbers |= {"latency_ms": None, "size_bytes": None, "missed": []}
    assert values == {"task": "tabular_binary", "metric": "accuracy", **numbers, **where}
    fake_fit.result = replace(RESULT, test_metrics={"accuracy": 0.8})
    values = json.loads(command("fit", "d.csv", "--target", "y", "--test", "t.csv", "--json").out)
    assert values["test"] == {"accuracy": 0.8}


def test_an_early_end_is_said(command: Any, fake_fit: FakeFit) -> None:
    """As a note, since the result is good."""
    fake_fit.result = replace(RESULT, ended_early=True)
    ended = command("fit", "d.csv", "--target", "y")
    assert ended.status == 0 and "Ended early" in ended.err


@pytest.mark.parametrize("more", [["--text", "note"], ["--kind", "note=numeric"]])
def test_two_kinds_for_one_column_are_refused(command: Any, fake_fit: FakeFit, more: list[str]) -> None:
    """Neither silently wins; the same twice is no matter."""
    ended = command("fit", "d.csv", "--target", "y", "--kind", "note=categorical", *more)
    assert ended.status == 2 and "'note'" in ended.err and "categorical" in ended.err
    command("fit", "d.csv", "--target", "y", "--kind", "note=text", "--text", "note", "--text", "other")
    assert fake_fit.given[1]["kinds"] == {"note": "text", "other": "text"}


def test_probabilities_without_a_place_are_refused_before_anything_is_read(command: Any) -> None:
    """Rather than left out without a word."""
    ended = command("predict", "no-model.nw", "no-data.txt", "--proba", "-o", "a.conll")
    assert ended.status == 2 and "no place for probabilities" in ended.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_budget_and_the_next_the_process(
    number: signal.Signals, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a fit runs, Ctrl-C and SIGTERM ask for the best so far; who asks once more ends at once."""
    left: list[float] = []

    def fit(*words: Any, budget: Budget, listener: Listener, **options: Any) -> api.Run:
        listener(DataRead(0.1, {}, (), 10, 2))
        signal.raise_signal(number)
        left.append(budget.left())
        return api.Run(None, RESULT, (), Path("here"))  # type: ignore[arg-type]

    monkeypatch.setattr(api, "fit", fit)
    before = signal.getsignal(number)
    try:
        assert command("fit", "d.csv", "--target", "y").status == 0
        assert left == [0]
        assert signal.getsignal(number) is signal.SIG_DFL  # Python's own would show where it was as it ended
    finally:
        signal.signal(number, before)
    monkeypatch.setattr(api, "fit", lambda *words, **options: api.Run(None, RESULT, (), Path("here")))
    assert command("fit", "d.csv", "--target", "y").status == 0
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_data_is_read_ends_at_once(
    number: signal.Signals, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many files take minutes to decode, and there is nothing yet to hand over."""
    went_on: list[bool] = []

    def fit(*words: Any, **options: Any) -> api.Run:
        signal.raise_signal(number)
        went_on.append(True)
        return api.Run(None, RESULT, (), Path("here"))  # type: ignore[arg-type]

    monkeypatch.setattr(api, "fit", fit)
    before = signal.getsignal(number)
    assert command("fit", "d.csv", "--target", "y").status == 130
    assert not went_on and signal.getsignal(number) is before


def test_a_run_with_nothing_to_hand_over_ends_with_status_1(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not the user's fault, and still one sentence."""

    def fit(*words: Any, **options: Any) -> api.Run:
        raise NoTrialFinished("it diverged")

    monkeypatch.setattr(api, "fit", fit)
    ended = command("fit", "d.csv", "--target", "y")
    assert ended.status == 1 and "it diverged" in ended.err


@pytest.mark.parametrize(("package", "status"), [("torch", 2), ("jinja2", 2), ("optuna", 2)])
def test_a_missing_package_is_said_with_the_line_that_installs_it(
    package: str, status: int, command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Netwright itself is installed without what training needs."""

    def fit(*words: Any, **options: Any) -> api.Run:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr(api, "fit", fit)
    ended = command("fit", "d.csv", "--target", "y")
    assert (
        ended.status == status and f"package {package}" in ended.err and "pip install 'netwright[train]'" in ended.err
    )


def test_every_search_is_in_the_help_and_a_slip_is_mended(command: Any, tmp_path: Path) -> None:
    """The names stand there without the search being loaded, so a test has to hold them together."""
    line = re.sub(r"[│\s]+", " ", command("fit", "--help").out)
    assert f"auto, {', '.join(sorted(SAMPLERS))}" in line
    ended = command("fit", PENGUINS, "--target", "species", "--search", "evolve", "--out", tmp_path / "run")
    assert ended.status == 2 and "'evolve'" in ended.err and "evolution, local" in ended.err
    assert not (tmp_path / "run").exists()


def test_a_fault_of_our_own_is_not_hidden(command: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing module that nobody could install, or any other error, keeps its traceback."""

    def fit(*words: Any, **options: Any) -> api.Run:
        raise ModuleNotFoundError("No module named 'netwright.nothing'", name="netwright.nothing")

    monkeypatch.setattr(api, "fit", fit)
    monkeypatch.setattr(sys, "argv", ["netwright", "fit", "d.csv", "--target", "y"])
    with pytest.raises(ModuleNotFoundError, match="nothing"):
        cli.main()


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to another process")
def test_ctrl_c_hands_over_the_best_so_far(tmp_path: Path) -> None:
    """A real process of ten minutes, asked to end after its first seconds, writes everything and ends well."""
    code = "from netwright.cli import main; main()"
    words = ["fit", str(PENGUINS), "--target", "species", "--time", "10m", "--out", str(tmp_path / "out"), "--json"]
    running = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert running.stderr is not None
        assert "344 rows" in running.stderr.readline()  # the data was read: training begins
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 0
    assert "Ended early" in err and "Traceback" not in err
    assert json.loads(out)["trials"] >= 1
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"model.nw", "report.html", "journal.sqlite"}


# --- predict, evaluate, show, doctor ---------------------------------------------------------------------------------


def test_predict_writes_answers_to_standard_output(model: Path, command: Any) -> None:
    """A column named after the target, one row a row, and nothing else."""
    ended = command("predict", model, PENGUINS)
    lines = ended.out.splitlines()
    assert lines[0] == "species" and len(lines) == 345 and ended.err == ""
    truth = pd.read_csv(PENGUINS)["species"]
    assert (truth == lines[1:]).mean() > 0.9


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "jsonl"])
def test_predict_writes_the_format_that_the_name_asks_for(
    ending: str, model: Path, command: Any, tmp_path: Path
) -> None:
    """Labels and probabilities come back from each the same."""
    path = tmp_path / f"answers.{ending}"
    ended = command("predict", model, PENGUINS, "-o", path, "--proba")
    assert ended.status == 0 and ended.out == "" and "344 rows" in ended.err
    match ending:
        case "parquet":
            table = pd.read_parquet(path)
        case "jsonl":
            table = pd.read_json(path, lines=True)
        case _:
            table = pd.read_csv(path, sep="\t" if ending == "tsv" else ",")
    labels = nw.load(model).labels
    assert [*table.columns] == ["species", *(f"species={label}" for label in labels)]
    chances = table.drop(columns="species").to_numpy()
    assert chances.sum(axis=1) == pytest.approx(1)
    assert [labels[place] for place in chances.argmax(axis=1)] == [*table["species"]]
    assert chances == pytest.approx(nw.load(model).predict_proba(pd.read_csv(PENGUINS)), abs=1e-9)


def test_predict_as_json_holds_the_answers_or_says_where_they_are(model: Path, command: Any, tmp_path: Path) -> None:
    """One object either way."""
    few = tmp_path / "few.csv"
    pd.read_csv(PENGUINS).head(2).to_csv(few, index=False)
    values = json.loads(command("predict", model, few, "--json").out)
    assert values == {
        "rows": 2,
        "columns": ["species"],
        "output": None,
        "answers": [{"species": "Adelie"}, {"species": "Adelie"}],
    }
    values = json.loads(command("predict", model, few, "--json", "-o", tmp_path / "a.csv").out)
    assert values == {"rows": 2, "columns": ["species"], "output": str(tmp_path / "a.csv")}


def test_predict_names_missing_columns_and_writes_nothing(model: Path, command: Any, tmp_path: Path) -> None:
    """Order and extra columns are fine."""
    table = pd.read_csv(PENGUINS)
    table[[*table.columns[::-1]]].assign(extra=1).to_csv(tmp_path / "odd.csv", index=False)
    assert command("predict", model, tmp_path / "odd.csv").out == command("predict", model, PENGUINS).out
    table.drop(columns=["island", "sex"]).to_csv(tmp_path / "lacking.csv", index=False)
    ended = command("predict", model, tmp_path / "lacking.csv", "-o", tmp_path / "answers.csv")
    assert ended.status == 2 and "'island'" in ended.err and "'sex'" in ended.err
    assert not (tmp_path / "answers.csv").exists()


def test_evaluate_prints_every_metric(model: Path, command: Any) -> None:
    """As words, and as numbers for a program; a loaded model is as good as it was."""
    assert "balanced accuracy" in command("evaluate", model, PENGUINS).out
    values = json.loads(command("evaluate", model, PENGUINS, "--json").out)
    assert values["accuracy"] > 0.9 and {"log_loss", "balanced_accuracy"} <= set(values)


def test_show_needs_no_torch(model: Path) -> None:
    """The architecture, its cost and the leaderboard are there in a process that cannot import it."""
    code = "import sys; sys.modules['torch'] = None\nfrom netwright.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "show", str(model)], capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0 and done.stderr == ""
    for words in ("predicts 'species'", "parameters", "dense", "accuracy", "trial"):
        assert words in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_show_as_json_holds_the_networks_and_the_result(model: Path, command: Any) -> None:
    """What the bundle's card says, and what the networks cost."""
    values = json.loads(command("show", model, "--json").out)
    assert values["parameters"] > 0 and values["flops"] > 0
    assert sum(part["share"] for part in values["parts"]) == pytest.approx(1)
    assert values["result"]["metric"] == "accuracy"


def test_fitting_without_torch_says_how_to_get_it(tmp_path: Path) -> None:
    """In words, not as a traceback; predicting needs no torch."""
    code = "import sys; sys.modules['torch'] = None\nfrom netwright.cli import main; main()"
    words = ["fit", str(PENGUINS), "--target", "species", "--trials", "1", "--out", str(tmp_path / "run")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == ""
    assert "pip install 'netwright[train]'" in done.stderr and "Traceback" not in done.stderr


def test_doctor_prints_what_there_is(command: Any) -> None:
    """As lines and as JSON."""
    ended = command("doctor")
    assert ended.status == 0 and "python" in ended.out and "torch" in ended.out
    facts = json.loads(command("doctor", "--json").out)["facts"]
    assert {"netwright", "python", "processor", "gpu", "memory", "disk"} <= {fact["name"] for fact in facts}


# --- streams ---------------------------------------------------------------------------------------------------------


def test_every_script_gets_through_a_pipe_of_another_encoding(tmp_path: Path) -> None:
    """What is piped is UTF-8 whatever the terminal is."""
    done = process("fit", tmp_path / "数据.csv", "--target", "结果", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 2 and "数据.csv" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="the shell's way of closing a pipe")
def test_a_reader_that_leaves_early_is_no_error() -> None:
    """`netwright … | head -0` says nothing on standard error."""
    code = "import time; from netwright.cli import main; time.sleep(0.3); main()"
    line = f"{sys.executable} -c '{code}' doctor --json | true"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_standard_output_is_said() -> None:
    """One sentence, not the interpreter's own complaint at its end."""
    code = "from netwright.cli import main; main()"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, "doctor"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr


def test_pick_prints_what_it_chose(command: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The limits arrive, and what was chosen is told in words or as one object."""
    given: list[Any] = []

    def pick(run: Path, **options: Any) -> Any:
        given.append((run, options))
        return SimpleNamespace(result=replace(RESULT, latency_ms=0.5, size_bytes=123_456, missed=("It is slow.",)))

    monkeypatch.setattr("netwright.api.pick", pick)
    ended = command("pick", str(tmp_path), "--max-latency", "1ms", "--json")
    assert ended.status == 0
    assert json.loads(ended.out)["size_bytes"] == 123_456
    options = {"max_latency": "1ms", "max_size": None, "out": tmp_path / "picked.nw"}
    assert given == [(tmp_path, options)]
    told = command("pick", str(tmp_path), "-o", "here.nw").out
    assert "0.5 ms to predict one row, 0.123 MB" in told
    assert "Not as asked: It is slow." in told


def test_limits_that_are_none_are_refused_at_once(command: Any, fake_fit: FakeFit) -> None:
    """Before anything is read."""
    ended = command("fit", "d.csv", "--target", "y", "--max-size", "small")
    assert ended.status == 2 and "Write it as 2MB" in ended.err
    ended = command("fit", "d.csv", "--target", "y", "--memory", "4XB")
    assert ended.status == 2 and "Write it as 4GB" in ended.err
    assert fake_fit.given == ((), {})


def test_memory_arrives_and_what_was_taken_is_told(command: Any, fake_fit: FakeFit) -> None:
    """In bytes, where a run says it."""
    used = ResourcesUsed(1.0, 812_000_000, 4_000_000_000, 12_000_000, 500)
    fake_fit.resources = used
    values = json.loads(command("fit", "d.csv", "--target", "y", "--memory", "4GB", "--json").out)
    assert fake_fit.given[1]["memory"] == "4GB"
    assert (values["memory_bytes"], values["disk_bytes"]) == (812_000_000, 12_000_500)
    command("fit", "d.csv", "--target", "y")
    assert fake_fit.given[1]["memory"] is None

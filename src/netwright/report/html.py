"""The report: one page of HTML that needs nothing else, made from the journal alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from jinja2 import Environment, PackageLoader, StrictUndefined

from netwright.errors import DamagedJournal, UnfinishedRun
from netwright.events import DataRead
from netwright.journal import Journal, TrialRecord
from netwright.report import numbers, words
from netwright.report.figures import figures_of
from netwright.result import Result
from netwright.storage import replace_file

SHOWN_COLUMNS = 300
SHOWN_FINDINGS = 100
SHOWN_TRIALS = 50
SHOWN_FAILURES = 30
SHOWN_LOSSES = 30
LONGEST_TEXT = 300  # columns of a terminal: of names, messages and reasons
LONGEST_DESCRIPTION = 100_000  # letters

_templates = Environment(
    loader=PackageLoader("netwright.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(
    number=numbers.number,
    score=numbers.score,
    duration=numbers.duration,
    megabytes=numbers.megabytes,
    metric_name=numbers.metric_name,
    milliseconds=numbers.milliseconds,
    short=lambda text: numbers.shortened(str(text), LONGEST_TEXT),
)
_templates.globals.update(count=numbers.count)


@dataclass(frozen=True)
class ColumnRow:
    """A line of the table of columns; `missing` is a share, `use` says whether the column is used, and if not, why."""

    name: str
    kind: str
    stated: bool
    missing: float
    distinct: int
    use: str


@dataclass(frozen=True)
class FindingRow:
    """A thing that was noticed; `grave` if the numbers may not be believed because of it."""

    message: str
    grave: bool


def write_report(path: Path, journal: Journal, *, description: str = "") -> None:
    """Write the report of a finished run, all or nothing.

    Args:
        path: the HTML file.
        journal: the record of the run.
        description: the architecture in words, shown as it is.

    Raises:
        CannotWrite: if it cannot be written there.
        DamagedJournal: if the record is damaged.
        UnfinishedRun: if the run did not finish.
    """
    page = render(journal, description).encode("utf-8", errors="replace")

    def write(file: BinaryIO) -> None:
        file.write(page)

    replace_file(path, write)


def render(journal: Journal, description: str = "") -> str:
    """Return the report as text. Raises as `write_report` does, but writes nothing."""
    result, data = journal.result(), journal.data()
    if result is None or data is None:
        raise UnfinishedRun(journal.path)
    if not _square(result):
        raise DamagedJournal(journal.path, "its confusion matrix does not fit its classes")
    target, columns, findings = _read_data(journal.path, data)
    trials = journal.trials()
    settings, lost, bench = journal.settings(), journal.lost(), journal.bench()
    return _templates.get_template("report.html").render(
        target=numbers.shortened(target, 80),
        task=words.task_in_words(result.task),
        result=result,
        meaning=words.meaning(result, numbers.shortened(target, 80)),
        comparison=words.comparison(result),
        data=data,
        streamed=journal.streamed(),
        resources=journal.resources(),
        columns=columns[:SHOWN_COLUMNS],
        findings=findings[:SHOWN_FINDINGS],
        findings_more=max(0, len(findings) - SHOWN_FINDINGS),
        leaderboard=result.leaderboard[:SHOWN_TRIALS],
        failed=_failed(trials)[:SHOWN_FAILURES],
        team=journal.team(),
        lost=[words.lost_in_words(one) for one in lost[:SHOWN_LOSSES]],
        lost_more=max(0, len(lost) - SHOWN_LOSSES),
        settings={name: value for name, value in settings.items() if value not in (None, {}, "")},
        command=words.command(settings)[:LONGEST_DESCRIPTION],
        description=description[:LONGEST_DESCRIPTION],
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        mistakes=journal.mistakes(),
        given_up=journal.given_up(),
        left_out="" if bench is None else bench.left_out,
        figures=figures_of(result, journal.curve(), trials),
    )


def _square(result: Result) -> bool:
    """Return whether there is a row and a column of the confusion matrix for every class, or no matrix."""
    classes = len(result.labels)
    return not result.confusion or [len(row) for row in result.confusion] == [classes] * classes


def _failed(trials: tuple[TrialRecord, ...]) -> list[TrialRecord]:
    return [trial for trial in trials if trial.status == "failed"]


def _read_data(path: Path, data: DataRead) -> tuple[str, list[ColumnRow], list[FindingRow]]:
    """Return the target, the columns and the findings of a record.

    Raises:
        DamagedJournal: if they are not described as Netwright describes them.
    """
    try:
        columns = [_column(column) for column in data.schema["columns"]]
        findings = [FindingRow(str(finding["message"]), finding["kind"] == "leak") for finding in data.findings]
        return str(data.schema["target"]["name"]), columns, findings
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedJournal(path, "its columns are not described as Netwright describes them") from error


def _column(column: Mapping[str, Any]) -> ColumnRow:
    kind, distinct = str(column["kind"]), int(column["distinct"])
    stated, missing = bool(column["stated"]), float(column["missing"])
    return ColumnRow(str(column["name"]), kind, stated, missing, distinct, words.use_of(kind, distinct))

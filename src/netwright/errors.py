"""Every error that a user can meet: what is wrong, where, and what to do, as one or two plain sentences.

All of them are defined here, so that one table in the tests can hold every text.
Library code raises these; only the command line turns them into an exit status.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class NetwrightError(Exception):
    """Anything that the user, not the programmer, can put right."""

    exit_status = 2


class DataError(NetwrightError):
    """The data cannot be used as it stands."""


class SettingError(NetwrightError):
    """An option has a value that cannot be."""


class BundleError(NetwrightError):
    """A model file is damaged, hostile or of a newer format."""


class OutputError(NetwrightError):
    """A result cannot be written where it was asked for."""


class RunError(NetwrightError):
    """The run ended with nothing to hand over; the message names the first cause."""

    exit_status = 1


class UnknownMetric(SettingError):
    """There is no metric of that name for that outcome."""

    def __init__(self, name: str, outcome: str, known: tuple[str, ...]) -> None:
        choice = ", ".join(known)
        super().__init__(
            f"The metric {name!r} does not exist for {outcome}.{nearest(name, known)} Choose from: {choice}."
        )


class BadTrials(SettingError):
    """A number of trials that cannot be run."""

    def __init__(self, trials: int) -> None:
        super().__init__(f"The number of trials must be 1 or more, but is {trials}.")


class NothingToEvaluate(DataError):
    """No row has a target that the model knows."""

    def __init__(self, target: str) -> None:
        super().__init__(f"No row has a value in {target!r} that the model knows, so there is nothing to compare with.")


class NoTrialFinished(RunError):
    """Nothing worked."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"No network could be trained; the first cause: {cause}.")


class NoProbabilities(SettingError):
    """Probabilities were asked of a model that predicts a number."""

    def __init__(self, target: str) -> None:
        super().__init__(
            f"This model predicts the number {target!r}, which has no class probabilities. Use predict instead."
        )


class UnreadableDocument(BundleError):
    """A document inside a model file does not describe what it should."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The {name} inside the model file is not one that Netwright writes. Make the model again.")


class UnfitBundle(BundleError):
    """The parts of a model file do not fit together."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(
            f"The model file {path} cannot be used: {what}. It is damaged or not made by Netwright; make it again."
        )


class TrialError(NetwrightError):
    """One trial ended badly; the run goes on without it."""


class SpecError(BundleError):
    """A network is described in a way that cannot be built."""

    def __init__(self, law: str) -> None:
        super().__init__(
            f"The description of a network cannot be used ({law}). The file is damaged or not made by Netwright."
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the known name most like `name`, or an empty string."""
    folded = {str(other).strip().casefold(): str(other) for other in known}
    found = difflib.get_close_matches(name.strip().casefold(), list(folded), n=1, cutoff=0.6)
    return f" Did you mean {folded[found[0]]!r}?" if found else ""


# --- reading data --------------------------------------------------------------------------------------------------


class MissingFile(DataError):
    """There is no such file."""

    def __init__(self, path: object, hint: str = "") -> None:
        super().__init__(f"There is no file {path}.{hint or ' Check the path.'}")


class NotAFile(DataError):
    """A folder or device stands where a table should."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} is not a file. Give a CSV, TSV, Parquet, JSON lines or Excel file.")


class EmptyTable(DataError):
    """There is nothing to read."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"{path} holds no data: {why}. Give a table with a header and at least 10 rows.")


class NotATable(DataError):
    """The content is not a table."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(
            f"{path} cannot be read as a table: {why}. "
            "Give a CSV, TSV, Parquet, JSON lines or Excel file, or a data frame."
        )


class DuplicateColumns(DataError):
    """Columns share a name."""

    def __init__(self, path: object, names: list[str]) -> None:
        listed = ", ".join(repr(name) for name in names[:5]) + (" and more" if len(names) > 5 else "")
        super().__init__(
            f"{path} has more than one column named {listed}. Rename them, so that each name stands for one column."
        )


class RaggedRow(DataError):
    """A row has more cells than the header."""

    def __init__(self, path: object, line: int, cells: int, width: int) -> None:
        super().__init__(
            f"Line {line} of {path} has {cells} cells, but the header has {width}. "
            "Quote cells that hold the separator, or mend the line."
        )


class MissingTarget(DataError):
    """The target is not among the columns."""

    def __init__(self, name: str, hint: str = "") -> None:
        super().__init__(f"There is no column {name!r} to predict.{hint or ' Give the name of a column by --target.'}")


class MissingColumns(DataError):
    """Columns that a model needs are not there."""

    def __init__(self, names: list[str]) -> None:
        listed = ", ".join(repr(name) for name in names[:20]) + (
            f" and {len(names) - 20} more" if len(names) > 20 else ""
        )
        super().__init__(
            f"The data lacks columns that the model was fitted on: {listed}. Add them; empty cells are allowed."
        )


class NoInputs(DataError):
    """There is nothing to predict from."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The table has no column to predict from: {why}.")


class TooFewRows(DataError):
    """Fewer rows than can be learnt from."""

    def __init__(self, target: str, rows: int, fewest: int) -> None:
        super().__init__(
            f"Only {rows} rows have a value in the target {target!r}, and at least {fewest} are needed. Add rows."
        )


class ConstantTarget(DataError):
    """The target is the same everywhere."""

    def __init__(self, target: str, value: str) -> None:
        super().__init__(
            f"The target {target!r} is {value!r} in every row: there is nothing to learn. Choose another target."
        )


class NotANumber(DataError):
    """A number was asked for, but the target holds words."""

    def __init__(self, target: str, example: str) -> None:
        super().__init__(
            f"The target {target!r} cannot be predicted as a number: it holds words such as {example!r}. "
            "Leave --task out, or choose classification."
        )


class WrongClassCount(DataError):
    """Two classes were asked for, but there are more."""

    def __init__(self, target: str, classes: int) -> None:
        super().__init__(
            f"The target {target!r} has {classes} classes, not two. Leave --task out, or choose multiclass."
        )


class TooManyClasses(DataError):
    """More classes than a network is sensibly built for."""

    def __init__(self, target: str, classes: int, most: int) -> None:
        super().__init__(
            f"The target {target!r} has {classes} different values, more than the {most} that can be told apart. "
            "Choose --task regression if they are amounts, or group them."
        )


class UnknownTask(SettingError):
    """There is no such task."""

    def __init__(self, task: str, known: tuple[str, ...], hint: str) -> None:
        super().__init__(f"The task {task!r} does not exist.{hint} Choose from: {', '.join(known)}.")


class UnknownColumn(SettingError):
    """A kind was stated for a column that is not there."""

    def __init__(self, name: str, hint: str) -> None:
        super().__init__(f"A kind is stated for column {name!r}, which is not in the data.{hint}")


class KindOfTarget(SettingError):
    """A kind was stated for the column to predict."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"A kind is stated for {name!r}, which is the target. "
            "Say what to predict by --task classification or regression instead."
        )


class UnreadableKind(SettingError):
    """No cell of a column can be read as the kind that was stated for it."""

    def __init__(self, name: str, kind: str, example: str) -> None:
        super().__init__(
            f"No cell of column {name!r} can be read as {kind}: it holds values such as {example[:40]!r}. "
            "State another kind, such as categorical, or leave --kind out for it."
        )


class WordyTarget(DataError):
    """The target is a moment or free text: neither classes nor a number."""

    def __init__(self, target: str, what: str) -> None:
        super().__init__(f"The target {target!r} {what}. Choose a column of classes or numbers, or make one from it.")


class UnknownKind(SettingError):
    """There is no such kind of column."""

    def __init__(self, kind: str, known: tuple[str, ...]) -> None:
        super().__init__(f"The kind {kind!r} does not exist.{nearest(kind, known)} Choose from: {', '.join(known)}.")


# --- writing and reading model files ---------------------------------------------------------------------------------


class CannotWrite(OutputError):
    """A result cannot be written."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"{path} cannot be written: {why}. Free some space or choose another folder by --out.")


class UnwritableModel(OutputError):
    """A model passes a limit of the model file."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(
            f"The model cannot be written to {path}: {what}. Leave out columns with many long texts, or shorten names."
        )


class MissingBundle(BundleError):
    """There is no such model file."""

    def __init__(self, path: object) -> None:
        super().__init__(f"There is no model file {path}. Check the path; netwright fit writes it as model.nw.")


class UnreadableBundle(BundleError):
    """The system will not give the file out."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"The model file {path} cannot be read: {why}.")


class NotABundle(BundleError):
    """The file is something else."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} is not a Netwright model. Give the model.nw that netwright fit wrote.")


class TruncatedBundle(BundleError):
    """The end of the file is missing."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"The model file {path} is incomplete or its directory is damaged. Copy it again from where it was made."
        )


class DamagedBundle(BundleError):
    """The content is not what it was when it was written."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(f"The model file {path} is damaged: {what}. Copy it again from where it was made.")


class HostileBundle(BundleError):
    """The file is built in a way that Netwright never builds one."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(
            f"The model file {path} was not written by Netwright or was tampered with: {what}. It was not loaded."
        )


class OversizedBundle(BundleError):
    """Something in the file is larger than its limit."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(f"The model file {path} passes a limit of the format: {what}. It was not loaded.")


class NewerBundle(BundleError):
    """The file has a format that this version does not know."""

    def __init__(self, path: object, version: int, known: int) -> None:
        super().__init__(
            f"The model file {path} was written by a newer Netwright (format {version}; this one reads up to {known}). "
            "Upgrade: pip install -U netwright"
        )


class NotAJournal(OutputError):
    """A file stands where the record of a run should."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"{path} is not the record of a run that this version reads. "
            "Move it away or choose another folder by --out."
        )


class MissingJournal(OutputError):
    """There is no such record."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"There is no record of a run {path}. Check the path; netwright fit writes it as journal.sqlite."
        )


class NewerJournal(OutputError):
    """The record has a format that this version does not know."""

    def __init__(self, path: object, version: int, known: int) -> None:
        super().__init__(
            f"The record {path} was written by a newer Netwright (format {version}; this one reads up to {known}). "
            "Upgrade: pip install -U netwright"
        )


class DamagedJournal(OutputError):
    """The record is not as it was written."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(
            f"The record of a run {path} cannot be used: {what}. It is damaged or not made by Netwright; run again."
        )


class UnreadableJournal(OutputError):
    """The system will not give the record out."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(
            f"The record of a run {path} cannot be read: {why}. Copy it to a folder of yours and read it there."
        )


class UnfinishedRun(OutputError):
    """A report was asked of a run that has no result."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"The run recorded in {path} ended before it had a result, so there is nothing to report. Run it again."
        )


class FolderInUse(OutputError):
    """Two runs want to write to one folder."""

    def __init__(self, folder: object) -> None:
        super().__init__(
            f"Another run is writing to {folder} now. Wait until it has ended, or choose another folder by --out."
        )


class UnknownFormat(OutputError):
    """The name of an output file says nothing of its format."""

    def __init__(self, path: object, known: tuple[str, ...]) -> None:
        super().__init__(f"The name {path} does not say which format to write. End it in one of {', '.join(known)}.")


class BadKind(SettingError):
    """A kind is not written as COL=KIND."""

    def __init__(self, text: str) -> None:
        super().__init__(f"--kind {text!r} is not of the form COL=KIND. Write for example --kind zip=categorical.")


class MissingExtra(SettingError):
    """A package is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(
            f"This needs the package {module}, which is not installed. Run: pip install 'netwright[{extra}]'"
        )

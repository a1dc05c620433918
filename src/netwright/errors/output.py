"""A result, or the record of a run, cannot be written or read where it was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from netwright.errors.base import OutputError, nearest


class CannotWrite(OutputError):
    """A result cannot be written."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"{path} cannot be written: {why}. Free some space or choose another place for it.")


class InTheWay(OutputError):
    """An export would replace a file that no export wrote."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(
            f"{path} is in the way: {why}. Nothing was written; choose another folder by -o, or move it away."
        )


class ReplacesTrials(OutputError):
    """A model would be written over the trials that it is picked from."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} holds the trials that models are picked from. Choose another file for the model.")


class FailedExport(OutputError):
    """A framework does not make a model in its form, or does not read it back."""

    def __init__(self, form: str, why: str) -> None:
        super().__init__(f"{form} was not written: {why.removesuffix('.')}. Choose another form by --to.")


class UnwritableModel(OutputError):
    """A model passes a limit of the model file."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(
            f"The model cannot be written to {path}: {what}. Leave out columns with many long texts, or shorten names."
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


class OlderJournal(OutputError):
    """The record has a format that is no longer read."""

    def __init__(self, path: object, version: int, known: int) -> None:
        super().__init__(
            f"The record {path} was written by an older Netwright (format {version}; this one reads {known}). "
            "Read it by that version, or begin anew there by --fresh."
        )


class DifferentRun(OutputError):
    """The folder holds a run on other data or with other settings."""

    def __init__(self, folder: object, differences: Sequence[str]) -> None:
        super().__init__(
            f"{folder} holds another run: {', '.join(differences)}. "
            "Choose another folder by --out, or begin anew there by --fresh."
        )


class CannotGoOn(OutputError):
    """A run that was cut off cannot be carried on."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The run in this folder cannot be gone on with: {why}. "
            "Begin anew there by --fresh, or choose another folder by --out."
        )


class NothingToAddTo(OutputError):
    """Time is to be added to a run that is not there."""

    def __init__(self, folder: object) -> None:
        super().__init__(
            f"There is no run in {folder} that time could be added to. Leave out the plus in --time to begin one."
        )


class DamagedJournal(OutputError):
    """The record is not as it was written."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(
            f"The record of a run {path} cannot be used: {what}. It is damaged or not made by Netwright; begin anew by "
            "netwright fit with --fresh."
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


class NoPlaceForProbabilities(OutputError):
    """The format of an output file cannot hold the probabilities that were asked for."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"CoNLL columns such as {path} have no place for probabilities. "
            "End the name in .jsonl, .csv or .parquet, or leave out --proba."
        )


class UnknownFormat(OutputError):
    """The name of an output file says nothing of its format."""

    def __init__(self, path: object, known: tuple[str, ...]) -> None:
        super().__init__(f"The name {path} does not say which format to write. End it in one of {', '.join(known)}.")


class UnequalExport(OutputError):
    """A model in another form does not answer as it does itself."""

    def __init__(self, form: str, difference: float, most: float) -> None:
        super().__init__(
            f"{form} was not written: its answers differ from the model's by up to {difference:.1e}, "
            f"and {most:.0e} is allowed. Please report it with the model file."
        )


class UnknownExport(OutputError):
    """A model is asked for in a form, or of a precision, that there is not."""

    def __init__(self, what: str, name: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"There is no {what} {name!r} to export a model in.{nearest(name, known)} Choose from: {', '.join(known)}."
        )


class LosesTooMuch(OutputError):
    """No variant of less precision is as good as asked for."""

    def __init__(self, precision: str, lost: float, allowed: float) -> None:
        super().__init__(
            f"In {precision} the model loses at least {100 * lost:.2f} % of its score, and {100 * allowed:.2f} % is "
            "allowed. Nothing was written; allow more by --max-loss, or leave --quantize out."
        )


class NothingSaved(OutputError):
    """No variant of less precision is smaller."""

    def __init__(self, precision: str, why: str) -> None:
        super().__init__(
            f"In {precision} the model would be no smaller: {why}. "
            "Nothing was written; leave --quantize out, or choose another precision."
        )


class NothingToJudgeBy(OutputError):
    """What less precision costs cannot be measured without rows."""

    def __init__(self) -> None:
        super().__init__(
            "What less precision costs is measured on rows that the model has not learnt from. "
            "Name a file with the target by --data."
        )


class NothingToQuantize(OutputError):
    """Rows to measure less precision on are named, and none is asked for."""

    def __init__(self) -> None:
        super().__init__(
            "Rows to measure less precision on are named by --data, and none is asked for. "
            "Add --quantize, such as --quantize int8, or leave --data out."
        )


class UndefinedMetric(OutputError):
    """What less precision costs cannot be measured on these rows."""

    def __init__(self, metric: str) -> None:
        super().__init__(
            f"The model was chosen by {metric}, which is not defined on the rows of --data, as where they hold one "
            "class or one value alone. Give more rows."
        )


class NoSource(OutputError):
    """A model cannot be written as source."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The model cannot be written as source: {what}. Export it to another form, such as onnx.")

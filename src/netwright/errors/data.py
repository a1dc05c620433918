"""The data cannot be used as it stands: where, why, and what to do."""

from __future__ import annotations

from netwright.errors.base import DataError, megabytes


class NothingToEvaluate(DataError):
    """No row has a target that the model knows."""

    def __init__(self, target: str) -> None:
        super().__init__(f"No row has a value in {target!r} that the model knows, so there is nothing to compare with.")


class UnfitTest(DataError):
    """The rows to judge the finished model on cannot be judged."""

    def __init__(self, why: object) -> None:
        super().__init__(f"The test data does not fit the data to learn from. {why}")


class MissingFile(DataError):
    """There is no such file."""

    def __init__(self, path: object, hint: str = "") -> None:
        super().__init__(f"There is no file {path}.{hint or ' Check the path.'}")


class NotAFile(DataError):
    """A folder or device stands where a table should."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} is not a file. Give a CSV, TSV, Parquet, JSON lines or Excel file.")


class EmptyFolder(DataError):
    """There is neither an image nor a sound in a folder."""

    def __init__(self, path: object, images: list[str], sounds: list[str]) -> None:
        super().__init__(
            f"The folder {path} holds no image and no sound. Give a folder with one folder a class in it, "
            f"and in them files named {', '.join(images)}, or {', '.join(sounds)}."
        )


class NoClasses(DataError):
    """A folder to learn from does not say what its files show."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"No file in {path} lies in the folder of a class. Make one folder a class in it, and move the files there."
        )


class TooManyBadFiles(DataError):
    """So many images or sounds cannot be decoded that something is wrong with all of them."""

    def __init__(self, bad: int, count: int, noun: str, example: str, why: str) -> None:
        super().__init__(
            f"{bad} of {count} {noun}s cannot be decoded; for example {example}: {why}. "
            "Mend or remove them, or say by --bad-files which share of them may be left out."
        )


class BadFiles(DataError):
    """Images or sounds that are to be answered for cannot be decoded."""

    def __init__(self, names: list[str], why: str, places: list[int]) -> None:
        self.names, self.why = names, why
        self.places = places  # of the rows that hold them
        listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        super().__init__(f"No answer can be given for {listed}: {why}. Mend or remove what cannot be decoded.")


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


class TooLargeForMemory(DataError):
    """A table does not fit into memory, and is of a form that cannot be read some rows at a time."""

    def __init__(self, path: object, needed: float, allowed: float) -> None:
        super().__init__(
            f"{path} takes about {megabytes(needed)} of memory to be read, and {megabytes(allowed)} are left. "
            "Allow more by --memory, or save it as CSV, JSON lines or Parquet, which are read piece by piece."
        )


class RaggedRow(DataError):
    """A row has more cells than the header."""

    def __init__(self, path: object, line: int, cells: int, width: int) -> None:
        self.line, self.cells, self.width = line, cells, width
        super().__init__(
            f"Line {line} of {path} has {cells} cells, but the header has {width}. "
            "Quote cells that hold the separator, or mend the line."
        )


class MissingTarget(DataError):
    """The target is not among the columns."""

    def __init__(self, name: str, hint: str = "") -> None:
        super().__init__(f"There is no column {name!r} to predict.{hint or ' Give the name of a column by --target.'}")


class NoTarget(DataError):
    """Nobody said what to predict."""

    def __init__(self) -> None:
        super().__init__("Nobody said what to predict. Give the name of a column by --target.")


class MissingColumns(DataError):
    """Columns that a model needs are not there."""

    def __init__(self, names: list[str]) -> None:
        listed = ", ".join(repr(name) for name in names[:20]) + (
            f" and {len(names) - 20} more" if len(names) > 20 else ""
        )
        super().__init__(
            f"The data lacks columns that the model was fitted on: {listed}. Add them; empty cells are allowed."
        )


class MissingPaths(DataError):
    """A column names files of images or sounds, none of which is there."""

    def __init__(self, column: str, noun: str, path: object, folder: object) -> None:
        super().__init__(
            f"The column {column!r} names {noun}s, but there is no file {path}; relative paths begin in {folder}. "
            f"Mend the paths, or take them for words by --kind {column}=categorical or --task tabular."
        )


class UnfitWeights(DataError):
    """A file of trained weights cannot be used."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(
            f"The weights in {path} cannot be used: {why}. Give the file of a backbone that Netwright knows."
        )


class UnreachableWeights(DataError):
    """Trained weights cannot be had from the hub."""

    def __init__(self, repository: str, why: str) -> None:
        super().__init__(
            f"The weights of {repository} cannot be had: {why}. Download them elsewhere and say where they lie by "
            "--pretrained PATH, a file for images or a folder for texts, or leave --pretrained out."
        )


class NoText(DataError):
    """Texts were asked for, but there are none."""

    def __init__(self) -> None:
        super().__init__("No column holds free text. Say by --kind COL=text which one does, or leave --task out.")


class OneGroup(DataError):
    """All rows belong together, so that none is left to judge on."""

    def __init__(self, column: str) -> None:
        super().__init__(f"By the column '{column}' all rows belong together. Give one that tells two groups or more.")


class UnequalLengths(DataError):
    """There are more or fewer labels than rows."""

    def __init__(self, rows: int, labels: int) -> None:
        super().__init__(f"There are {rows} images but {labels} labels. Give one label for each image.")


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


class OneClass(DataError):
    """There is nothing to tell apart."""

    def __init__(self, value: str) -> None:
        super().__init__(f"All rows are of one class, {value!r}: there is nothing to learn. Give rows of two or more.")


class MixedLabels(DataError):
    """Classes cannot be put in order."""

    def __init__(self, types: list[str]) -> None:
        super().__init__(
            f"The classes are of types without a common order: {', '.join(types)}. Make all of them texts, or numbers."
        )


class OtherTags(DataError):
    """Tags of tokens are of a scheme that a classifier does not answer in."""

    def __init__(self, example: str) -> None:
        super().__init__(
            f"A classifier answers in tags of the scheme IOB2, which begin with B- or I-, and {example!r} is none. "
            "Write them so, or use netwright.fit, which reads every scheme."
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


class WordyTarget(DataError):
    """The target is a moment or free text: neither classes nor a number."""

    def __init__(self, target: str, what: str) -> None:
        super().__init__(f"The target {target!r} {what}. Choose a column of classes or numbers, or make one from it.")

"""What tasks of images and of sounds share: files that become maps (H, W, C), of which networks see one a row."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from netwright.data.cells import read_name, read_word
from netwright.data.features import Features
from netwright.data.files import Told, nobody
from netwright.data.findings import Finding
from netwright.data.folders import CLASS, PART, column_of_folder, held_by, is_there
from netwright.data.frame import Frame
from netwright.data.goal import Goal
from netwright.data.groups import check_near
from netwright.data.in_time import check_in_time, files_in_time
from netwright.data.inference import check_kinds
from netwright.data.near import equal_groups, near_groups
from netwright.data.parsing import parse_target
from netwright.data.reading import as_table, folder_of
from netwright.data.schema import Column, Kind, Schema, Target
from netwright.data.target import FEWEST_ROWS, infer_target
from netwright.errors import (
    BadFiles,
    ConstantTarget,
    MissingColumns,
    MissingPaths,
    MissingTarget,
    NoInputs,
    SpecError,
    TooFewRows,
    TooManyBadFiles,
    nearest,
)
from netwright.spec.blocks import ImageInput
from netwright.spec.costs import widest
from netwright.spec.network import Candidate, Network, Recipe
from netwright.tasks.task import NOTHING_LENT, Lent, Loaded, Request

LOOKED_AT = 20  # cells of a column that tell what it holds
MOSTLY = 0.8  # share of them that must be of a medium for the others to be bad files
LARGEST_MAP = 2**26  # numbers of one row inside a network: beyond it a file is hostile
MAPS_SHARE = 0.35  # of the room for everything, that all maps take: those learnt from are copied for a moment
MOST_NAMED = 20  # files that could not be decoded, in the report
MEASURED = 2_000  # maps of which the mean and deviation are taken
LEAST_DEVIATION = 0.02  # of values between 0 and 1

_INPUT = TypeAdapter(ImageInput)
Decoded = tuple[NDArray[np.uint8], dict[int, str]]
"""Maps (N, H, W, C), and why those at some places are none."""


@dataclass(frozen=True)
class Medium:
    """A sort of files that a column of a table may hold or point to.

    Attributes:
        noun: what one is called, which is also the column of a folder read as a table.
        kind: of the column.
        is_content: cell → whether it is one itself, rather than the path of one.
        form: sources → the format of the column that suits them, None if none can be decoded.
        decode: (sources, format, whom to tell of progress) → maps.
        near: whether maps that are nearly the same show one thing, as of images; else only equal ones do.
    """

    noun: str
    kind: Kind
    is_content: Callable[[Any], bool]
    form: Callable[[Sequence[Any]], str | None]
    decode: Callable[[Sequence[Any], str, Told], Decoded]
    near: bool

    def column(self, table: pd.DataFrame, target: str) -> str | None:
        """Return the first column, but the target, whose first cells are mostly of this medium or paths to it."""
        folder = folder_of(table)
        for name in table.columns:
            worded = table[name].dtype.kind == "O" or isinstance(table[name].dtype, pd.StringDtype)
            cells = [cell for cell in table[name].iloc[:LOOKED_AT] if not _is_missing(cell)] if worded else []
            if name == target or not cells or sum(map(self._is_one, cells)) < MOSTLY * len(cells):
                continue
            found = (self._is_one(cell) and (not isinstance(cell, str) or is_there(folder / cell)) for cell in cells)
            if any(found):
                return str(name)
        return None

    def check_found(self, table: pd.DataFrame, target: str) -> None:
        """Refuse a table one column of which names files of this medium, where none of the first is there.

        Raises:
            MissingPaths: if there is such a column.
        """
        folder = folder_of(table)
        for name in table.columns:
            cells = [cell for cell in table[name].iloc[:LOOKED_AT] if not _is_missing(cell)] if name != target else []
            paths = [cell for cell in cells if isinstance(cell, str) and "://" not in cell and self._is_one(cell)]
            if paths and len(paths) >= MOSTLY * len(cells) and not any(is_there(folder / path) for path in paths):
                raise MissingPaths(str(name), self.noun, (folder / paths[0]).absolute(), folder.absolute())

    def _is_one(self, cell: Any) -> bool:
        return held_by(Path(cell)) == self.noun if isinstance(cell, str | Path) else self.is_content(cell)

    def recognises(self, table: pd.DataFrame, target: str, kinds: Mapping[str, str]) -> bool:
        """Return whether a column of a table is of this medium; what is stated is not looked at."""
        rest = table.drop(columns=[name for name in kinds if name in table.columns])
        return self.column(rest, target) is not None

    def load(self, request: Request) -> Loaded:
        """Decode the files and understand the target; what cannot be decoded is left out and named.

        Raises:
            DataError: if they cannot be used; the sentence says where and why.
            SettingError: if a kind is stated that does not exist, or of no column.
        """
        table, name = as_table(request.table), request.target
        if name not in table.columns:
            raise MissingTarget(name, nearest(name, [*table.columns]))
        check_kinds(request.kinds, table, name)
        unstated = table.drop(columns=[*request.kinds])
        column = self.column(unstated, name)
        if column is None:
            self.check_found(unstated, name)
            where = f"relative ones begin in {folder_of(table)}"
            raise NoInputs(f"none of its columns holds {self.noun}s, or paths to files of {self.noun}s; {where}")
        named = _of_folders(table)
        asked = "classification" if named and request.outcome == "auto" else request.outcome
        target, seen = infer_target(table[name], asked, read_name if named else read_word)
        truth = _truth_of(table, target, named=named)
        usable = np.flatnonzero(truth >= 0 if target.labels else np.isfinite(truth))
        sources = _sources(table.iloc[usable], column)
        form = self.form(sources)
        if form is None:
            why = "nor can any other that was looked at"
            raise TooManyBadFiles(len(sources), len(sources), self.noun, self._named(sources[0]), why)
        held = MAPS_SHARE * request.room / self.map_bytes(form)
        some = files_in_time(
            truth[usable] if target.labels else np.zeros(len(usable), np.int64),
            lambda places: self.decode([sources[place] for place in places], form, nobody),
            request.left,
            request.files,
            held,
        )
        late = check_in_time(len(sources), len(some), self.noun, held)
        sources, usable = [sources[place] for place in some], usable[some]
        maps, failures = self.decode(sources, form, request.told)
        failed = self._failed(sources, failures, request.bad_files)
        findings = [*seen, *late, *failed, *self._unused(table, column, name)]
        if failures:
            good = np.setdiff1d(np.arange(len(sources)), np.array([*failures]))
            maps, usable = maps[good], usable[good]
            findings += self._lost(target, truth[usable])
        truth = truth[usable]
        _check_left(target, truth)
        groups = near_groups(maps, truth) if self.near else equal_groups(maps)
        findings += check_near(len(groups) - int(groups.max()) - 1, self.noun)
        schema = Schema((Column(column, self.kind, False, 0.0, int(groups.max()) + 1, form),), target)
        frame = Frame({column: maps}, len(maps))
        columns = len(table.columns) - 1
        return Loaded(frame, schema, truth, groups, tuple(findings), columns, usable, files=len(some))

    def map_bytes(self, form: str) -> int:
        """Return the bytes of one map of a form."""
        size = Column("", self.kind, False, 0.0, 0, form).map_size
        return 1 if size is None else size.height * size.width * size.channels

    def parse(self, data: pd.DataFrame, schema: Schema) -> Frame:
        """Decode the files of a table.

        Raises:
            BadFiles: if some cannot be decoded: no answer can be given for them.
        """
        (column,) = schema.used
        table = _renamed(as_table(data), schema)
        if column.name not in table.columns:
            raise MissingColumns([column.name])
        sources = _sources(table, column.name)
        maps, failures = self.decode(sources, column.format, nobody)
        if failures:
            names = [self._named(sources[place]) for place in failures]
            raise BadFiles(names, next(iter(failures.values())), [*failures])
        return Frame({column.name: maps}, len(maps))

    def _named(self, source: Any) -> str:
        return str(source) if isinstance(source, str | Path) else f"{self.noun} that was not given as a path"

    def _failed(self, sources: Sequence[Any], failures: Mapping[int, str], allowed: float) -> list[Finding]:
        """Return what is told of files that cannot be decoded.

        Raises:
            TooManyBadFiles: if they are a larger share than is allowed.
        """
        if not failures:
            return []
        place, why = next(iter(failures.items()))
        if len(failures) > allowed * len(sources):
            raise TooManyBadFiles(len(failures), len(sources), self.noun, self._named(sources[place]), why)
        what = f"1 {self.noun}" if len(failures) == 1 else f"{len(failures)} {self.noun}s"
        text = f"{what} of {len(sources)} could not be decoded and {'is' if len(failures) == 1 else 'are'} left out."
        first = [*failures.items()][:MOST_NAMED]
        named = (Finding("bad_file", None, f"Left out: {self._named(sources[place])}: {why}.") for place, why in first)
        return [Finding("bad_files", None, text), *named]

    def _lost(self, target: Target, truth: NDArray[Any]) -> list[Finding]:
        """Return which classes have no file left."""
        names = [repr(label) for number, label in enumerate(target.labels) if number not in truth]
        if not names:
            return []
        listed = f"{', '.join(names[:10])} could be decoded: the model knows nothing of such {self.noun}s."
        return [Finding("lost_classes", None, f"No {self.noun} of {listed}")]

    def _unused(self, table: pd.DataFrame, column: str, target: str) -> list[Finding]:
        others = [repr(name) for name in table.columns if name not in (column, target)]
        if not others:
            return []
        listed = f"{', '.join(others[:10])}{' and more' if len(others) > 10 else ''}"
        return [Finding("unused_columns", None, f"The {self.noun} is looked at alone; not used: {listed}.")]


def _check_left(target: Target, truth: NDArray[Any]) -> None:
    """Refuse what is left after bad files were left out, where nothing can be learnt from it.

    Raises:
        DataError: if it is too little, or of one class.
    """
    if len(truth) < FEWEST_ROWS:
        raise TooFewRows(target.name, len(truth), FEWEST_ROWS)
    if len({*truth.tolist()}) < 2:
        raise ConstantTarget(target.name, str(target.labels[truth[0]] if target.labels else truth[0]))


def _is_missing(cell: Any) -> bool:
    return cell is None or cell == "" if isinstance(cell, str | None) else isinstance(cell, float) or cell is pd.NA


def _of_folders(table: pd.DataFrame) -> bool:
    """Return whether the classes are names of folders: then they are classes also where they are numbers or NA."""
    column = column_of_folder(table)
    return column is not None and len(table) > 0 and isinstance(table[column].iloc[0], str)


def _sources(table: pd.DataFrame, column: str) -> list[Any]:
    """Return what is to be decoded; paths begin where the table lies."""
    folder = folder_of(table)
    return [folder / cell if isinstance(cell, str) else cell for cell in table[column].tolist()]


def parse_truth(data: pd.DataFrame, schema: Schema) -> NDArray[Any]:
    """Return the truth (N,) of the rows of a table, -1 or NaN where it is unknown."""
    table = as_table(data)
    return _truth_of(_renamed(table, schema), schema.target, named=_of_folders(table))


def _truth_of(table: pd.DataFrame, target: Target, *, named: bool) -> NDArray[Any]:
    return parse_target(table, target, read_name if named else read_word)


def _renamed(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return a table with the names of the schema, where it was read from a folder and the schema from a file."""
    (column,) = schema.used
    of_folder = column_of_folder(table)
    if of_folder is None:
        return table
    names = {of_folder: column.name, CLASS: schema.target.name}
    return table.rename(columns={old: new for old, new in names.items() if new not in table.columns and old != PART})


# --- what is fitted ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preparation:
    """The fitted state of a set of maps: see `tasks.task.Preparation`."""

    schema: Schema
    whole: ImageInput  # at the size that maps are encoded at
    goal: Goal

    @property
    def quantiles(self) -> NDArray[np.float32]:
        """Return the knots of no numeric feature (0, 2)."""
        return np.zeros((0, 2), np.float32)

    @property
    def encoder(self) -> None:
        """Return none: rows are not of a table."""
        return None

    @property
    def vocabulary(self) -> None:
        """Return none: rows are no texts."""
        return None

    @property
    def own(self) -> Preparation:
        """Return this preparation itself."""
        return self

    @property
    def lent(self) -> Lent:
        """Return that no trained trunk lends anything."""
        return NOTHING_LENT

    def for_networks(self, networks: tuple[Network, ...]) -> Preparation:
        """Return this preparation: each network takes all of it."""
        return self

    def accepts(self, network: Network) -> bool:
        """Return whether a network takes these maps and gives as many outputs as the target asks for."""
        block, whole = network.blocks[0], self.whole
        if not isinstance(block, ImageInput) or network.outputs != self.goal.outputs:
            return False
        return whole.channels in (1, block.channels) and widest(network) <= LARGEST_MAP

    def holds(self, features: Features) -> bool:
        """Return that any pixels will do."""
        return True

    def encode(self, frame: Frame) -> Features:
        """Return what networks eat: the maps, which were decoded when the table was read."""
        return Features({"images": frame.columns[self.schema.used[0].name]})

    def documents(self) -> dict[str, Any]:
        """Return the JSON documents `schema` and `preprocess`."""
        means, deviations = [*self.whole.means], [*self.whole.deviations]
        preprocess = {"means": means, "deviations": deviations, "target": self.goal.to_json()}
        return {"schema": self.schema.to_json(), "preprocess": preprocess}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return no arrays: all that was fitted stands in the documents."""
        return {}


def prepare(loaded: Loaded, seed: int) -> Preparation:
    """Measure the mean and deviation of each channel, and the scale of a number to predict."""
    (column,) = loaded.schema.used
    maps = loaded.frame.columns[column.name]
    size = column.map_size
    assert size is not None
    sample = maps[:: -(-len(maps) // MEASURED) or 1]
    means = tuple(float(mean) / 255 for mean in sample.mean(axis=(0, 1, 2), dtype=np.float64))
    spreads = sample.std(axis=(0, 1, 2), dtype=np.float64) / 255
    deviations = tuple(max(LEAST_DEVIATION, float(one)) for one in spreads)
    whole = ImageInput(size.height, size.width, means, deviations)
    return Preparation(loaded.schema, whole, Goal.fit(loaded.schema.target, loaded.truth))


def restore(documents: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], kind: Kind) -> Preparation:
    """Return the preparation that a bundle's documents describe.

    Raises:
        BundleError: if they describe none for one column of this kind.
    """
    schema, preprocess = Schema.from_json(documents["schema"]), documents["preprocess"]
    if tensors or not isinstance(preprocess, dict) or set(preprocess) != {"means", "deviations", "target"}:
        raise SpecError("the preparation has other parts than means, deviations and a target")
    size = schema.used[0].map_size if [column.kind for column in schema.used] == [kind] else None
    if size is None:
        raise SpecError(f"the preprocessing is for one column of {kind}s")
    sides = {"height": size.height, "width": size.width, "block": "image_input"}
    try:
        whole = _INPUT.validate_json(json.dumps({**sides, **{key: preprocess[key] for key in ("means", "deviations")}}))
    except (ValidationError, TypeError, ValueError) as error:
        raise SpecError(f"the means and deviations of {kind}s are not numbers between 0 and 1") from error
    if whole.channels != size.channels:
        raise SpecError(f"the means and deviations of {kind}s are not as many numbers as they have channels")
    return Preparation(schema, whole, Goal.restore(schema.target, preprocess["target"]))


def candidate_for(preparation: Preparation, network: Network, recipe: Recipe) -> Candidate:
    """Return a network and its recipe; labels that are numbers are not smoothed."""
    return Candidate(network, replace(recipe, label_smoothing=0.0) if preparation.goal.scale else recipe)

"""Images: what each shows, one of several classes or a number."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from netwright.data.features import Features
from netwright.data.findings import Finding
from netwright.data.folders import CLASS, IMAGE, PART, SUFFIXES
from netwright.data.frame import Frame
from netwright.data.goal import Goal
from netwright.data.near import near_groups
from netwright.data.parsing import parse_target
from netwright.data.reading import as_table, folder_of
from netwright.data.schema import Column, Kind, Schema, Target
from netwright.data.size import Size
from netwright.data.target import infer_target
from netwright.errors import BadImages, MissingColumns, MissingTarget, NoInputs, SpecError, TooManyBadImages, nearest
from netwright.spec import images
from netwright.spec.blocks import ImageInput
from netwright.spec.costs import widest
from netwright.spec.network import Candidate, Network
from netwright.spec.spaces import Point, Space
from netwright.tasks.task import Loaded, Request, Task

MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"GIF8")  # that files of images begin with
LOOKED_AT = 20  # cells of a column that tell whether it holds images
LARGEST_MAP = 2**26  # numbers of one image inside a network: beyond it a file is hostile
MOST_NAMED = 20  # images that could not be decoded, in the report
MEASURED = 2_000  # images of which the mean and deviation are taken
LEAST_DEVIATION = 0.02  # of values between 0 and 1

_INPUT = TypeAdapter(ImageInput)


@dataclass(frozen=True)
class Preparation:
    """The fitted state of a set of images: see `tasks.task.Preparation`."""

    schema: Schema
    whole: ImageInput  # at the size that images are encoded at
    goal: Goal

    @property
    def quantiles(self) -> NDArray[np.float32]:
        """Return the knots of no numeric feature (0, 2)."""
        return np.zeros((0, 2), np.float32)

    @property
    def own(self) -> Preparation:
        """Return this preparation itself."""
        return self

    @property
    def frozen(self) -> int:
        """Return that no trained trunk adds features."""
        return 0

    def accepts(self, network: Network) -> bool:
        """Return whether a network takes these images and gives as many outputs as the target asks for."""
        block, whole = network.blocks[0], self.whole
        if not isinstance(block, ImageInput) or network.outputs != self.goal.outputs:
            return False
        fits = block.channels == whole.channels and block.height <= whole.height and block.width <= whole.width
        return fits and widest(network) <= LARGEST_MAP

    def holds(self, features: Features) -> bool:
        """Return that any pixels will do."""
        return True

    def encode(self, frame: Frame) -> Features:
        """Return what networks eat: the images, which were decoded when the table was read."""
        return Features({"images": frame.columns[self.schema.used[0].name]})

    def documents(self) -> dict[str, Any]:
        """Return the JSON documents `schema` and `preprocess`."""
        means, deviations = [*self.whole.means], [*self.whole.deviations]
        preprocess = {"means": means, "deviations": deviations, "target": self.goal.to_json()}
        return {"schema": self.schema.to_json(), "preprocess": preprocess}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return no arrays: all that was fitted stands in the documents."""
        return {}


def recognises(table: pd.DataFrame, target: str, kinds: Mapping[str, str]) -> bool:
    """Return whether a column of a table holds images."""
    return image_column(table.drop(columns=[name for name in kinds if name in table.columns]), target) is not None


def image_column(table: pd.DataFrame, target: str) -> str | None:
    """Return the first column, but the target, whose first cells are images or paths to some; None if there is none."""
    folder = folder_of(table)
    for name in table.columns:
        worded = table[name].dtype.kind == "O" or isinstance(table[name].dtype, pd.StringDtype)
        cells = [cell for cell in table[name].iloc[:LOOKED_AT] if not _is_missing(cell)] if worded else []
        if name == target or not cells or not all(map(_is_image, cells)):
            continue
        if not isinstance(cells[0], str) or any((folder / cell).is_file() for cell in cells):
            return str(name)
    return None


def _is_missing(cell: Any) -> bool:
    return cell is None or cell == "" if isinstance(cell, str | None) else isinstance(cell, float) or cell is pd.NA


def _is_image(cell: Any) -> bool:
    if isinstance(cell, np.ndarray):
        return cell.ndim in (2, 3) and cell.dtype == np.uint8
    if isinstance(cell, str):
        return Path(cell).suffix.lower() in SUFFIXES
    return isinstance(cell, Path) or (isinstance(cell, bytes) and cell.startswith(MAGIC))


def load(request: Request) -> Loaded:
    """Decode the images and understand the target; what cannot be decoded is left out and named.

    Raises:
        DataError: if they cannot be used; the sentence says where and why.
    """
    from netwright.data.images import common_size, decode_all  # needs Pillow, which models for tables do without

    table, name = as_table(request.table), request.target
    if name not in table.columns:
        raise MissingTarget(name, nearest(name, [*table.columns]))
    column = image_column(table, name)
    if column is None:
        raise NoInputs("none of its columns holds images, or paths to files named as images are")
    target, seen = infer_target(table[name], _outcome(table, column, request.outcome))
    truth = parse_target(table, target)
    table, truth = _known(table, truth, bool(target.labels))
    sources = _sources(table, column)
    size = common_size(sources)
    if size is None:
        raise TooManyBadImages(len(sources), len(sources), _named(sources[0]), "nor can any other that was looked at")
    pixels, failures = decode_all(sources, size)
    findings = [*seen, *_failed(sources, failures, request.bad_images), *_unused(table, column, name)]
    if failures:
        good = np.setdiff1d(np.arange(len(sources)), np.array([*failures]))
        pixels, truth = pixels[good], truth[good]
        findings += _lost(target, truth)
    groups = near_groups(pixels, truth)
    findings += _repeated(groups)
    schema = Schema((Column(column, Kind.IMAGE, False, 0.0, int(groups.max()) + 1, str(size)),), target)
    return Loaded(Frame({column: pixels}, len(pixels)), schema, truth, groups, tuple(findings), len(table.columns) - 1)


def _outcome(table: pd.DataFrame, column: str, asked: str) -> str:
    """Return the outcome that is asked for: names of folders are classes, also where they are numbers."""
    from_folder = {*table.columns} == {IMAGE, CLASS} and isinstance(table[column].iloc[0], str)
    return "classification" if from_folder and asked == "auto" else asked


def _known(table: pd.DataFrame, truth: NDArray[Any], classes: bool) -> tuple[pd.DataFrame, NDArray[Any]]:
    usable = np.flatnonzero(truth >= 0 if classes else np.isfinite(truth))
    return table.iloc[usable], truth[usable]


def _sources(table: pd.DataFrame, column: str) -> list[Any]:
    """Return what is to be decoded; paths begin where the table lies."""
    folder = folder_of(table)
    return [folder / cell if isinstance(cell, str) else cell for cell in table[column].tolist()]


def _named(source: Any) -> str:
    return str(source) if isinstance(source, str | Path) else "one that was given as an array or bytes"


def _failed(sources: Sequence[Any], failures: Mapping[int, str], allowed: float) -> list[Finding]:
    """Return what is told of images that cannot be decoded.

    Raises:
        TooManyBadImages: if they are a larger share than is allowed.
    """
    if not failures:
        return []
    place, why = next(iter(failures.items()))
    if len(failures) > allowed * len(sources):
        raise TooManyBadImages(len(failures), len(sources), _named(sources[place]), why)
    what = "1 image" if len(failures) == 1 else f"{len(failures)} images"
    text = f"{what} of {len(sources)} could not be decoded and {'is' if len(failures) == 1 else 'are'} left out."
    first = [*failures.items()][:MOST_NAMED]
    named = (Finding("bad_image", None, f"Left out: {_named(sources[place])}: {why}.") for place, why in first)
    return [Finding("bad_images", None, text), *named]


def _lost(target: Target, truth: NDArray[Any]) -> list[Finding]:
    """Return which classes have no image left."""
    names = [repr(label) for number, label in enumerate(target.labels) if number not in truth]
    if not names:
        return []
    text = f"No image of {', '.join(names[:10])} could be decoded: the model knows nothing of such images."
    return [Finding("lost_classes", None, text)]


def _unused(table: pd.DataFrame, column: str, target: str) -> list[Finding]:
    others = [repr(name) for name in table.columns if name not in (column, target)]
    if not others:
        return []
    text = f"The image is looked at alone; not used: {', '.join(others[:10])}{' and more' if len(others) > 10 else ''}."
    return [Finding("unused_columns", None, text)]


def _repeated(groups: NDArray[np.int64]) -> list[Finding]:
    count = len(groups) - int(groups.max()) - 1
    if not count:
        return []
    what = "1 image is nearly the same as another" if count == 1 else f"{count} images are nearly the same as others"
    text = f"{what}; such are kept together in one fold, so that nothing is judged on what it learnt."
    return [Finding("near_duplicates", None, text)]


def prepare(loaded: Loaded, seed: int) -> Preparation:
    """Measure the mean and deviation of each channel, and the scale of a number to predict."""
    (column,) = loaded.schema.used
    pixels = loaded.frame.columns[column.name]
    size = Size.parse(column.format)
    assert size is not None
    sample = pixels[:: -(-len(pixels) // MEASURED) or 1]
    means = tuple(float(mean) / 255 for mean in sample.mean(axis=(0, 1, 2), dtype=np.float64))
    spreads = sample.std(axis=(0, 1, 2), dtype=np.float64) / 255
    deviations = tuple(max(LEAST_DEVIATION, float(one)) for one in spreads)
    whole = ImageInput(size.height, size.width, means, deviations)
    return Preparation(loaded.schema, whole, Goal.fit(loaded.schema.target, loaded.truth))


def restore(documents: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> Preparation:
    """Return the preparation that a bundle's documents describe.

    Raises:
        BundleError: if they describe none.
    """
    schema, preprocess = Schema.from_json(documents["schema"]), documents["preprocess"]
    if tensors or not isinstance(preprocess, dict) or set(preprocess) != {"means", "deviations", "target"}:
        raise SpecError("the preparation has other parts than means, deviations and a target")
    size = Size.parse(schema.used[0].format) if len(schema.used) == 1 else None
    if size is None:
        raise SpecError("the preprocessing is for one column of images")
    sides = {"height": size.height, "width": size.width, "block": "image_input"}
    try:
        whole = _INPUT.validate_json(json.dumps({**sides, **{key: preprocess[key] for key in ("means", "deviations")}}))
    except (ValidationError, TypeError, ValueError) as error:
        raise SpecError("the means and deviations of images are not numbers between 0 and 1") from error
    if whole.channels != size.channels:
        raise SpecError("the means and deviations of images are not as many numbers as they have channels")
    return Preparation(schema, whole, Goal.restore(schema.target, preprocess["target"]))


def space(preparation: Any, rows: int) -> Space:
    """Return what is searched for so many images."""
    return images.space(rows, preparation.schema.target.outcome, trunk=bool(preparation.frozen))


def portfolio(preparation: Any, rows: int) -> tuple[Point, ...]:
    """Return the first points to try for so many images."""
    return images.portfolio(rows, trunk=bool(preparation.frozen))


def candidate(point: Point, preparation: Any) -> Candidate:
    """Return the network and recipe that a point of the space stands for, for these images."""
    recipe = images.recipe(point)
    if preparation.goal.scale:
        recipe = replace(recipe, label_smoothing=0.0)
    outputs = preparation.goal.outputs
    if point["body"] == images.FROZEN:
        return Candidate(images.frozen_network(point, preparation.frozen, outputs), recipe)
    return Candidate(images.network(point, images.inputs(point, preparation.own.whole), outputs), recipe)


def parse(data: pd.DataFrame, schema: Schema) -> Frame:
    """Decode the images of a table.

    Raises:
        BadImages: if some cannot be decoded: no answer can be given for them.
    """
    from netwright.data.images import decode_all  # as above

    (column,) = schema.used
    table = _renamed(as_table(data), schema)
    if column.name not in table.columns:
        raise MissingColumns([column.name])
    size = Size.parse(column.format)
    assert size is not None
    sources = _sources(table, column.name)
    pixels, failures = decode_all(sources, size)
    if failures:
        raise BadImages([_named(sources[place]) for place in failures], next(iter(failures.values())))
    return Frame({column.name: pixels}, len(pixels))


def _parse_target(data: pd.DataFrame, schema: Schema) -> NDArray[Any]:
    return parse_target(_renamed(as_table(data), schema), schema.target)


def _renamed(table: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Return a table with the names of the schema, where it was read from a folder and the schema from a file."""
    (column,) = schema.used
    if not set(table.columns) <= {IMAGE, CLASS, PART}:
        return table
    names = {IMAGE: column.name, CLASS: schema.target.name}
    return table.rename(columns={old: new for old, new in names.items() if new not in table.columns})


def show(frame: Frame, row: int) -> tuple[Literal["image"], str]:
    """Return an image as the networks see it, as the text of a PNG file."""
    from netwright.data.images import as_png  # as above

    (pixels,) = frame.columns.values()
    return "image", base64.b64encode(as_png(pixels[row])).decode()


def toy(seed: int) -> tuple[pd.DataFrame, str]:
    """Return small images of bars and their class: whether they lie, stand or slant."""
    generator = np.random.default_rng(seed)
    classes = generator.integers(0, 3, 240)
    down, across = np.mgrid[:12, :12]
    pictures = []
    for kind in classes:
        distance = {0: down, 1: across, 2: (down + across) / 2}[int(kind)] - generator.integers(3, 9)
        bright = 200 * (np.abs(distance) < 1.5) + generator.integers(0, 50, (12, 12))
        pictures.append(bright.astype(np.uint8))
    return pd.DataFrame({"image": pictures, "class": np.array(["lying", "standing", "slanting"])[classes]}), "class"


TASK = Task(
    name="image",
    recognises=recognises,
    load=load,
    parse=parse,
    parse_target=_parse_target,
    prepare=prepare,
    restore=restore,
    space=space,
    portfolio=portfolio,
    first_glance=images.first_glance,
    default_network=images.default_network,
    candidate=candidate,
    describe=images.describe,
    show=show,
    toy=toy,
)

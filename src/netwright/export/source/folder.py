"""The folder: a model's networks, what stands before them, how they were trained, and what each file is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from netwright.build.source.backbone import trunk_source, trunk_state
from netwright.build.source.imports import Imports
from netwright.build.source.linking import LAYERS, link
from netwright.build.source.network import Design, class_text, designs_of
from netwright.build.source.table import CATEGORIES
from netwright.build.source.text import Call, Name, assigned
from netwright.bundle.short import half_where_equal
from netwright.export.parity import Parity
from netwright.export.source.checking import check
from netwright.export.source.files import paragraphs, python_file, told
from netwright.export.source.preprocess import preprocess_files
from netwright.export.source.readme import readme, stacked
from netwright.export.source.train import can_be_trained, rows_are, train_file
from netwright.extended import Extended
from netwright.model import Model, Part
from netwright.spec.blocks import BagInput, Block, Members, SequenceInput, TableInput
from netwright.spec.costs import widest
from netwright.storage import make_folder, replace_file
from netwright.tasks.task import Preparation
from netwright.trunks import ImageTrunk

FEWEST_ROWS, MOST_ROWS, TRUNK_ROWS = 16, 1_024, 32  # that networks are given together, and that a trunk is
ACTIVATION = 2**24  # numbers between two layers of one network, of all these rows: 64 MB


def write_source(model: Model, folder: Path) -> Parity:
    """Write a model as a folder of Python source that needs torch, numpy and safetensors, and not Netwright.

    The source is run before it is written. Each file is there whole or not at all.

    Args:
        model: for tables, for texts beside them, for images or for sounds.
        folder: made if it is not there; files of the same names are replaced.

    Returns:
        How near its answers are to those of the model.

    Raises:
        NoSource: if a part of the model cannot be written as source.
        UnequalExport: if its answers are not near enough; nothing is written then.
        CannotWrite: if the folder cannot be written to.
    """
    files = source_files(model)
    parity = check(model, files)
    make_folder(folder)
    for name, content in files.items():
        replace_file(folder / name, partial(_fill, content))
    return parity


def _fill(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def source_files(model: Model) -> dict[str, bytes]:
    """Return the content of each file by its name; arguments and errors as of `write_source`."""
    model = replace(model, parts=tuple(sorted(model.parts, key=lambda part: -part.share)))  # the winner first
    designs = designs_of([part.candidate for part in model.parts])
    names = design_names(designs)
    written, wanted = _model_file(model, names, designs)
    trunk, lent = _trunk_file(model.preparation)
    trained, further = train_file(model, names, designs) if can_be_trained(model) else ("", set[str]())
    files = {
        "model.py": written.encode(),
        **({"train.py": trained.encode()} if trained else {}),
        **({"trunk.py": trunk.encode()} if trunk else {}),
        "weights.safetensors": save({**_weights(model.parts, names, designs), **lent}),
        **preprocess_files(model.preparation, wanted | further),
    }
    return {**files, "README.md": readme(model, names, designs, [*files]).encode()}


def design_names(designs: Sequence[Design]) -> list[str]:
    """Return a name for each design: that of its class in small letters, with a number where several share one."""
    stems = [_small(design.kind) for design in designs]
    names = []
    for place, stem in enumerate(stems):
        names.append(f"{stem}_{stems[: place + 1].count(stem)}" if stems.count(stem) > 1 else stem)
    return names


def _small(kind: str) -> str:
    """Return the name of a class as that of a value.

    >>> _small("PeriodicTabMResNet2")
    'periodic_tabm_resnet2'
    """
    words = "TabM|MLP|GRU|ResNet|ConvNeXt|ConvNet|MobileNet|Linear|Average|Transformer|Chain"
    return re.sub(rf"(?<!^)(?={words})", "_", kind).lower()


def _model_file(model: Model, names: Sequence[str], designs: Sequence[Design]) -> tuple[str, set[str]]:
    """Return the text of `model.py`, and the names of `preprocess.py` that it uses."""
    blocks = [block for part in model.parts for block in part.candidate.network.blocks]
    members = any(isinstance(block, Members) for block in blocks)
    goal = model.preparation.goal
    features = {"members"} if members else set()
    features |= {rows_are(model)} | ({"trunk"} if isinstance(model.preparation, Extended) else set())
    features.add("number" if goal.scale else "classes")
    features |= {"chain"} if any(part.candidate.network.chained for part in model.parts) else set()
    layers = link(LAYERS, set().union(*(design.draft.layers for design in designs)))
    kinds = {design.kind: design for design in designs}
    table = _table_of(model.parts, names, designs)
    given = {
        "ROWS_AT_ONCE": f"ROWS_AT_ONCE = {_rows_at_once(model)}  # few enough for the memory",
        "DESIGNS": f"# The mix, its weightiest design first\n{assigned('DESIGNS', table)}",
        "TEMPERATURE": f"TEMPERATURE = {model.temperature:.6g}  # the logits are divided by it: over 1 is less sure",
    }
    renamed = {"decoded_numbers": "decoded", "finished_numbers": "finished"} if goal.scale else {}
    mix = link("model", {"main", "load"}, features, given, renamed)
    imports = Imports()
    for other in (layers.imports, mix.imports, *(design.draft.imports for design in designs)):
        imports.add(other)
    imports.take("torch", "Tensor", "nn")
    if any(design.sizes for design in designs):
        imports.take("functools", "partial")
    letters = "B row, K output" + (", E member that shares weights" if members else "")
    docstring = paragraphs(
        f"The networks that predict {told(goal.target.name)}, and how their answers are mixed.",
        "    python model.py rows.csv",
        f"prints the answers for the rows of a table. Letters in shapes: {letters}.",
    )
    sections = [_cardinalities(blocks), layers.text, *map(class_text, kinds.values()), mix.text]
    return python_file(docstring, imports, sections), mix.imports.names.get("preprocess", set())


def _trunk_file(preparation: Preparation) -> tuple[str, dict[str, NDArray[Any]]]:
    """Return the text of `trunk.py`, and its tensors by their names in the mix; nothing where there is no trunk."""
    if not isinstance(preparation, Extended) or not isinstance(preparation.trunk, ImageTrunk):
        return "", {}
    trunk = preparation.trunk
    imports, text, draft = trunk_source(trunk.backbone, trunk.size)
    state = {"middle": preparation.middle, "spread": preparation.spread, **trunk_state(draft, trunk.beginning())}
    about = f"{trunk.backbone.name}, which others have trained on photographs, up to its last layer but one."
    tensors = {f"trunk.{name}": np.ascontiguousarray(array) for name, array in state.items()}
    floats = {name: array for name, array in tensors.items() if array.dtype == np.float32}
    return python_file(about, imports, [text]), {**tensors, **half_where_equal(floats)}


def _rows_at_once(model: Model) -> int:
    """Return how many rows the networks are given together."""
    if isinstance(model.preparation, Extended):
        return TRUNK_ROWS
    numbers = max(widest(part.candidate.network) for part in model.parts)
    return max(FEWEST_ROWS, min(MOST_ROWS, ACTIVATION // numbers))


def _table_of(parts: Sequence[Part], names: Sequence[str], designs: Sequence[Design]) -> dict[str, Call]:
    """Return the designs of a mix by name: what makes each, how much it counts, and how many networks it has."""
    table = {}
    for name, part, design in zip(names, parts, designs, strict=True):
        build: Any = Call("partial", (Name(design.kind),), design.sizes) if design.sizes else Name(design.kind)
        table[name] = Call("Design", (build,), {"share": float(f"{part.share:.6g}"), "networks": stacked(part)})
    return table


def _cardinalities(blocks: Sequence[Block]) -> str:
    """Return the constant that tells how many categories each column has, all inputs of a model alike; or nothing."""
    tables = (block.table if isinstance(block, BagInput | SequenceInput) else block for block in blocks)
    for table in tables:
        if isinstance(table, TableInput) and table.cardinalities:
            note = "# How many numbers each column of many categories has, that of unknown ones included"
            return f"{note}\n{assigned(CATEGORIES, table.cardinalities)}"
    return ""


def _weights(parts: Sequence[Part], names: Sequence[str], designs: Sequence[Design]) -> dict[str, NDArray[Any]]:
    """Return the `state_dict` of the whole mix, in half the bytes wherever nothing is lost by it."""
    state: dict[str, NDArray[Any]] = {}
    for name, part, design in zip(names, parts, designs, strict=True):
        for place in range(stacked(part)):
            tensors = {key: tensor[place] for key, tensor in part.weights.items()}
            state |= {f"networks.{name}.{place}.{key}": array for key, array in design.state(tensors).items()}
    floats = {key: array for key, array in state.items() if array.dtype == np.float32}
    short = half_where_equal(floats)
    return {key: np.ascontiguousarray(short.get(key, array)) for key, array in state.items()}

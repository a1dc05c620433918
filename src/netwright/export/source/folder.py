"""The folder: a model's networks, what stands before them, how they were trained, and what each file is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from netwright.build.source.designs import Design, designs_of, small
from netwright.build.source.dialects import DIALECTS, TORCH, Dialect
from netwright.build.source.imports import Imports
from netwright.build.source.keras_maps import IMAGE
from netwright.build.source.linking import link
from netwright.build.source.table import CATEGORIES
from netwright.build.source.text import Call, Name, assigned
from netwright.bundle.short import half_where_equal
from netwright.errors import NoSource
from netwright.export.parity import Parity
from netwright.export.source.checking import backends_of, check
from netwright.export.source.files import paragraphs, python_file, told
from netwright.export.source.preprocess import preprocess_files
from netwright.export.source.readme import readme, stacked
from netwright.export.source.train import can_be_trained, lent_features, rows_are, train_file
from netwright.export.written import SUMS, put_files
from netwright.model import Model, Part
from netwright.pretrained.extended import Extended
from netwright.pretrained.trunks import ImageTrunk, TextTrunk
from netwright.spec.blocks import BagInput, Block, ImageInput, Members, SequenceInput, TableInput
from netwright.spec.costs import USUAL_GRAMS, widest
from netwright.spec.network import Network
from netwright.tasks.task import Preparation

FEWEST_ROWS, MOST_ROWS, TRUNK_ROWS = 16, 1_024, 32  # that networks are given together, and that a trunk is
ACTIVATION = 2**24  # numbers between two layers of one network, of all these rows: 64 MB


def write_source(model: Model, folder: Path, framework: str = "torch") -> Parity:
    """Write a model as a folder of Python source that needs a framework, numpy and safetensors, and not Netwright.

    The source is run before it is written, in Keras on each of its backends that is installed but PyTorch, or on that.
    Each file is there whole or not at all.

    Args:
        model: for tables, for texts beside them, for images or for sounds.
        folder: where the files go: see `written.put_files`.
        framework: torch or keras.

    Returns:
        How near its answers are to those of the model, on the backend where they are farthest.

    Raises:
        MissingExtra: if the framework is not installed.
        NoSource: if a part of the model cannot be written as source.
        UnequalExport: if its answers are not near enough; nothing is written then.
        InTheWay: if a file is there that an export would replace, and none wrote.
        CannotWrite: if the folder cannot be written to.
    """
    dialect = DIALECTS[framework]
    backends = backends_of(dialect)
    files = source_files(model, dialect)
    found = [check(model, files, backend) for backend in backends]
    put_files("source", files, folder)
    return max(found, key=lambda parity: parity.difference)


def source_files(model: Model, dialect: Dialect = TORCH) -> dict[str, bytes]:
    """Return the content of each file by its name; arguments and errors as of `write_source`."""
    model = replace(model, parts=tuple(sorted(model.parts, key=lambda part: -part.share)))  # the winner first
    designs = designs_of([part.candidate for part in model.parts], dialect.write)
    names = design_names(designs)
    written, wanted = _model_file(model, names, designs, dialect)
    others, lent = _lent_files(model.preparation, dialect)
    trained, further = train_file(model, names, designs, dialect) if can_be_trained(model) else ("", set[str]())
    files = {
        "model.py": written.encode(),
        **({"train.py": trained.encode()} if trained else {}),
        **{name: text.encode() for name, text in others.items()},
        "weights.safetensors": save({**_weights(model.parts, names, designs), **lent}),
        **preprocess_files(model.preparation, wanted | further),
    }
    return {**files, "README.md": readme(model, names, designs, [*files, SUMS], dialect).encode()}


def design_names(designs: Sequence[Design]) -> list[str]:
    """Return a name for each design: that of its class in small letters, with a number where several share one."""
    stems = [small(design.kind) for design in designs]
    names = []
    for place, stem in enumerate(stems):
        names.append(f"{stem}_{stems[: place + 1].count(stem)}" if stems.count(stem) > 1 else stem)
    return names


def _model_file(
    model: Model, names: Sequence[str], designs: Sequence[Design], dialect: Dialect
) -> tuple[str, set[str]]:
    """Return the text of `model.py`, and the names of `preprocess.py` that it uses."""
    blocks = [block for part in model.parts for block in part.candidate.network.blocks]
    members = any(isinstance(block, Members) for block in blocks)
    goal = model.preparation.goal
    features = {"members"} if members else set()
    features |= {rows_are(model), *lent_features(model), "number" if goal.scale else "classes"}
    features |= {"chain"} if any(part.candidate.network.chained for part in model.parts) else set()
    layers = link(dialect.layers, set().union(*(design.draft.layers for design in designs)))
    kinds = {design.kind: design for design in designs}
    table = _table_of(model.parts, names, designs, dialect)
    given = {
        "ROWS_AT_ONCE": f"ROWS_AT_ONCE = {_rows_at_once(model)}  # few enough for the memory",
        "DESIGNS": f"# The mix, its weightiest design first\n{assigned('DESIGNS', table)}",
        "TEMPERATURE": f"TEMPERATURE = {model.temperature:.6g}  # the logits are divided by it: over 1 is less sure",
    }
    mix = link(dialect.model, {"main", "load"}, features, given, dialect.model_numbers if goal.scale else {})
    imports = Imports()
    for other in (layers.imports, mix.imports, *(design.draft.imports for design in designs)):
        imports.add(other)
    for module, taken in dialect.shared.items():
        imports.take(module, *taken)
    if any(design.sizes for design in designs):
        imports.take("functools", "partial")
    letters = "B row, K output" + (", E member that shares weights" if members else "")
    docstring = paragraphs(
        f"The networks that predict {told(goal.target.name)}, and how their answers are mixed.",
        "    python model.py rows.csv",
        f"prints the answers for the rows of a table. Letters in shapes: {letters}.",
    )
    constants = [_cardinalities(blocks), _image(model) if dialect is not TORCH else ""]
    sections = ["\n".join(filter(None, constants)), layers.text, *map(dialect.text, kinds.values()), mix.text]
    return python_file(docstring, imports, sections), mix.imports.names.get("preprocess", set())


def _lent_files(preparation: Preparation, dialect: Dialect) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Return the text of the file of what others have trained, by its name, and its tensors; none where there is none.

    The tensors have the names that they have in the mix.
    """
    if not isinstance(preparation, Extended):
        return {}, {}
    trunk, weights = preparation.trunk, dict[str, NDArray[Any]]()
    if isinstance(trunk, ImageTrunk):
        whole = preparation.schema.used[0].map_size
        assert whole is not None
        shape = (whole.height, whole.width, whole.channels)
        file, (imports, text, draft) = "trunk", dialect.trunk(trunk.backbone, trunk.size, shape)
        weights |= trunk.beginning()
        about = f"{trunk.backbone.name}, which others have trained on photographs, up to its last layer but one."
    elif isinstance(trunk, TextTrunk):
        file, (imports, text, draft) = "encoder", dialect.encoder(trunk.encoder, trunk.length)
        weights |= trunk.weights
        about = f"{trunk.encoder.name}, an encoder of sentences that others have trained on a billion pairs of them."
    else:
        raise NoSource("what it carries of others is not written as source yet")
    state = {name: source(weights) for name, source in draft.tensors.items()}
    scaling = {"middle": preparation.middle, "spread": preparation.spread}
    state |= {f"{dialect.scaled}{name}": array for name, array in scaling.items()}
    tensors = {f"{file}.{name}": np.asarray(array, order="C") for name, array in state.items()}
    floats = {name: array for name, array in tensors.items() if array.dtype == np.float32}
    return {f"{file}.py": python_file(about, imports, [text])}, {**tensors, **half_where_equal(floats)}


def _rows_at_once(model: Model) -> int:
    """Return how many rows the networks are given together."""
    if isinstance(model.preparation, Extended):
        return TRUNK_ROWS
    numbers = max(map(_numbers, (part.candidate.network for part in model.parts)))
    return max(FEWEST_ROWS, min(MOST_ROWS, ACTIVATION // numbers))


def _numbers(network: Network) -> int:
    """Return how many numbers lie between two layers for one row, the vectors of its n-grams included."""
    first = network.blocks[0]
    return max(widest(network), USUAL_GRAMS * first.width if isinstance(first, BagInput) else 0)


def _table_of(
    parts: Sequence[Part], names: Sequence[str], designs: Sequence[Design], dialect: Dialect
) -> dict[str, Call]:
    """Return the designs of a mix by name: what makes each, how much it counts, and how many networks it has."""
    table = {}
    for name, part, design in zip(names, parts, designs, strict=True):
        builder = Name(dialect.builder(design.kind))
        build: Any = Call("partial", (builder,), design.sizes) if design.sizes else builder
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


def _image(model: Model) -> str:
    """Return the constant that tells the shape of images where networks take them; or nothing."""
    if not any(isinstance(part.candidate.network.blocks[0], ImageInput) for part in model.parts):
        return ""
    size = model.preparation.schema.used[0].map_size
    assert size is not None
    sides = f"({size.height}, {size.width}, {size.channels})"
    return f"{IMAGE} = {sides}  # height, width and channels of the images that come in"


def _weights(parts: Sequence[Part], names: Sequence[str], designs: Sequence[Design]) -> dict[str, NDArray[Any]]:
    """Return the `state_dict` of the whole mix, in half the bytes wherever nothing is lost by it."""
    state: dict[str, NDArray[Any]] = {}
    for name, part, design in zip(names, parts, designs, strict=True):
        for place in range(stacked(part)):
            tensors = {key: tensor[place] for key, tensor in part.weights.items()}
            state |= {f"networks.{name}.{place}.{key}": array for key, array in design.state(tensors).items()}
    floats = {key: array for key, array in state.items() if array.dtype == np.float32}
    short = half_where_equal(floats)
    return {key: np.asarray(short.get(key, array), order="C") for key, array in state.items()}

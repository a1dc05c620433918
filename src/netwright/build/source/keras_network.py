"""A network as a function that builds it in Keras."""

from __future__ import annotations

from collections.abc import Collection

from netwright.build.source.designs import Design, small
from netwright.build.source.draft import Draft
from netwright.build.source.keras_maps import write_trunk
from netwright.build.source.keras_sequences import write_bag, write_reader
from netwright.build.source.keras_table import write_table
from netwright.build.source.keras_vectors import write_dropped, write_run
from netwright.build.source.network import signature, typed_sizes
from netwright.build.source.table import table_width
from netwright.build.source.text import STEP, folded
from netwright.build.source.vectors import runs
from netwright.spec.blocks import BagInput, GlobalPool, ImageInput, SequencePool, TableInput
from netwright.spec.network import Candidate

LENT = ("layers", "ops")  # what is taken from Keras where a line uses it


def write_network(candidate: Candidate, varying: Collection[str] | None) -> Draft:
    """Return a network as lines of a function: see `designs.Write`."""
    draft, network = Draft(varying), candidate.network
    position = _write_input(draft, candidate)
    for run in runs(network.blocks[position:]):
        write_run(draft, run, position, candidate.recipe.dropout)
        position += len(run)
    lines = "\n".join(draft.steps)
    draft.imports.whole["keras"] = "keras"
    draft.imports.take("keras", *(name for name in LENT if f"{name}." in lines))
    return draft


def _write_input(draft: Draft, candidate: Candidate) -> int:
    """Write the lines up to the first vector; return how many blocks these are."""
    network, dropout = candidate.network, candidate.recipe.dropout
    match network.blocks[0]:
        case TableInput() as block:
            columns = write_table(draft, block, "0.")
            draft.width = str(table_width(block))
            draft.steps.append(f"hidden = {columns}  # (B, features)")
            return 1
        case BagInput() as block:
            length = 1
            write_bag(draft, block, "0.")
        case ImageInput():
            length = 1 + next(place for place, one in enumerate(network.blocks) if isinstance(one, GlobalPool))
            write_trunk(draft, network, length)
        case _:
            length = 1 + next(place for place, one in enumerate(network.blocks) if isinstance(one, SequencePool))
            write_reader(draft, network.blocks[:length], "0.")
    write_dropped(draft, dropout)
    return length


def builder_of(kind: str) -> str:
    """Return the name of the function that builds a network.

    >>> builder_of("PeriodicMLP")
    'build_periodic_mlp'
    """
    return f"build_{small(kind)}"


def function_text(design: Design) -> str:
    """Return the function that builds a network."""
    draft = design.draft
    lines = [
        *signature(f"def {builder_of(design.kind)}", typed_sizes(design), " -> keras.Model:"),
        folded(f'"""{design.described}."""', STEP),
        f"{STEP}rows = {{",
        *(f"{STEP}{STEP}{line}" for line in draft.setup),
        f"{STEP}}}",
        *(f"{STEP}{line}" for line in draft.steps),
        f"{STEP}return keras.Model(rows, outputs)",
    ]
    return "\n".join(lines)

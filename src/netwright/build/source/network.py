"""A network as a class of PyTorch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from netwright.build.source.designs import Design
from netwright.build.source.draft import Draft
from netwright.build.source.maps import write_trunk
from netwright.build.source.sequences import write_bag, write_reader
from netwright.build.source.table import table_width, write_table
from netwright.build.source.text import STEP, WIDTH, Name, folded
from netwright.build.source.vectors import runs, write_dropped, write_run
from netwright.spec.blocks import BagInput, GlobalPool, ImageInput, SequencePool, TableInput
from netwright.spec.costs import block_costs
from netwright.spec.network import Candidate


def write_network(candidate: Candidate, varying: Collection[str] | None) -> Draft:
    """Return a network as lines of a class of PyTorch: see `Write`."""
    draft, network = Draft(varying), candidate.network
    dropout = candidate.recipe.dropout
    start = _write_input(draft, candidate)
    position, before = start, block_costs(network)[start - 1].width
    for run in runs(network.blocks[start:]):
        write_run(draft, run, position, before, dropout)
        position += len(run)
        before = block_costs(network)[position - 1].width
    return draft


def _write_input(draft: Draft, candidate: Candidate) -> int:
    """Write the lines up to the first vector; return how many blocks these are."""
    network, recipe = candidate.network, candidate.recipe
    match network.blocks[0]:
        case TableInput() as block:
            columns = write_table(draft, block, "0.")
            draft.width = draft.size("features", table_width(block))
            draft.steps.append(f"hidden = {columns}{draft.shape(draft.width)}")
            return 1
        case BagInput() as block:
            write_bag(draft, block, "0.")
            write_dropped(draft, recipe.dropout)
            return 1
        case ImageInput():
            length = 1 + next(place for place, one in enumerate(network.blocks) if isinstance(one, GlobalPool))
            write_trunk(draft, network, length, grows=recipe.growth < 1)
        case _:
            length = 1 + next(place for place, one in enumerate(network.blocks) if isinstance(one, SequencePool))
            write_reader(draft, network.blocks[:length], "0.")
    write_dropped(draft, recipe.dropout)
    return length


# --- the text of a class -------------------------------------------------------------------------------------------


def class_text(design: Design) -> str:
    """Return the class of a network."""
    draft = design.draft
    lines = [
        f"class {design.kind}(nn.Module):",
        folded(f'"""{design.described}."""', STEP),
        "",
        *signature(f"{STEP}def __init__", ["self", *typed_sizes(design)], " -> None:"),
        f"{STEP}{STEP}super().__init__()",
        *(f"{STEP}{STEP}{line}" for line in draft.setup),
        "",
        f"{STEP}def forward(self, rows: dict[str, Tensor]) -> Tensor:",
        f'{STEP}{STEP}"""Return the outputs for B rows, given as `preprocess.encode` encodes them."""',
        *(f"{STEP}{STEP}{line}" for line in draft.steps),
    ]
    return "\n".join(lines)


def signature(head: str, arguments: Sequence[str], end: str) -> list[str]:
    """Return the lines of the head of a function, such as `def __init__` with an end such as ` -> None:`."""
    indent, inner = head[: len(head) - len(head.lstrip())], ", ".join(arguments)
    line = f"{head}({inner}){end}"
    if len(line) <= WIDTH:
        return [line]
    if len(indent + STEP + inner) <= WIDTH:
        return [f"{head}(", f"{indent}{STEP}{inner}", f"{indent}){end}"]
    return [f"{head}(", *(f"{indent}{STEP}{one}," for one in arguments), f"{indent}){end}"]


def typed_sizes(design: Design) -> list[str]:
    """Return the sizes that are arguments, with their types."""
    return [f"{name}: {_type_of(size)}" for name, size in design.sizes.items()]


def _type_of(size: Any) -> str:
    match size:
        case Name():
            return "Activation"
        case tuple():
            return "tuple[int, ...]"
        case _:
            return type(size).__name__

"""The columns of a table, as lines of a network of Keras."""

from __future__ import annotations

from netwright.build.source.draft import Change, Draft, same
from netwright.build.source.keras_inputs import declare
from netwright.build.source.table import CATEGORIES, of_row
from netwright.spec.blocks import Identity, Periodic, Piecewise, TableInput


def write_table(draft: Draft, block: TableInput, source: str) -> str:
    """Write the lines of an input; return the expression for its features, all columns side by side and scaled.

    Args:
        draft: of the network.
        block: the columns.
        source: what the names of its tensors begin with.
    """
    pieces = []
    if block.numeric:
        pieces.append(_numbers(draft, block, source))
    if block.plain:
        pieces.append(declare(draft, "plain", f"({block.plain},)"))
    if block.frozen:
        pieces.append(declare(draft, "frozen", f"({block.frozen},)"))
    if block.cardinalities:
        pieces.append(_categories(draft, block, source))
    draft.layers.add("Scale")
    draft.holds("scale.scale", f"{source}scale")
    if len(pieces) == 1:
        return f'Scale(name="scale")({pieces[0]})'
    draft.steps.append(f"columns = [{', '.join(pieces)}]")
    return 'Scale(name="scale")(layers.Concatenate()(columns))'


def _numbers(draft: Draft, block: TableInput, source: str) -> str:
    """Write the embedding of numbers; return the expression for them."""
    given = declare(draft, "numeric", f"({block.numeric},)")
    sizes: dict[str, int | float]
    tensors: dict[str, Change]
    match block.embedding:
        case Identity():
            return given
        case Periodic(frequencies, width, sigma):
            kind = "PeriodicEmbedding"
            sizes = {"frequencies": frequencies, "embedding_width": width, "sigma": sigma}
            tensors = {"frequency": of_row, "phase": of_row, "weight": same, "bias": of_row}
        case Piecewise(bins, width):
            kind = "PiecewiseEmbedding"
            sizes = {"bins": bins, "embedding_width": width}
            tensors = {"knots": same, "weight": same, "bias": of_row}
    told = ", ".join(f"{name.removeprefix('embedding_')}={draft.size(name, size)}" for name, size in sizes.items())
    draft.steps.append(f'numbers = {kind}({told}, name="numbers")({given})')
    draft.layers.add(kind)
    for name, change in tensors.items():
        draft.holds(f"numbers.{name}", f"{source}{name}", change)
    return "numbers"


def _categories(draft: Draft, block: TableInput, source: str) -> str:
    """Write the embedding of categories; return the expression for them."""
    given = declare(draft, "categories", f"({len(block.cardinalities)},)", "int32")
    width = draft.size("category_width", block.category_width)
    draft.steps.append(f'categories = CategoryEmbedding({CATEGORIES}, width={width}, name="category_vectors")({given})')
    draft.layers.add("CategoryEmbedding")
    draft.holds("category_vectors.vectors", f"{source}categories")
    return "categories"

"""The columns of a table, as lines of a network."""

from __future__ import annotations

from netwright.build.source.draft import Array, Change, Draft, same
from netwright.spec.blocks import Identity, Periodic, Piecewise, TableInput
from netwright.spec.costs import embedding_cost

CATEGORIES = "CATEGORIES"  # the constant of a written file that tells how many categories each column has


def table_width(block: TableInput) -> int:
    """Return how many features the columns give."""
    return embedding_cost(block)[0] + block.plain + block.frozen + block.category_width * len(block.cardinalities)


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
    if block.plain or not (block.numeric or block.cardinalities or block.frozen):
        pieces.append('rows["plain"]')
    if block.frozen:
        pieces.append('rows["frozen"]')
    if block.cardinalities:
        pieces.append(_categories(draft, block, source))
    draft.setup.append(f"self.scale = nn.Parameter(torch.ones({draft.size('features', table_width(block))}))")
    draft.holds("scale", f"{source}scale")
    draft.imports.whole["torch"] = "torch"
    if len(pieces) == 1:
        return f"{pieces[0]} * self.scale"
    draft.steps.append(f"columns = [{', '.join(pieces)}]")
    return "torch.cat(columns, dim=1) * self.scale"


def _numbers(draft: Draft, block: TableInput, source: str) -> str:
    """Write the embedding of numbers; return the expression for them."""
    columns = block.numeric
    sizes: dict[str, int | float]
    tensors: dict[str, Change]
    match block.embedding:
        case Identity():
            return 'rows["numeric"]'
        case Periodic(frequencies, width, sigma):
            kind = "PeriodicEmbedding"
            sizes = {"frequencies": frequencies, "embedding_width": width, "sigma": sigma}
            tensors = {"frequency": of_row, "phase": of_row, "weight": same, "bias": of_row}
        case Piecewise(bins, width):
            kind = "PiecewiseEmbedding"
            sizes = {"bins": bins, "embedding_width": width}
            tensors = {"knots": same, "weight": same, "bias": of_row}
    named = ", ".join(f"{name.removeprefix('embedding_')}={draft.size(name, size)}" for name, size in sizes.items())
    draft.setup.append(f"self.numbers = {kind}({columns}, {named})")
    draft.layers.add(kind)
    for name, change in tensors.items():
        draft.holds(f"numbers.{name}", f"{source}{name}", change)
    return 'self.numbers(rows["numeric"])'


def of_row(tensor: Array) -> Array:
    """(F, 1, ...) → (F, ...)."""
    return tensor[:, 0]


def _categories(draft: Draft, block: TableInput, source: str) -> str:
    """Write the embedding of categories; return the expression for them."""
    width = draft.size("category_width", block.category_width)
    draft.setup.append(f"self.categories = CategoryEmbedding({CATEGORIES}, width={width})")
    draft.layers.add("CategoryEmbedding")
    draft.holds("categories.table.weight", f"{source}categories")
    return 'self.categories(rows["categories"])'

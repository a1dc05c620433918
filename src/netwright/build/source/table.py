"""The columns of a table, as lines of a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netwright.build.source.draft import Array, Change, Draft, same
from netwright.spec.blocks import Periodic, Piecewise, TableInput
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
    embedding = embedding_of(block)
    if embedding is None:
        return 'rows["numeric"]'
    draft.setup.append(f"self.numbers = {embedding.kind}({block.numeric}, {embedding.named(draft)})")
    embedding.hold(draft, source)
    return 'self.numbers(rows["numeric"])'


@dataclass(frozen=True)
class Embedding:
    """How an embedding of numbers is written, in either framework.

    Attributes:
        kind: its class.
        sizes: what it is made with, by name.
        tensors: its own names of its tensors, and how they come of the network's.
    """

    kind: str
    sizes: Mapping[str, int | float]
    tensors: Mapping[str, Change]

    def named(self, draft: Draft) -> str:
        """Return the sizes as named arguments."""
        return ", ".join(
            f"{name.removeprefix('embedding_')}={draft.size(name, size)}" for name, size in self.sizes.items()
        )

    def hold(self, draft: Draft, source: str) -> None:
        """Take down the class, and where its tensors come from."""
        draft.layers.add(self.kind)
        for name, change in self.tensors.items():
            draft.holds(f"numbers.{name}", f"{source}{name}", change)


def embedding_of(block: TableInput) -> Embedding | None:
    """Return the embedding of numbers; None where they go in as they are."""
    match block.embedding:
        case Periodic(frequencies, width, sigma):
            sizes = {"frequencies": frequencies, "embedding_width": width, "sigma": sigma}
            waves: dict[str, Change] = {"frequency": of_row, "phase": of_row, "weight": same, "bias": of_row}
            return Embedding("PeriodicEmbedding", sizes, waves)
        case Piecewise(bins, width):
            bent: dict[str, Change] = {"knots": same, "weight": same, "bias": of_row}
            return Embedding("PiecewiseEmbedding", {"bins": bins, "embedding_width": width}, bent)
    return None


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

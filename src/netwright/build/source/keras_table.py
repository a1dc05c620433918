"""The columns of a table, as lines of a network of Keras."""

from __future__ import annotations

from netwright.build.source.draft import Draft
from netwright.build.source.keras_inputs import declare
from netwright.build.source.table import CATEGORIES, embedding_of
from netwright.spec.blocks import TableInput


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
    given, embedding = declare(draft, "numeric", f"({block.numeric},)"), embedding_of(block)
    if embedding is None:
        return given
    draft.steps.append(f'numbers = {embedding.kind}({embedding.named(draft)}, name="numbers")({given})')
    embedding.hold(draft, source)
    return "numbers"


def _categories(draft: Draft, block: TableInput, source: str) -> str:
    """Write the embedding of categories; return the expression for them."""
    given = declare(draft, "categories", f"({len(block.cardinalities)},)", "int32")
    width = draft.size("category_width", block.category_width)
    draft.steps.append(f'categories = CategoryEmbedding({CATEGORIES}, width={width}, name="category_vectors")({given})')
    draft.layers.add("CategoryEmbedding")
    draft.holds("category_vectors.vectors", f"{source}categories")
    return "categories"

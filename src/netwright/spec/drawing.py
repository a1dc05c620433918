"""A network drawn as text: one line a block, widths and parameters beside it."""

from __future__ import annotations

from netwright.spec.blocks import (
    Attention,
    BagInput,
    Block,
    ChainHead,
    ConvNext,
    Convolution,
    Dense,
    Embedding,
    GlobalPool,
    Head,
    Identity,
    ImageInput,
    InvertedResidual,
    MaxPool,
    Members,
    Periodic,
    Piecewise,
    Recurrent,
    Residual,
    ResidualConvolution,
    SequenceConvolution,
    SequenceInput,
    SequencePool,
    TableInput,
)
from netwright.spec.costs import block_costs
from netwright.spec.network import Network


def draw(network: Network) -> str:
    """Return the network as lines of at most 80 columns, from inputs to outputs."""
    lines = []
    for block, cost in zip(network.blocks, block_costs(network), strict=True):
        members = f" × {cost.members}" if cost.members > 1 else ""
        *first, last = _inputs(block) if isinstance(block, TableInput | BagInput | SequenceInput) else [_words(block)]
        lines += [f"  {words}" for words in first]
        width = f"{cost.width}{members}" if cost.pixels == (1, 1) else "×".join(map(str, (cost.width, *cost.pixels)))
        lines.append(f"  {last:<48} {width:>12} {cost.parameters:>14,}")
    return "\n".join([f"  {'block':<48} {'width':>12} {'parameters':>14}", *lines])


def _words(block: Block) -> str:
    match block:
        case TableInput() | BagInput() | SequenceInput():
            return ", ".join(_inputs(block))
        case SequenceConvolution(width, kernel, activation, stride):
            step = f"{kernel} places" if stride == 1 else f"{kernel} places by {stride}"
            return f"convolution {width} of {step}, layer norm, {activation}"
        case Recurrent(width):
            return f"gated recurrent unit {width}, both ways"
        case Attention(heads, hidden, activation):
            return f"attention, {heads} heads, then {hidden} {activation}"
        case SequencePool(kind):
            return f"{'mean and largest' if kind == 'both' else kind} of all places"
        case Members(count):
            return f"{count} members that share weights"
        case Dense(width, activation, norm):
            return f"dense {width}, {_norm(norm)}{activation}"
        case Residual(hidden, activation, norm):
            return f"residual {hidden}, {_norm(norm)}{activation}"
        case ImageInput(height, width):
            return f"map of {height} by {width}, {'grey' if block.channels == 1 else f'{block.channels} channels'}"
        case Convolution(channels, kernel, stride, activation):
            return f"convolution {channels}, {_step(kernel, stride)}, batch norm, {activation}"
        case ResidualConvolution(channels, kernel, stride, activation):
            return f"residual convolutions {channels}, {_step(kernel, stride)}, {activation}"
        case InvertedResidual(channels, expansion, kernel, stride, activation):
            return f"inverted residual {channels}, ×{expansion}, {_step(kernel, stride)}, {activation}"
        case ConvNext(expansion, kernel, activation):
            return f"ConvNeXt, ×{expansion}, {_step(kernel, 1)}, {activation}"
        case MaxPool(size):
            return f"largest of {size} by {size}"
        case GlobalPool(kind):
            return f"{'mean and largest' if kind == 'both' else kind} of each channel"
        case Head(outputs):
            return f"head, {outputs} {'output' if outputs == 1 else 'outputs'}"
        case ChainHead(outputs):
            return f"head, {outputs} outputs, a chain over them"


def _step(kernel: int, stride: int) -> str:
    return f"{kernel}x{kernel}" if stride == 1 else f"{kernel}x{kernel} by {stride}"


def _norm(norm: str) -> str:
    return "" if norm == "none" else f"{norm} norm, "


def _inputs(block: TableInput | BagInput | SequenceInput) -> list[str]:
    if isinstance(block, SequenceInput):
        words = f"{block.vocabulary:,} {block.encoding} by {block.width}, {block.length:,} of a text"
        return [*_inputs(block.table), words]
    if isinstance(block, BagInput):
        return [*_inputs(block.table), f"{block.vocabulary:,} n-grams by {block.width}"]
    parts = [f"{block.numeric} numbers{_embedded(block.embedding)}"] if block.numeric else []
    parts += [f"{block.plain} plain"] if block.plain else []
    parts += [f"{block.frozen} of a trained trunk"] if block.frozen else []
    parts += [f"{len(block.cardinalities)} categories by {block.category_width}"] if block.cardinalities else []
    return parts


def _embedded(embedding: Embedding) -> str:
    match embedding:
        case Identity():
            return ""
        case Periodic(frequencies, width, _):
            return f" (periodic {frequencies}, each to {width})"
        case Piecewise(bins, width):
            return f" (piecewise {bins}, each to {width})"

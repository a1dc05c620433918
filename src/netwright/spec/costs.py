"""What a network costs, counted from its description alone: widths, parameters, multiply-adds."""

from __future__ import annotations

from netwright.spec.blocks import (
    Attention,
    BagInput,
    Block,
    ChainHead,
    ConvNext,
    Convolution,
    Dense,
    Head,
    Identity,
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
from netwright.spec.cost import Cost
from netwright.spec.network import Network
from netwright.spec.sequences import largest_sequence, sequence_cost, sequence_shapes
from netwright.spec.spatial import largest_map, spatial_cost, spatial_shapes

USUAL_GRAMS = 256  # of a text: what its costs are counted by
NOTHING = Cost(width=0, members=1, parameters=0, flops=0)

KEPT_TIMES = 3  # what leaves a block is in memory so many times at the peak of a step
PARAMETER_TIMES = 12  # so is each parameter

ACTIVATION = 2**22  # numbers between two layers, of all networks of a stack and all rows predicted at once: 16 MB


def network_cost(network: Network) -> Cost:
    """Return the cost of the whole network."""
    costs = block_costs(network)
    return Cost(
        costs[-1].width, costs[-1].members, sum(cost.parameters for cost in costs), sum(cost.flops for cost in costs)
    )


def widest(network: Network) -> int:
    """Return the most numbers that one row takes between two blocks, or inside one, of all members together."""
    before, most = NOTHING, 1
    for block, cost in zip(network.blocks, block_costs(network), strict=True):
        inner = cost.members * _inside(block, before, cost)
        most, before = max(most, cost.numbers, inner), cost
    return most


def rows_at_once(network: Network, stack: int) -> int:
    """Return how many rows a stack of networks predicts at once: few enough for the caches and the memory."""
    return max(16, ACTIVATION // (stack * widest(network)))


def step_bytes(network: Network, networks: int, batch: int) -> int:
    """Return about how many bytes a training step takes at its peak, and what goes on beside it.

    What leaves a block is kept for the way back, before and after its activation, and once more as its gradient; each
    parameter has a gradient, two moments, a mean, the best so far, and all of this once more while it is written.

    Args:
        network: the common shape.
        networks: of the stack.
        batch: rows that each learns from.
    """
    before, numbers = NOTHING, 0
    for block, cost in zip(network.blocks, block_costs(network), strict=True):
        numbers += KEPT_TIMES * cost.numbers + cost.members * _inside(block, before, cost)
        before = cost
    return 4 * networks * (batch * numbers + PARAMETER_TIMES * network_cost(network).parameters)


def _inside(block: Block, before: Cost, after: Cost) -> int:
    """Return the numbers of one row inside a block, of one member: of all waves or intervals of its columns, too."""
    match block:
        case SequenceConvolution() | Recurrent() | Attention() | SequencePool():
            return largest_sequence(block, before, after)
        case Convolution() | ResidualConvolution() | InvertedResidual() | ConvNext() | MaxPool():
            return largest_map(block, before, after)
        case SequenceInput(table=table):
            return max(after.numbers, _inside(table, before, after))
        case TableInput(numeric=columns, embedding=Periodic(frequencies=each) | Piecewise(bins=each)):
            return columns * each
        case BagInput(table=table):
            return max(4 * USUAL_GRAMS, _inside(table, before, after))  # names and weights, and the names once more
        case Residual(hidden):
            return hidden
        case _:
            return 0


def block_costs(network: Network) -> tuple[Cost, ...]:
    """Return the cost of each block, in order."""
    costs: list[Cost] = []
    before = NOTHING
    for block in network.blocks:
        before = _block_cost(block, before)
        costs.append(before)
    return tuple(costs)


def _block_cost(block: Block, before: Cost) -> Cost:
    width, members = before.width, before.members
    match block:
        case TableInput():
            return _input_cost(block)
        case BagInput(vocabulary, each, table):
            beside = _input_cost(table)
            parameters = (vocabulary + 1) * each + beside.parameters
            return Cost(each + beside.width, 1, parameters, beside.flops + 2 * each * USUAL_GRAMS)
        case SequenceInput(vocabulary, each, length, table):
            beside = _input_cost(table)
            parameters = (vocabulary + 1 + length) * each + beside.parameters
            return Cost(each, 1, parameters, beside.flops, (length, 1), beside.width)
        case SequenceConvolution() | Recurrent() | Attention() | SequencePool():
            return sequence_cost(block, before)
        case Members(count):
            return Cost(width, count, count * width, 2 * count * width)
        case Dense():
            return Cost(
                block.width, members, _dense(width, block.width, members, block.norm), 2 * members * width * block.width
            )
        case Residual():
            inner = _dense(width, block.hidden, members, "none") + _dense(block.hidden, width, members, "none")
            return Cost(width, members, inner + _norm(width, block.norm), 4 * members * width * block.hidden)
        case Head() | ChainHead():
            tags = block.outputs
            pairs = tags * tags if isinstance(block, ChainHead) else 0  # gone through to and fro
            parameters = members * ((width + 1) * tags + pairs)
            return Cost(tags, members, parameters, 2 * members * (width * tags + 2 * pairs))
        case _:
            return spatial_cost(block, before)


def _dense(inputs: int, outputs: int, members: int, norm: str) -> int:
    shared = inputs * outputs
    own = outputs if members == 1 else members * (inputs + 2 * outputs)
    return shared + own + _norm(outputs, norm)


def _norm(width: int, norm: str) -> int:
    return {"none": 0, "layer": 2 * width, "rms": width}[norm]


def _input_cost(block: TableInput) -> Cost:
    width, parameters, flops = embedding_cost(block)
    total = width + block.plain + block.frozen + block.category_width * len(block.cardinalities)
    parameters += block.category_width * sum(block.cardinalities) + total
    return Cost(total, 1, parameters, flops + total)


def embedding_cost(block: TableInput) -> tuple[int, int, int]:
    """Return (width, parameters, flops) of the embedded numeric columns."""
    columns = block.numeric
    match block.embedding:
        case Identity():
            return columns, 0, 0
        case Periodic(frequencies, width, _):
            each = 2 * frequencies + (frequencies + 1) * (width - 1)
            return columns * width, columns * each, columns * (2 * frequencies * width)
        case Piecewise(bins, width):
            return columns * width, columns * (bins + 1) * width, columns * (2 * bins * width + 2 * bins)


def weight_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of the network by name, constants included, without a stack axis."""
    shapes: dict[str, tuple[int, ...]] = {}
    width, members = 0, 1
    for position, (block, cost) in enumerate(zip(network.blocks, block_costs(network), strict=True)):
        parts = _block_shapes(block, width, members, cost.width)
        shapes |= {f"{position}.{name}": shape for name, shape in parts.items()}
        width, members = cost.width, cost.members
    return shapes


def _block_shapes(block: Block, width: int, members: int, outputs: int) -> dict[str, tuple[int, ...]]:
    match block:
        case TableInput():
            categories = {"categories": (sum(block.cardinalities), block.category_width)} if block.cardinalities else {}
            return _embedding_shapes(block) | categories | {"scale": (outputs,)}
        case BagInput(vocabulary, each, table):
            beside = outputs - each
            return {"grams": (vocabulary + 1, each), **_block_shapes(table, width, members, beside)}
        case SequenceInput(vocabulary, each, length, table, encoding):
            own = {encoding: (vocabulary + 1, each), "places": (length, each)}
            return {**own, **_block_shapes(table, width, members, _input_cost(table).width)}
        case SequenceConvolution() | Recurrent() | Attention() | SequencePool():
            return dict(sequence_shapes(block, width))
        case Members():
            return {"in_scale": (block.count, width)}
        case Dense():
            return _dense_shapes("", width, block.width, members) | _norm_shapes(block.norm, block.width)
        case Residual():
            up, down = (
                _dense_shapes("up_", width, block.hidden, members),
                _dense_shapes("down_", block.hidden, width, members),
            )
            return up | down | _norm_shapes(block.norm, width)
        case Head():
            return {"weight": (members, width, outputs), "bias": (members, outputs)}
        case ChainHead():
            linear = {"weight": (members, width, outputs), "bias": (members, outputs)}
            return {**linear, "transitions": (members, outputs, outputs)}
        case _:
            return spatial_shapes(block, width)


def _dense_shapes(prefix: str, inputs: int, outputs: int, members: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {f"{prefix}weight": (inputs, outputs), f"{prefix}bias": (members, outputs)}
    if members > 1:
        shapes |= {f"{prefix}in_scale": (members, inputs), f"{prefix}out_scale": (members, outputs)}
    return shapes


def _norm_shapes(norm: str, width: int) -> dict[str, tuple[int, ...]]:
    names = {"none": (), "rms": ("norm_scale",), "layer": ("norm_scale", "norm_bias")}[norm]
    return dict.fromkeys(names, (width,))


def _embedding_shapes(block: TableInput) -> dict[str, tuple[int, ...]]:
    columns = block.numeric
    match block.embedding:
        case Identity():
            return {}
        case Periodic(frequencies, width, _):
            waves = {"frequency": (1, frequencies), "phase": (1, frequencies)}
            return _each(columns, {**waves, "weight": (frequencies, width - 1), "bias": (1, width - 1)})
        case Piecewise(bins, width):
            return _each(columns, {"knots": (bins + 1,), "weight": (bins, width), "bias": (1, width)})


def _each(columns: int, shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {name: (columns, *shape) for name, shape in shapes.items()}

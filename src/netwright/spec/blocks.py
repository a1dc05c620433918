"""The closed registry of blocks: what a network may be made of, as data.

A block is a frozen dataclass whose field `block` is its id. A new block is one class here, its line in `Block`,
its shape and cost in `spec/costs.py` and one builder per framework in `build/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from netwright.errors import SpecError

STRICT = ConfigDict(extra="forbid", strict=True)

Width = Annotated[int, Field(ge=1, le=8192)]
Count = Annotated[int, Field(ge=0, le=100_000)]
Side = Annotated[int, Field(ge=1, le=1024)]
Channels = Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1, max_length=4)]
Kernel = Literal[1, 3, 5, 7]
Stride = Annotated[int, Field(ge=1, le=4)]
Activation = Literal["relu", "relu6", "silu", "gelu", "mish", "selu", "tanh", "hardtanh"]
Normalisation = Literal["none", "layer", "rms"]

BYTE_VALUES = 255  # of a byte of a text, counted from 1: 0 stands behind its end
BOUNDED: frozenset[str] = frozenset({"relu6", "tanh", "hardtanh"})
"""Activations with bounded outputs: with them one flipped bit of a weight cannot make an output arbitrarily large."""


@dataclass(frozen=True)
class Periodic:
    """Numerical embedding cos(2π(wx + b)), then linear, beside x itself (PBLD, arXiv 2407.04491, section 3).

    Attributes:
        frequencies: number of cosines per column.
        width: outputs per column, x itself included.
        sigma: standard deviation of the frequencies at the start.
    """

    __pydantic_config__ = STRICT
    frequencies: Annotated[int, Field(ge=1, le=128)] = 16
    width: Annotated[int, Field(ge=2, le=64)] = 4
    sigma: Annotated[float, Field(gt=0, le=100)] = 0.1
    embedding: Literal["periodic"] = "periodic"


@dataclass(frozen=True)
class Piecewise:
    """Numerical embedding by position between quantiles, then linear (PLE, arXiv 2203.05556, section 3.2).

    No activation follows: with the paper's ReLU the loss was 2.7 % higher in the mean over 29 tables
    (`benchmarks/learning_sets.py`); TabM leaves it out too.

    Attributes:
        bins: the number of intervals, between quantiles of the training rows.
        width: outputs per column.
    """

    __pydantic_config__ = STRICT
    bins: Annotated[int, Field(ge=2, le=48)] = 16
    width: Annotated[int, Field(ge=1, le=64)] = 8
    embedding: Literal["piecewise"] = "piecewise"


@dataclass(frozen=True)
class Identity:
    """Numbers as they are."""

    __pydantic_config__ = STRICT
    embedding: Literal["identity"] = "identity"


Embedding = Annotated[Periodic | Piecewise | Identity, Field(discriminator="embedding")]


@dataclass(frozen=True)
class TableInput:
    """The columns of a table, made one vector of features and multiplied by a learned scale per feature.

    Attributes:
        numeric: number of numeric columns, each embedded by `embedding`.
        plain: number of columns taken as they are.
        cardinalities: number of categories of each categorical column, unseen included.
        category_width: size of a category's embedding.
        frozen: number of features that a trained trunk sees in the row, taken as they are.
    """

    __pydantic_config__ = STRICT
    numeric: Count
    plain: Count
    cardinalities: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...]
    embedding: Embedding
    category_width: Annotated[int, Field(ge=1, le=256)] = 8
    frozen: Count = 0
    block: Literal["table_input"] = "table_input"


@dataclass(frozen=True)
class BagInput:
    """Texts as bags of n-grams, each with a vector of its own, and beside their weighted sum the columns of a table.

    As in fastText (Joulin et al. 2017, arXiv 1607.01759), with weights by rarity.

    Attributes:
        vocabulary: number of n-grams V.
        width: of their vectors.
        table: the columns beside the texts.
    """

    __pydantic_config__ = STRICT
    vocabulary: Annotated[int, Field(ge=0, le=1_000_000)]
    width: Annotated[int, Field(ge=1, le=1024)]
    table: TableInput
    block: Literal["bag_input"] = "bag_input"


@dataclass(frozen=True)
class SequenceInput:
    """Texts as sequences, each piece with a vector of its own and one of its place; a table's columns wait beside.

    Attributes:
        vocabulary: number of pieces V; of bytes all their values, 255.
        width: of their vectors.
        length: pieces that are read.
        table: the columns beside the texts, which join behind the pool.
        encoding: what a text is made of: pieces of words (`data.subwords`) or bytes (`data.spelling`).
    """

    __pydantic_config__ = STRICT
    vocabulary: Annotated[int, Field(ge=0, le=1_000_000)]
    width: Annotated[int, Field(ge=1, le=1024)]
    length: Annotated[int, Field(ge=1, le=1024)]
    table: TableInput
    encoding: Literal["pieces", "bytes"] = "pieces"
    block: Literal["sequence_input"] = "sequence_input"

    def __post_init__(self) -> None:
        if self.encoding == "bytes" and self.vocabulary != BYTE_VALUES:
            raise SpecError(f"a byte of a text has {BYTE_VALUES} values")


@dataclass(frozen=True)
class SequenceConvolution:
    """A place with its neighbours, linear, layer normalisation, activation; x is added where width and length stay.

    As in convolutional networks for sentences (Kim 2014, arXiv 1408.5882). With a stride only every so many places are
    left, rounded up, as where letters or bytes are read (Zhang et al. 2015, arXiv 1509.01626; arXiv 2103.06874).
    """

    __pydantic_config__ = STRICT
    width: Width
    kernel: Kernel = 3
    activation: Activation = "silu"
    stride: Stride = 1
    block: Literal["sequence_convolution"] = "sequence_convolution"

    def __post_init__(self) -> None:
        if self.stride > self.kernel:
            raise SpecError("a convolution would leave places out: its stride is larger than its kernel")


@dataclass(frozen=True)
class Recurrent:
    """A gated recurrent unit (Cho et al. 2014, arXiv 1406.1078) in each direction, each with half of the width."""

    __pydantic_config__ = STRICT
    width: Annotated[int, Field(ge=2, le=2048, multiple_of=2)]
    block: Literal["recurrent"] = "recurrent"


@dataclass(frozen=True)
class Attention:
    """A layer of a Transformer (Vaswani et al. 2017, arXiv 1706.03762): attention, then two linear maps.

    Attributes:
        heads: of attention; they part the width evenly.
        hidden: width between the linear maps.
    """

    __pydantic_config__ = STRICT
    heads: Annotated[int, Field(ge=1, le=64)]
    hidden: Width
    activation: Activation = "gelu"
    block: Literal["attention"] = "attention"


@dataclass(frozen=True)
class SequencePool:
    """From a sequence to one vector: the mean, the largest, both side by side, or a sum weighed by attention."""

    __pydantic_config__ = STRICT
    kind: Literal["mean", "max", "both", "attention"] = "mean"
    block: Literal["sequence_pool"] = "sequence_pool"


@dataclass(frozen=True)
class Members:
    """From here on `count` networks share their weights but for scalings of their own (TabM, arXiv 2410.24210)."""

    __pydantic_config__ = STRICT
    count: Annotated[int, Field(ge=2, le=64)]
    block: Literal["members"] = "members"


@dataclass(frozen=True)
class Dense:
    """Linear, normalisation, activation, dropout."""

    __pydantic_config__ = STRICT
    width: Width
    activation: Activation = "silu"
    norm: Normalisation = "none"
    block: Literal["dense"] = "dense"


@dataclass(frozen=True)
class Residual:
    """x + linear(dropout(activation(linear(norm(x))))), `hidden` wide inside (arXiv 2106.11959, section 3.2)."""

    __pydantic_config__ = STRICT
    hidden: Width
    activation: Activation = "relu"
    norm: Normalisation = "layer"
    block: Literal["residual"] = "residual"


@dataclass(frozen=True)
class ImageInput:
    """Images of one size, as numbers of mean 0 and deviation 1 in each channel.

    Attributes:
        height, width: pixels that the network sees; images that are encoded larger are averaged down to them.
        means, deviations: (C,) of the training images, whose values lie between 0 and 1.
    """

    __pydantic_config__ = STRICT
    height: Side
    width: Side
    means: Channels
    deviations: tuple[Annotated[float, Field(gt=0, le=1)], ...]
    block: Literal["image_input"] = "image_input"

    def __post_init__(self) -> None:
        if len(self.means) != len(self.deviations):
            raise SpecError("an image has as many means as deviations, one a channel")

    @property
    def channels(self) -> int:
        """Return the number of channels C: 1 for grey, 3 for colour."""
        return len(self.means)


@dataclass(frozen=True)
class Convolution:
    """Convolution, batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167), activation."""

    __pydantic_config__ = STRICT
    channels: Width
    kernel: Kernel = 3
    stride: Stride = 1
    activation: Activation = "relu"
    block: Literal["convolution"] = "convolution"


@dataclass(frozen=True)
class ResidualConvolution:
    """The basic block of a residual network (He et al. 2016, arXiv 1512.03385): x + two convolutions.

    Each is followed by batch normalisation, the activation stands between them and after the sum. Where the stride or
    the number of channels changes, x goes through a convolution of kernel 1 and of that stride.
    """

    __pydantic_config__ = STRICT
    channels: Width
    kernel: Kernel = 3
    stride: Stride = 1
    activation: Activation = "relu"
    block: Literal["residual_convolution"] = "residual_convolution"


@dataclass(frozen=True)
class InvertedResidual:
    """Wider inside, a convolution by channel, squeeze and excitation, narrower again (arXiv 1801.04381, 1905.02244).

    x is added where neither the stride nor the number of channels changes.

    Attributes:
        expansion: how many times wider; with 1 there is no convolution that widens.
        squeeze: whether channels are weighed by what all pixels show.
    """

    __pydantic_config__ = STRICT
    channels: Width
    expansion: Annotated[int, Field(ge=1, le=8)] = 4
    kernel: Kernel = 3
    stride: Stride = 1
    activation: Activation = "silu"
    squeeze: bool = True
    block: Literal["inverted_residual"] = "inverted_residual"


@dataclass(frozen=True)
class ConvNext:
    """x + a convolution by channel, layer normalisation, wider, activation, narrower (arXiv 2201.03545)."""

    __pydantic_config__ = STRICT
    expansion: Annotated[int, Field(ge=1, le=8)] = 4
    kernel: Kernel = 7
    activation: Activation = "gelu"
    block: Literal["convnext"] = "convnext"


@dataclass(frozen=True)
class MaxPool:
    """The largest number of each `size` by `size` patch, channel by channel."""

    __pydantic_config__ = STRICT
    size: Annotated[int, Field(ge=2, le=8)] = 2
    block: Literal["max_pool"] = "max_pool"


@dataclass(frozen=True)
class GlobalPool:
    """From a map to one vector of features: the mean of each channel, its largest number, or both side by side."""

    __pydantic_config__ = STRICT
    kind: Literal["mean", "max", "both"] = "mean"
    block: Literal["global_pool"] = "global_pool"


@dataclass(frozen=True)
class Head:
    """The last linear layer: one output per class, or one for a number."""

    __pydantic_config__ = STRICT
    outputs: Annotated[int, Field(ge=1, le=100_000)]
    block: Literal["head"] = "head"


@dataclass(frozen=True)
class ChainHead:
    """The last linear layer, and a linear chain over the tags of rows that follow each other.

    A conditional random field (Lafferty, McCallum and Pereira 2001) over a network (Lample et al. 2016, arXiv
    1603.01360). With s_t the outputs of row t of a sentence, and A a learnt score for each pair of neighbouring tags,
    the tags y of the sentence have the probability  exp(sum_t s_t[y_t] + sum_t A[y_t-1, y_t]) / Z.  What leaves the
    network are the logarithms of the marginals: of the probability of each tag of a row, given the whole sentence.

    Attributes:
        outputs: tags; a row takes their square of numbers while chains are gone through.
    """

    __pydantic_config__ = STRICT
    outputs: Annotated[int, Field(ge=2, le=256)]
    block: Literal["chain_head"] = "chain_head"


Input = TableInput | ImageInput | BagInput | SequenceInput
Spatial = Convolution | ResidualConvolution | InvertedResidual | ConvNext | MaxPool
Sequential = SequenceConvolution | Recurrent | Attention
Pool = GlobalPool | SequencePool
Output = Head | ChainHead
Block = Annotated[
    Input | Spatial | Sequential | Pool | Members | Dense | Residual | Output, Field(discriminator="block")
]

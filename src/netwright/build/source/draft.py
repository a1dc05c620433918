"""A class or function in the making: the lines of a network, and where each of its tensors comes from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netwright.build.source.imports import Imports
from netwright.build.source.text import STEP, WIDTH, Name, flat

Array = NDArray[Any]
Tensors = Mapping[str, Array]
Change = Callable[[Array], Array]

ACTIVATIONS = {"tanh": "torch.tanh"}  # all others are functions of `torch.nn.functional`


def same(tensor: Array) -> Array:
    """Return a tensor as it is."""
    return tensor


def transposed(tensor: Array) -> Array:
    """(inputs, outputs) → (outputs, inputs), as PyTorch keeps a linear layer."""
    return np.ascontiguousarray(tensor.T)


def only(tensor: Array) -> Array:
    """(1, ...) → (...)."""
    return np.asarray(tensor[0])


@dataclass
class Draft:
    """A network as a class.

    Attributes:
        varying: sizes that are arguments of the class, since networks of one class differ in them; None for all.
        setup: lines of `__init__`; in Keras, the inputs by name.
        steps: lines of `forward`; in Keras, of the function that builds it.
        sizes: every size by name.
        layers: definitions of the parts for layers that it uses.
        imports: what else it uses.
        tensors: name in the `state_dict`, or of a variable of Keras → what gives it from the tensors of one network,
            named as `build.torch` does.
        width: what leaves the last block, as text.
        members: the number of members that share weights so far, as text; empty where there are none.
    """

    varying: Collection[str] | None = ()
    setup: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    sizes: dict[str, Any] = field(default_factory=dict)
    layers: set[str] = field(default_factory=set)
    imports: Imports = field(default_factory=Imports)
    tensors: dict[str, Callable[[Tensors], Array]] = field(default_factory=dict)
    width: str = ""
    members: str = ""
    _attributes: set[str] = field(default_factory=set)

    def size(self, name: str, value: Any) -> str:
        """Return a size as text: its value, or its name where it is an argument of the class."""
        while name in self.sizes and self.sizes[name] != value:
            name = _next(name)
        self.sizes[name] = value
        return name if self.is_varying(name) else flat(value)

    def is_varying(self, name: str) -> bool:
        """Return whether a size is an argument of the class."""
        return self.varying is None or name in self.varying

    def attribute(self, name: str) -> str:
        """Return a name for a new attribute: this one, or with a number behind it where it is taken."""
        while name in self._attributes:
            name = _next(name)
        self._attributes.add(name)
        return name

    def holds(self, name: str, source: str, change: Change = same) -> None:
        """Say that a tensor of the `state_dict` is one of the network, changed in its layout."""
        self.tensors[name] = lambda tensors: change(tensors[source])

    def holds_zeros(self, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> None:
        """Say that a tensor of the `state_dict` is all zero."""
        self.tensors[name] = lambda tensors: np.zeros(shape, dtype)

    def holds_number(self, name: str, number: float) -> None:
        """Say that a tensor of the `state_dict` is one number."""
        self.tensors[name] = lambda tensors: np.array(number, np.float32)

    def linear(self, name: str, source: str, bias: Change = only) -> None:
        """Say that a linear layer is one of the network, whose weight is kept as (inputs, outputs)."""
        self.holds(f"{name}.weight", f"{source}weight", transposed)
        self.holds(f"{name}.bias", f"{source}bias", bias)

    def activation(self, name: str) -> Name:
        """Return the function of an activation."""
        text = ACTIVATIONS.get(name, f"functional.{name}")
        if text.startswith("functional."):
            self.imports.take("torch.nn", "functional")
        else:
            self.imports.whole["torch"] = "torch"
        return Name(text)

    def shape(self, *sizes: str) -> str:
        """Return a comment that tells the shape of rows."""
        return f"  # ({', '.join(['B', *sizes])})"


def looped(name: str, each: str, loop: str) -> list[str]:
    """Return the lines that make a list of layers, laid out as formatters do."""
    line, inner = f"self.{name} = nn.ModuleList({each} {loop})", f"{each} {loop}"
    if len(2 * STEP + line) <= WIDTH:
        return [line]
    lines = [inner] if len(3 * STEP + inner) <= WIDTH else [each, loop]
    return [f"self.{name} = nn.ModuleList(", *(f"{STEP}{one}" for one in lines), ")"]


def _next(name: str) -> str:
    """Return the name with the next number: `linear`, `linear_2`, `linear_3`."""
    stem, _, number = name.rpartition("_")
    return f"{stem}_{int(number) + 1}" if stem and number.isdecimal() else f"{name}_2"

"""An ONNX graph as it grows: each operator gives the name of what it computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

OPSET = 20  # Gelu is of version 20, which ONNX Runtime knows since 1.17
ML_OPSET = 2  # LabelEncoder with keys and values of several types
IR_VERSION = 9  # the oldest that goes with these: older programs can read the file
ML = "ai.onnx.ml"  # the part of the standard that looks up texts; not an extension of ours

WEIGHT = "weight"  # what the names of constants begin with that networks have learnt
CONSTANT = "constant"  # and those of all others

Shape = Sequence[int | str]
Attribute = int | float | str | Sequence[int] | Sequence[float] | Sequence[str]
Typed = tuple[str, Any]
"""The name of a value, and its numpy type."""


@dataclass
class Graph:
    """Nodes, constants, inputs and outputs, in the order in which they were added.

    Names are those of the inputs and outputs; what lies between is numbered.

    Attributes:
        halves: whether what networks have learnt lies in the file as float16 where that loses nothing.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    inputs: list[ValueInfoProto] = field(default_factory=list)
    outputs: list[ValueInfoProto] = field(default_factory=list)
    halves: bool = True
    names: set[str] = field(default_factory=set)
    known: dict[tuple[str, str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def input(self, name: str, dtype: Any, shape: Shape | None) -> str:
        """Declare what is fed: an array of a numpy type, or of texts for `np.str_`; a word in the shape is any size.

        Without a shape that hangs on what is fed.
        """
        self.names.add(name)
        self.inputs.append(_value(name, dtype, shape))
        return name

    def output(self, value: str, name: str, dtype: Any, shape: Shape | None) -> str:
        """Declare what is given back, by a name; one that is taken has `_output` behind it."""
        while name in self.names:
            name += "_output"
        self.names.add(name)
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(_value(name, dtype, shape))
        return name

    def constant(self, values: Any, dtype: Any = None, word: str = CONSTANT) -> str:
        """Return the name of a constant array, which begins with a word; equal ones of one word are kept once."""
        array = np.asarray(values, dtype, order="C")
        key = (word, array.dtype.str, array.shape, array.tobytes())
        if key not in self.known:
            self.known[key] = self._fresh(word)
            self.constants.append(numpy_helper.from_array(array, self.known[key]))
        return self.known[key]

    def texts(self, words: Sequence[str]) -> str:
        """Return the name of a constant array of texts."""
        name = self._fresh("texts")
        self.constants.append(numpy_helper.from_array(np.array(words, object), name))
        return name

    def weight(self, array: NDArray[Any]) -> str:
        """Return the name of an array of float32 that networks have learnt: see `halves`."""
        return self.fitted(array, WEIGHT) if self.halves else self.constant(array, np.float32, WEIGHT)

    def fitted(self, array: NDArray[Any], word: str = CONSTANT) -> str:
        """Return the name of an array of float32, which lies in the file as float16 where that loses nothing."""
        half = as_halves(array)
        if array.size > 1 and half is not None:
            return self.apply("Cast", self.constant(half, word=word), to=TensorProto.FLOAT)
        return self.constant(array, np.float32, word)

    def apply(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Return the name of what an operator of the standard gives for inputs; its attributes are the standard's."""
        return self.apply_all(operator, 1, *inputs, **attributes)[0]

    def apply_all(self, operator: str, count: int, *inputs: str, **attributes: Attribute) -> list[str]:
        """Return the names of all that an operator of several outputs gives."""
        names = [self._fresh(operator.lower()) for _ in range(count)]
        domain = ML if operator in ("LabelEncoder",) else ""
        node = helper.make_node(operator, list(inputs), names, domain=domain)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self.nodes.append(node)
        return names

    def scan(
        self,
        body: Callable[[Graph, list[str], list[str]], tuple[list[str], list[str]]],
        states: Sequence[Typed],
        inputs: Sequence[Typed],
        outputs: Sequence[Any],
        *,
        reverse: bool = False,
    ) -> tuple[list[str], list[str]]:
        """Go along the first axis of some values, one place after the other; return outputs (L, ...) and last states.

        Args:
            body: the graph of a step, its states and its inputs → states after it, and what it gives. It may use values
                of this graph by their names.
            states: in front of the first step.
            inputs: (L, ...) that the steps are given a place of.
            outputs: the types of what a step gives.
            reverse: whether the last place comes first; outputs lie as inputs do in any case.
        """
        inner = Graph(halves=self.halves, names=self.names)  # no name twice
        given = [inner.input(inner._fresh("step"), dtype, None) for _, dtype in (*states, *inputs)]
        after, found = body(inner, given[: len(states)], given[len(states) :])
        for value, dtype in zip((*after, *found), (*(dtype for _, dtype in states), *outputs), strict=True):
            inner.output(value, inner._fresh("stepped"), dtype, None)
        names = [self._fresh("scan") for _ in (*states, *outputs)]
        step = helper.make_graph(inner.nodes, "step", inner.inputs, inner.outputs, inner.constants)
        ways = {"scan_input_directions": [1] * len(inputs), "scan_output_directions": [1] * len(outputs)}
        node = helper.make_node("Scan", [name for name, _ in (*states, *inputs)], names, body=step)
        node.attribute.append(helper.make_attribute("num_scan_inputs", len(inputs)))
        node.attribute.extend(helper.make_attribute(name, way) for name, way in ways.items() if reverse)
        self.nodes.append(node)
        return names[len(states) :], names[: len(states)]

    def cast(self, value: str, dtype: Any) -> str:
        """Return the name of a value as another type."""
        return self.apply("Cast", value, to=_element_type(dtype))

    def join(self, values: Sequence[str], axis: int) -> str:
        """Return the name of values side by side."""
        return values[0] if len(values) == 1 else self.apply("Concat", *values, axis=axis)

    def reshape(self, value: str, *shape: int) -> str:
        """Return the name of a value in another shape; -1 is what is left over."""
        return self.apply("Reshape", value, self.constant(shape, np.int64))

    def add_axes(self, value: str, *axes: int) -> str:
        """Return the name of a value with axes of size 1 at these places of the result."""
        return self.apply("Unsqueeze", value, self.constant(axes, np.int64))

    def mean(self, value: str, axis: int, *, keep: bool = False) -> str:
        """Return the name of the mean along an axis."""
        return self.apply("ReduceMean", value, self.constant([axis], np.int64), keepdims=int(keep))

    def finish(self, name: str, metadata: dict[str, str]) -> ModelProto:
        """Return the whole as a model, with words about it by key."""
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, self.constants)
        used = {node.domain for node in self.nodes}
        opsets = [helper.make_opsetid("", OPSET), *([helper.make_opsetid(ML, ML_OPSET)] if ML in used else [])]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="netwright")
        helper.set_model_props(model, metadata)
        return model

    def _fresh(self, word: str) -> str:
        name = f"{word}_{len(self.names)}"
        while name in self.names:  # a column may be called so
            name += "_"
        self.names.add(name)
        return name


def _value(name: str, dtype: Any, shape: Shape | None) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, _element_type(dtype), None if shape is None else list(shape))


def as_halves(array: NDArray[Any]) -> NDArray[np.float16] | None:
    """Return an array of float32 as float16; None where that loses anything.

    >>> as_halves(np.float32([0.5, 3])), as_halves(np.float32([0.1]))
    (array([0.5, 3. ], dtype=float16), None)
    """
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), array) else None


def _element_type(dtype: Any) -> int:
    if dtype is np.str_:
        return int(TensorProto.STRING)
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

"""The nodes that stand for one composed function or primitive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...ir.graph import CONSTANT, INPUT
from ..errors import OnnxError
from .dynamic import Size

if TYPE_CHECKING:
    from ...ir.graph import Value
    from .dynamic import Sizes
    from .program import Program

INT = np.dtype(np.int64)
END = np.iinfo(np.int64).max  # as the end of a slice: to the end


class Node(NamedTuple):
    """One node, before it has a name."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]


class Block:
    """Nodes in order, and what they need from elsewhere.

    Names of other values are ``%`` and a number, until the model gives them names; names of a block's own
    intermediate results and constants hold for the block only.

    Attributes:
        opset: the version of the operators.
        nodes: what has been written.
        constants: arrays, by name.
        needs: the values that the nodes read.
        where: the scope, for messages.
    """

    def __init__(self, program: Program, sizes: Sizes, opset: int, where: str):
        self.program, self.sizes, self.opset, self.where = program, sizes, opset, where
        self.nodes: list[Node] = []
        self.constants: dict[str, np.ndarray] = {}
        self.needs: dict[str, Value] = {}

    def of(self, value: Value) -> str:
        """The name of a value."""
        array = None if value.op == "expand" else self.program.constant(value)
        if array is not None:
            there = self.sizes.constant(value)
            if there is None or np.array_equal(array, there, equal_nan=array.dtype.kind == "f"):
                return self.constant(array)
            if array.size == there.size == 1:
                return self._number(array, there)
            if value.op in (INPUT, CONSTANT):
                raise self.refused(f"an array of shape {array.shape} follows from a size that is left open")
        name = f"%{value.number}"
        self.needs[name] = value
        return name

    def constant(self, array: Any, dtype: Any = None) -> str:
        """The name of a new constant."""
        name = f"constant {len(self.constants)}"
        self.constants[name] = np.asarray(array, dtype)
        return name

    def integers(self, numbers: Sequence[int] | int) -> str:
        """The name of a constant of int64."""
        return self.constant(numbers, INT)

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Write a node of one output; returns its name. Trailing inputs that are "" are left out."""
        return self.several(op, inputs, 1, attributes)[0]

    def several(self, op: str, inputs: Sequence[str], outputs: int, attributes: dict[str, Any]) -> list[str]:
        """Write a node of several outputs."""
        given = list(inputs)
        while given and not given[-1]:
            given.pop()
        names = [f"result {len(self.nodes)}.{i}" for i in range(outputs)]
        self.nodes.append(Node(op, given, names, {k: v for k, v in attributes.items() if v is not None}))
        return names

    def rename(self, old: str, new: str) -> None:
        """Give a result of this block another name."""
        for node in self.nodes:
            node.inputs[:] = [new if name == old else name for name in node.inputs]
            node.outputs[:] = [new if name == old else name for name in node.outputs]

    def optional(self, value: Value | None) -> str:
        """The name of a value that may be missing."""
        return "" if value is None else self.of(value)

    def dims(self, pairs: Sequence[tuple[int, int]]) -> str:
        """The name of a tensor of sizes; of open ones it is computed when the model runs."""
        if all(here == there for here, there in pairs):
            return self.integers([here for here, _ in pairs])
        return self.node("Concat", *[self._dim(*pair) for pair in pairs], axis=0)

    def _dim(self, here: int, there: int) -> str:
        if here == there:
            return self.integers([here])
        found = self.sizes.multiple(here, there)
        if found is None:
            raise self.refused(f"the size {here} follows from an open one in a way that cannot be written")
        factor, size = found
        dim = self.open(size)
        return dim if factor == 1 else self.node("Mul", dim, self.integers([factor]))

    def _number(self, here: np.ndarray, there: np.ndarray) -> str:
        """The name of a number that follows from open sizes, such as the inverse of how many elements a mean has."""
        found = self.sizes.power(here.item(), there.item())
        whole = found is not None and found.factor == int(found.factor) and all(e > 0 for _, e in found.exponents)
        if found is None or (here.dtype.kind != "f" and not whole):
            raise self.refused(f"the number {here.item():g} follows from an open size in a way that cannot be written")
        name = self.constant(found.factor, here.dtype)
        for size, exponent in found.exponents:
            factor = self.node("Cast", self.node("Squeeze", self.open(size), self.integers([0])), to=here.dtype)
            name = self.node("Mul" if exponent > 0 else "Div", name, factor)
        return self.node("Reshape", name, self.integers([1] * here.ndim)) if here.ndim else name

    def open(self, size: Size) -> str:
        """The name of an open size, as a tensor of one element."""
        shape = self.node("Shape", self.of(self.program.inputs[size.input]))
        return self.node("Gather", shape, self.integers([size.axis]), axis=0)

    def refused(self, reason: str) -> OnnxError:
        """The error for what cannot be written."""
        return OnnxError(f"export: {reason}{f' (in {self.where})' if self.where else ''}.")

"""The model: blocks from the outputs back to the inputs, then names for all that is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...ir.graph import INPUT
from . import activations, arrangement, losses, normalizations, windows  # noqa: F401 (they enter the registry)
from .block import Block, Node
from .dynamic import Size
from .primitives import write
from .registry import FUNCTIONS

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

    from ...core.context import Scope
    from ...core.variable import Variable
    from ...ir.graph import Value
    from .dynamic import Sizes
    from .program import Program


class Writer:
    """Collects the blocks that the outputs of a program need, and makes a model of them."""

    def __init__(self, program: Program, sizes: Sizes, opset: int):
        self.program, self.sizes, self.opset = program, sizes, opset
        self.blocks: dict[int, tuple[Block, str]] = {}  # by the number of the value that each makes, with its place
        self._written: set[Value] = set()

    def write(self, values: Iterable[Value]) -> None:
        """Write what makes these values."""
        stack = list(values)
        while stack:
            value = stack.pop()
            if value not in self._written and not self.is_given(value):
                stack += self._made(value).needs.values()

    def is_given(self, value: Value) -> bool:
        """Whether no node makes it: an input, a parameter."""
        return value.op == INPUT

    def _made(self, value: Value) -> Block:
        for place, call in enumerate(self.program.calls.get(value, ())):
            writer, free = FUNCTIONS.get(call.name, (None, ()))
            if writer is None or call.results[0] is not value or not self.sizes.is_fixed_call(call, place, free):
                continue
            block = self._block(call.scope)
            written = writer(block, call)
            needs = [need for need in block.needs.values() if not self.is_given(need)]
            if written is not None and all(need.number < value.number for need in needs):
                return self._finished(block, _place(call.scope, "module"), value, written)
        block = self._block(value.scope)
        return self._finished(block, _place(value.scope), value, write(block, value))

    def _block(self, scope: Scope | None) -> Block:
        return Block(self.program, self.sizes, self.opset, scope.path if scope else "")

    def _finished(self, block: Block, place: str, value: Value, name: str) -> Block:
        self._written.add(value)
        made = {output for node in block.nodes for output in node.outputs}
        if name not in made:
            name = block.node("Identity", name)
        block.rename(name, f"%{value.number}")
        self.blocks[value.number] = block, place
        return block


def _place(scope: Scope | None, kind: str = "") -> str:
    """Where a node belongs, for its name: modules, without the whole model, and functions."""
    chain = scope.chain() if scope else []
    within = [s for s in chain[bool(chain) and chain[0].kind == "module" :] if not kind or s.kind == kind]
    modules = ".".join(s.name for s in within if s.kind == "module")
    return "/".join(filter(None, [modules, *(s.name for s in within if s.kind == "function")]))


class Names:
    """Names that nobody else has."""

    def __init__(self, taken: Iterable[str]):
        self._taken = set(taken)

    def new(self, wanted: str) -> str:
        """The name, with a number behind it if it is taken."""
        name, count = wanted, 1
        while name in self._taken:
            count += 1
            name = f"{wanted}_{count}"
        self._taken.add(name)
        return name


def model(
    writer: Writer,
    inputs: Sequence[str],
    outputs: Sequence[str],
    tensors: Mapping[int, str],
) -> ModelProto:
    """The model of what a writer has written.

    Args:
        inputs, outputs: their names.
        tensors: the names of parameters and buffers, by the tensor's id.
    """
    from onnx import helper, numpy_helper

    program, sizes = writer.program, writer.sizes
    graph = helper.make_graph([], "main", [], [])
    names = Names([*inputs, *outputs, *tensors.values()])
    known = {f"%{value.number}": name for value, name in zip(program.inputs, inputs, strict=True)}
    initializers = _initializers(writer, tensors, names, known)
    for value, name in zip(program.outputs, outputs, strict=True):
        known.setdefault(f"%{value.number}", name)
    constants: dict[tuple[Any, ...], str] = {}
    for _, (block, path) in sorted(writer.blocks.items()):
        local = dict(known)
        for name, array in block.constants.items():
            key = array.shape, array.dtype, hashlib.sha256(array.tobytes()).digest()
            if key not in constants:
                constants[key] = names.new("constant")
                initializers[constants[key]] = array
            local[name] = constants[key]
        for node in block.nodes:
            _add(graph, node, path, names, local, known)
    used = {name for node in graph.node for name in node.input}
    for value, name in zip(program.outputs, outputs, strict=True):
        if known[f"%{value.number}"] != name:  # an output that is an input, a parameter or another output
            graph.node.append(helper.make_node("Identity", [known[f"%{value.number}"]], [name], name=names.new(name)))
            used.add(known[f"%{value.number}"])
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(array, order="C"), name)
        for name, array in initializers.items()
        if name in used
    )
    _describe(graph, sizes, program, inputs, outputs)
    opsets = [helper.make_opsetid("", writer.opset)]
    return helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="tinygrad_cv",
    )


def _initializers(
    writer: Writer, tensors: Mapping[int, str], names: Names, known: dict[str, str]
) -> dict[str, np.ndarray]:
    """Arrays of tensors that the function closes over; their names are entered among the known ones."""
    program, found = writer.program, {}
    for value, array in program.arrays.items():
        owner: Variable | None = program.owners.get(value)
        name = tensors.get(id(owner)) or names.new("tensor")
        known[f"%{value.number}"] = name
        found[name] = array
    return found


def _add(graph: GraphProto, node: Node, path: str, names: Names, local: dict[str, str], known: dict[str, str]) -> None:
    from onnx import helper

    title = names.new(f"{path}/{node.op}" if path else node.op)
    for output in node.outputs:
        if output.startswith("%"):
            known.setdefault(output, title)
            local[output] = known[output]
        else:
            local[output] = names.new(f"{title}_output")
    attributes: dict[str, Any] = {
        key: helper.np_dtype_to_tensor_dtype(item) if isinstance(item, np.dtype) else item
        for key, item in node.attributes.items()
    }
    ins = [local[name] if name else "" for name in node.inputs]
    graph.node.append(helper.make_node(node.op, ins, [local[o] for o in node.outputs], name=title, **attributes))


def _describe(graph: GraphProto, sizes: Sizes, program: Program, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    from onnx import helper

    for values, given, place in ((program.inputs, inputs, graph.input), (program.outputs, outputs, graph.output)):
        for value, name in zip(values, given, strict=True):
            shape = [size.name if isinstance(size, Size) else size for size in sizes.shape(value)]
            place.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), shape))

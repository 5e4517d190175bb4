"""From the graph of a file to modules: what is learned, what is a constant, what follows from constants alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..nn.parameter import Parameter
from .attributes import bound
from .bodies import FUNCTION, branch, captured, expanded, with_bodies
from .call import Call
from .document import Document, domain_of, opsets_of
from .elements import array_of, fixed
from .errors import OnnxError
from .graph import Graph, Node, Step, named
from .names import place_of, put
from .order import Entry, in_order, label
from .package import onnx
from .registry import OPERATORS, Operator, found
from .roles import roles

FOLDED = 4096  # elements: of more constants nothing is computed before a call, so that no file takes up memory
Constants = Mapping[str, np.ndarray]


class Surroundings(NamedTuple):
    """What a graph is in: the versions of operators by domain, constants, and whether its weights are learned."""

    opsets: Mapping[str, int]
    constants: Constants
    learned: bool = True


class Body(NamedTuple):
    """A graph inside of a node, still empty, what it is made of, and what it is in; the function, if it is of one."""

    graph: Graph
    proto: Any
    around: Surroundings
    function: str | None = None


class Builder:
    """Builds the graphs of one file, and collects all that stands in the way.

    Attributes:
        problems: the errors so far. Building goes on, so that all are known at once.
    """

    def __init__(self, document: Document, root: Graph):
        self.place, self.root = document.place, root
        self.functions = {_key(function, function.name): function for function in document.model.functions}
        self.problems: list[OnnxError] = []
        self.calls: list[str] = []  # functions that are being built, each inside of the one before

    def fill(self, graph: Graph, proto: Any, around: Surroundings) -> None:
        """Make a graph of a GraphProto."""
        arrays = self._initial(proto)
        graph._inputs = tuple(entry.name for entry in proto.input if entry.name not in arrays)
        graph._outputs = tuple(entry.name for entry in proto.output)
        entries = self._entries(proto, arrays, around)
        made = {name for entry in entries for name in entry.node.output}
        there = made.union(arrays, graph._inputs)
        inner = graph is not self.root
        outside = {name for entry in entries for name in entry.reads} - there if inner else set()
        entries = in_order(entries, outside.union(arrays, graph._inputs))
        missing = [name for name in graph._outputs if name not in there]
        if missing and not inner:
            raise OnnxError(f"output {missing[0]!r} of the model: nothing makes it.")
        decides, averages = roles(entries, graph._outputs)
        learned = {name for name, array in arrays.items() if array.dtype.kind == "f" and array.ndim} - decides
        learned = learned if around.learned else set()
        graph._constants = {name: around.constants[name] for name in outside if name in around.constants}
        graph._constants |= {name: array for name, array in arrays.items() if name not in learned}
        steps = [self._step(graph, entry, around, learned & averages) for entry in entries if entry.operator]
        graph._steps = tuple(with_ends([step for step in steps if step is not None], graph._outputs))
        read = {name for step in graph._steps for name in step.inputs}.union(graph._outputs)
        graph._constants = {name: fixed(value) for name, value in graph._constants.items() if name in read}
        for name in [name for name in arrays if name in learned & read]:
            self._learn(graph, name, arrays.pop(name), name in averages)  # so that each is in memory once
        for name in ("_steps", "_weights"):  # behind the modules, by whose paths weights are then known
            vars(graph)[name] = vars(graph).pop(name)

    def _entries(self, proto: Any, arrays: dict[str, np.ndarray], around: Surroundings) -> list[Entry]:
        """The nodes of a graph; the values of its Constant nodes are added to the arrays."""
        entries = []
        for number, node in enumerate(with_bodies(proto.node)):
            operator = self._operator(node, label(node, number), around.opsets)
            entry = Entry(node, label(node, number), operator, tuple(captured(node)))
            if operator is not None and node.op_type == "Constant" and not node.domain:
                arrays[node.output[0]] = self._constant(entry, around)
            else:
                entries.append(entry)
        return entries

    # --- constants and weights ---

    def _initial(self, proto: Any) -> dict[str, np.ndarray]:
        """The initializers of a graph."""
        if proto.sparse_initializer:
            names = ", ".join(entry.values.name for entry in proto.sparse_initializer)
            raise OnnxError(f"the initializers {names} are sparse; write them as dense ones.")
        arrays: dict[str, np.ndarray] = {}
        for tensor in proto.initializer:
            if tensor.name in arrays:
                raise OnnxError(f"initializer {tensor.name!r} is there twice.")
            arrays[tensor.name] = array_of(tensor, self.place)
        return arrays

    def _constant(self, entry: Entry, around: Surroundings) -> np.ndarray:
        """The array of a Constant node; a number where it has a problem, which is noted."""
        made = self._bound(entry, around, {}, set())
        if made is None:
            return np.zeros(())
        (array,) = made[0]((), 0, False, {})
        return array

    def _learn(self, graph: Graph, name: str, array: np.ndarray, average: bool) -> None:
        """A weight of a graph as a parameter, or as a running average."""
        owner, attribute = place_of(self.root, name)
        if average:
            owner.register_buffer(attribute, array.copy())
        else:
            owner.register_parameter(attribute, Parameter(array))
        graph._weights[name] = owner, attribute

    # --- nodes ---

    def _operator(self, node: Any, name: str, opsets: Mapping[str, int]) -> Operator | None:
        """The operator of a node; None, with a problem noted, if there is none."""
        domain = domain_of(node)
        if _key(node, node.op_type) in self.functions:
            return FUNCTION._replace(name=node.op_type)
        version = opsets.get(domain)
        operator = None if version is None else found(domain, node.op_type, version)
        if operator is None:
            if version is None:
                reason = f"the file imports no operators of the domain {domain!r}"
            elif (domain, node.op_type) in OPERATORS:
                reason = f"the operator is there from opset {min(OPERATORS[domain, node.op_type])} on"
            else:
                reason = "there is no such operator" + (f" of the domain {domain!r}" if domain else "")
            self._note(OnnxError(f"{reason}."), node, name, opsets)
        return operator

    def _note(self, error: OnnxError, node: Any, name: str, opsets: Mapping[str, int]) -> None:
        """Note a problem of a node."""
        if error.node is None:
            domain = domain_of(node)
            operator = f"{domain}.{node.op_type}" if domain else node.op_type
            error = OnnxError(error.message, name, operator, opsets.get(domain))
        self.problems.append(error)

    def _bound(
        self, entry: Entry, around: Surroundings, constants: Constants, averages: Collection[str]
    ) -> tuple[Call, dict[str, Body]] | None:
        """A node's operator with its attributes, and its bodies; None, with a problem noted, if something is wrong."""
        try:
            return self._bind(entry, around, constants, averages)
        except OnnxError as error:
            self._note(error, entry.node, entry.name, around.opsets)
            return None

    def _bind(
        self, entry: Entry, around: Surroundings, constants: Constants, averages: Collection[str]
    ) -> tuple[Call, dict[str, Body]]:
        node, operator = entry.node, entry.operator
        assert operator is not None
        key = _key(node, node.op_type)
        if key in self.functions:
            if key in self.calls:
                raise OnnxError("the function calls itself.")
            function = self.functions[key]
            inside = Surroundings(opsets_of(function.opset_import), {}, learned=False)
            body_ = Body(Graph(), expanded(function, node), inside, key)
            return Call(operator, (), len(node.output), ()), {"body": body_}
        domain = domain_of(node)
        schema = onnx().defs.get_schema(node.op_type, around.opsets[domain], domain)
        check_arity(node, schema)
        bodies: dict[str, Body] = {}
        chosen = branch(node, constants)

        def body(name: str, proto: Any) -> None:
            if chosen in (None, name):
                bodies[name] = Body(Graph(), proto, around._replace(constants=constants))

        attributes = bound(node, operator, schema, lambda tensor: array_of(tensor, self.place), body)
        pairs = tuple((name, value) for name, value in attributes.items() if name not in bodies)
        owned = tuple(place for place, name in enumerate(node.input) if name in averages)
        return Call(operator, pairs, len(node.output), owned), bodies

    def _step(self, graph: Graph, entry: Entry, around: Surroundings, averages: Collection[str]) -> Step | None:
        """The step of a node; None if its outputs are constants, which are noted, or if it has a problem."""
        constants, node, operator = graph._constants, entry.node, entry.operator
        made = self._bound(entry, around, constants, averages)
        if made is None or operator is None:
            return None
        call, bodies = made
        inputs = tuple(node.input)
        if "body" in bodies and bodies["body"].function:
            inputs += ("",) * (len(bodies["body"].proto.input) - len(inputs))
        known = [constants.get(name) for name in inputs]
        trains = operator.trained is not None and operator.trained(call.attributes, call.outputs, known)
        if operator.mode is not None and operator.mode < len(known) and known[operator.mode] is not None:
            inputs = tuple("" if place == operator.mode else name for place, name in enumerate(inputs))
        module = Node(entry.name, around.opsets.get(domain_of(node), 0), call, len(inputs), entry.outer)
        module.training = trains
        reads = (*inputs, *entry.outer)
        still = not (operator.draws or operator.grows or trains or bodies) and constants.keys() >= set(reads) - {""}
        if still and sum(constants[name].size for name in reads if name) <= FOLDED:
            try:
                constants.update(named(node.output, module(*map(constants.get, reads))))
            except OnnxError as error:
                self.problems.append(error)
            return None
        put(graph, entry.name, module)
        for attribute, body in bodies.items():
            module.add_module(attribute, body.graph)
            self.calls.append(body.function or "")
            self.fill(body.graph, body.proto, body.around)
            self.calls.pop()
        return Step(module, reads, tuple(node.output), ())


def _key(proto: Any, name: str) -> str:
    """The domain, name and overload of a function, or of a node that calls one."""
    return "/".join((domain_of(proto), name, getattr(proto, "overload", "")))


def check_arity(node: Any, schema: Any) -> None:
    """Raise OnnxError for a number of inputs or outputs that an operator does not have."""
    if not schema.min_input <= len(node.input) <= schema.max_input:
        raise OnnxError(f"{len(node.input)} inputs; it takes {schema.min_input} to {schema.max_input}.")
    if not schema.min_output <= len(node.output) <= schema.max_output:
        raise OnnxError(f"{len(node.output)} outputs; it has {schema.min_output} to {schema.max_output}.")
    for name, formal in zip(node.input, schema.inputs):  # noqa: B905 (inputs may be left out, or be more)
        if not name and formal.option.name == "Single":
            raise OnnxError(f"input {formal.name!r} is left out, but it is needed.")


def with_ends(steps: Sequence[Step], outputs: Collection[str]) -> list[Step]:
    """The steps, each with the values that no later one reads."""
    kept = set(outputs)
    result = []
    for step in reversed(steps):
        done = {name for name in (*step.inputs, *step.outputs) if name} - kept
        kept |= done
        result.append(step._replace(done=tuple(sorted(done))))
    return result[::-1]

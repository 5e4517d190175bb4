"""A function and its backward pass, recorded as one graph: forward values, cotangents, and their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ..core.backward import pull
from ..core.context import current, using
from ..core.errors import DTypeError, GraphError, TraceError
from ..core.primitive import PRIMITIVES
from ..core.tape import Node, Replayed, reachable
from ..frontend.creation import converted
from ..frontend.signature import signature
from ..frontend.tensor import Tensor
from ..ir.graph import Graph, Value
from ..ir.numpy_source import identifiers
from ..tracing.guards import Guards
from ..tracing.recording import Recording, record
from ..tracing.state import restored
from ..tracing.trace import TRACING, Trace
from .locals import named_locals

if TYPE_CHECKING:
    from ..frontend.typing import Inputs, TensorLike

Function: TypeAlias = "Callable[..., Inputs]"
Differentiated: TypeAlias = "TensorLike | Sequence[TensorLike]"  # one input, or several


@dataclass
class Traced:
    """A recorded function and its backward pass.

    Attributes:
        inputs: the input values by name: the arguments first, then what the function closes over.
        arguments: the number of arguments among them.
        outputs, cotangents: the results of the function, and the value that represents the cotangent of each.
        gradients: one for each argument.
        names: of forward values, as the function's own variables have them.
        adjoints: the cotangents of forward values, if unique.
        sources: the user's line that computed a forward value.
        order: the order in which the values above were recorded, as increasing numbers.
        single, bare: whether the function returned, and was given, one tensor instead of a tuple.
        conditional: whether checks of values, for instance that they are finite, were left out.
    """

    inputs: dict[str, Value] = field(default_factory=dict)
    arguments: int = 0
    outputs: list[Value] = field(default_factory=list)
    cotangents: list[Value] = field(default_factory=list)
    gradients: list[Value] = field(default_factory=list)
    names: dict[Value, str] = field(default_factory=dict)
    adjoints: dict[Value, Value] = field(default_factory=dict)
    sources: dict[Value, str] = field(default_factory=dict)
    order: dict[Value, int] = field(default_factory=dict)
    single: bool = True
    bare: bool = True
    conditional: bool = False
    graph: Graph | None = None


def trace(function: Function, inputs: Differentiated) -> Traced:
    """Run the function once on tensors without numbers, and pull cotangents of its outputs back to its inputs."""
    if not callable(function):
        raise TypeError(f"derive of {type(function).__name__}: it takes a function of tensors, as in derive(f, x).")
    given: Sequence[TensorLike] = inputs if isinstance(inputs, (tuple, list)) else [inputs]
    leaves = [_leaf(i, x) for i, x in enumerate(given)]
    if not leaves:
        raise GraphError("derive: no inputs, so there is nothing to differentiate by. Pass a tensor, or several.")
    guards = Guards({"": function})
    marks = _Marks(function)
    with TRACING, restored(guards.objects()):
        try:
            reached = [tensor for _, tensor in guards.tensors.values()]
            recording = record(marks.run, tuple(leaves), {}, list(leaves), reached)
        except TraceError as error:
            raise TraceError(f"derive: the function is traced without numbers, once. {error}") from error
        finally:
            guards.put_back()
    traced = marks.traced(recording, _names(function, leaves), guards)
    traced.bare = given is not inputs
    return traced


def _leaf(index: int, x: TensorLike) -> Tensor:
    tensor = converted("derive", f"input {index}", x)
    if tensor.dtype.kind != "f":
        raise DTypeError(
            f"derive: input {index} of shape {tensor.shape} has dtype {tensor.dtype}: only floating-point inputs have "
            "gradients. Use .astype('float32'), or let the function close over it, as in lambda x: f(x, labels)."
        )
    return tensor.detach().requires_grad_()


def _names(function: Function, leaves: list[Tensor]) -> list[str]:
    """The names that the function has for its inputs."""
    try:
        given = signature(function).bind(*leaves).arguments
    except (TypeError, ValueError):  # it has no signature, or the call has raised the error
        return [f"x{i}" for i in range(len(leaves))]
    names: list[str] = []
    for name, x in given.items():
        names += [f"{name}{i}" for i in range(len(x))] if isinstance(x, tuple) else [name]
    return names


class _Marks:
    """The function followed by its backward pass, and which of the recorded values is which."""

    def __init__(self, function: Function):
        self.function = function
        self.single = True
        self.counts = (0, 0)  # outputs, arguments
        self.values: list[str | None] = []  # the names of the marked forward values
        self.with_adjoint: list[int] = []  # places of those whose cotangent is marked as well
        self.lines: list[str | None] = []

    def run(self, *xs: Tensor) -> list[Tensor]:
        """All that a derivation mentions: outputs, cotangents, gradients, forward values, their cotangents."""
        names: dict[Value, str] = {}
        with using(operands=True, sources=True, recording=True), named_locals(names):
            returned = self.function(*xs)
        ys = self._outputs(returned)
        traced = current().trace
        assert isinstance(traced, Trace)
        gs = [traced.cotangent(y) for y in ys]
        leaves = [_node(x) for x in xs]
        nodes = list(_between([_node(y) for y in ys], set(leaves)))
        found = pull([(_node(y), g) for y, g in zip(ys, gs, strict=True)], nodes, retain_graph=True)
        for i, x in enumerate(xs):
            if leaves[i] not in found:
                raise GraphError(
                    f"derive: the outputs do not depend on input {i} of shape {x.shape}, or only through what has no "
                    "derivative (comparisons, integers, detach()): there is no gradient to derive. Leave it out of the "
                    "inputs; the function can close over it."
                )
        marked: dict[Value, str | None] = dict(names)
        adjoints: dict[Value, Tensor | None] = {}
        twice: set[Value] = set()
        lines: dict[Value, str | None] = {}
        for node in nodes:
            if (value := _made(traced, node)) is not None:
                marked.setdefault(value, None)
                lines.setdefault(value, node.source)
                twice |= {value} & adjoints.keys()
                adjoints[value] = found.get(node)
        self.counts = len(ys), len(xs)
        self.values = list(marked.values())
        self.lines = [lines.get(value) for value in marked]
        unique = {v: g for v, g in ((v, adjoints.get(v)) for v in marked) if g is not None and v not in twice}
        places = {value: i for i, value in enumerate(marked)}
        self.with_adjoint = [places[value] for value in unique]
        return [
            *(Tensor._new(traced.read(y), y.node) for y in ys),
            *gs,
            *(found[leaf] for leaf in leaves),
            *map(Tensor._new, marked),
            *unique.values(),
        ]

    def _outputs(self, returned: object) -> list[Tensor]:
        self.single = isinstance(returned, Tensor)
        all_returned = [returned] if self.single else list(returned) if isinstance(returned, (tuple, list)) else []
        ys = [y for y in all_returned if isinstance(y, Tensor)]
        if not ys or len(ys) < len(all_returned):
            kinds = ", ".join(type(y).__name__ for y in all_returned)
            raise GraphError(
                f"derive: the function returned {f'a {type(returned).__name__}' if not kinds else f'({kinds})'}; it "
                "must return a tensor, or a tuple of tensors."
            )
        for i, y in enumerate(ys):
            if y.dtype.kind != "f":
                raise DTypeError(
                    f"derive: output {i} of shape {y.shape} has dtype {y.dtype}: only floating-point outputs have "
                    "derivatives. Return what has one."
                )
            if y.node is None:
                raise GraphError(
                    f"derive: output {i} of shape {y.shape} does not depend on the inputs, or only through what has no "
                    "derivative (comparisons, integers, detach(), no_grad()). Return what depends on them."
                )
        return ys

    def traced(self, recording: Recording, names: list[str], guards: Guards) -> Traced:
        """The values of the recorded graph, by their roles."""
        ys, xs = self.counts
        taken = iter(recording.graph.outputs)

        def next_(count: int) -> list[Value]:
            return [next(taken) for _ in range(count)]

        outputs, cotangents, gradients = next_(ys), next_(ys), next_(xs)
        marked = next_(len(self.values))
        adjoints = next_(len(self.with_adjoint))
        result = Traced(outputs=outputs, cotangents=cotangents, gradients=gradients, single=self.single)
        result.arguments, result.graph, result.conditional = xs, recording.graph, recording.conditional
        given = {number: recording.graph.inputs[index] for number, index in recording.arguments}
        closed = sorted((w for w in recording.watched if w.input >= 0), key=lambda w: w.input)
        unique = identifiers([*names, *(guards.tensors.get(id(w.tensor), ("state", None))[0] for w in closed)])
        values = [given[i] for i in range(xs)] + [recording.graph.inputs[w.input] for w in closed]
        result.inputs = dict(zip(unique, values, strict=True))
        for value, name, line in zip(marked, self.values, self.lines, strict=True):
            if name is not None:
                result.names.setdefault(value, name)
            if line is not None:
                result.sources.setdefault(value, line)
        for place, adjoint in zip(self.with_adjoint, adjoints, strict=True):
            result.adjoints.setdefault(marked[place], adjoint)
        return result


def _between(roots: Sequence[Node], leaves: set[Node]) -> Iterator[Node]:
    """The nodes on paths from the leaves to the roots."""
    leading = set()
    for node in reachable(roots):
        if node in leaves or isinstance(node, Replayed) or any(parent in leading for parent in node.parents):
            leading.add(node)
            yield node


def _node(tensor: Tensor) -> Node:
    """The node of a tensor that is recorded."""
    assert tensor.node is not None
    return tensor.node


def _made(trace: Trace, node: Node) -> Value | None:
    """The value that a node represents; None for leaves and for custom functions."""
    if node.primitive is None or node.operands is None or node.primitive.name not in PRIMITIVES:
        return None
    return trace.builder.make(node.primitive.name, node.operands, node.params)

"""The graph that a trace records and that every pass reads: values, each made by one primitive from others.

    graph   = inputs, outputs
    value   = input | constant | primitive(value, ..., params)
    params  = the primitive's parameters: axes, shapes, a spec

Values are hash-consed: two that are made by the same primitive from the same values are one object. So common
subexpressions are computed once, and equality is identity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.context import Scope
from ..core.primitive import PRIMITIVES, Aval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

INPUT, CONSTANT = "input", "constant"


class Value:
    """One value of a graph. Made by a :class:`Builder` only.

    Attributes:
        op: the name of the primitive (or of an operation that a rewrite added); ``input``; ``constant``.
        args: the values that it is computed from.
        params: the primitive's parameters; {"array": ...} for a constant, {"index": ...} for an input.
        number: values are numbered in the order in which they were made; arguments have smaller numbers.
        scope: the module and function that made it first.
    """

    __slots__ = ("args", "dtype", "number", "op", "params", "scope", "shape")

    def __init__(
        self,
        op: str,
        args: tuple[Value, ...],
        params: dict[str, Any],
        aval: Aval,
        number: int,
        scope: Scope | None,
    ):
        self.op, self.args, self.params, self.number, self.scope = op, args, params, number, scope
        self.shape, self.dtype = aval

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __repr__(self) -> str:
        return f"%{self.number}"


class Builder:
    """Makes values, each once."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Value] = {}
        self._count = 0
        self.scope: Scope | None = None

    def _intern(self, key: Hashable, op: str, args: tuple[Value, ...], params: dict[str, Any], aval: Aval) -> Value:
        value = self._made.get(key)
        if value is None:
            value = self._made[key] = Value(op, args, params, aval, self._count, self.scope)
            self._count += 1
        return value

    def forget(self, kept: Iterable[Value]) -> None:
        """Forget what rewrites have made on the way; nothing but these values may be used with this builder again."""
        values = set(kept)
        self._made = {key: value for key, value in self._made.items() if value in values}

    def input(self, index: int, shape: tuple[int, ...], dtype: np.dtype) -> Value:
        """The ``index``-th array that the compiled function is called with."""
        return self._intern((INPUT, index), INPUT, (), {"index": index}, Aval(tuple(shape), np.dtype(dtype)))

    def constant(self, array: ArrayLike, dtype: DTypeLike | None = None) -> Value:
        """An array that never changes. It is kept, not copied."""
        array = np.asarray(array, dtype)
        key = (CONSTANT, array.shape, array.dtype, array.tobytes() if array.size <= 64 else id(array))
        return self._intern(key, CONSTANT, (), {"array": array}, Aval(array.shape, array.dtype))

    def full(self, shape: tuple[int, ...], number: float, dtype: np.dtype) -> Value:
        """One number, expanded to a shape."""
        scalar = self.constant(number, dtype)
        return scalar if shape == () else self.make("expand", (scalar,), {"shape": tuple(shape)})

    def make(self, op: str, args: Sequence[Value], params: dict[str, Any]) -> Value:
        """The application of a primitive; its shape and dtype are the primitive's own rule."""
        args = tuple(args)
        own = tuple(sorted([(k, _hashable(v)) for k, v in params.items()])) if params else ()
        key = (op, tuple([a.number for a in args]), own)
        value = self._made.get(key)
        if value is None:
            aval = aval_of(op)(*(Aval(a.shape, a.dtype) for a in args), **params)
            value = self._intern(key, op, args, params, Aval(tuple(aval.shape), np.dtype(aval.dtype)))
        return value


def _hashable(param: Any) -> Hashable:
    if isinstance(param, (list, tuple)):
        return tuple(map(_hashable, param))
    return repr(param) if isinstance(param, float) else param  # -0.0 is not 0.0; NaN equals itself


AVALS: dict[str, Callable[..., Aval]] = {}  # of operations that rewrites add; primitives have their own


def aval_of(op: str) -> Callable[..., Aval]:
    """The rule for shape and dtype of a primitive, or of an operation that a rewrite added."""
    return AVALS[op] if op in AVALS else PRIMITIVES[op].aval


class Graph:
    """A function of arrays: its inputs and outputs, and the values in between that the outputs need.

    Attributes:
        state: outputs that are the next values of something that the caller keeps, each as (number of the output,
            number of the input that holds the present value, -1 if none does). They may be written over it.
        steady: numbers of inputs that are usually the same as in the call before: what is computed from them alone may
            be kept from call to call.
    """

    def __init__(
        self,
        builder: Builder,
        inputs: Sequence[Value],
        outputs: Sequence[Value],
        state: Iterable[tuple[int, int]] = (),
        steady: Iterable[int] = (),
    ):
        self.builder, self.inputs, self.outputs = builder, tuple(inputs), tuple(outputs)
        self.state, self.steady = tuple(state), tuple(steady)
        self._values: list[Value] | None = None

    def values(self) -> list[Value]:
        """All values that the outputs need; arguments before their users."""
        if self._values is None:
            self._values = topological(self.outputs)
        return list(self._values)

    def __str__(self) -> str:
        lines = [line(value) for value in self.values() if value.op != CONSTANT or value.ndim]
        return "\n".join([*lines, f"return {', '.join(map(name, self.outputs))}"])


def topological(outputs: Iterable[Value]) -> list[Value]:
    """All values that the outputs need, by number: arguments come before their users."""
    seen: set[Value] = set()
    stack = list(outputs)
    while stack:
        value = stack.pop()
        if value not in seen:
            seen.add(value)
            stack.extend(value.args)
    return sorted(seen, key=lambda value: value.number)


def users(values: Iterable[Value]) -> dict[Value, list[Value]]:
    """The values that read each value."""
    found: dict[Value, list[Value]] = {}
    for value in values:
        for arg in dict.fromkeys(value.args):
            found.setdefault(arg, []).append(value)
    return found


def is_elementwise(value: Value) -> bool:
    """Whether each element depends only on the elements at the same place of the arguments."""
    primitive = PRIMITIVES.get(value.op)
    return primitive is not None and primitive.family == "elementwise"


def name(value: Value) -> str:
    """A value as an operand in text: ``%number``, or the constant itself."""
    return f"{value.params['array'].item()!r}" if value.op == CONSTANT and not value.ndim else repr(value)


def line(value: Value) -> str:
    """A value as a line of text: ``%5 float32[2, 3] = add(%3, %4)``."""
    parts = [name(a) for a in value.args]
    parts += [f"{key}={_text(param)}" for key, param in value.params.items() if key != "array"]
    return f"{value!r} {value.dtype}{list(value.shape)} = {value.op}({', '.join(parts)})"


def _text(param: object) -> str:
    return str(param).replace(" ", "")


def rebuild(graph: Graph, rule: Callable[[Builder, Value, tuple[Value, ...]], Value | None]) -> Graph:
    """A graph in which each value is what ``rule(builder, value, new arguments)`` says; None keeps it."""
    builder = graph.builder
    new: dict[Value, Value] = {}
    for value in graph.values():
        args = tuple(new[a] for a in value.args)
        builder.scope = value.scope
        made = rule(builder, value, args)
        if made is None:
            made = value if args == value.args else builder.make(value.op, args, value.params)
        new[value] = made
    builder.scope = None
    return Graph(builder, graph.inputs, [new[o] for o in graph.outputs], graph.state, graph.steady)

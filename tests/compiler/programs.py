"""Programs over the primitives as short text: what the random tests make, shrink and keep.

    x0 = input((3, 5), 'float32', 'normal', 7)      shape, dtype, how it is drawn, seed
    x1 = constant((5,), 'float32', 'few', 8)        the same, known when the program is compiled
    x2 = literal(0.5, 'float32')
    x3 = expand(x1, shape=(3, 5))                   a primitive, with its parameters
    x4 = mul(x0, x3)
    return x4

Everything that a run depends on is in the text.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv.core.context import current, read, using
from tinygrad_cv.core.primitive import Aval
from tinygrad_cv.core.tape import apply
from tinygrad_cv.ir.graph import CONSTANT, INPUT, Builder, Graph, Value
from tinygrad_cv.ops import PRIMITIVES

Array = np.ndarray
LITERAL = "literal"
DRAWN = (INPUT, CONSTANT)

# ---------------------------------------------------------------- how arrays are drawn

SPECIAL = (math.nan, math.inf, -math.inf, -0.0, 0.0, 1.0, -1.0, 1e-40, 1e30, -1e30, 3e38, -3e38)


def _whole(rng: np.random.Generator, shape: tuple[int, ...], low: int, high: int, dtype: np.dtype) -> Array:
    if dtype.kind == "u":
        low = 0
    return rng.integers(low, high, shape).astype(dtype)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    if dtype.kind != "f":
        return _whole(rng, shape, -99, 100, dtype)
    return rng.standard_normal(shape).astype(dtype)


def _special(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """About one in eight is special."""
    x = np.asarray(_normal(rng, shape, dtype))
    if dtype.kind == "f":
        x[rng.random(shape) < 1 / 8] = 0  # the places; most are drawn again
        chosen = rng.choice(SPECIAL, shape).astype(dtype)
        x = np.where((x == 0) | (rng.random(shape) < 1 / 16), chosen, x)
    return x


DRAWS: dict[str, Callable[[np.random.Generator, tuple[int, ...], np.dtype], Array]] = {
    "normal": _normal,
    "positive": lambda rng, shape, dtype: np.asarray(rng.uniform(0.5, 2.0, shape)).astype(dtype),
    "few": lambda rng, shape, dtype: _whole(rng, shape, -2, 3, dtype),  # ties, zeros, and sums that are exact
    "special": _special,
}


def draw(kind: str, seed: int, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """An array; ``below n`` draws places on an axis of size n."""
    rng = np.random.default_rng(seed)
    if dtype.kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    if kind.startswith("below "):
        return np.asarray(rng.integers(0, int(kind[6:]), shape)).astype(dtype)
    return np.asarray(DRAWS[kind](rng, shape, dtype))


# ---------------------------------------------------------------- the program


@dataclass(frozen=True)
class Node:
    """A line of a program: its arguments are numbers of earlier lines."""

    op: str
    args: tuple[int, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def drawn(self) -> bool:
        """Whether it is an input or a constant."""
        return self.op in DRAWN

    def array(self) -> Array:
        """The array of an input or a constant."""
        return draw(self.params["draw"], self.params["seed"], self.params["shape"], self.params["dtype"])


def input_(shape: tuple[int, ...], dtype: Any, kind: str, seed: int, op: str = INPUT) -> Node:
    """An input; or, with ``op``, a constant."""
    return Node(op, (), {"shape": shape, "dtype": np.dtype(dtype), "draw": kind, "seed": seed})


@dataclass(frozen=True)
class Program:
    """Lines, and the numbers of those that are returned."""

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]

    def arrays(self) -> list[Array]:
        """The inputs."""
        return [node.array() for node in self.nodes if node.op == INPUT]

    def graph(self) -> Graph:
        """The compiler's graph.

        Raises:
            ValueError: operands do not fit; a primitive itself does not look.
        """
        builder, values, inputs = Builder(), [], []
        for node in self.nodes:
            if node.op == INPUT:
                inputs.append(builder.input(len(inputs), node.params["shape"], node.params["dtype"]))
                values.append(inputs[-1])
            elif node.op == CONSTANT:
                values.append(builder.constant(node.array()))
            elif node.op == LITERAL:
                values.append(builder.constant(node.params["value"], node.params["dtype"]))
            else:
                values.append(builder.make(node.op, [values[i] for i in node.args], node.params))
                _check(values[-1])
        return Graph(builder, inputs, [values[i] for i in self.outputs])

    def __call__(self, *inputs: tg.Tensor) -> list[tg.Tensor]:
        """The program on tensors, as a user would write it."""
        given, values = iter(inputs), []
        for node in self.nodes:
            if node.op == INPUT:
                values.append(next(given))
            elif node.op == CONSTANT:
                values.append(tg.Tensor(node.array()))
            elif node.op == LITERAL:
                values.append(tg.Tensor(np.asarray(node.params["value"], node.params["dtype"])))
            elif node.op == "iota":
                values.append(tg.zeros(node.params["shape"]).iota(node.params["axis"], node.params["dtype"]))
            else:
                values.append(apply(PRIMITIVES[node.op], *[values[i] for i in node.args], **node.params))
        return [values[i] for i in self.outputs]

    def used(self) -> Program:
        """Without the lines that no output needs."""
        needed = set(self.outputs)
        for i in reversed(range(len(self.nodes))):
            if i in needed:
                needed.update(self.nodes[i].args)
        numbers = {old: new for new, old in enumerate(sorted(needed))}
        kept = [self.nodes[i] for i in numbers]
        nodes = [Node(node.op, tuple(numbers[a] for a in node.args), node.params) for node in kept]
        return Program(tuple(nodes), tuple(numbers[i] for i in self.outputs))

    def __str__(self) -> str:
        lines = [f"x{i} = {_line(node)}" for i, node in enumerate(self.nodes)]
        return "\n".join([*lines, "return " + ", ".join(f"x{i}" for i in self.outputs)]) + "\n"


def _check(value: Value) -> None:
    shapes = {arg.shape for arg in value.args}
    if PRIMITIVES[value.op].family == "elementwise" and len(shapes) > 1:
        raise ValueError(f"{value.op} of {shapes}")
    if value.op == "contract":
        sizes = [
            pair
            for letters, arg in zip(value.params["spec"].split("->")[0].split(","), value.args, strict=True)
            for pair in zip(letters, arg.shape, strict=True)
        ]
        if len(set(sizes)) > len(dict(sizes)):
            raise ValueError(f"{value.params['spec']} of {shapes}")


def _line(node: Node) -> str:
    if node.drawn or node.op == LITERAL:
        parts = [_word(value) for value in node.params.values()]
    else:
        parts = [f"x{i}" for i in node.args] + [f"{key}={_word(value)}" for key, value in node.params.items()]
    return f"{node.op}({', '.join(parts)})"


def _word(value: Any) -> str:
    return repr(str(value)) if isinstance(value, np.dtype) else repr(value)


WORDS = {"inf": math.inf, "nan": math.nan, "__builtins__": {}}
POSITIONAL = {INPUT: ("shape", "dtype", "draw", "seed"), CONSTANT: ("shape", "dtype", "draw", "seed")}
POSITIONAL[LITERAL] = ("value", "dtype")


def parse(text: str) -> Program:
    """The program that a text says; lines that start with # are comments."""
    nodes: list[Node] = []
    numbers: dict[str, int] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Return):
            names = statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
            return Program(tuple(nodes), tuple(numbers[name.id] for name in names))  # type: ignore[union-attr]
        assert isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
        call, (target,) = statement.value, statement.targets
        op, params = ast.unparse(call.func), {str(word.arg): _value(word.value) for word in call.keywords}
        args: tuple[int, ...] = ()
        if op in POSITIONAL:
            params = dict(zip(POSITIONAL[op], map(_value, call.args), strict=True))
        else:
            args = tuple(numbers[ast.unparse(arg)] for arg in call.args)
        if "dtype" in params:
            params["dtype"] = np.dtype(params["dtype"])
        numbers[ast.unparse(target)] = len(nodes)
        nodes.append(Node(op, args, params))
    raise ValueError("the program returns nothing")


def _value(node: ast.expr) -> Any:
    return eval(compile(ast.Expression(node), "program", "eval"), WORDS)


# ---------------------------------------------------------------- from functions of tensors to graphs and back


class _Record:
    """What a context wants to know while a function of tensors is recorded: tensors hold their values themselves."""

    @staticmethod
    def read(tensor: Any) -> Any:
        return tensor._value

    @staticmethod
    def write(tensor: Any, value: Any) -> None:
        tensor._value = value

    @staticmethod
    def moved(*_: Any) -> None:
        return None

    @staticmethod
    def called(*_: Any) -> None:
        return None

    @staticmethod
    def alone(lock: Any) -> Any:
        return lock

    @staticmethod
    def expect(*_: Any, **__: Any) -> None:
        return None


def traced(function: Callable[..., Sequence[tg.Tensor]], arrays: Sequence[Array]) -> Graph:
    """The graph of a function of tensors: all that it computes, in the order in which it does."""
    builder = Builder()
    inputs = [builder.input(i, array.shape, array.dtype) for i, array in enumerate(arrays)]

    def known(value: Any) -> Value:
        return value if isinstance(value, Value) else builder.constant(value)

    def interpret(primitive: Any, values: list[Any], params: dict[str, Any]) -> Value:
        builder.scope = current().scope
        return builder.make(primitive.name, [known(value) for value in values], params)

    with using(interpret=interpret, trace=_Record()):
        results = function(*map(tg.Tensor._new, inputs))
        return Graph(builder, inputs, [known(read(tensor)) for tensor in results])


def of_graph(graph: Graph, inputs: Sequence[Node], constants: Sequence[Node] = ()) -> Program:
    """A graph as a program; ``inputs`` say how its inputs are drawn, ``constants`` those of its constants that are."""
    drawn = {(array.shape, array.dtype, array.tobytes()): node for node in constants for array in [node.array()]}
    nodes: list[Node] = []
    numbers: dict[Value, int] = {}
    for value in graph.values():
        if value.op == INPUT:
            node = inputs[value.params["index"]]
        elif value.op == CONSTANT:
            array = value.params["array"]
            literal = Node(LITERAL, (), {"value": array.tolist(), "dtype": array.dtype})
            node = drawn.get((array.shape, array.dtype, array.tobytes()), literal)
        else:
            node = Node(value.op, tuple(numbers[a] for a in value.args), value.params)
        numbers[value] = len(nodes)
        nodes.append(node)
    return Program(tuple(nodes), tuple(numbers[o] for o in graph.outputs))


@dataclass(frozen=True)
class Gradients:
    """A program's outputs and the gradients of its inputs, as a function of the inputs and cotangents."""

    program: Program
    inputs: tuple[Node, ...]  # those of the program, and behind them the cotangents

    @staticmethod
    def of(program: Program) -> Gradients | None:
        """None where there is nothing to differentiate."""
        inputs = [node for node in program.nodes if node.op == INPUT]
        with using(interpret=_shapes_only):
            outputs = program(*[_leaf(Aval(node.params["shape"], node.params["dtype"])) for node in inputs])
        cotangents = [input_(y.shape, y.dtype, "normal", 1000 + i) for i, y in enumerate(outputs) if y.requires_grad]
        return Gradients(program, (*inputs, *cotangents)) if cotangents else None

    def arrays(self) -> list[Array]:
        return [node.array() for node in self.inputs]

    def __call__(self, *tensors: tg.Tensor) -> list[tg.Tensor]:
        count = sum(node.op == INPUT for node in self.program.nodes)
        xs = [_leaf(read(x)) if x.dtype.kind == "f" else x for x in tensors[:count]]
        with using(recording=True):
            outputs = self.program(*xs)
            ys = [y for y in outputs if y.requires_grad]
            found = tg.grad(ys, [x for x in xs if x.requires_grad], tensors[count:], allow_unused=True)
        return [*outputs, *(g for g in found if g is not None)]

    def graph(self) -> Graph:
        return traced(self, self.arrays())

    def as_program(self) -> Program:
        """Forward and backward written out as one program."""
        return of_graph(self.graph(), self.inputs, [node for node in self.program.nodes if node.op == CONSTANT])


def _leaf(value: Any) -> tg.Tensor:
    tensor = tg.Tensor._new(value)
    return tensor.requires_grad_() if value.dtype.kind == "f" else tensor


def _shapes_only(primitive: Any, values: list[Any], params: dict[str, Any]) -> Any:
    return primitive.aval(*(Aval(value.shape, value.dtype) for value in values), **params)

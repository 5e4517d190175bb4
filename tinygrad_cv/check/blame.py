"""Which operation is wrong: each recorded one is checked by itself, at the values that it had.

The graph of f is recorded once, with all operands. Then each operation's VJP is compared with differences of that
operation alone, in the order of computation, and the first one that fails is to blame. If all pass, some value that
depends on the inputs entered the graph as a constant (``detach``, ``no_grad``, a detour through NumPy): f is run again
from other inputs, and a constant that has changed is to blame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..core.tape import Node, apply, reachable
from ..frontend.custom import CustomNode
from ..frontend.isolation import isolated
from ..frontend.tensor import Tensor
from .elements import check_function
from .functions import TensorFunction
from .input_report import InputReport

SHIFT = 1e-3  # by which the inputs are moved, as a share of their sizes, to see what changes with them
WRITTEN_OUT = 64  # elements of an array up to which a reproduction lists them
MOST_AXES = 32


@dataclass(frozen=True)
class Blame:
    """The first operation whose derivative is wrong.

    Attributes:
        primitive: its name, or that of a custom function.
        module: the path of the module and composed function that contain it.
        source: the user's line.
        order: of differentiation; 2 if the second derivative is wrong.
        operand: which of its inputs; "" if only all together could be checked, along a random direction.
        index: the worst element of that input.
        analytic, numeric: the derivative along it, or along the direction, for a random cotangent.
        cut: whether the fault is that the operand is not in the graph at all.
        reproduction: a Python program that shows the error.
    """

    primitive: str
    module: str
    source: str
    order: int
    operand: str
    index: tuple[int, ...]
    analytic: float
    numeric: float
    cut: bool = False
    reproduction: str = ""

    def __str__(self) -> str:
        where = "".join([f" in {self.module}" if self.module else "", f", at {self.source}" if self.source else ""])
        if self.cut:
            operand = self.operand or "constant operand"
            return (
                f"to blame: {self.primitive}{where}\n    its {operand} changes with the inputs, but came into the "
                "graph as a constant: something before it was detached, computed under no_grad() or with NumPy"
            )
        order = f" of order {self.order}" if self.order > 1 else ""
        if self.operand:
            which, at = f"{order} by {self.operand}", f"worst element {self.index}"
        else:
            which, at = f",{order} of f," if order else "", "along a random direction"
        lines = [
            f"to blame: {self.primitive}{where}",
            f"    its derivative{which} is wrong; {at}: analytic {self.analytic:.9g}, numeric {self.numeric:.9g}",
        ]
        if self.reproduction:
            lines += ["    to reproduce:", *(f"        {line}" for line in self.reproduction.splitlines())]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Operation:
    """A recorded operation, and the check of its derivatives with respect to its recorded operands."""

    number: int  # among the operations that were recorded
    node: Node
    entries: tuple[InputReport, ...]
    places: tuple[int, ...]  # of the operands that are in the graph, among all

    def by_place(self) -> Iterator[tuple[InputReport, int]]:
        """The entries, each with the place of its operand; -1 for the cotangents of higher orders."""
        for entry in self.entries:
            yield entry, self.places[entry.number] if entry.number < len(self.places) else -1


def recorded(function: TensorFunction, inputs: Sequence[np.ndarray]) -> list[Node]:
    """The operations of a function, in order, with their operands and the user's lines."""
    leaves = [Tensor(x, requires_grad=True) for x in inputs]
    with isolated(operands=True, sources=True):
        outputs = function.outputs(leaves)
    nodes = reachable(y.node for y in outputs if y.node is not None)
    return [node for node in nodes if node.operands is not None and node.parents]


def operations(function: TensorFunction, inputs: Sequence[np.ndarray], order: int, seed: int) -> Iterator[Operation]:
    """Each operation of a function, checked by itself up to an order."""
    for number, node in enumerate(recorded(function, inputs)):
        places = tuple(i for i, parent in enumerate(node.parents) if parent is not None)
        assert node.operands is not None
        recorded_ones = [np.array(node.operands[i], np.float64) for i in places]
        if all(np.isfinite(x).all() and x.size for x in recorded_ones):
            function = TensorFunction(_alone(node, node.operands, places))
            entries = check_function(function, recorded_ones, order, seed)
            yield Operation(number, node, tuple(entries), places)


def blame(function: TensorFunction, inputs: Sequence[np.ndarray], order: int, seed: int) -> Blame | None:
    """The first operation with a wrong derivative, or the first with a constant that should not be one."""
    for operation in operations(function, inputs, order, seed):
        wrong = [(entry, place) for entry, place in operation.by_place() if entry.verdict == "wrong"]
        if wrong:
            return _blamed(operation, *wrong[0], seed)
    return _cut(function, inputs, seed)


def _alone(node: Node, operands: Sequence[np.ndarray], places: Sequence[int]) -> Callable[..., Tensor]:
    """The operation as a float64 function of its recorded operands, which are at these places among all."""
    constants = [Tensor._new(value.astype(np.float64) if value.dtype.kind == "f" else value) for value in operands]
    custom = node if isinstance(node, CustomNode) else None

    def f(*xs: Tensor) -> Tensor:
        given = list(constants)
        for place, x in zip(places, xs, strict=True):
            given[place] = x
        if custom is None:
            assert node.primitive is not None
            return apply(node.primitive, *given, **node.params)
        tensors = iter(given)
        return custom.function.apply(*[next(tensors) if isinstance(x, Tensor) else x for x in custom.inputs])

    return f


def _role(node: Node, place: int) -> str:
    """The name of an operand in the operation's formula."""
    names = node.primitive.inputs if node.primitive is not None else ()
    if place < 0:
        return "the cotangent"
    return f"operand {names[place]}" if place < len(names) and not names[place].endswith("*") else f"operand {place}"


def _blamed(operation: Operation, entry: InputReport, place: int, seed: int) -> Blame:
    node, at = operation.node, entry.worst
    return Blame(
        primitive=node.name,
        module=node.scope.path if node.scope else "",
        source=node.source or "",
        order=entry.order,
        operand=_role(node, place),
        index=at,
        analytic=float(entry.analytic[at]) if not entry.problem else float("nan"),
        numeric=float(entry.numeric[at]) if not entry.problem else float("nan"),
        reproduction=_reproduction(node, operation.places, at if place >= 0 else (), entry.order, seed),
    )


def _reproduction(node: Node, places: Sequence[int], at: tuple[int, ...], order: int, seed: int) -> str:
    """A program that checks the operation alone, on as few numbers as still show the error."""
    assert node.operands is not None
    values = next(_smaller(node, places, at, order, seed), node.operands)
    names = [f"x{i}" for i in range(len(values))]
    lines = ["import numpy as np", "import tinygrad_cv as tg"]
    if not isinstance(node, CustomNode):
        lines += ["from tinygrad_cv.core.tape import apply", "from tinygrad_cv.ops import PRIMITIVES"]
        call = _call(node, names)
    else:
        arguments = iter(names)
        inputs = [next(arguments) if isinstance(x, Tensor) else repr(x) for x in node.inputs]
        call = f"{node.function.__qualname__}.apply({', '.join(inputs)})"
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        text = _array_text(np.asarray(value), seed + i)
        lines.append(f"{name} = {text if i in places else f'tg.tensor({text})'}")
    arguments_text = ", ".join(names[i] for i in places)
    more = f", order={order}" if order > 1 else ""
    lines.append(f"print(tg.gradcheck(lambda {arguments_text}: {call}, [{arguments_text}]{more}, seed={seed}))")
    return "\n".join(lines)


def _smaller(
    node: Node, places: Sequence[int], at: tuple[int, ...], order: int, seed: int
) -> Iterator[list[np.ndarray]]:
    """Corners of the operands, in short numbers, on which the operation is still defined and still wrong."""
    assert node.operands is not None
    alike = all(value.ndim == len(at) for value in node.operands)
    corners = [[slice(i, i + 1) for i in at]] if alike else []
    corners += [[slice(0, size)] * MOST_AXES for size in (1, 2)]
    for corner in corners:
        values = [_short(np.asarray(x)[tuple(corner[: np.ndim(x)])]) for x in node.operands]
        try:
            function = TensorFunction(_alone(node, values, places))
            entries = check_function(function, [values[k] for k in places], order, seed)
        except Exception:  # the corners do not fit each other, or the operation's parameters
            continue
        if any(entry.verdict == "wrong" for entry in entries):
            yield values


def _short(x: np.ndarray) -> np.ndarray:
    """The array in numbers of few digits, none of them 0: a border of zeros hides errors."""
    if x.dtype.kind != "f":
        return np.array(x)
    return np.array([float(f"{value or 0.5:.3g}") for value in x.ravel()], x.dtype).reshape(x.shape)


def _call(node: Node, names: Sequence[str]) -> str:
    assert node.primitive is not None
    params = "".join(f", {key}={_param_text(value)}" for key, value in node.params.items())
    return f'apply(PRIMITIVES["{node.name}"], {", ".join(names)}{params})'


def _param_text(value: object) -> str:
    return f'np.dtype("{value}")' if isinstance(value, np.dtype) else repr(value)


def _array_text(value: np.ndarray, seed: int) -> str:
    if value.size <= WRITTEN_OUT:
        return f'np.array({value.tolist()!r}, "{value.dtype}")'
    return f"np.random.default_rng({seed}).normal(size={value.shape})"


def _cut(function: TensorFunction, inputs: Sequence[np.ndarray], seed: int) -> Blame | None:
    """The first operation with a constant operand that changes with the inputs.

    Those inside composed functions come last: a softmax detaches its maximum, and is right to do so.
    """
    rng = np.random.default_rng(seed)
    moved = [x * (1 + SHIFT * rng.uniform(0.5, 1.0, x.shape)) + SHIFT * (x == 0) for x in inputs]
    here, there = recorded(function, inputs), recorded(function, moved)
    if [node.name for node in here] != [node.name for node in there]:
        return None
    found = [(a, i) for a, b in zip(here, there, strict=True) for i in _moving_constants(a, b)]
    found.sort(
        key=lambda pair: any(scope.kind == "function" for scope in pair[0].scope.chain()) if pair[0].scope else False
    )
    if not found:
        return None
    node, place = found[0]
    nan, path = float("nan"), node.scope.path if node.scope else ""
    return Blame(node.name, path, node.source or "", 1, _role(node, place), (), nan, nan, cut=True)


def _moving_constants(a: Node, b: Node) -> Iterator[int]:
    """The places of an operation's operands that are not in the graph, and differ between two runs."""
    assert a.operands is not None and b.operands is not None
    for i, parent in enumerate(a.parents):
        x, y = np.asarray(a.operands[i]), np.asarray(b.operands[i])
        if parent is None and x.dtype.kind == "f" and not np.array_equal(x, y, equal_nan=True):
            yield i

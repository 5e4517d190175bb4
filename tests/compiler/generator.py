"""Random programs: 5 to 40 applications of primitives whose values stay within reason.

A program is grown line by line and computed meanwhile, so that no line asks for what has no meaning: casts of NaN to
integers, places beyond an axis. Most lines take recent values, so that graphs grow deep; what nobody took is returned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.compiler.programs import LITERAL, Node, Program, input_
from tinygrad_cv.core.context import quiet
from tinygrad_cv.ops import PRIMITIVES
from tinygrad_cv.ops.reduction import index_dtype
from tinygrad_cv.ops.windows import window_count

Array = np.ndarray
Shape = tuple[int, ...]
SIZES = (1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 17)
LONG = (31, 32, 33, 37, 64, 67, 100, 128)
FEW, MANY = 600, 20_000  # elements of a value, in small and in large programs
HUGE = 1e6

# how often each kind of line comes, by the kind of program
MIXED = {"unary": 5, "binary": 7, "compare": 2, "movement": 6, "reduce": 3, "window": 2, "contract": 2}
MIXED.update(index=2, cast=1, layer=1)
THEMES: dict[str, dict[str, float]] = {
    "mixed": MIXED,
    "layers": {"layer": 5, "unary": 2, "binary": 2, "movement": 1, "reduce": 1},
    "elementwise": {"unary": 6, "binary": 8, "compare": 3, "movement": 1, "cast": 1},
    "movement": {**MIXED, "movement": 20, "contract": 1, "reduce": 1},
    "windows": {**MIXED, "window": 12, "contract": 4},
    "reductions": {**MIXED, "reduce": 12},
    "contractions": {**MIXED, "contract": 10, "window": 3},
    "indices": {**MIXED, "index": 16},
}
ROUNDED = ["neg", "square", "sqrt", "floor"]  # to the bit, as IEEE 754 says
ELEMENTARY = [
    name
    for name, primitive in PRIMITIVES.items()
    if primitive.family == "elementwise" and primitive.inputs == ("x",) and name not in (*ROUNDED, "cast")
]


class Skip(Exception):
    """This line cannot be; another one is drawn."""


class Grower:
    """A program under construction, with the values of its lines."""

    def __init__(self, seed: int):
        self.rng = rng = np.random.default_rng(seed)
        self.seed = seed
        self.theme = str(rng.choice(list(THEMES), p=[0.25, 0.14, 0.14, 0.1, 0.1, 0.09, 0.09, 0.09]))
        self.large = rng.random() < 0.25
        self.limit = MANY if self.large else FEW
        self.draw = str(rng.choice(["normal", "few", "special"], p=[0.42, 0.25, 0.33]))
        self.dtype = np.dtype(str(rng.choice(["float32", "float64", "int32", "int64"], p=[0.66, 0.22, 0.06, 0.06])))
        self.rounds = rng.random() < 0.6  # whether lines round: transcendental functions, and casts to float32
        self.nodes: list[Node] = []
        self.values: list[Array] = []
        self.unused: set[int] = set()

    # ---------------------------------------------------------------- lines

    def push(self, node: Node) -> int:
        """Add a line, and compute it."""
        if node.drawn:
            value = node.array()
        elif node.op == LITERAL:
            value = np.asarray(node.params["value"], node.params["dtype"])
        else:
            primitive, args = PRIMITIVES[node.op], [self.values[i] for i in node.args]
            aval = primitive.aval(*args, **node.params)
            if math.prod(aval.shape) > 3 * self.limit:
                raise Skip
            with np.errstate(all="ignore"):
                value = quiet(primitive, list(args), node.params)
        self.nodes.append(node)
        self.values.append(value)
        self.unused -= set(node.args)
        self.unused.add(len(self.nodes) - 1)
        return len(self.nodes) - 1

    def apply(self, op: str, *args: int, **params: Any) -> int:
        return self.push(Node(op, args, params))

    def integer(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def choice(self, options: Sequence[Any]) -> Any:
        return options[self.integer(0, len(options) - 1)]

    def fresh(self, shape: Shape, dtype: Any = None, draw: str | None = None) -> int:
        """A new input; now and then a constant."""
        if math.prod(shape) > 3 * self.limit:
            raise Skip
        op = "constant" if self.rng.random() < 0.12 else "input"
        seed = self.seed * 100 + len(self.nodes)
        return self.push(input_(shape, dtype or self.dtype, draw or self.draw, seed, op))

    def literal(self, value: float, like: int) -> int:
        """A number in the shape of a value."""
        number = self.push(Node(LITERAL, (), {"value": value, "dtype": self.values[like].dtype}))
        shape = self.values[like].shape
        return number if shape == () else self.apply("expand", number, shape=shape)

    def shape(self) -> Shape:
        """A shape within the limit; one in three has a long axis."""
        ndim = int(self.rng.choice([0, 1, 2, 3, 4, 5], p=[0.03, 0.14, 0.28, 0.27, 0.22, 0.06]))
        for _ in range(100):
            sizes = [self.choice(SIZES) for _ in range(ndim)]
            if sizes and self.rng.random() < (0.7 if self.large else 0.3):
                sizes[self.integer(0, ndim - 1)] = self.choice(LONG)
            low = self.limit // 20 if self.large and ndim > 1 else 0
            if low <= math.prod(sizes) <= self.limit:
                return tuple(sizes)
        return (2,) * ndim

    def pick(self, *conditions: Callable[[Array], bool]) -> int:
        """A value for the next line: often an unused one, mostly a recent one."""
        lines = zip(self.nodes, self.values, strict=True)
        options = [i for i, (n, x) in enumerate(lines) if n.op != LITERAL and all(ok(x) for ok in conditions)]
        if not options:
            raise Skip
        waiting = [i for i in options if i in self.unused]
        if waiting and self.rng.random() < 0.6:
            options = waiting
        back = int(self.rng.geometric(0.25))
        return options[-min(back, len(options))]

    def partner(self, i: int) -> int:
        """A value of the same shape and dtype: one that is there, or one broadcast, or a number."""
        x = self.values[i]
        same = [j for j, y in enumerate(self.values) if y.shape == x.shape and y.dtype == x.dtype and j != i]
        way = self.rng.random()
        if same and way < 0.5:
            return self.choice(same)
        if way < 0.6 and x.dtype.kind != "b":
            return self.literal(self.choice([2.0, 0.5, -1.0, 3.0]) if x.dtype.kind == "f" else 2, i)
        if way < 0.75 and x.ndim and x.dtype.kind == "f":
            axes = self.axes(x.ndim)
            op = self.choice(["max", "max", "sum"])
            reduced = self.apply("max", i, axis=axes, ties="even") if op == "max" else self.apply("sum", i, axis=axes)
            return self.apply("expand", reduced, shape=x.shape)
        shape = tuple(1 if self.rng.random() < 0.35 else n for n in x.shape)
        if shape and self.rng.random() < 0.3:
            shape = shape[self.integer(0, len(shape) - 1) :]
        new = self.fresh(shape, x.dtype)
        return new if shape == x.shape else self.apply("expand", new, shape=x.shape)

    def axes(self, ndim: int, most: int = 5) -> tuple[int, ...]:
        """Some axes, at least one, in order."""
        if not ndim:
            return ()
        count = self.integer(1, min(ndim, most))
        return tuple(sorted(self.rng.permutation(ndim)[:count].tolist()))

    # ---------------------------------------------------------------- keeping values within reason

    def tame(self, i: int) -> int:
        """A value of moderate size, where it was grown too large to tell right from wrong."""
        x = self.values[i]
        if x.dtype.kind != "f" or self.draw == "special":
            return i
        size = np.abs(x[np.isfinite(x)]).max(initial=0.0)
        if size <= HUGE:
            return i
        return self.apply("mul", i, self.literal(float(2.0 ** -math.ceil(math.log2(size))), i))

    def positive(self, i: int) -> int:
        """Made of a value, above 0."""
        squared = self.apply("square", i)
        return self.apply("add", squared, self.literal(0.5, squared))

    def small(self, i: int) -> int:
        """Made of a value, so small that exp of it is moderate."""
        if np.abs(self.values[i]).max(initial=0.0) <= 20 or self.draw == "special":
            return i
        return self.apply("tanh", i)

    # ---------------------------------------------------------------- kinds of lines

    def unary(self) -> None:
        i = self.pick(lambda x: x.dtype.kind != "b" and x.dtype.kind != "u")
        if self.values[i].dtype.kind != "f":
            self.apply(self.choice(["neg", "square"]), i)
            return
        ops = [*ROUNDED, *ELEMENTARY * self.rounds]
        op = self.choice(ops)
        if op in ("sqrt", "log") and self.rng.random() < 0.9:
            i = self.positive(i)
        if op == "exp":
            i = self.small(i)
        if op in ("sin", "cos") and np.abs(self.values[i]).max(initial=0.0) > 1000:
            i = self.apply("tanh", i)
        self.tame(self.apply(op, i))

    def binary(self) -> None:
        i = self.pick(lambda x: x.dtype.kind != "u")
        if self.values[i].dtype.kind == "b":
            self.apply(self.choice(["add", "mul", "maximum"]), i, self.partner(i))
            return
        j = self.partner(i)
        if self.values[i].dtype.kind != "f":
            self.apply(self.choice(["add", "sub", "mul", "maximum"]), i, j)
            return
        op = self.choice(["add", "add", "sub", "mul", "mul", "times", "div", "maximum", "pow"])
        if op == "pow":
            if not self.rounds:
                raise Skip
            i, j = self.positive(self.small(i)), self.apply("tanh", j)
        elif op == "div" and self.rng.random() < 0.85:
            j = self.positive(j)
        if self.rng.random() < 0.3 and op != "pow" and op != "div":
            i, j = j, i
        self.tame(self.apply(op, i, j))

    def compare(self) -> None:
        """A comparison, and mostly a selection by it."""
        i = self.pick()
        c = self.apply(self.choice(["equal", "less", "less_equal"]), i, self.partner(i))
        if self.rng.random() < 0.8:
            shape = self.values[c].shape
            a = self.pick(lambda x: x.shape == shape)
            self.apply("where", c, a, self.partner(a))

    def cast(self) -> None:
        i = self.pick()
        x = self.values[i]
        whole = x.dtype.kind == "f" and bool(np.isfinite(x).all() and np.abs(x).max(initial=0.0) < 2.0**31)
        options = ["float32", "float64", "bool"] + (["int32", "int64"] if whole or x.dtype.kind != "f" else [])
        if self.rng.random() < 0.5:
            options = [str(self.dtype)]
        dtype = np.dtype(self.choice(options))
        if dtype == x.dtype or (not self.rounds and x.dtype.kind == "f" and dtype.kind == "f"):
            raise Skip
        if dtype.kind in "iu" and x.dtype.kind == "f" and not whole:
            raise Skip
        self.apply("cast", i, dtype=dtype)

    def movement(self) -> None:
        op = self.choice(["reshape", "reshape", "permute", "expand", "pad", "slice", "flip", "concatenate"])
        i = self.pick()
        getattr(self, f"_{op}")(i, self.values[i])

    def _reshape(self, i: int, x: Array) -> None:
        shape = list(x.shape)
        for _ in range(self.integer(1, 2)):
            way = self.rng.random()
            if way < 0.4 and len(shape) > 1:  # two axes into one
                k = self.integer(0, len(shape) - 2)
                shape[k : k + 2] = [shape[k] * shape[k + 1]]
            elif way < 0.8 and shape:  # one axis into two
                k = self.integer(0, len(shape) - 1)
                factors = [f for f in range(2, shape[k]) if shape[k] % f == 0]
                if factors and len(shape) < 6:
                    factor = self.choice(factors)
                    shape[k : k + 1] = [factor, shape[k] // factor]
            elif way < 0.9:
                shape = [n for n in shape if n != 1]
            elif len(shape) < 6:
                shape.insert(self.integer(0, len(shape)), 1)
        if self.rng.random() < 0.1:
            shape = [x.size]
        if tuple(shape) == x.shape:
            raise Skip
        self.apply("reshape", i, shape=tuple(shape))

    def _permute(self, i: int, x: Array) -> None:
        if x.ndim < 2:
            raise Skip
        self.apply("permute", i, axes=tuple(self.rng.permutation(x.ndim).tolist()))

    def _expand(self, i: int, x: Array) -> None:
        shape = [self.choice(SIZES) if n == 1 else n for n in x.shape]
        if self.rng.random() < 0.4 and len(shape) < 5:
            shape.insert(0, self.choice(SIZES))
        if tuple(shape) == x.shape or math.prod(shape) > self.limit:
            raise Skip
        self.apply("expand", i, shape=tuple(shape))

    def _pad(self, i: int, x: Array) -> None:
        width = tuple((self.choice([0, 0, 1, 2]), self.choice([0, 0, 1, 3])) for _ in x.shape)
        interior = tuple(self.choice([0, 0, 0, 0, 1, 2]) for _ in x.shape)
        value: float = 0
        if self.rng.random() < 0.35:
            value = self.choice([1.0, -math.inf, 0.5]) if x.dtype.kind == "f" else 1
        self.apply("pad", i, width=width, interior=interior, value=value)

    def _slice(self, i: int, x: Array) -> None:
        start, stop, step = [], [], []
        for n in x.shape:
            low = self.integer(0, min(2, n - 1)) if n else 0
            high = self.integer(max(low + 1, n - 3), n) if n else 0
            start.append(low)
            stop.append(high)
            step.append(self.choice([1, 1, 1, 2, 3]))
        self.apply("slice", i, start=tuple(start), stop=tuple(stop), step=tuple(step))

    def _flip(self, i: int, x: Array) -> None:
        if not x.ndim:
            raise Skip
        self.apply("flip", i, axis=self.axes(x.ndim))

    def _concatenate(self, i: int, x: Array) -> None:
        if not x.ndim:
            raise Skip
        axis = self.integer(0, x.ndim - 1)
        parts = [i]
        for _ in range(self.integer(1, 2)):
            others = [
                j
                for j, y in enumerate(self.values)
                if y.dtype == x.dtype
                and y.ndim == x.ndim
                and y.shape[:axis] + y.shape[axis + 1 :] == x.shape[:axis] + x.shape[axis + 1 :]
            ]
            if self.rng.random() < 0.6:
                parts.append(self.choice(others))
            else:
                parts.append(self.fresh((*x.shape[:axis], self.choice(SIZES[:8]), *x.shape[axis + 1 :]), x.dtype))
        self.rng.shuffle(parts)
        self.apply("concatenate", *parts, axis=axis)

    def reduce(self) -> None:
        op = self.choice(["sum", "sum", "sum", "max", "max", "argmax", "cumsum", "argsort"])
        i = self.pick(lambda x: x.ndim > 0)
        x = self.values[i]
        axes = self.axes(x.ndim)
        if op == "sum":
            self.tame(self.apply("sum", i, axis=axes))
        elif op == "cumsum":
            self.tame(self.apply("cumsum", i, axis=axes[0]))
        elif op == "argsort":
            self.apply("argsort", i, axis=axes[0])
        elif op == "max":
            self.apply("max", i, axis=axes, ties=self.choice(["even", "first"]))
        else:
            order = tuple(self.rng.permutation(axes).tolist()) if self.rng.random() < 0.2 else axes
            small = index_dtype(math.prod(x.shape[a] for a in axes))
            self.apply("argmax", i, axis=order, dtype=self.choice([small, np.dtype("i8")]))

    def window(self) -> None:
        """Windows of a value, mostly with what consumes them; or the overlapping sum of something like windows."""
        k = self.choice([1, 1, 2, 2, 2, 3])
        i = self.pick(lambda x: x.ndim >= k)
        x = self.values[i]
        if self.rng.random() < 0.6:
            kernel, stride, dilation = self._window(x.shape[x.ndim - k :])
            w = self.apply("windows", i, kernel=kernel, stride=stride, dilation=dilation)
            taps = tuple(range(self.values[w].ndim - k, self.values[w].ndim))
            way = self.rng.random()
            if way < 0.25:
                self.apply("max", w, axis=taps, ties=self.choice(["even", "first"]))
            elif way < 0.4:
                self.tame(self.apply("sum", w, axis=taps))
            elif way < 0.5:
                self.apply("argmax", w, axis=taps, dtype=index_dtype(math.prod(kernel)))
            elif way < 0.8:
                self._contract(w)
            elif way < 0.9:
                self._fold(w, k, self._window_size(w, k, stride, dilation), stride, dilation)
            return
        i = self.pick(lambda x: x.ndim >= 2 * k)
        stride = tuple(self.integer(1, 3) for _ in range(k))
        dilation = tuple(self.choice([1, 1, 2, 3]) for _ in range(k))
        self._fold(i, k, self._window_size(i, k, stride, dilation), stride, dilation)

    def _window(self, sizes: Shape) -> tuple[Shape, Shape, Shape]:
        kernel, stride, dilation = [], [], []
        for n in sizes:
            u = self.integer(1, max(1, min(n, 5)))
            d = self.integer(1, max(1, min(3, (n - 1) // (u - 1)))) if u > 1 else self.integer(1, 2)
            s = self.integer(1, 3)
            if self.rng.random() < 0.25 and window_count(n, u, u, d) > 0:
                s = u
            kernel.append(u)
            stride.append(s)
            dilation.append(d)
        return tuple(kernel), tuple(stride), tuple(dilation)

    def _window_size(self, i: int, k: int, stride: Shape, dilation: Shape) -> Shape:
        shape = self.values[i].shape
        counts, kernel = shape[len(shape) - 2 * k : len(shape) - k], shape[len(shape) - k :]
        return tuple(
            max(0, (n - 1) * s + (u - 1) * d + 1) + self.choice([0, 0, 0, 1, 2])
            for n, u, s, d in zip(counts, kernel, stride, dilation, strict=True)
        )

    def _fold(self, i: int, k: int, size: Shape, stride: Shape, dilation: Shape) -> None:
        self.tame(self.apply("fold", i, stride=stride, dilation=dilation, size=size))

    def contract(self) -> None:
        self._contract(self.pick(lambda x: x.ndim <= 5 and x.dtype.kind in "fi"))

    def _contract(self, i: int) -> None:
        x = self.values[i]
        if x.dtype.kind not in "fi":
            raise Skip
        names = "abcdefghijkl"
        a = names[: x.ndim]
        if x.size > 2 * self.limit:
            raise Skip
        shared = [letter for letter in a if self.rng.random() < 0.55]
        extent = dict(zip(a, x.shape, strict=True))
        new = names[x.ndim : x.ndim + self.integer(0, 2)]
        extent.update({letter: self.choice((*SIZES, *LONG[:3])) for letter in new})
        b = [*shared, *new]
        self.rng.shuffle(b)
        batch = [letter for letter in shared if self.rng.random() < 0.25]
        y = [letter for letter in a if letter not in shared] + list(new) + batch
        if self.rng.random() < 0.6:
            self.rng.shuffle(y)
        size = math.prod(extent[letter] for letter in y)
        if size > self.limit or size * math.prod(extent[i] for i in shared if i not in batch) > 200 * self.limit:
            raise Skip
        shape = tuple(extent[letter] for letter in b)
        others = [j for j, v in enumerate(self.values) if v.shape == shape and v.dtype == x.dtype]
        if math.prod(shape) > 3 * self.limit:
            raise Skip
        j = self.choice(others) if others and self.rng.random() < 0.5 else self.fresh(shape, x.dtype)
        first, second, i, j = (a, "".join(b), i, j) if self.rng.random() < 0.7 else ("".join(b), a, j, i)
        self.tame(self.apply("contract", i, j, spec=f"{first},{second}->{''.join(y)}"))

    def index(self) -> None:
        way = self.rng.random()
        if way < 0.35:
            i = self.pick(lambda x: x.ndim > 0 and len(x) > 0)
            x = self.values[i]
            known = [j for j, node in enumerate(self.nodes) if node.op == "argmax" and self._places(node) <= len(x)]
            shape = tuple(self.choice(SIZES[:9]) for _ in range(self.choice([0, 1, 1, 2])))
            at = self.choice(known) if known and self.rng.random() < 0.3 else self._numbers(shape, len(x))
            self.apply("gather", i, at)
        elif way < 0.7:
            i = self.pick(lambda x: x.dtype.kind == "f" and x.ndim > 0 and 0 < x.size and len(x) < 100)
            shape = self.values[i].shape
            shape = shape[: self.integer(1, min(3, len(shape)))]
            size = self.choice(SIZES) if self.rng.random() < 0.5 else shape[0] * self.choice([1, 2, 3])
            self.tame(self.apply("scatter_add", i, self._numbers(shape, size), size=size))
        else:  # numbers along axes, compared with a value or selected by one
            i = self.pick(lambda x: x.ndim > 0 and x.size < 2**24)
            x = self.values[i]
            axes = self.axes(x.ndim)
            kind = x.dtype if x.dtype.kind != "b" else np.dtype("i8")
            numbers = self.apply("iota", shape=x.shape, axis=axes, dtype=kind)
            if x.dtype.kind == "b":
                self.apply("where", i, numbers, self.partner(numbers))
            else:
                self.apply(self.choice(["less", "equal", "add", "mul"]), i, numbers)

    def _numbers(self, shape: Shape, n: int) -> int:
        """Numbers of n rows: drawn; from the end; or limited to a part of the rows for each first index."""
        way, each = self.rng.random(), n // shape[0] if shape else n
        if way < 0.3 or not each:
            return self.fresh(shape, "i8", f"below {n}")
        if way < 0.5:
            i = self.fresh(shape, "i8", f"below {n}")
            return self.apply("sub", i, self.literal(n, i))
        i = self.fresh(shape, "i8", f"below {2 * each}")
        i = self.apply("sub", i, self.literal(each // 2, i))
        low, high = self.literal(0, i), self.literal(each - 1, i)
        i = self.apply("where", self.apply("less", i, low), low, i)
        i = self.apply("where", self.apply("less", high, i), high, i)
        if not shape:
            return i
        first = self.apply("iota", shape=shape, axis=(0,), dtype=np.dtype("i8"))
        return self.apply("add", i, self.apply("mul", first, self.literal(each, first)))

    def _places(self, argmax: Node) -> int:
        """How many places it tells apart, whatever its argument."""
        x = self.values[argmax.args[0]]
        return math.prod(x.shape[axis] for axis in argmax.params["axis"])

    # ---------------------------------------------------------------- what networks are made of

    def layer(self) -> None:
        """Several lines that belong together, as rewrites look for them."""
        getattr(
            self, self.choice(["_normalize", "_normalize", "_softmax", "_convolve", "_convolve", "_dense", "_pool"])
        )()

    def _image(self) -> int:
        """A value with two axes of some length last, or a new one."""
        if self.rng.random() < 0.7:
            return self.pick(lambda x: x.dtype == self.dtype and x.ndim in (3, 4) and min(x.shape[-2:]) > 2)
        size = self.choice([3, 5, 7, 8, 13] + [16, 17] * self.large)
        return self.fresh(
            (self.choice([1, 2, 3, 5]), self.choice([1, 3, 4, 8, 16, 17]), size, self.choice([size, 4, 9]))
        )

    def _real(self) -> int:
        return self.pick(lambda x: x.dtype.kind == "f" and x.ndim > 0 and x.size > 1)

    def _times(self, i: int, number: float) -> int:
        return self.apply("mul", i, self.literal(number, i))

    def _like(self, i: int, x: Array) -> int:
        return self.apply("expand", i, shape=x.shape)

    def _normalize(self) -> None:
        """Mean and variance over some axes, a scale and a shift for some."""
        i = self._real()
        x, axes = self.values[i], self.axes(self.values[i].ndim)
        share = 1.0 / math.prod(x.shape[axis] for axis in axes)
        mean = self._times(self.apply("sum", i, axis=axes), share)
        less = self.apply("sub", i, self._like(mean, x))
        var = self._times(self.apply("sum", self.apply("square", less), axis=axes), share)
        deviation = self.apply("sqrt", self.apply("add", var, self.literal(1e-3, var)))
        y = self.apply("div", less, self._like(deviation, x))
        for op in ("mul", "add"):
            if self.rng.random() < 0.7:
                shape = tuple(n if self.rng.random() < 0.5 else 1 for n in x.shape)
                y = self.apply(op, y, self._like(self.fresh(shape, x.dtype), x))
        if self.rng.random() < 0.5:
            self.apply("maximum", y, self.literal(0.0, y))

    def _softmax(self) -> None:
        if not self.rounds:
            raise Skip
        i = self._real()
        x, axes = self.values[i], self.axes(self.values[i].ndim, 2)
        less = self.apply("sub", i, self._like(self.apply("max", i, axis=axes, ties="even"), x))
        powers = self.apply("exp", less)
        total = self.apply("sum", powers, axis=axes)
        if self.rng.random() < 0.5:
            self.apply("div", powers, self._like(total, x))
        else:
            self.apply("sub", less, self._like(self.apply("log", total), x))

    def _convolve(self) -> None:
        """In groups or not, with a border or not, as a contraction of windows; mostly something behind it."""
        i = self._image()
        x = self.values[i]
        c, o = x.shape[-3], self.choice([1, 2, 3, 4, 8, 16, 17, 24])
        border = self.choice([0, 1, 1, 2])
        if border:
            width = ((0, 0),) * (x.ndim - 2) + ((border, border), (border, self.choice([border, 0])))
            i = self.apply("pad", i, width=width, interior=(0,) * x.ndim, value=0.0)
        kernel, stride, dilation = self._window(tuple(min(n, 4) for n in self.values[i].shape[-2:]))
        w = self.apply("windows", i, kernel=kernel, stride=stride, dilation=dilation)
        lead = "n" * (x.ndim - 3)
        if self.rng.random() < 0.2:  # every channel by itself
            weights, spec = self.fresh((c, *kernel), x.dtype), f"{lead}cijuv,cuv->{lead}cij"
        else:
            weights, spec = self.fresh((o, c, *kernel), x.dtype), f"{lead}cijuv,ocuv->{lead}oij"
        y = self.tame(self.apply("contract", w, weights, spec=spec))
        if self.rng.random() < 0.5:
            bias = self.fresh((self.values[y].shape[-3], 1, 1), x.dtype)
            y = self.apply("add", y, self._like(bias, self.values[y]))
        if self.rng.random() < 0.5:
            y = self.apply("maximum", y, self.literal(0.0, y))

    def _dense(self) -> None:
        """All axes but the first flattened, times a matrix."""
        i = self.pick(lambda x: x.dtype == self.dtype and x.ndim > 1 and x.size > 0)
        n = self.values[i].shape[0]
        flat = self.apply("reshape", i, shape=(n, self.values[i].size // n))
        weights = self.fresh((self.choice([1, 2, 10, 16, 33]), self.values[flat].shape[1]))
        y = self.tame(self.apply("contract", flat, weights, spec="nf,of->no"))
        self.apply("add", y, self._like(self.fresh(self.values[y].shape[1:]), self.values[y]))

    def _pool(self) -> None:
        i = self._image()
        kernel, stride, dilation = self._window(self.values[i].shape[-2:])
        w = self.apply("windows", i, kernel=kernel, stride=stride, dilation=dilation)
        taps = (self.values[w].ndim - 2, self.values[w].ndim - 1)
        if self.rng.random() < 0.6:
            self.apply("max", w, axis=taps, ties="first")
        else:
            self._times(self.apply("sum", w, axis=taps), 1.0 / math.prod(kernel))

    # ---------------------------------------------------------------- the whole

    def grow(self) -> Program:
        for _ in range(self.integer(1, 3)):
            self.fresh(self.shape())
        lines = self.integer(5, self.choice([8, 12, 16, 40]))
        kinds = THEMES[self.theme]
        weights = np.array(list(kinds.values()), float)
        computed = tries = 0
        while computed < lines and tries < 400:
            tries += 1
            mark = len(self.nodes), set(self.unused)
            try:
                getattr(self, str(self.rng.choice(list(kinds), p=weights / weights.sum())))()
            except Skip:
                del self.nodes[mark[0] :], self.values[mark[0] :]
                self.unused = mark[1]
            computed = sum(not node.drawn and node.op != LITERAL for node in self.nodes)
        outputs = sorted(i for i in self.unused if not self.nodes[i].drawn and self.nodes[i].op != LITERAL)
        for i in range(len(self.nodes)):  # some values are both returned and read
            if i not in outputs and self.rng.random() < 0.04:
                outputs.append(i)
        return Program(tuple(self.nodes), tuple(outputs)).used()


def generate(seed: int) -> Program:
    """The random program with that number."""
    return Grower(seed).grow()

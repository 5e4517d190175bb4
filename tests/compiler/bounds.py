"""How far apart two right implementations of a graph may be, element by element.

The analysis runs along the graph beside the values. Each value carries a bound d on the distance between what the
primitives' own ``eval`` gives and what any other implementation of the same formulas may give, and whether it must be
the same to the bit:

- IEEE operations, movement and comparisons of exact values are exact. Nothing may differ, signs of zeros included.
- A sum of n terms may be added in any order, products fused: 2 k ε Σ|terms|, where k = min(n, 8 + 4 √n): roundings
  lean to both sides. Where the terms are sums themselves, as in Σ (a s + b), it may be taken apart, as in s Σ a + Σ b:
  then a and b are terms. A product of sums is one term, so (x - mean)² is none that may be expanded. Of infinite s
  nothing is said: s times the sum is an infinity where infinities of both signs would have been added.
- Both sides round their own numbers, of which one is as large as the other's and d.
- A transcendental function may err by a few units in the last place on either side.
- An error of an argument goes on by the derivative; where it decides a comparison, a rounding down or an index, the
  result is unknown (d is infinite), and so are values near overflow.
- Where a factor in a contraction is a border of zeros, the product may be made or left out. It matters only where the
  other factor is infinite or NaN: then nothing is said.

So cancellation is allowed what it costs, and nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinygrad_cv.core.context import quiet
from tinygrad_cv.ir.graph import CONSTANT, INPUT, Graph, Value
from tinygrad_cv.mpi.world import members
from tinygrad_cv.ops import PRIMITIVES

Array = np.ndarray
INF = np.inf
UNITS = 12  # in the last place: by how much two transcendental functions may differ, both sides together
MOVEMENT = ("reshape", "permute", "expand", "pad", "slice", "flip", "concatenate", "windows", "gather", "copy")
ARITHMETIC = ("neg", "add", "sub", "mul", "times", "div", "square", "sqrt", "where", "floor", "cast")


@dataclass
class Known:
    """A value as the primitives compute it, and how far another implementation may be from it."""

    y: Array
    d: Array  # float64; 0 where equality is due, infinite where nothing can be said
    bits: bool  # all of it must be the same, signs of zeros too
    value: Value | None = None  # what it was computed from
    args: Sequence[Known] = ()

    @property
    def size(self) -> Array:
        """|y| as float64, 0 where it is not finite."""
        x = np.asarray(self.y, np.float64)
        return np.where(np.isfinite(x), np.abs(x), 0.0)

    @property
    def exact(self) -> bool:
        return not self.d.any()


def analyze(graph: Graph, arrays: Sequence[Array]) -> list[Known]:
    """The outputs' values and bounds."""
    known: dict[Value, Known] = {}
    centred = {_centred(value) for value in graph.values() if value.op == "sum" and value.args[0].op == "square"}
    with np.errstate(all="ignore"):
        for value in graph.values():
            args = [known[a] for a in value.args]
            known[value] = replace(_known(value, args, arrays), value=value, args=args)
            if value.op == "sum" and _centred(value) in centred and value.dtype.kind == "f":
                known[value] = replace(known[value], d=_sum(value, args, known[value].y, exact=False))
    return [known[o] for o in graph.outputs]


def _centred(total: Value) -> tuple[Value, tuple[int, ...]]:
    """x and the axes in a sum of x, x - c or (x - c)²: where there are squares, all may follow from moments of x."""
    x = total.args[0].args[0] if total.args[0].op == "square" else total.args[0]
    while x.op == "sub":
        x = x.args[0]
    return x, total.params["axis"]


def _known(value: Value, args: list[Known], arrays: Sequence[Array]) -> Known:
    if value.op in (INPUT, CONSTANT):
        y = arrays[value.params["index"]] if value.op == INPUT else value.params["array"]
        return Known(y, np.zeros(y.shape), True)
    y = args[0].y if value.op == "copy" else quiet(PRIMITIVES[value.op], [a.y for a in args], value.params)
    y = np.asarray(y)
    assert y.shape == value.shape and y.dtype == value.dtype, f"{value.op} gives {y.dtype}{y.shape}, not {value}"
    exact, bits = all(a.exact for a in args), all(a.bits for a in args)
    if value.op in MOVEMENT:
        return Known(y, _moved(value, args), bits)
    if value.op in ("maximum", "max"):  # of two zeros either may be the larger
        return Known(y, _largest(value, args, y), bits and not (y == 0).any())
    if exact and (value.op in EXACT or y.dtype.kind != "f"):
        d = _unsigned_zeros(value, args, y) if y.dtype.kind == "f" and not bits else np.zeros(y.shape)
        return Known(y, d, bits and not (value.op == "times" and (y == 0).any()))  # whose zeros may have either sign
    if y.dtype.kind != "f" and value.op not in WHOLE:
        unknown = [np.where(a.d > 0, INF, 0.0) for a in args]
        return Known(y, _spread(value, unknown, y), False)
    d = np.asarray(RULES[value.op](value, args, y), np.float64)
    d = np.where(np.isnan(d), INF, d)
    if y.dtype.kind == "f":
        info = np.finfo(y.dtype)
        d = d * (1 + float(info.eps))  # what is d from y is rounded by so much more
        d = np.where(np.isfinite(y) & (np.abs(y.astype(np.float64)) + d > 0.25 * float(info.max)), INF, d)
    return Known(y, np.broadcast_to(d, y.shape), False)


EXACT = {*ARITHMETIC, "equal", "less", "less_equal", "iota", "argmax", "argsort", "random_bits"}
WHOLE = {"cast", "where", "equal", "less", "less_equal", "argmax", "argsort"}
WHOLE |= {"sum", "cumsum", "fold", "scatter_add", "contract"}


def _moved(value: Value, args: list[Known]) -> Array:
    params = dict(value.params)
    if value.op == "copy":
        return args[0].d
    if value.op == "gather":
        return np.where(_any_unknown(args[1]), INF, args[0].d.take(args[1].y, 0))
    if value.op == "pad":
        params["value"] = 0.0
    return np.asarray(PRIMITIVES[value.op].eval(*(a.d for a in args), **params))


def _any_unknown(a: Known) -> bool:
    return bool(a.d.any())


def _largest(value: Value, args: list[Known], y: Array) -> Array:
    """The largest bound of those that may be the maximum."""

    def total(arrays: list[Array]) -> Array:
        if value.op == "max":
            return arrays[0].max(value.params["axis"], keepdims=True, initial=-INF)
        return np.maximum.reduce(arrays)

    numbers = [np.asarray(a.y, np.float64) for a in args]
    surely = total([np.where(np.isnan(x), INF, x) - a.d for x, a in zip(numbers, args, strict=True)])
    return np.maximum(total([np.where(x + a.d < surely, 0.0, a.d) for x, a in zip(numbers, args, strict=True)]), 0.0)


def _unsigned_zeros(value: Value, args: list[Known], y: Array) -> Array:
    """Exact but for signs of zeros: a quotient by a zero has no known sign."""
    if value.op != "div":
        return np.zeros(y.shape)
    return np.where(args[1].y == 0, INF, 0.0)


def _spread(value: Value, unknown: list[Array], y: Array) -> Array:
    """Where integers or booleans depend on something unknown."""
    if not any(u.any() for u in unknown):
        return np.zeros(y.shape)
    if PRIMITIVES[value.op].family == "elementwise":
        return np.maximum.reduce(unknown)
    return np.full(y.shape, INF)


# ---------------------------------------------------------------- one rule for each primitive that rounds

Rule = Callable[[Value, list[Known], Array], Array]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def rounding(y: Array, units: float = 1.0) -> Array:
    """So many units in the last place, at least of the smallest normal number."""
    info = np.finfo(y.dtype)
    x = np.asarray(y, np.float64)
    step = np.maximum(np.abs(x) * float(info.eps), float(info.smallest_subnormal))
    return units * np.where(np.isfinite(x), step, 0.0)


def _ambiguous(y: Array, d: Array, args: list[Known]) -> Array:
    """What is not finite is sure only if it came from exact arguments, or from arguments far from where it changes."""
    sure = np.ones(y.shape, bool)
    for a in args:
        x = np.asarray(a.y, np.float64)
        sure &= (a.d == 0) | (np.isfinite(x) & (np.abs(x) > 2 * a.d))
    anything = np.zeros(y.shape, bool)
    for a in args:
        anything |= ~np.isfinite(np.asarray(a.y, np.float64))
    exact = np.logical_and.reduce([a.d == 0 for a in args])
    return np.where(np.isfinite(np.asarray(y, np.float64)), d, np.where(exact | (sure & anything), 0.0, INF))


@rule("neg")
def _neg(value: Value, args: list[Known], y: Array) -> Array:
    return args[0].d


@rule("add", "sub")
def _add(value: Value, args: list[Known], y: Array) -> Array:
    return _ambiguous(y, args[0].d + args[1].d + rounding(y), args)


@rule("mul", "times", "square")
def _mul(value: Value, args: list[Known], y: Array) -> Array:
    a, b = args[0], args[-1]
    unknown = np.isposinf(a.d) | np.isposinf(b.d)  # it may be infinite, and times a zero NaN
    d = np.where(unknown, INF, _product(a, b) + rounding(y))
    if value.op == "times":
        sure_zero = (a.y == 0) & (a.d == 0)
        ambiguous = (np.abs(np.asarray(a.y, np.float64)) <= a.d) & (a.d > 0) & ~np.isfinite(np.asarray(b.y, np.float64))
        return np.where(sure_zero, 0.0, np.where(ambiguous, INF, _ambiguous(y, d, args)))
    return _ambiguous(y, d, args)


def _product(a: Known, b: Known) -> Array:
    return _times(a.size, b.d) + _times(a.d, b.size) + _times(a.d, b.d)


def _times(a: Array, b: Array) -> Array:
    return np.where((a == 0) | (b == 0), 0.0, a * b)


@rule("div")
def _div(value: Value, args: list[Known], y: Array) -> Array:
    a, b = args
    far = b.size > 2 * b.d
    d = (a.d + _times(np.abs(np.where(np.isfinite(y), y, 0)).astype(np.float64), b.d)) / (b.size - b.d) + rounding(y)
    exact = (a.d == 0) & (b.d == 0) & ((b.y != 0) | b.bits)
    infinite = np.isinf(np.asarray(b.y, np.float64)) & (b.d == 0)
    d = np.where(far, _ambiguous(y, d, args), np.where(exact, 0.0, INF))
    return np.where(infinite, _ambiguous(y, np.where(np.isposinf(a.d), INF, 0.0), args), d)


@rule("sqrt")
def _sqrt(value: Value, args: list[Known], y: Array) -> Array:
    (x,) = args
    v = np.asarray(x.y, np.float64)
    d = np.sqrt(v + x.d) - np.sqrt(np.maximum(v - x.d, 0)) + rounding(y)
    unsure = (v - x.d < 0) & (v + x.d >= 0) & (x.d > 0)
    return np.where(unsure, INF, np.where(v + x.d < 0, 0.0, _ambiguous(y, d, args)))


@rule("exp")
def _exp(value: Value, args: list[Known], y: Array) -> Array:
    d = np.where(np.isfinite(y), y, 0).astype(np.float64) * np.expm1(args[0].d) + rounding(y, UNITS) + _tiny(y)
    return _ambiguous(y, d, args)


@rule("log")
def _log(value: Value, args: list[Known], y: Array) -> Array:
    (x,) = args
    v = np.asarray(x.y, np.float64)
    d = np.where(x.d > 0, x.d / (v - x.d), 0.0) + rounding(y, UNITS)
    unsure = (x.d > 0) & (np.abs(v) <= 2 * x.d)
    return np.where(unsure, INF, np.where(v < 0, 0.0, _ambiguous(y, d, args)))


@rule("sin", "cos", "tanh", "erf")
def _bounded(value: Value, args: list[Known], y: Array) -> Array:
    """Functions of slope at most 2/√π."""
    (x,) = args
    near = rounding(y, UNITS)
    if value.op in ("sin", "cos"):  # near their zeros they are as exact as the argument's reduction
        near = near + UNITS * float(np.finfo(y.dtype).eps) * (np.minimum(x.size, 1.0) if value.op == "sin" else 1.0)
    d = np.where(np.isposinf(x.d), INF, np.minimum(1.13 * x.d, 2.0))  # what is unknown may be NaN
    return _ambiguous(y, d + near + _tiny(y), args)


@rule("pow")
def _pow(value: Value, args: list[Known], y: Array) -> Array:
    a, b = args
    v = np.asarray(a.y, np.float64)
    relative = np.where(a.d > 0, b.size * a.d / (v - a.d), 0.0) + _times(np.abs(np.log(np.abs(v))), b.d)
    relative = np.where((a.d == 0) & (b.d == 0), 0.0, relative)
    d = np.abs(np.where(np.isfinite(y), y, 0)).astype(np.float64) * np.expm1(relative) + rounding(y, UNITS) + _tiny(y)
    unsure = ((a.d > 0) & (v <= 2 * a.d)) | ((b.d > 0) & (v <= 0))
    if not a.bits:  # the sign of a zero decides
        unsure = unsure | (v == 0)
    return np.where(unsure, INF, _ambiguous(y, d, args))


def _tiny(y: Array) -> float:
    return float(np.finfo(y.dtype).tiny)


@rule("floor")
def _floor(value: Value, args: list[Known], y: Array) -> Array:
    (x,) = args
    v = np.asarray(x.y, np.float64)
    return np.where(x.d == 0, 0.0, np.where(np.floor(v - x.d) == np.floor(v + x.d), 0.0, 1.0 + x.d))


@rule("cast")
def _cast(value: Value, args: list[Known], y: Array) -> Array:
    (x,) = args
    if y.dtype.kind == "f":
        narrower = x.y.dtype.kind == "f" and y.dtype.itemsize < x.y.dtype.itemsize
        d = x.d + (rounding(y) if narrower else 0.0)
        return np.where(x.d == 0, 0.0, _ambiguous(y, d, args))
    v = np.asarray(x.y, np.float64)
    if x.y.dtype.kind != "f":
        return np.where(x.d > 0, INF, 0.0)
    same = np.abs(v) > x.d if y.dtype.kind == "b" else np.trunc(v - x.d) == np.trunc(v + x.d)
    return np.where((x.d == 0) | same, 0.0, INF)


@rule("where")
def _where(value: Value, args: list[Known], y: Array) -> Array:
    c, a, b = args
    apart = np.abs(np.asarray(a.y, np.float64) - np.asarray(b.y, np.float64)) + np.maximum(a.d, b.d)
    return np.where(c.d > 0, np.where(np.isnan(apart), INF, apart), np.where(c.y, a.d, b.d))


@rule("equal", "less", "less_equal")
def _compare(value: Value, args: list[Known], y: Array) -> Array:
    a, b = args
    apart = np.abs(np.asarray(a.y, np.float64) - np.asarray(b.y, np.float64))
    d = np.where(((a.d == 0) & (b.d == 0)) | (apart > a.d + b.d), 0.0, INF)
    if value.op == "equal":  # an element and the maximum that it was chosen as are one number, rounded alike
        x, y_ = value.args
        if _maximum_of(y_) is x:
            runner_up = _maximum_of_others(value.args, args)
            d = np.where(runner_up, 0.0, d)
    return d


def _maximum_of(value: Value) -> Value | None:
    while value.op == "expand":
        value = value.args[0]
    return value.args[0] if value.op == "max" else None


def _maximum_of_others(values: tuple[Value, ...], args: list[Known]) -> Array:
    """Where the maximum is unique beyond doubt."""
    top = values[1]
    while top.op == "expand":
        top = top.args[0]
    axis = top.params["axis"]
    v, d = np.asarray(args[0].y, np.float64), args[0].d
    near = (v + d >= np.asarray(args[1].y, np.float64) - args[1].d).sum(axis, keepdims=True)
    return np.broadcast_to(near == 1, v.shape)


@rule("argmax")
def _argmax(value: Value, args: list[Known], y: Array) -> Array:
    (x,) = args
    axis = value.params["axis"]
    v = np.asarray(x.y, np.float64)
    top = v.max(axis, keepdims=True)
    rivals = v + x.d >= top - np.where(v == top, x.d, 0.0).max(axis, keepdims=True)
    clear = (rivals.sum(axis, keepdims=True) == 1) | (np.where(rivals, x.d, 0.0).max(axis, keepdims=True) == 0)
    clear &= ~np.isposinf(x.d).any(axis, keepdims=True)  # what is unknown may be NaN, which is the largest
    return np.where(clear, 0.0, INF)


@rule("argsort")
def _argsort(value: Value, args: list[Known], y: Array) -> Array:
    """A place is clear if its element stays above all that are sorted before it, and below all after it."""
    axis = value.params["axis"]
    v, d = (
        np.moveaxis(np.take_along_axis(np.asarray(a, np.float64), y, axis), axis, -1) for a in (args[0].y, args[0].d)
    )
    ends = np.full((*v.shape[:-1], 1), INF)
    before = np.maximum.accumulate(np.concatenate([-ends, v + d], -1), -1)[..., :-1]
    after = np.minimum.accumulate(np.concatenate([v - d, ends], -1)[..., ::-1], -1)[..., ::-1][..., 1:]
    clear = ((before < v - d) & (v + d < after)) | (d.max(-1, keepdims=True, initial=0.0) == 0)
    clear &= ~np.isposinf(d).any(-1, keepdims=True)  # what is unknown may be NaN, which is the last
    return np.moveaxis(np.where(clear, 0.0, INF), -1, axis)


# ---------------------------------------------------------------- sums: a bound for any order


def roundings(count: Array) -> Array:
    """How many roundings of a sum add up."""
    return np.minimum(count + 1, 8 + 4 * np.sqrt(count))


def _whole(*args: Known) -> bool:
    """Whether all values are exact whole numbers."""
    return all(a.exact and bool((np.floor(a.y) == a.y).all()) for a in args)


@rule("all_reduce")
def _all_reduce(value: Value, args: list[Known], y: Array) -> Array:
    """Of all operands only the first one counts."""
    size = members("bounds", value.params["group"]).size
    return size * args[0].d + size * rounding(y, UNITS)


@rule("sum", "cumsum", "fold", "scatter_add")
def _sum(value: Value, args: list[Known], y: Array, exact: bool = True) -> Array:
    """Whole numbers are added exactly in any order, unless the sum is not made by adding them."""
    x, *rest = args
    if rest and _any_unknown(rest[0]):
        return np.full(y.shape, INF)
    primitive = PRIMITIVES[value.op]

    def total(terms: Array) -> Array:
        return np.asarray(primitive.eval(terms, *(r.y for r in rest), **value.params))

    size, whole = _terms(x, value.params["axis"], {}) if value.op == "sum" else (x.size, _whole(x))
    if y.dtype.kind == "f" and exact and whole and total(size).max(initial=0.0) < 2.0 ** np.finfo(y.dtype).nmant:
        return np.zeros(y.shape)
    if value.op == "fold" and not np.isfinite(np.asarray(x.y, np.float64)).all() and _contracts(value.args[0]):
        return np.full(y.shape, INF)  # as above, and a place further on
    if y.dtype.kind != "f":
        return np.where(total(np.where(x.d > 0, 1.0, 0.0)) > 0, INF, 0.0)
    sure = np.isfinite(x.d) & (np.isfinite(np.asarray(x.y, np.float64)) | (x.d == 0))
    unknown = total(np.where(sure, 0.0, 1.0)) > 0
    if not exact:  # whose moments overflow
        unknown = unknown | (total(_uncentred(x).size) > 0.25 * float(np.finfo(y.dtype).max))
    return _of_sum(y, total(np.ones(x.y.shape)), total(size), total(np.where(sure, x.d, 0.0)), unknown)


def _uncentred(x: Known) -> Known:
    """x of x - c, or of (x - c)²."""
    x = x.args[0] if x.value is not None and x.value.op == "square" else x
    while x.value is not None and x.value.op == "sub":
        x = x.args[0]
    return x


def _terms(x: Known, axes: tuple[int, ...], done: dict[int, tuple[Array, bool]]) -> tuple[Array, bool]:
    """The magnitudes of the terms that a sum over the axes may be taken apart into, and whether they are whole."""
    if id(x) not in done:
        op = x.value.op if x.value is not None else ""
        if op in ("neg", "add", "sub"):
            parts = [_terms(a, axes, done) for a in x.args]
            done[id(x)] = sum((size for size, _ in parts), np.zeros(x.y.shape)), all(whole for _, whole in parts)
        elif op in ("mul", "times") and (constant := next((a for a in x.args[::-1] if _invariant(a, axes)), None)):
            (other,) = [a for a in x.args if a is not constant] or [constant]
            size, whole = _terms(other, axes, done)
            factor = np.where(np.isfinite(np.asarray(constant.y, np.float64)), constant.size, INF)
            done[id(x)] = _times(size, factor), whole and _whole(constant)
        else:
            done[id(x)] = x.size, _whole(x)
    return done[id(x)]


def _invariant(x: Known, axes: tuple[int, ...]) -> bool:
    """Whether it was repeated along the axes, or they have one element."""
    shape = x.y.shape
    if x.value is not None and x.value.op == "expand":
        small = x.args[0].y.shape
        shape = (1,) * (len(shape) - len(small)) + small
    return all(shape[axis] == 1 for axis in axes)


def _of_sum(y: Array, count: Array, size: Array, spread: Array, unknown: Array) -> Array:
    """The bound of a sum of so many terms, of that size in all; ``spread`` is what the terms' own bounds add up to.

    Where they may overflow nothing is known, not even of a sum that is infinite: a second infinity makes it NaN.
    """
    info = np.finfo(y.dtype)
    d = spread + 2 * roundings(count) * ((size + spread) * float(info.eps) + float(info.smallest_subnormal))
    return np.where(unknown | (size + spread > 0.25 * float(info.max)), INF, np.where(np.isfinite(y), d, 0.0))


def _contracts(value: Value) -> bool:
    """Whether there is but movement between a value and a contraction."""
    while value.op in MOVEMENT:
        value = value.args[0]
    return value.op == "contract"


@rule("contract")
def _contract(value: Value, args: list[Known], y: Array) -> Array:
    a, b = args
    evaluate = PRIMITIVES["contract"].eval

    def total(p: Array, q: Array) -> Array:
        return np.asarray(evaluate(np.asarray(p, np.float64), np.asarray(q, np.float64), value.params["spec"]))

    size = total(a.size, b.size)
    if y.dtype.kind != "f":
        unknown = total(a.d > 0, np.ones(b.d.shape)) + total(np.ones(a.d.shape), b.d > 0)
        return np.where(unknown > 0, INF, 0.0)
    if _whole(a, b) and size.max(initial=0.0) < 2.0 ** np.finfo(y.dtype).nmant:
        return np.zeros(y.shape)
    finite = [np.where(np.isfinite(k.d), k.d, 0.0) for k in args]
    spread = total(a.size, finite[1]) + total(finite[0], b.size) + total(*finite)
    unsure = [np.asarray(k.d > 0) & ~(np.abs(np.asarray(k.y, np.float64)) > 2 * k.d) for k in args]
    strange = [~np.isfinite(np.asarray(k.y, np.float64)) for k in args]
    unsure = [u | (np.asarray(k.y) == 0) for u, k in zip(unsure, args, strict=True)]  # a border's zeros: see above
    unknown = (
        total(strange[0], unsure[1])
        + total(unsure[0], strange[1])
        + total(np.isinf(a.d), np.ones(b.d.shape))
        + total(np.ones(a.d.shape), np.isinf(b.d))
    )
    return _of_sum(y, total(np.ones(a.d.shape), np.ones(b.d.shape)), size, spread, unknown > 0.5)


# ---------------------------------------------------------------- the comparison


def difference(known: Known, found: Array) -> str:
    """What is wrong with what another implementation found; nothing if all is as it should be."""
    y, d = known.y, np.broadcast_to(known.d, known.y.shape)
    if found.shape != y.shape or found.dtype != y.dtype:
        return f"is {found.dtype}{found.shape}, not {y.dtype}{y.shape}"
    if y.dtype.kind != "f":
        wrong = (found != y) & ~(d > 0)
    else:
        same = (found == y) | (np.isnan(found) & np.isnan(y))
        if known.bits:
            same &= (np.signbit(found) == np.signbit(y)) | np.isnan(y)
        with np.errstate(invalid="ignore"):
            apart = np.abs(found.astype(np.float64) - y.astype(np.float64))
        near = np.isfinite(found) & np.isfinite(y) & (apart <= d) & (d > 0)
        wrong = ~same & ~near & ~np.isposinf(d)
    if not wrong.any():
        return ""
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    allowed = "equal to the bit" if known.bits else f"within {d[place]:.2g}"
    return (
        f"differs in {int(wrong.sum())} of {y.size} elements; the first at {place}: "
        f"{found[place].item()!r} should be {y[place].item()!r}, {allowed}"
    )


def unchecked(known: Known) -> float:
    """The share of elements of which nothing could be said."""
    return float(np.isposinf(known.d).mean()) if known.y.size else 0.0

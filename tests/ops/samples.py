"""One row of samples for each primitive; the rows drive the tests of values, shapes, layouts and derivatives.

A row for a new primitive says: the shapes and parameters to try, how its inputs are drawn, what the result is (an
oracle that shares nothing with the primitive: loops over places, Python's own arithmetic), how a user calls it, and
what it must keep for the gradient of each input.
"""

from __future__ import annotations

import itertools
import math
import operator
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv.frontend.random import Generator
from tinygrad_cv.ops import PRIMITIVES

Array = np.ndarray
Draw = Callable[[np.random.Generator, tuple[int, ...], Any], Array]


@dataclass(frozen=True)
class Case:
    shapes: tuple[tuple[int, ...], ...]  # of the inputs
    params: dict[str, Any]
    smooth: bool = True  # differences approximate the derivative


@dataclass(frozen=True)
class Sample:
    name: str
    cases: Sequence[Case]
    draws: tuple[Draw, ...]  # one for each input; the last one serves all further inputs
    oracle: Callable[..., Any]  # (*arrays, **params) -> the result, in any precision that is good enough
    call: Callable[..., Any]  # (*tensors, **params) -> tensor, as a user writes it
    keeps: tuple[str, ...]  # for each input: the names of the values kept when its gradient alone is wanted

    @property
    def primitive(self):
        return PRIMITIVES[self.name]

    def inputs(self, case: Case, seed: int, dtype: Any = np.float64) -> list[Array]:
        rng = np.random.default_rng(seed)
        draws = itertools.chain(self.draws, itertools.repeat(self.draws[-1] if self.draws else None))
        return [draw(rng, shape, np.dtype(dtype)) for draw, shape in zip(draws, case.shapes, strict=False)]

    def __repr__(self) -> str:
        return self.name


# ---------------------------------------------------------------- drawing inputs


def real(rng, shape, dtype):
    return np.asarray(rng.normal(size=shape)).astype(dtype)


def positive(rng, shape, dtype):
    return np.asarray(rng.uniform(0.5, 2.0, shape)).astype(dtype)


def nonzero(rng, shape, dtype):
    return np.asarray(rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape)).astype(dtype)


def few(rng, shape, dtype):
    """Small whole numbers, so that there are ties."""
    return np.asarray(rng.integers(-2, 3, shape)).astype(dtype)


def distinct(rng, shape, dtype):
    """Numbers at least 0.1 apart, in random order."""
    return np.asarray(0.1 * rng.permutation(math.prod(shape)).reshape(shape) - 1.0).astype(dtype)


def boolean(rng, shape, dtype):
    return np.asarray(rng.random(shape) < 0.5)


def index(size: int) -> Draw:
    return lambda rng, shape, dtype: np.asarray(rng.integers(0, size, shape))


def state(rng, shape, dtype):
    return rng.integers(1000, size=shape).astype(np.uint64)


# ---------------------------------------------------------------- oracles


def each(f: Callable[..., Any]) -> Callable[..., Array]:
    """An oracle that applies a Python function to the Python numbers of each place."""

    def oracle(*arrays, **params):
        numbers = zip(*(x.ravel().tolist() for x in arrays), strict=True)
        return np.array([f(*row, **params) for row in numbers]).reshape(arrays[0].shape)

    return oracle


def over_axes(f: Callable[[list[Any]], Any]) -> Callable[..., Array]:
    """An oracle that reduces: f of the list of values, row-major over the axes as they are given."""

    def oracle(x, *, axis, **_):
        shape = [1 if i in axis else n for i, n in enumerate(x.shape)]
        out = []
        for place in np.ndindex(*shape):
            values = []
            for inner in itertools.product(*(range(x.shape[i]) for i in axis)):
                full = list(place)
                for i, p in zip(axis, inner, strict=True):
                    full[i] = p
                values.append(x[tuple(full)].item())
            out.append(f(values))
        return np.array(out).reshape(shape)

    return oracle


def from_place(shape_of: Callable[..., Any], source: Callable[..., Any]) -> Callable[..., Array]:
    """An oracle that moves: y[place] = x[source(place)]."""

    def oracle(x, **params):
        shape = shape_of(x.shape, **params)
        return np.array([x[tuple(source(place, x.shape, **params))] for place in np.ndindex(*shape)]).reshape(shape)

    return oracle


def padded(x, *, width, interior, value):
    shape = [n + max(n - 1, 0) * gap + low + high for n, (low, high), gap in zip(x.shape, width, interior, strict=True)]
    out = np.full(shape, value, x.dtype)
    for place in np.ndindex(*x.shape):
        out[tuple(low + p * (gap + 1) for p, (low, _), gap in zip(place, width, interior, strict=True))] = x[place]
    return out


def concatenated(*xs, axis):
    rows = [row for x in xs for row in np.moveaxis(x, axis, 0)]
    shape = [len(rows) if i == axis else n for i, n in enumerate(xs[0].shape)]
    return np.moveaxis(
        np.array(rows).reshape([len(rows), *xs[0].shape[:axis], *xs[0].shape[axis + 1 :]]), 0, axis
    ).reshape(shape)


def gathered(x, index):
    out = np.empty((*index.shape, *x.shape[1:]))
    for place in np.ndindex(*index.shape):
        out[place] = x[index[place]]
    return out


def scattered(x, index, *, size):
    out = np.zeros((size, *x.shape[index.ndim :]))
    for place in np.ndindex(*index.shape):
        out[index[place]] += x[place]
    return out


def numbered(*, shape, axis, dtype):
    out = np.empty(shape, dtype)
    for place in np.ndindex(*shape):
        number = 0
        for i in axis:
            number = number * shape[i] + place[i]
        out[place] = number
    return out


def windowed(x, *, kernel, stride, dilation):
    lead = x.ndim - len(kernel)
    counts = [
        len(range(0, n - d * (k - 1), s)) for n, k, s, d in zip(x.shape[lead:], kernel, stride, dilation, strict=True)
    ]
    out = np.empty((*x.shape[:lead], *counts, *kernel))
    for place in np.ndindex(*out.shape):
        front, window, tap = place[:lead], place[lead : lead + len(kernel)], place[lead + len(kernel) :]
        out[place] = x[(*front, *(s * i + d * u for i, u, s, d in zip(window, tap, stride, dilation, strict=True)))]
    return out


def folded(w, *, stride, dilation, size):
    lead = w.ndim - 2 * len(size)
    out = np.zeros((*w.shape[:lead], *size))
    for place in np.ndindex(*w.shape):
        front, window, tap = place[:lead], place[lead : lead + len(size)], place[lead + len(size) :]
        out[(*front, *(s * i + d * u for i, u, s, d in zip(window, tap, stride, dilation, strict=True)))] += w[place]
    return out


def accumulated(x, *, axis):
    out = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        for k in range(place[axis] + 1):
            out[place] += x[(*place[:axis], k, *place[axis + 1 :])]
    return out


def drawn(state, *, shape, bits):
    """The words of NumPy's Philox from the start of the stream, cut into 32 or 64 bits by hand."""
    seed, position = map(int, state)
    width = 32 if bits <= 32 else 64
    count = math.prod(shape)
    stream = np.random.Philox(key=seed).random_raw(position + count)[position:].tolist()
    parts = [word >> low & (1 << width) - 1 for word in stream for low in range(0, 64, width)]
    return np.array([part >> width - bits for part in parts[:count]], f"u{width // 8}").reshape(shape)


def converted(v, dtype):
    if dtype == np.float32:
        return struct.unpack("f", struct.pack("f", v))[0]
    return {"f": float, "i": int, "b": bool}[dtype.kind](v)


def logarithm_power(a, b):
    return math.exp(b * math.log(a))


# ---------------------------------------------------------------- the rows

SHAPES = [(), (1,), (0,), (2, 0, 3), (5,), (2, 3, 2), (2, 1, 3, 2)]


def elementwise(name, oracle, call, draws=(real,), keeps=("",)):
    """A row for an elementwise primitive, with an oracle on Python numbers."""
    cases = [Case((shape,) * len(draws), {}) for shape in SHAPES]
    return Sample(name, cases, draws, each(oracle), call, keeps)


def one_input(*pairs, smooth=True):
    return [Case((shape,), params, smooth) for shape, params in pairs]


def reductions(**params):
    places = [
        ((1,), (0,)),
        ((5,), (0,)),
        ((0, 3), (1,)),
        ((2, 3, 2), (1,)),
        ((2, 3, 2), (0, 2)),
        ((2, 3, 2), (0, 1, 2)),
        ((2, 1, 3, 2), (1, 3)),
    ]
    return one_input(*((shape, {"axis": axis, **params}) for shape, axis in places))


PAIR = (real, real)
F4, F8, I8, B1 = map(np.dtype, ("f4", "f8", "i8", "?"))

SAMPLES = [
    elementwise("neg", operator.neg, lambda x: -x),
    elementwise("add", operator.add, lambda a, b: a + b, PAIR, ("", "")),
    elementwise("sub", operator.sub, lambda a, b: a - b, PAIR, ("", "")),
    elementwise("mul", operator.mul, lambda a, b: a * b, PAIR, ("b", "a")),
    elementwise("times", operator.mul, lambda a, b: a.times(b), PAIR, ("a b", "a")),
    elementwise("div", operator.truediv, lambda a, b: a / b, (real, nonzero), ("b", "b y")),
    elementwise("square", lambda v: v * v, lambda x: x**2, keeps=("x",)),
    elementwise("sqrt", math.sqrt, lambda x: x.sqrt(), (positive,), ("y",)),
    elementwise("exp", math.exp, lambda x: x.exp(), keeps=("y",)),
    elementwise("log", math.log, lambda x: x.log(), (positive,), ("x",)),
    elementwise("sin", math.sin, lambda x: x.sin(), keeps=("x",)),
    elementwise("cos", math.cos, lambda x: x.cos(), keeps=("x",)),
    elementwise("tanh", math.tanh, lambda x: x.tanh(), keeps=("y",)),
    elementwise("erf", math.erf, lambda x: x.erf(), keeps=("x",)),
    elementwise("floor", math.floor, lambda x: x.floor()),
    elementwise("pow", logarithm_power, lambda a, b: a**b, (positive, real), ("a b", "a y")),
    elementwise("maximum", max, lambda a, b: a.maximum(b), PAIR, ("a b", "a b")),
    elementwise("equal", operator.eq, lambda a, b: a == b, (few, few), ("", "")),
    elementwise("less", operator.lt, lambda a, b: a < b, (few, few), ("", "")),
    elementwise("less_equal", operator.le, lambda a, b: a <= b, (few, few), ("", "")),
    elementwise(
        "where", lambda c, a, b: a if c else b, lambda c, a, b: c.where(a, b), (boolean, real, real), ("", "c", "c")
    ),
    Sample(
        "cast",
        one_input(*((shape, {"dtype": F8}) for shape in SHAPES))
        + one_input(*((shape, {"dtype": dtype}) for shape in SHAPES for dtype in (F4, I8, B1)), smooth=False),
        (real,),
        each(converted),
        lambda x, dtype: x.astype(dtype),
        ("",),
    ),
    Sample(
        "reshape",
        one_input(
            ((), {"shape": (1, 1)}),
            ((1,), {"shape": ()}),
            ((0, 3), {"shape": (2, 0)}),
            ((6,), {"shape": (2, 3)}),
            ((2, 3, 2), {"shape": (4, 3)}),
            ((2, 1, 3, 2), {"shape": (12,)}),
        ),
        (real,),
        lambda x, shape: np.array(x.ravel().tolist()).reshape(shape),
        lambda x, shape: x.reshape(shape),
        ("",),
    ),
    Sample(
        "permute",
        one_input(
            ((), {"axes": ()}),
            ((3,), {"axes": (0,)}),
            ((0, 3), {"axes": (1, 0)}),
            ((2, 3, 2), {"axes": (2, 0, 1)}),
            ((2, 1, 3, 2), {"axes": (0, 3, 2, 1)}),
        ),
        (real,),
        from_place(
            lambda shape, axes: [shape[a] for a in axes],
            lambda place, shape, axes: [place[axes.index(i)] for i in range(len(axes))],
        ),
        lambda x, axes: x.permute(axes),
        ("",),
    ),
    Sample(
        "expand",
        one_input(
            ((), {"shape": (2, 3)}),
            ((), {"shape": (0,)}),
            ((1,), {"shape": (0,)}),
            ((1, 1), {"shape": (1, 1, 1)}),
            ((0, 1), {"shape": (2, 0, 3)}),
            ((3,), {"shape": (2, 3)}),
            ((2, 1, 2), {"shape": (2, 3, 2)}),
            ((1, 3, 1), {"shape": (2, 1, 3, 2)}),
        ),
        (real,),
        from_place(
            lambda _, shape: shape,
            lambda place, old, shape: [
                p if n > 1 else 0 for p, n in zip(place[len(shape) - len(old) :], old, strict=True)
            ],
        ),
        lambda x, shape: x.expand(shape),
        ("",),
    ),
    Sample(
        "pad",
        one_input(
            ((), {"width": (), "interior": (), "value": 0.0}),
            ((1,), {"width": ((1, 2),), "interior": (3,), "value": -1.0}),
            ((0,), {"width": ((2, 1),), "interior": (1,), "value": 1.5}),
            ((5,), {"width": ((0, 0),), "interior": (2,), "value": 0.0}),
            ((2, 3, 2), {"width": ((0, 1), (2, 0), (1, 1)), "interior": (0, 0, 0), "value": 2.0}),
            ((2, 1, 3, 2), {"width": ((0, 0), (0, 0), (1, 2), (0, 1)), "interior": (0, 2, 1, 0), "value": 0.0}),
        )
        + one_input(((2, 3), {"width": ((1, 0), (0, 2)), "interior": (0, 1), "value": -math.inf}), smooth=False),
        (real,),
        padded,
        lambda x, width, interior, value: x.pad(width, value, interior),
        ("",),
    ),
    Sample(
        "slice",
        one_input(
            ((), {"start": (), "stop": (), "step": ()}),
            ((1,), {"start": (0,), "stop": (1,), "step": (1,)}),
            ((0, 3), {"start": (0, 1), "stop": (0, 3), "step": (1, 1)}),
            ((5,), {"start": (1,), "stop": (5,), "step": (3,)}),
            ((5,), {"start": (2,), "stop": (2,), "step": (1,)}),
            ((2, 3, 2), {"start": (1, 0, 0), "stop": (2, 3, 2), "step": (1, 2, 1)}),
            ((2, 1, 3, 2), {"start": (0, 0, 1, 1), "stop": (2, 1, 3, 2), "step": (2, 1, 1, 1)}),
        ),
        (real,),
        from_place(
            lambda _, start, stop, step: [len(range(*part)) for part in zip(start, stop, step, strict=True)],
            lambda place, _, start, stop, step: [a + s * p for p, a, s in zip(place, start, step, strict=True)],
        ),
        lambda x, start, stop, step: x.slice(start, stop, step),
        ("",),
    ),
    Sample(
        "flip",
        one_input(
            ((1,), {"axis": (0,)}),
            ((0, 3), {"axis": (0, 1)}),
            ((5,), {"axis": (0,)}),
            ((2, 3, 2), {"axis": (0, 2)}),
            ((2, 1, 3, 2), {"axis": (2,)}),
        ),
        (real,),
        from_place(
            lambda shape, axis: shape,
            lambda place, shape, axis: [shape[i] - 1 - p if i in axis else p for i, p in enumerate(place)],
        ),
        lambda x, axis: x.flip(axis),
        ("",),
    ),
    Sample(
        "concatenate",
        [
            Case(((1,), (1,)), {"axis": 0}),
            Case(((0,), (3,), (0,)), {"axis": 0}),
            Case(((2, 3), (2, 1)), {"axis": 1}),
            Case(((2, 2, 2), (2, 1, 2), (2, 3, 2)), {"axis": 1}),
            Case(((1, 2, 1, 3), (2, 2, 1, 3)), {"axis": 0}),
        ],
        (real,),
        concatenated,
        lambda *xs, axis: tg.concatenate(xs, axis),
        ("",),
    ),
    Sample(
        "windows",
        one_input(
            ((1,), {"kernel": (1,), "stride": (1,), "dilation": (1,)}),
            ((5,), {"kernel": (2,), "stride": (1,), "dilation": (2,)}),
            ((0, 4), {"kernel": (3,), "stride": (1,), "dilation": (1,)}),
            ((2, 2), {"kernel": (3,), "stride": (1,), "dilation": (1,)}),
            ((2, 4, 5), {"kernel": (2, 3), "stride": (2, 1), "dilation": (1, 1)}),
            ((1, 2, 4, 3), {"kernel": (2, 2), "stride": (1, 2), "dilation": (2, 1)}),
        ),
        (real,),
        windowed,
        lambda x, kernel, stride, dilation: x.windows(kernel, stride, dilation),
        ("",),
    ),
    Sample(
        "fold",
        one_input(
            ((1, 1), {"stride": (1,), "dilation": (1,), "size": (1,)}),
            ((3, 2), {"stride": (1,), "dilation": (2,), "size": (5,)}),
            ((3, 2), {"stride": (1,), "dilation": (1,), "size": (7,)}),
            ((0, 2, 3), {"stride": (1,), "dilation": (1,), "size": (4,)}),
            ((2, 0, 3), {"stride": (1,), "dilation": (1,), "size": (2,)}),
            ((2, 3, 2), {"stride": (2,), "dilation": (1,), "size": (6,)}),
            ((1, 2, 2, 2, 2, 2), {"stride": (1, 2), "dilation": (2, 1), "size": (4, 5)}),
        ),
        (real,),
        folded,
        lambda w, stride, dilation, size: w.fold(stride, dilation, size),
        ("",),
    ),
    Sample(
        "sum",
        [
            *reductions(),
            *one_input(((), {"axis": ()}), ((5,), {"axis": ()}), ((0,), {"axis": (0,)}), ((2, 0), {"axis": (0, 1)})),
        ],
        (real,),
        over_axes(math.fsum),
        lambda x, axis: x.sum(axis, keepdims=True),
        ("",),
    ),
    Sample(
        "max",
        [case for ties in ("even", "first") for case in reductions(ties=ties)],
        (distinct,),
        over_axes(max),
        lambda x, axis, ties: x.max(axis, keepdims=True, ties=ties),
        ("x y",),
    ),
    Sample(
        "argmax",
        [
            *reductions(dtype=I8),
            *one_input(((2, 3, 2), {"axis": (2, 0), "dtype": np.dtype("u1")}), ((), {"axis": (), "dtype": I8})),
        ],
        (few,),
        over_axes(lambda values: values.index(max(values))),
        lambda x, axis, dtype: x.argmax_kept(axis, dtype),
        ("",),
    ),
    Sample(
        "cumsum",
        one_input(
            *(
                (shape, {"axis": axis})
                for shape, axis in [((1,), 0), ((5,), 0), ((0, 2), 0), ((2, 3, 2), 1), ((2, 1, 3, 2), 2)]
            )
        ),
        (real,),
        accumulated,
        lambda x, axis: x.cumsum(axis),
        ("",),
    ),
    Sample(
        "contract",
        [
            Case((a, b), {"spec": spec})
            for spec, a, b in [
                ("a,a->", (3,), (3,)),
                (",->", (), ()),
                ("a,->a", (3,), ()),
                ("a,b->ba", (2,), (3,)),
                ("ij,jk->ik", (2, 3), (3, 2)),
                ("ij,jk->ik", (1, 1), (1, 1)),
                ("ij,jk->ik", (2, 0), (0, 2)),
                ("ij,jk->ik", (0, 2), (2, 3)),
                ("bij,bkj->bki", (2, 2, 3), (2, 2, 3)),
                ("ncijuv,ocuv->noij", (1, 2, 2, 1, 2, 2), (2, 2, 2, 2)),
            ]
        ],
        PAIR,
        lambda a, b, spec: np.einsum(spec, a, b),
        lambda a, b, spec: a.contract(b, spec),
        ("b", "a"),
    ),
    Sample(
        "gather",
        [
            Case(((3,), ()), {}),
            Case(((3, 2), (5,)), {}),
            Case(((3, 0), (2,)), {}),
            Case(((3,), (0,)), {}),
            Case(((3, 2), (2, 1, 2)), {}),
        ],
        (real, index(3)),
        gathered,
        lambda x, index: x.gather(index),
        ("index", ""),
    ),
    Sample(
        "scatter_add",
        [
            Case(((), ()), {"size": 3}),
            Case(((5, 2), (5,)), {"size": 4}),
            Case(((0,), (0,)), {"size": 3}),
            Case(((2, 2, 2), (2, 2)), {"size": 3}),
            Case(((2, 1, 2, 2), (2, 1)), {"size": 3}),
        ],
        (real, index(3)),
        scattered,
        lambda x, index, size: x.scatter_add(index, size),
        ("index", ""),
    ),
    Sample(
        "iota",
        [
            Case((), {"shape": shape, "axis": axis, "dtype": np.dtype(dtype)})
            for shape, axis, dtype in [
                ((), (), "i8"),
                ((1,), (0,), "u1"),
                ((0, 2), (1,), "i8"),
                ((5,), (0,), "f4"),
                ((2, 3, 2), (2, 0), "i8"),
                ((2, 1, 3, 2), (1, 2), "u1"),
            ]
        ],
        (),
        numbered,
        lambda shape, axis, dtype: tg.zeros(shape).iota(axis, dtype),
        (),
    ),
    Sample(
        "random_bits",
        [
            Case(((2,),), {"shape": shape, "bits": bits})
            for shape, bits in [((), 24), ((1,), 1), ((0, 2), 32), ((5,), 32), ((2, 3, 3), 53), ((2, 1, 3, 2), 64)]
        ],
        (state,),
        drawn,
        lambda state, shape, bits: _generator(state).bits(shape, bits),
        ("",),
    ),
]


def _generator(state):
    generator = Generator()
    generator.state.assign(state)
    return generator


ROWS = {sample.name: sample for sample in SAMPLES}


# ---------------------------------------------------------------- memory layouts: the same values, held in another way


def _strided(x):
    wide = np.zeros([2 * n for n in x.shape], x.dtype)
    view = wide[(Ellipsis, *[slice(None, None, 2)] * x.ndim)]
    view[...] = x
    return view


def _channels_last(x):
    order = (0, *range(2, x.ndim), 1) if x.ndim > 2 else tuple(range(x.ndim))
    inverse = sorted(range(x.ndim), key=order.__getitem__)
    return x.transpose(order).copy().transpose(inverse)


def _interior(x):
    wide = np.zeros([n + 2 for n in x.shape], x.dtype)
    view = wide[(Ellipsis, *[slice(1, -1)] * x.ndim)]
    view[...] = x
    return view


def _read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "C": np.ndarray.copy,
    "Fortran": lambda x: x.copy(order="F"),
    "strided": _strided,
    "negative strides": lambda x: np.flip(np.flip(x).copy()),
    "channels last": _channels_last,
    "interior": _interior,
    "read-only": _read_only,
}

# values that repeat, held by stride 0: of other values than the array they are made from
BROADCASTS = {
    "broadcast first axis": lambda x: np.broadcast_to(x[:1], x.shape) if x.size and x.ndim else x,
    "broadcast last axis": lambda x: np.broadcast_to(x[..., :1], x.shape) if x.size and x.ndim else x,
    "broadcast number": lambda x: np.broadcast_to(x.ravel()[:1].reshape(()), x.shape) if x.size else x,
}

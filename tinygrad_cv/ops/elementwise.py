"""Elementwise primitives. Their inputs share one shape and, but for conditions, one dtype: broadcasting is ``expand``.

A VJP is a row of a calculus table. It multiplies by ``times``, for which zero times anything is zero, even infinity or
NaN: so a branch that ``where`` did not take contributes exactly nothing to a gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.primitive import Aval, Primitive, define
from .arrays import HALF, SMALL, allocate, blocks, broadcast, collapse, memory_order

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

BOOL = np.dtype(bool)


def elementwise(
    name: str, ufunc: Callable[..., Any], formula: str, *vjps: Callable[..., Any] | None, dtype: np.dtype | None = None
) -> Primitive:
    """Define an elementwise primitive of one or two inputs."""
    inputs = ("x",) if len(vjps) == 1 else ("a", "b")
    return define(
        name,
        eval=_collapsing(ufunc, dtype),
        aval=lambda *avals: Aval(avals[0].shape, dtype or avals[0].dtype),
        inputs=inputs,
        vjps=vjps,
        family="elementwise",
        formula=formula,
    )


def _collapsing(ufunc: Callable[..., Any], dtype: np.dtype | None) -> Callable[..., Any]:
    """Compute on the values before broadcasting, where all inputs are broadcast."""

    def evaluate(*arrays: np.ndarray) -> np.ndarray:
        first = arrays[0]
        if first.size > SMALL:
            if smaller := collapse(*arrays):
                return broadcast(np.asarray(ufunc(*smaller)), first.shape)
            if all(0 in array.strides for array in arrays):  # an outer product: NumPy would choose C order
                kept = max(
                    arrays, key=lambda array: math.prod(array.shape[i] for i, n in enumerate(array.strides) if n)
                )
                order = sorted(memory_order(kept), key=lambda axis: kept.strides[axis] != 0)
                return ufunc(*arrays, out=allocate(first.shape, dtype or first.dtype, order))
        return ufunc(*arrays)

    return evaluate


def _times(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    product = np.multiply(a, b, out=out)
    flat = product if product.ndim == 1 else product.ravel(order="K")
    if math.isfinite(np.dot(flat, flat)):  # the usual case: nothing to correct
        return product
    return np.where(a == 0, a, product)


def over(g: Tensor, d: Tensor) -> Tensor:
    """g / d, and 0 where g is 0, whatever d is."""
    return g.times(1.0 / d)


def product(a: Tensor, b: Tensor) -> Tensor:
    """a b, and 0 where one factor is 0, whatever the other is: the limit for two factors of a derivative."""
    return ((b == 0.0) & (a - a != 0.0)).where(0.0, a).times(b)


neg = elementwise("neg", np.negative, "-x", lambda g: -g)
add = elementwise("add", np.add, "a + b", lambda g: g, lambda g: g)
sub = elementwise("sub", np.subtract, "a - b", lambda g: g, lambda g: -g)
mul = elementwise("mul", np.multiply, "a b", lambda g, b: g.times(b), lambda g, a: g.times(a))
times = elementwise(
    "times",
    _times,
    "a b, and 0 where a = 0",
    lambda g, a, b: g.times((a == 0.0).where((b - b == 0.0).where(b, 0.0), b)),  # constant where b is infinite or NaN
    lambda g, a: g.times(a),
)
div = elementwise("div", np.divide, "a / b", lambda g, b: over(g, b), lambda g, y, b: -over(g.times(y), b))
square = elementwise("square", np.square, "x²", lambda g, x: (g + g).times(x))
sqrt = elementwise("sqrt", np.sqrt, "√x", lambda g, y: over(g, 2.0 * (y + 0.0)))  # at -0 as at 0: +∞
exp = elementwise("exp", np.exp, "eˣ", lambda g, y: g.times(y))
log = elementwise("log", np.log, "ln x", lambda g, x: over(g, x + 0.0))  # at -0 as at 0: +∞
sin = elementwise("sin", np.sin, "sin x", lambda g, x: g.times(x.cos()))
cos = elementwise("cos", np.cos, "cos x", lambda g, x: -g.times(x.sin()))
tanh = elementwise("tanh", np.tanh, "tanh x", lambda g, y: g.times(1.0 - y.square()))
floor = elementwise("floor", np.floor, "⌊x⌋", None)
pow = elementwise(
    "pow",
    np.power,
    "aᵇ",
    lambda g, a, b: g.times(product(b, a ** (b - 1.0))),
    lambda g, y, a: g.times(((a == 0.0) & (y - y == 0.0)).where(0.0, y.times(a.log()))),  # 0ᵇ is finite: not for b < 0
)
maximum = elementwise(
    "maximum",
    np.maximum,
    "max(a, b)",
    lambda g, a, b: (a == b).where(0.5 * g, (a < b).where(0.0, g)),  # a tie: half to each
    lambda g, a, b: (a == b).where(0.5 * g, (b < a).where(0.0, g)),
)
equal = elementwise("equal", np.equal, "a = b", None, None, dtype=BOOL)
less = elementwise("less", np.less, "a < b", None, None, dtype=BOOL)
less_equal = elementwise("less_equal", np.less_equal, "a ≤ b", None, None, dtype=BOOL)


# ---------------------------------------------------------------- where, cast, erf: slow or missing in NumPy


def _where(c: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``np.where`` mispredicts a branch for every other element of a random mask; bit masks have no branches."""
    if a.size <= SMALL or a.dtype.kind != "f" or a.dtype.itemsize not in (4, 8):
        return np.where(c, a, b)
    bits = np.dtype(f"i{a.dtype.itemsize}")
    dense = next((array for array in (c, a, b) if 0 not in array.strides), c)
    out = allocate(a.shape, a.dtype, memory_order(dense))
    mask, operands = c.view(np.int8), [a.view(bits), b.view(bits)]
    if _is_zero(a):
        for piece, m, kept in blocks(out.view(bits), mask, operands[1]):
            np.bitwise_and(kept, np.subtract(m, 1).astype(bits), out=piece)  # 0 - 1 has all bits set
    elif _is_zero(b):
        for piece, m, kept in blocks(out.view(bits), mask, operands[0]):
            np.bitwise_and(kept, np.negative(m).astype(bits), out=piece)
    else:
        for piece, m, first, second in blocks(out.view(bits), mask, *operands):
            np.bitwise_and(first ^ second, np.negative(m).astype(bits), out=piece)
            np.bitwise_xor(second, piece, out=piece)
    return out


def _is_zero(array: np.ndarray) -> bool:
    """Whether all elements are one broadcast +0."""
    return not any(array.strides) and math.copysign(1.0, first := array[(0,) * array.ndim]) == 1.0 and first == 0.0


where = define(
    "where",
    eval=_where,
    aval=lambda c, a, b: a,
    inputs=("c", "a", "b"),
    vjps=[None, lambda g, c: c.where(g, 0.0), lambda g, c: c.where(0.0, g)],
    family="elementwise",
    formula="a where c, else b",
)


def _cast(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return integers(x, dtype) if x.dtype.kind == "f" and dtype.kind in "iu" else x.astype(dtype, copy=False)


def integers(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Floats as integers: rounded towards 0, saturating, NaN as 0. NumPy's results depend on the machine."""
    x = x.astype(np.float32) if x.dtype == HALF else x  # float16 does not hold the range of int32
    limits = np.iinfo(dtype)
    low, above = x.dtype.type(limits.min), x.dtype.type(2.0 ** int(limits.max).bit_length())
    with np.errstate(invalid="ignore"):
        whole = x.astype(dtype)
        inside = (x > low - 1) & (x < above)
    if inside.all():
        return whole
    least, most, none = (np.array(n, dtype) for n in (limits.min, limits.max, 0))
    return np.where(inside, whole, np.where(x >= above, most, np.where(x <= low, least, none)))


cast = define(
    "cast",
    eval=_cast,
    aval=lambda x, *, dtype: Aval(x.shape, dtype),
    inputs=("x",),
    vjps=[lambda g, x_dtype: g.astype(x_dtype)],
    family="elementwise",
    formula="x as dtype",
)


def _erf(x: np.ndarray) -> np.ndarray:
    """erf, accurate to the last digits: its Maclaurin series below 1, a series fitted to ``math.erfc`` above."""
    near, far = _erf_series()
    z = np.abs(x, dtype=np.float64) if x.dtype.kind == "f" and x.dtype.itemsize <= 8 else np.abs(x)
    small = np.minimum(z, 1.0)
    large = np.clip(z, 1.0, 6.0)
    inner = small * near(small * small)
    outer = 1.0 - np.exp(-large * large) * far(_squeeze(large))
    return np.copysign(np.where(z < 1.0, inner, np.where(z >= 1.0, outer, z)), x).astype(x.dtype)


def _squeeze(z: Any) -> Any:
    """Map [1, 6] to [-1, 1] linearly in 1 / (1 + z), in which erfc(z) exp(z²) is nearly linear."""
    low, high = 1.0 / 7.0, 1.0 / 2.0
    return (2.0 / (1.0 + z) - (low + high)) / (high - low)


_series: list[Any] = []


def _erf_series() -> list[Any]:
    if not _series:
        chebyshev = np.polynomial.chebyshev.Chebyshev
        near = [(-1) ** n * 2.0 / math.sqrt(math.pi) / (math.factorial(n) * (2 * n + 1)) for n in range(18)]
        nodes = np.cos(np.pi * (np.arange(64) + 0.5) / 64)
        low, high = 1.0 / 7.0, 1.0 / 2.0
        large = 2.0 / (nodes * (high - low) + (low + high)) - 1.0
        far = [math.erfc(z) * math.exp(z * z) for z in large]
        _series[:] = [np.polynomial.Polynomial(near), chebyshev.fit(nodes, far, 26, domain=[-1, 1])]
    return _series


erf = elementwise("erf", _erf, "erf x", lambda g, x: g.times((2.0 / math.sqrt(math.pi)) * (-x.square()).exp()))

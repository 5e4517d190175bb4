"""NumPy's functions that act on each element by itself: ufuncs, choices by a condition, rounding."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.errors import ShapeError
from ..elementary import LN2, ElementaryMethods
from ..elementwise import ElementwiseMethods
from ..forward import Tensor
from ..movement import sizes_of
from ..products import matmul
from ..promotion import DOUBLE, cast, floating, together
from .operands import alike, as_tensor, filled, like_of, once, tensors

DEGREES = 180.0 / math.pi


def hyperbolic_pair(a: Tensor, b: Tensor) -> Tensor:
    """log2(2ᵃ + 2ᵇ)"""
    return (a * LN2).logaddexp(b * LN2) * (1.0 / LN2)


def negative_sign(x: Tensor) -> Tensor:
    """Where the sign is negative, that of -0.0 too; of NaN it is not seen."""
    if x.dtype.kind in "ub":
        return filled(x, False, bool)
    return (x < 0) | ((x == 0) & (1.0 / x < 0)) if x.dtype.kind == "f" else x < 0


def copysign(a: Tensor, b: Tensor) -> Tensor:
    a, b = together("copysign", a, b)
    size = abs(floating(a))
    return negative_sign(b).where(-size, size)


def heaviside(a: Tensor, b: Tensor) -> Tensor:
    """0 below 0, 1 above, b at 0."""
    a, b = together("heaviside", floating(a), b)
    return a.isnan().where(math.nan, (a == 0).where(b, (a > 0).astype(a.dtype)))


def fmod(a: Tensor, b: Tensor) -> Tensor:
    return a - (a / b).trunc() * b


def _fraction(x: Tensor) -> tuple[Tensor, Tensor]:
    """The fractional and the whole part; of an infinity 0 and itself."""
    x = floating(x)
    whole = x.trunc()
    return x.isinf().where(0.0, x - whole), whole


# where a tensor has a method of NumPy's name
METHODS: dict[str, Any] = {
    ufunc.__name__: method
    for group in (ElementwiseMethods, ElementaryMethods)
    for name, method in vars(group).items()
    if isinstance(ufunc := getattr(np, name, None), np.ufunc)
}
UFUNCS: dict[str, Callable[..., Any]] = once(
    METHODS
    | {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "divide": lambda a, b: a / b,
        "floor_divide": lambda a, b: a // b,
        "remainder": lambda a, b: a % b,
        "divmod": lambda a, b: (a // b, a % b),
        "power": lambda a, b: a**b,
        "float_power": lambda a, b: a.astype(np.float64) ** b.astype(np.float64),
        "negative": lambda x: -x,
        "positive": lambda x: +x,
        "conjugate": lambda x: +x,
        "fabs": abs,
        "reciprocal": lambda x: 1.0 / x,
        "rint": lambda x: x.round(),
        "logaddexp2": hyperbolic_pair,
        "deg2rad": lambda x: x * (1.0 / DEGREES),
        "radians": lambda x: x * (1.0 / DEGREES),
        "rad2deg": lambda x: x * DEGREES,
        "degrees": lambda x: x * DEGREES,
        "modf": _fraction,
        "copysign": copysign,
        "signbit": negative_sign,
        "heaviside": heaviside,
        "ldexp": lambda a, b: a * 2.0 ** b.astype(a.dtype),
        "fmax": lambda a, b: a.isnan().where(b, b.isnan().where(a, a.maximum(b))),
        "fmin": lambda a, b: a.isnan().where(b, b.isnan().where(a, a.minimum(b))),
        "fmod": fmod,
        "matmul": lambda a, b: a @ b,
        "vecdot": lambda a, b, axis=-1: vecdot(a, b, axis),
        "matvec": lambda a, b: matmul(a, b.expand_dims(-1)).squeeze(-1),
        "vecmat": lambda a, b: matmul(a.expand_dims(-2), b).squeeze(-2),
        "equal": lambda a, b: a == b,
        "not_equal": lambda a, b: a != b,
        "less": lambda a, b: a < b,
        "less_equal": lambda a, b: a <= b,
        "greater": lambda a, b: a > b,
        "greater_equal": lambda a, b: a >= b,
        "logical_and": lambda a, b: (a != 0) & (b != 0),
        "logical_or": lambda a, b: (a != 0) | (b != 0),
        "logical_xor": lambda a, b: (a != 0) != (b != 0),
        "logical_not": lambda x: x == 0,
    }
)


def vecdot(x1: Any, x2: Any, /, axis: int = -1) -> Tensor:
    x1, x2 = alike("vecdot", x1, x2)
    return (x1 * x2).sum(axis)


# ---------------------------------------------------------------- functions


def clip(a: Tensor, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    return a.clip(low, high) if isinstance(a, Tensor) else as_tensor(a, like_of((low, high))).clip(low, high)


def where(condition: Any, x: Any, y: Any, /) -> Tensor:
    mask = as_tensor(condition, like_of((condition, x, y)))
    return (mask if mask.dtype.kind == "b" else mask != 0).where(x, y)


def angle(z: Tensor, deg: bool = False) -> Tensor:
    """0 or π, the angle of a real number."""
    half = 180.0 if deg else math.pi
    z = floating(z.detach())
    return z.isnan().where(math.nan, (z < 0).astype(z.dtype) * half)


def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    a, b = (x.detach() for x in together("isclose", *tensors("isclose", a, b)))
    if a.dtype.kind != "f":
        a, b = cast(a, DOUBLE), cast(b, DOUBLE)
    near = (abs(a - b) <= atol + rtol * abs(b)) & b.isfinite()
    close = near | (a == b)
    return close | (a.isnan() & b.isnan()) if equal_nan else close


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    if len(condlist) != len(choicelist):
        raise ShapeError(
            f"np.select of {len(condlist)} conditions and {len(choicelist)} choices: there must be as many of each."
        )
    like = like_of((condlist, choicelist, (default,)))
    y = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        y = as_tensor(condition, like).where(choice, y)
    return y


def piecewise(x: Tensor, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Tensor:
    """Each function of all of x, of which those elements are taken where its condition is the last to hold."""
    one = x.ndim > 0 and not isinstance(condlist[0], (list, tuple, np.ndarray, Tensor))
    conditions = [as_tensor(c, x) for c in ([condlist] if one else condlist)]
    if len(funclist) not in (len(conditions), len(conditions) + 1):
        raise ShapeError(
            f"np.piecewise of {len(conditions)} conditions and {len(funclist)} functions: "
            "one for each condition, and at most one for the rest."
        )
    value = lambda f: f(x, *args, **kw) if callable(f) else f  # noqa: E731
    y: Any = filled(x, 0)
    if len(funclist) > len(conditions):
        y = filled(x, True, bool).where(value(funclist[-1]), y)
    for condition, function in zip(conditions, funclist, strict=False):
        y = condition.where(value(function), y)
    return y.astype(x.dtype)


def full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Tensor:
    like = like_of((a, fill_value))
    a = as_tensor(a, like)
    shape = a.shape if shape is None else sizes_of("np.full_like", (shape,))
    return as_tensor(fill_value, like).astype(a.dtype if dtype is None else dtype).expand(shape) + 0


FUNCTIONS: dict[str, Any] = {
    "clip": clip,
    "where": where,
    "nan_to_num": lambda x, nan=0.0, posinf=None, neginf=None: x.nan_to_num(nan, posinf, neginf),
    **dict.fromkeys(("round", "around"), lambda a, decimals=0: a.round(decimals)),
    "fix": lambda x: x.trunc(),
    "sinc": lambda x: x.sinc(),
    "angle": angle,
    "isclose": isclose,
    "isposinf": lambda x: x == math.inf,
    "isneginf": lambda x: x == -math.inf,
    "iscomplex": lambda x: filled(x, False, bool),
    "isreal": lambda x: filled(x, True, bool),
    "real": lambda val: val,
    "real_if_close": lambda a, tol=100: a,
    "imag": lambda val: filled(val, 0),
    "select": select,
    "piecewise": piecewise,
    "full_like": full_like,
    "copy": lambda a: a.clone(),
    "astype": lambda x, dtype: x.astype(dtype),
}

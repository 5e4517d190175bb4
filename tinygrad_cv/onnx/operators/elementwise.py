"""Arithmetic, comparison, logic and elementary functions; two operands broadcast as NumPy's do."""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ...frontend.tensor import Tensor
from ..errors import OnnxError
from ..registry import operator


def quotient(a: Tensor, b: Tensor) -> Tensor:
    """a / b; of integers the part before the point."""
    if a.dtype.kind == "f":
        return a / b
    q = a // b
    if a.dtype.kind == "u":
        return q
    return ((a < 0) != (b < 0)).where((q * b == a).where(q, q + 1), q)  # ⌊a / b⌋ is one below


def power(a: Tensor, b: Tensor) -> Tensor:
    """aᵇ in the dtype of a."""
    if a.dtype.kind != "f" and b.dtype.kind == "f":
        return (a.astype(np.float64) ** b.astype(np.float64)).astype(a.dtype)
    if a.dtype.kind == "f":
        b = b.astype(a.dtype)
    return (a**b).astype(a.dtype)


BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "Add": python.add,
    "Sub": python.sub,
    "Mul": python.mul,
    "Div": quotient,
    "Pow": power,
    "Equal": python.eq,
    "Less": python.lt,
    "Greater": python.gt,
    "And": python.and_,
    "Or": python.or_,
    "Xor": python.ne,
}
LATER: dict[str, tuple[int, Callable[[Tensor, Tensor], Tensor]]] = {
    "LessOrEqual": (12, python.le),
    "GreaterOrEqual": (12, python.ge),
    "PRelu": (7, lambda x, slope: (x < 0).where(slope * x, x)),
}
UNARY: dict[str, tuple[int, Callable[[Tensor], Tensor]]] = {
    "Abs": (6, abs),
    "Neg": (6, python.neg),
    "Ceil": (6, Tensor.ceil),
    "Floor": (6, Tensor.floor),
    "Round": (11, Tensor.round),
    "Reciprocal": (6, lambda x: 1.0 / x),
    "Sqrt": (6, Tensor.sqrt),
    "Exp": (6, Tensor.exp),
    "Log": (6, Tensor.log),
    "Erf": (9, Tensor.erf),
    "Sin": (7, Tensor.sin),
    "Cos": (7, Tensor.cos),
    "Tan": (7, Tensor.tan),
    "Sinh": (9, Tensor.sinh),
    "Cosh": (9, Tensor.cosh),
    "Tanh": (6, Tensor.tanh),
    "Asinh": (9, Tensor.arcsinh),
    "Acosh": (9, Tensor.arccosh),
    "Atanh": (9, Tensor.arctanh),
    "Sign": (9, Tensor.sign),
    "Not": (1, python.invert),
    "IsNaN": (9, Tensor.isnan),
}


def _register() -> None:
    for name, function in BINARY.items():
        _two(name, 7, function)
        _aligned(name, function)
    for name, (since, function) in LATER.items():
        _two(name, since, function)
    for name, (since, unary) in UNARY.items():
        _one(name, since, unary)


def _one(name: str, since: int, function: Callable[[Tensor], Tensor]) -> None:
    @operator(name, since=since)
    def unary(x: Tensor) -> Tensor:
        return function(x)


def _two(name: str, since: int, function: Callable[[Tensor, Tensor], Tensor]) -> None:
    @operator(name, since=since)
    def binary(a: Tensor, b: Tensor) -> Tensor:
        return function(a, b)


def _aligned(name: str, function: Callable[[Tensor, Tensor], Tensor]) -> None:
    """The operator as it was before opset 7: b broadcasts only if asked to, and its first axis may be any of a's."""

    @operator(name, since=1)
    def binary(a: Tensor, b: Tensor, *, broadcast: bool = False, axis: int | None = None) -> Tensor:
        if not broadcast:
            if a.shape != b.shape:
                raise OnnxError(f"shapes {a.shape} and {b.shape}: without broadcast=1 they must be equal.")
            return function(a, b)
        after = 0 if axis is None else a.ndim - axis % max(a.ndim, 1) - b.ndim
        if after < 0:
            raise OnnxError(f"shapes {a.shape} and {b.shape}, axis={axis}: from there on there are too few axes.")
        return function(a, b.reshape(*b.shape, *(1,) * after))


_register()


@operator("Identity", since=1)
def identity(x: Any) -> Any:
    """x itself, which may be a sequence."""
    return x


@operator("Sum", since=6)
def total(*inputs: Tensor) -> Tensor:
    return reduce(python.add, inputs)


@operator("Mean", since=6)
def mean(*inputs: Tensor) -> Tensor:
    return reduce(python.add, inputs) / len(inputs)


@operator("Max", since=6)
def maximum(*inputs: Tensor) -> Tensor:
    return reduce(Tensor.maximum, inputs)


@operator("Min", since=6)
def minimum(*inputs: Tensor) -> Tensor:
    return reduce(Tensor.minimum, inputs)


@operator("Mod", since=10)
def modulo(a: Tensor, b: Tensor, *, fmod: bool) -> Tensor:
    """The remainder, with the sign of b; or with that of a, as C's fmod has it."""
    if not fmod:
        return a % b
    rest = abs(a) % abs(b)
    return rest if a.dtype.kind == "u" else (a < 0).where(-rest, rest)


@operator("IsInf", since=10)
def isinf(x: Tensor, *, detect_negative: bool, detect_positive: bool) -> Tensor:
    low = x == -np.inf if detect_negative else None
    high = x == np.inf if detect_positive else None
    if low is None:
        return x != x if high is None else high  # noqa: PLR0124
    return low if high is None else low | high


@operator("Where", since=9)
def where(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return condition.where(x, y)


@operator("Clip", since=6)
def clip_between(x: Tensor, *, min: float | None = None, max: float | None = None) -> Tensor:
    return x.clip(min, max)


@operator("Clip", since=11)
def clip(x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    return x.clip(low, high)


@operator("BitShift", since=11)
def bit_shift(x: Tensor, y: Tensor, *, direction: str) -> Tensor:
    """x · 2ʸ without the bits that are lost, or ⌊x / 2ʸ⌋; by more bits than x has, its sign."""
    if direction not in ("LEFT", "RIGHT"):
        raise OnnxError(f"direction={direction!r}: it must be LEFT or RIGHT.")
    bits = 8 * x.dtype.itemsize
    there, y = (y >= 0) & (y < bits), y.clip(0, bits - 1)
    two = x._new(np.array(2, x.dtype))
    if direction == "LEFT":
        return there.where(x * two**y, 0)
    half = x // two ** (y // 2)  # 2ʸ may be beyond the dtype's range
    return there.where(half // two ** (y - y // 2), -(x < 0).astype(x.dtype) if x.dtype.kind == "i" else 0)


def _bits(x: Tensor) -> Tensor:
    """The bits of integers along a last axis, the lowest first."""
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    powers = 2 ** np.arange(8 * x.dtype.itemsize, dtype=unsigned)
    return (x.astype(unsigned).expand_dims(-1) // x._new(powers)) % 2


def _from_bits(bits: Tensor, dtype: np.dtype) -> Tensor:
    powers = 2 ** np.arange(bits.shape[-1], dtype=np.uint64)
    return (bits.astype(np.uint64) * bits._new(powers)).sum(-1).astype(dtype)


@operator("BitwiseAnd", since=18)
def bitwise_and(a: Tensor, b: Tensor) -> Tensor:
    return _from_bits(_bits(a) * _bits(b), a.dtype)


@operator("BitwiseOr", since=18)
def bitwise_or(a: Tensor, b: Tensor) -> Tensor:
    return _from_bits(_bits(a).maximum(_bits(b)), a.dtype)


@operator("BitwiseXor", since=18)
def bitwise_xor(a: Tensor, b: Tensor) -> Tensor:
    return _from_bits((_bits(a) + _bits(b)) % 2, a.dtype)


@operator("BitwiseNot", since=18)
def bitwise_not(x: Tensor) -> Tensor:
    return -1 - x if x.dtype.kind == "i" else np.iinfo(x.dtype).max - x

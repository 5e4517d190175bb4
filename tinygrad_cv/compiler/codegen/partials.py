"""Partial results of reductions: the registers of one, their first values, and two partial results as one.

A sum or a maximum has one register. An argmax has two: a place, and the value there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..llvm.elementwise import maximum, select
from ..llvm.function import Function, number, vector_type
from ..schedule.expr import Reduce
from .memory import BOOL


def registers(reduction: Reduce) -> list[tuple[np.dtype, str]]:
    """The dtypes of a partial result's registers, with their first values."""
    source = reduction.args[0].dtype
    first = source, neutral(reduction, source)
    return [(reduction.dtype, number(reduction.dtype.type(0))), first] if reduction.kind == "argmax" else [first]


def neutral(reduction: Reduce, source: np.dtype) -> str:
    """What changes nothing: zero for a sum, the lowest number for a maximum."""
    if reduction.kind == "sum":
        return number(source.type(0))
    if source.kind == "f":
        return number(source.type(-np.inf))
    return number(source.type(False)) if source.kind == "b" else str(np.iinfo(source).min)


def combined(
    f: Function, reduction: Reduce, a: Sequence[str], b: Sequence[str], lanes: int, rising: bool = False
) -> list[str]:
    """Two partial results as one.

    Args:
        rising: the places of an argmax in ``b`` are above those in ``a``.
    """
    source = reduction.args[0].dtype
    if reduction.kind == "sum":
        word = {"f": "fadd", "b": "or"}.get(source.kind, "add")
        return [f.value(f"{word} {vector_type(source, lanes)} {a[0]}, {b[0]}")]
    if reduction.kind == "max":
        return [maximum(f, [a[0], b[0]], source, source, lanes)]
    (place, best), (other, value) = a, b
    better = _beats(f, value, best, source, lanes)
    if not rising:
        mask, true = vector_type(BOOL, lanes), f.splat("true", BOOL, lanes)
        earlier = f.value(f"icmp ult {vector_type(reduction.dtype, lanes)} {other}, {place}")
        worse = f.value(f"xor {mask} {_beats(f, best, value, source, lanes)}, {true}")
        better = f.value(f"or {mask} {better}, {f.value(f'and {mask} {worse}, {earlier}')}")
    return [
        select(f, better, other, place, reduction.dtype, lanes),
        select(f, better, value, best, source, lanes),
    ]


def _beats(f: Function, a: str, b: str, dtype: np.dtype, lanes: int) -> str:
    """Whether a is larger than b; NaN is larger than all numbers."""
    kind = vector_type(dtype, lanes)
    if dtype.kind != "f":
        return f.value(f"icmp {'sgt' if dtype.kind == 'i' else 'ugt'} {kind} {a}, {b}")
    larger = f.value(f"fcmp ugt {kind} {a}, {b}")  # or one of them is NaN
    return f.value(f"and {vector_type(BOOL, lanes)} {larger}, {f.value(f'fcmp ord {kind} {b}, {b}')}")

"""Partial results of reductions: the registers of one, their first values, two as one, and the lanes of several.

A sum or a maximum has one register. An argmax has two: a place, and the value there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from ..llvm.elementwise import maximum, select
from ..llvm.function import Function, number, scalar_type, vector_type
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
    return [  # no step waits for the comparison of the one before it
        select(f, better, other, place, reduction.dtype, lanes),
        maximum(f, [best, value], source, source, lanes),
    ]


def across_lanes(f: Function, reduction: Reduce, partials: Sequence[Sequence[str]], lanes: int) -> list[str]:
    """The results of several partial results: the lanes of each combined, half with half.

    Halves of two fit into one vector, so that both are combined at once; then quarters of four, and so on.
    """
    dtypes = [dtype for dtype, _ in registers(reduction)]
    vectors, held = [list(each) for each in partials], 1  # how many of them a vector holds, side by side
    while (width := lanes // held) > 1:
        starts = [0, lanes][: len(vectors)]
        first = [start + k * width + i for start in starts for k in range(held) for i in range(width // 2)]
        pairs = list(zip_longest(vectors[::2], vectors[1::2], fillvalue=vectors[-1]))
        vectors = []
        for pair in pairs:
            low, high = (
                [_picked(f, a, b, dtype, lanes, order) for a, b, dtype in zip(*pair, dtypes, strict=True)]
                for order in (first, [i + width // 2 for i in first])
            )
            vectors.append(combined(f, reduction, low, high, len(first)))
        lanes, held = len(first), held * len(starts)
    if held == 1:
        return [vector[0] for vector in vectors]
    return [_picked(f, v[0], v[0], dtypes[0], lanes, [k]) for v in vectors for k in range(held)][: len(partials)]


def _picked(f: Function, a: str, b: str, dtype: np.dtype, lanes: int, order: Sequence[int]) -> str:
    """The elements of two vectors with these numbers; the element itself, if it is one."""
    if len(order) > 1:
        return f.shuffle(a, b, scalar_type(dtype), lanes, order)
    return f.value(f"extractelement {vector_type(dtype, lanes)} {a}, i32 {order[0]}")


def _beats(f: Function, a: str, b: str, dtype: np.dtype, lanes: int) -> str:
    """Whether a is larger than b; NaN is larger than all numbers."""
    kind = vector_type(dtype, lanes)
    if dtype.kind != "f":
        return f.value(f"icmp {'sgt' if dtype.kind == 'i' else 'ugt'} {kind} {a}, {b}")
    larger = f.value(f"fcmp ugt {kind} {a}, {b}")  # or one of them is NaN
    return f.value(f"and {vector_type(BOOL, lanes)} {larger}, {f.value(f'fcmp ord {kind} {b}, {b}')}")

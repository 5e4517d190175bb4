"""Long sums in two stages, so that threads share them and the first stage is fused with what makes the addends.

Σ over n, i, j  =  Σ over n of Σ over i, j            reductions: first within each image
Σ over n, i, j  =  Σ over p of Σ over n', i, j        contractions: the images in p parts, n = (p n')
"""

from __future__ import annotations

import math

from ...ops.contraction import extents, parse
from ..graph import Builder, Graph, Value, rebuild
from ..terms import count, total

INNER = 64  # the least number of addends in the first stage of a sum
FLAT = 1 << 14  # the least number of addends of a sum along one axis that is cut into rows
MIN_PRODUCTS = 4096  # the least number of products in a sum of a contraction that is done in parts


def split_sums(graph: Graph, parts: int) -> Graph:
    """Do long sums in two stages; contractions in ``parts``."""

    def rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
        if value.op == "sum":
            return _sum(builder, args[0], tuple(a for a in value.params["axis"] if args[0].shape[a] > 1))
        if value.op == "contract" and value.dtype.kind == "f" and parts > 1:
            return _contract(builder, value, args, parts)
        return None

    return rebuild(graph, rule)


def _sum(builder: Builder, x: Value, axes: tuple[int, ...]) -> Value | None:
    if len(axes) > 1 and count(x, axes[1:]) >= INNER:
        return total(builder, total(builder, x, axes[1:]), axes[:1])
    if len(axes) == 1 and x.size == x.shape[axes[0]] >= FLAT:
        rows = next((n for n in range(128, 15, -1) if x.size % n == 0), 1)
        if rows > 1:
            table = builder.make("reshape", [x], {"shape": (rows, x.size // rows)})
            added = total(builder, total(builder, table, (1,)), (0,))
            return builder.make("reshape", [added], {"shape": (1,) * x.ndim})
    return None


def _contract(builder: Builder, value: Value, args: tuple[Value, ...], parts: int) -> Value | None:
    groups = parse(value.params["spec"])
    extent = extents(groups, *args)
    summed = math.prod(extent[i] for i in groups.contracted)
    if summed < MIN_PRODUCTS or value.size * 2 > args[0].size + args[1].size:
        return None
    letter = next((i for i in groups.contracted if extent[i] % parts == 0 and extent[i] > parts), None)
    if letter is None:
        return None
    spare = next(c for c in "zyxwvutsrqponmlkjihgfedcba" if c not in groups.a + groups.b)
    operands, terms = [], []
    for arg, term in zip(args, (groups.a, groups.b), strict=True):
        at = term.index(letter)
        shape = (*arg.shape[:at], parts, arg.shape[at] // parts, *arg.shape[at + 1 :])
        operands.append(builder.make("reshape", [arg], {"shape": shape}))
        terms.append(term[:at] + spare + term[at:])
    made = builder.make("contract", operands, {"spec": f"{terms[0]},{terms[1]}->{spare}{groups.y}"})
    return builder.make("reshape", [total(builder, made, (0,))], {"shape": value.shape})

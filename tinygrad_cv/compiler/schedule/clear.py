"""The pass that stores the zeros of large halos whenever a value takes up memory, so that others may use that memory.

Small halos hold zeros from the start, and only values of the same layout share their memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...ir.graph import Value
from .affine import Affine, Var, of
from .expr import Exprs
from .kernel import NestKernel, Plan, Step
from .layout import Layout
from .lives import lives_of, nbytes
from .nest import Nest, Store
from .steps import add

if TYPE_CHECKING:
    from ..runtime.target import Target

LARGE = 1 << 20  # bytes: the halos of values of as many are stored


def clear_halos(plan: Plan, target: Target) -> Plan:
    """The plan with kernels that store halos, in a step before the first one that uses the value."""
    lives = lives_of(plan)
    cleared = [v for v in lives if plan.layouts[v].halo and nbytes(plan.layouts[v]) >= LARGE]
    steps: list[Step] = []
    late = 0
    for number, step in enumerate(plan.steps):
        late = len(steps) if number == plan.late else late
        nests = [nest for v in cleared if lives[v][0] == number for nest in halo_nests(v, plan.layouts[v])]
        made: list[Step] = []
        add([NestKernel(nest, plan.layouts, target) for nest in nests], 0, made, plan.aliases)
        steps += [*made, step]
    return replace(plan, steps=steps, late=late if plan.late < len(plan.steps) else len(steps), cleared=set(cleared))


def halo_nests(value: Value, layout: Layout) -> list[Nest]:
    """The nests that store zeros on each side of each axis, each element of the halo once."""
    zero = Exprs().const(0, value.dtype)
    nests = []
    for axis in range(value.ndim):
        n = layout.shape[axis]
        for start, width in ((-layout.low[axis], layout.low[axis]), (n, layout.high[axis])):
            if not width:
                continue
            ranges = [  # on the axes before this one, the halo is stored with theirs
                (0, size) if k < axis else (start, width) if k == axis else (-low, low + size + high)
                for k, (low, size, high) in enumerate(zip(layout.low, layout.shape, layout.high, strict=True))
            ]
            variables = tuple(Var(extent, "h") for _, extent in ranges)
            index = tuple(
                of(v) + first if v.extent > 1 else Affine(first)
                for v, (first, _) in zip(variables, ranges, strict=True)
            )
            nests.append(Nest(tuple(v for v in variables if v.extent > 1), [Store(value, index, zero)], halo=True))
    return nests

"""Chains in shorter steps: where what a chain writes for a step of its range is more than a cache holds, it is cut.

    for i < 8: a[i, j] for j < 784; b[i, j] for j < 784   →   for i < 8, p < 14: a[i, 56p+j] for j < 56; b[i, 56p+j] ...

An image is a step of a chain of kernels over images. Where kernels read of one another only what has the same index on
the next axis too, such as a channel, or a row with its maximum and its sum, a step may be as little as that. The
axis is cut into equal parts, and the threads share images and parts as one range.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

from .affine import Var, of
from .aliases import Aliases
from .expr import Exprs, Op
from .kernel import PIECE, HostKernel, Kernel, NestKernel, Plan, Step, touched
from .locality import is_local, second
from .materialize import TRANSCENDENTAL
from .nest import Nest, over
from .storage import Again, first

if TYPE_CHECKING:
    from ...ir.graph import Value
    from .layout import Layout

HELD = 1 << 20  # bytes that a step of a chain reads and writes, and that stay in a cache: not most of what is more
SMALL = 16  # a kernel that does this many times less than others may lose its vectors for that


def shorten(plan: Plan) -> Plan:
    """The plan with shorter steps of chains. Kernels at the end that cannot have them may get their own step."""
    steps: list[Step] = []
    late = plan.late
    twice = {first(value) for kernel in plan.kernels for value in kernel.writes if isinstance(value, Again)}
    for number, step in enumerate(plan.steps):
        chains: list[list[Kernel]] = []
        left: list[list[Kernel]] = []
        for chain in step.chains:
            cut, rest = _shortened(chain, plan, twice) if step.kind == "parallel" else (chain, [])
            chains.append(cut)
            left += [rest] if rest else []
        steps.append(Step(step.kind, chains))
        if left:
            steps.append(Step(step.kind, left))
            late += number < plan.late
    return replace(plan, steps=steps, late=late)


def _shortened(chain: list[Kernel], plan: Plan, twice: set[Value]) -> tuple[list[Kernel], list[Kernel]]:
    """The kernels of a chain with shorter steps, and those that are left for another chain.

    They stay as they are if steps are short, or cannot be cut.

    Args:
        twice: values that are computed again, to the same bits: by the same loops.
    """
    kernels = [kernel for kernel in takewhile(partial(_is_cut, twice), chain) if isinstance(kernel, NestKernel)]
    step = touched(chain) // (kernels[0].shared.extent if kernels and kernels[0].shared else 1)
    pairs: list[tuple[NestKernel, Var]] = []
    for kernel in kernels if step > PIECE and len(chain) > 1 else ():
        var = second(kernel)
        if var is None or (pairs and var.extent != pairs[0][1].extent):
            break
        if not _is_local(pairs, (kernel, var), plan.aliases):
            break
        pairs.append((kernel, var))
    if len(pairs) < 2 or (len(pairs) < len(chain) and step <= HELD) or any(_is_costly(kernel) for kernel, _ in pairs):
        return chain, []
    extent = pairs[0][1].extent
    width = max((n for n in range(1, extent) if extent % n == 0 and step * n <= PIECE * extent), default=1)
    made = [_cut(kernel, var, width, plan.layouts) for kernel, var in pairs]
    most = max(kernel.work for kernel, _ in pairs)
    for new, (old, _) in zip(made, pairs, strict=True):
        slower = old.schedule.vector and not new.schedule.vector and old.work * SMALL > most
        if slower or len(new.ranges) < 2:
            return chain, []
    return [*made], chain[len(made) :]


def _is_cut(twice: set[Value], kernel: Kernel) -> bool:
    """Whether steps of a kernel can be cut, if it has a second axis: its loops have no other order."""
    if isinstance(kernel, HostKernel) or kernel.nest.is_contraction or kernel.nest.scatter:
        return False
    return twice.isdisjoint(map(first, kernel.writes))


def _is_costly(kernel: NestKernel) -> bool:
    """Whether a kernel computes so long at an element that the next ones are fetched meanwhile."""
    ops = [expr for expr in kernel.nest.parts if isinstance(expr, Op) and expr.name in TRANSCENDENTAL]
    most = max(value.size for value in (*kernel.reads, *kernel.writes))
    return any(2 * math.prod(var.extent for var in op.vars) >= most for op in ops)


def _is_local(earlier: Sequence[tuple[NestKernel, Var]], reader: tuple[NestKernel, Var], aliases: Aliases) -> bool:
    """Whether a kernel reads, of what others made, only what has its own index on the axis."""
    kernel, var = reader
    return all(
        is_local(kernel, var, value, maker, other, aliases) for value, maker, other in _read(kernel, earlier, aliases)
    )


def _read(
    kernel: NestKernel, earlier: Sequence[tuple[NestKernel, Var]], aliases: Aliases
) -> Iterator[tuple[Value, NestKernel, Var]]:
    for value in kernel.reads:
        made = aliases.makers(value)
        yield from ((value, maker, var) for maker, var in earlier if not set(made).isdisjoint(maker.writes))


def _cut(kernel: NestKernel, var: Var, width: int, layouts: dict[Value, Layout]) -> NestKernel:
    """The kernel with an axis in parts of this width, the range of which is shared too."""
    part, inside = Var(var.extent // width, "p"), Var(width, "p")
    index = of(part) * width + of(inside) if width > 1 else of(part)
    at = kernel.nest.vars.index(var)
    variables = (*kernel.nest.vars[:at], part, *((inside,) if width > 1 else ()), *kernel.nest.vars[at + 1 :])
    exprs = Exprs()  # of its own, as those of a repeated kernel are
    nest = Nest(variables, [over(exprs, store, {var: index}) for store in kernel.nest.stores])
    return NestKernel(nest, layouts, kernel.target, shares=2)

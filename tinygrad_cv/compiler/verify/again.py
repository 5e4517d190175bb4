"""Verifies that what is computed a second time is the same: by the same loops, over the same expressions."""

from __future__ import annotations

from typing import Any

from ...ir.graph import Value
from ..codegen.nest import buffers_of
from ..codegen.structure import structure
from ..schedule.kernel import NestKernel, Plan
from ..schedule.nest import Nest
from ..schedule.storage import Again, first
from .rule import check


def verify_again(plan: Plan, stage: str) -> None:
    """All copies of a value are stored by the same functions, of copies of the same values.

    Raises:
        VerificationError: naming the value.
    """
    copies = {v for kernel in plan.kernels for v in kernel.writes if isinstance(v, Again)}
    firsts = {copy.first for copy in copies}
    made: dict[Value, dict[Value, list[Any]]] = {}
    for kernel in (kernel for kernel in plan.kernels if isinstance(kernel, NestKernel)):
        for store in kernel.nest.stores:
            if first(store.value) in firsts:
                nest = Nest(kernel.nest.vars, [store], kernel.nest.bounds)
                values = buffers_of(nest)
                function = structure(nest, kernel.schedule, values, plan.layouts)
                versions = made.setdefault(first(store.value), {})
                versions.setdefault(store.value, []).append((function, tuple(map(first, values))))
    for value, versions in made.items():
        expected, *others = versions.values()
        for other in others:
            same = len(other) == len(expected) and all(one in expected for one in other)
            check(same, f"{stage}: {value!r}", "it is computed in another way the second time")

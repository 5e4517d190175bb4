"""Verifies that what is kept from call to call follows from steady inputs alone, and that nothing is stored over it."""

from __future__ import annotations

from ...ir.graph import CONSTANT
from ..schedule.kernel import Plan
from .rule import check


def verify_kept(plan: Plan, stage: str) -> None:
    """The first steps read steady inputs and what they store themselves; later steps, and outputs, leave it as it is.

    Raises:
        VerificationError: naming the values, and what is wrong.
    """
    steady = {plan.graph.inputs[number] for number in plan.graph.steady}
    first, rest = (
        [kernel for step in steps for chain in step.chains for kernel in chain]
        for steps in (plan.steps[: plan.kept], plan.steps[plan.kept :])
    )
    kept = {plan.memory_of(value) for kernel in first for value in kernel.writes}
    for kernel in first:
        for base in map(plan.memory_of, kernel.reads):
            where = f"{stage}: {base!r}, which is read by what is kept"
            same = base in steady or base in kept or base.op == CONSTANT
            check(same, where, "it may be another one in the next call")
    again = {plan.memory_of(value) for kernel in rest for value in kernel.writes} & kept
    check(not again, f"{stage}: {again}", "it is kept, and stored again")
    outside = {value for value in kept if plan.is_outside(value)} | (kept & plan.handed)
    check(not outside, f"{stage}: {outside}", "it is kept, and not in memory that is the program's own")

"""Chains cut in two: what only one half uses need not be in memory while the other one runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .kernel import Plan, Step


def cuts(plan: Plan, at: int) -> Iterator[tuple[Plan, int]]:
    """The plans in which a chain of a step is two, each with the bytes that the second one reads of the first.

    Those are read from memory then, and not from the cache.
    """
    step = plan.steps[at]
    if step.kind != "parallel" or at >= plan.late:
        return
    for number, chain in enumerate(step.chains):
        others = [*step.chains[:number], *step.chains[number + 1 :]]
        for end in range(1, len(chain)):
            head, tail = chain[:end], chain[end:]
            written = {plan.memory_of(value) for kernel in head for value in kernel.writes}
            read = {plan.memory_of(value) for kernel in tail for value in kernel.reads}
            halves = Step("parallel", [*others, head]), Step("parallel", [tail])
            steps = [*plan.steps[:at], *halves, *plan.steps[at + 1 :]]
            yield replace(plan, steps=steps, late=plan.late + 1), sum(value.nbytes for value in written & read)

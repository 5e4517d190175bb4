"""When memory of the arena is in use: from the first to the last step that stores or reads what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from ...ir.graph import CONSTANT, Value
from .aliases import Aliases
from .kernel import Plan, Step
from .layout import ALIGNMENT, Layout

Lives = dict[Value, tuple[int, int]]


def lives_of(plan: Plan) -> Lives:
    """The first and the last step that use the memory of each value in the arena; the last one of all if it is kept."""
    lives: Lives = {}
    for number, step in enumerate(plan.steps):
        for value in used_in(step, plan.aliases):
            if not plan.is_outside(value):
                first, _ = lives.get(value, (number, number))
                lives[value] = first, number if number < plan.kept or first >= plan.kept else len(plan.steps) - 1
    return lives


def outside(plan: Plan) -> dict[str, int]:
    """The bytes of inputs, outputs and constants; an output that is written over an input is none of the outputs."""
    inputs = set(plan.graph.inputs)
    constants = {value for value in plan.graph.values() if value.op == CONSTANT}
    outputs = {value for value in plan.graph.outputs if plan.places.get(value, -1) < 0} - inputs - constants
    parts = {"inputs": inputs, "outputs": outputs, "constants": constants}
    return {name: sum(value.nbytes for value in values) for name, values in parts.items()}


def used_in(step: Step, aliases: Aliases) -> dict[Value, None]:
    """The values whose memory a step stores to or reads, in order."""
    values = (value for chain in step.chains for kernel in chain for value in (*kernel.reads, *kernel.writes))
    return dict.fromkeys(map(aliases.base, values))


def nbytes(layout: Layout) -> int:
    """The size of a value in the arena: whole cache lines."""
    return -(-(layout.size * layout.dtype.itemsize) // ALIGNMENT) * ALIGNMENT


def live_bytes(lives: Lives, layouts: Mapping[Value, Layout], steps: int) -> list[int]:
    """How many bytes of the arena are in use in each step."""
    changes = [0] * (steps + 1)
    for value, (first, last) in lives.items():
        changes[first] += nbytes(layouts[value])
        changes[last + 1] -= nbytes(layouts[value])
    return list(accumulate(changes[:-1]))

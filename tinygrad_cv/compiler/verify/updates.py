"""Verifies that what a call changes is stored last, and that nothing reads a value that was written over."""

from __future__ import annotations

from collections.abc import Sequence

from ...ir.graph import Value
from ..schedule.expr import Load, inside_guards, walk
from ..schedule.kernel import HostKernel, Kernel, Plan, Step
from .rule import check


def verify_updates(plan: Plan, stage: str) -> None:
    """Late steps alone store these updates, and no other output; what they are written over is read in time.

    Raises:
        VerificationError: naming the update, and what is wrong.
    """
    early, late = ([k for step in steps for chain in step.chains for k in chain] for steps in _split(plan))
    where = f"{stage}: late steps"
    check(not any(isinstance(kernel, HostKernel) for kernel in late), where, "NumPy computes one of them")
    others = set(plan.graph.outputs) - plan.places.keys()
    check(others.isdisjoint(v for kernel in late for v in kernel.writes), where, "they store another output")
    state = {plan.graph.outputs[number]: place for number, place in plan.graph.state}
    for value, place in plan.places.items():
        where = f"{stage}: update {value!r}"
        check(not any(value in (*k.reads, *k.writes) for k in early), where, "it is used before the late steps")
        check(place < 0 or place == state.get(value), where, f"it replaces input {state.get(value)}, not {place}")
        if place >= 0:
            _verify_place(value, plan.graph.inputs[place], late, plan, where)


def _split(plan: Plan) -> tuple[Sequence[Step], Sequence[Step]]:
    return plan.steps[: plan.late], plan.steps[plan.late :]


def _verify_place(new: Value, old: Value, late: Sequence[Kernel], plan: Plan, where: str) -> None:
    """Each element of ``old`` is read in the place where ``new`` is stored, by that kernel, before it."""
    same = (old.shape, old.dtype) == (new.shape, new.dtype) and plan.layouts[old] == plan.layouts[new]
    check(same, where, f"it is written over {old!r}, which is of another kind")
    for kernel in late:
        assert not isinstance(kernel, HostKernel)
        if not any(load.value is old for load in kernel.nest.loads):
            continue
        stores = [store for store in kernel.nest.stores if store.value is new]
        check(len(stores) == 1, where, f"{old!r}, which it is written over, is read by another kernel, or twice")
        (store,) = stores
        read = [x for x in walk(kernel.nest.exprs) if isinstance(x, Load) and x.value is old]
        here = plan.layouts[new].flat(store.index)
        check(
            all(not x.args and plan.layouts[old].flat(x.index) == here for x in read),
            where,
            f"elements of {old!r}, which it is written over, are read elsewhere",
        )
        guarded = inside_guards(kernel.nest.exprs)
        mine = set(walk([store.expr]))
        kept = all(x in mine and x not in guarded for x in read)
        check(not kernel.schedule.overlaps, where, f"an element of {old!r}, which it is written over, is read twice")
        check(kept and not kernel.nest.reductions, where, f"an element of {old!r} may be read when it is written over")

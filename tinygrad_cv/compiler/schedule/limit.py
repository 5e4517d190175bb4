"""The pass that keeps to a limit of memory, by computing again whatever it takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...core.errors import MemoryLimitError
from .arena import size_of
from .clear import clear_halos
from .kernel import Plan
from .lives import live_bytes, lives_of, outside
from .recompute import Search

if TYPE_CHECKING:
    from ..runtime.target import Target


def within(plan: Plan, limit: int, target: Target) -> Plan:
    """The plan of a call that needs no more bytes than that, its inputs and outputs included.

    Of several values that will do, those are computed again that cost least for their bytes.

    Raises:
        MemoryLimitError: it needs more; with the least that is found.
    """
    fixed = sum(outside(plan).values())
    search, size, left = Search(plan, cutting=True), _arena(plan, target), limit - fixed
    while size > left:
        used = max(live_bytes(lives_of(plan), plan.layouts, len(plan.steps)))
        least = left if used > left else used - (size - left)  # an arena has gaps beside what is in use
        changed = search.reduced(plan, least, math.inf, math.inf)
        if changed is plan:
            raise MemoryLimitError(
                f"memory={limit:,} bytes, but a call needs {fixed + size:,} at least, however much is computed again: "
                f"{fixed:,} for inputs, outputs and constants, {size:,} for what is computed between. Allow as much, "
                "or call it with less at once."
            )
        plan, size = changed, _arena(changed, target)
    return plan


def _arena(plan: Plan, target: Target) -> int:
    """The size of the arena when large halos are cleared."""
    return size_of(clear_halos(plan, target))

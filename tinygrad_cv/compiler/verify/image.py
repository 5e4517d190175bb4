"""Verifies images: what is live at the same time does not overlap in the arena."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ir.graph import Value
from ..schedule.kernel import HostKernel, Plan
from ..schedule.layout import ALIGNMENT, Layout
from .rule import check

if TYPE_CHECKING:
    from ..image import Image


def verify_image(plan: Plan, image: Image, stage: str = "image") -> None:
    """Values that are live at the same time do not overlap in the arena; nothing is written over a halo.

    Raises:
        VerificationError: naming the values.
    """
    numbers, lives = _uses(plan, image, stage)
    where = {v: image.buffers[i].place for v, i in numbers.items() if image.buffers[i].kind == "arena"}
    ends = {value: offset + _nbytes(plan.layouts[value]) for value, offset in where.items()}
    for value, offset in where.items():
        check(0 <= offset and ends[value] <= image.arena, f"{stage}: {value!r}", "it is not inside the arena")
        check(offset % ALIGNMENT == 0, f"{stage}: {value!r}", "it does not begin at a cache line")
    ordered = sorted(where, key=lambda value: where[value])
    for i, a in enumerate(ordered):
        for b in ordered[i + 1 :]:
            if where[b] >= ends[a]:
                break
            both = f"{stage}: {a!r} and {b!r}"
            one, other = plan.layouts[a], plan.layouts[b]
            check(
                lives[a][1] < lives[b][0] or lives[b][1] < lives[a][0],
                both,
                "they overlap, and are live at the same time",
            )
            haloed = (one.halo and a not in plan.cleared) or (other.halo and b not in plan.cleared)
            check(not haloed or _alike(one, other), both, "they overlap, and one is written over the other's halo")


def _uses(plan: Plan, image: Image, stage: str) -> tuple[dict[Value, int], dict[Value, tuple[int, int]]]:
    """The buffer of each value, and the first and the last step that use it."""
    from ..codegen.nest import buffers_of

    numbers: dict[Value, int] = {}
    lives: dict[Value, tuple[int, int]] = {}
    for at, (step, made) in enumerate(zip(plan.steps, image.steps, strict=True)):
        calls = iter([call.buffers for chain in made.chains for call in chain.calls])
        for kernel in (kernel for chain in step.chains for kernel in chain):
            if isinstance(kernel, HostKernel):
                values, buffers = [*kernel.reads, *kernel.writes], (*(i for i, _ in made.args), made.result)
            else:
                values, buffers = buffers_of(kernel.nest), next(calls)
            for value, buffer in zip(values, buffers, strict=True):
                if image.buffers[buffer].kind == "part":
                    place = image.buffers[buffer].place
                    check(place == plan.place_of(value), f"{stage}: {value!r}", f"it begins at {place}")
                    buffer = image.buffers[buffer].whole
                value = plan.memory_of(value)
                check(numbers.setdefault(value, buffer) == buffer, f"{stage}: {value!r}", "it is in two buffers")
                first, _ = lives.get(value, (at, at))
                lives[value] = first, at if at < plan.kept or first >= plan.kept else len(plan.steps) - 1
    return numbers, lives


def _nbytes(layout: Layout) -> int:
    return layout.size * layout.dtype.itemsize


def _alike(a: Layout, b: Layout) -> bool:
    return (a.shape, a.low, a.high, a.dtype) == (b.shape, b.low, b.high, b.dtype)

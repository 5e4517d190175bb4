"""The pass that computes values a second time, so that they need not be kept from the forward to the backward pass.

It looks at the step in which most memory is in use. Of what is in memory there, but was used before and is used again
later only, it gives up one value: its memory is free after its last use before, and right before its next use the
kernels that stored it run once more. What they read is in memory still, or is computed once more as well. That is
repeated as long as it costs little time (after Chen et al., "Training deep nets with sublinear memory cost", 2016, and
Jain et al., "Checkmate", 2020, which decide on the operations of a graph).

What is used for the first time after the peak is not computed twice: its kernels are moved to where it is used.

Knows kernels and their memory, and no primitive. It comes after fusion: what has memory, how much and for how long is
known then, and a kernel that runs again is not fused with itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ...ir.graph import Value
from .cut import cuts
from .kernel import HostKernel, Kernel, NestKernel, Plan
from .lives import live_bytes, nbytes
from .repeat import Members, repeated, storing
from .storage import Packed, first

CACHE = 1 << 22  # bytes: less in use at the peak is little
BYTE = 8  # operations that take as long as moving a byte from or to memory
PRICE = 64  # operations: what a byte that is not kept may cost, at most
SHARE = 25  # of as many operations of a plan, one is done again, at most
PARTS = 256  # of the peak: a value that is less than one of them is kept


def recompute(plan: Plan) -> Plan:
    """The plan in which what is cheap to compute is computed right before it is used, where that saves memory."""
    search = Search(plan)
    return search.reduced(plan, CACHE, PRICE, (1 + 1 / SHARE) * search.known.total(plan))


class Search:
    """The search for what is given up, one value after another.

    Attributes:
        cutting: whether chains are cut where no value helps, although what they hand on is read from memory then.
    """

    def __init__(self, plan: Plan, cutting: bool = False):
        self.known, self.cutting = _Known(plan), cutting
        self._refused: set[tuple[Value, int]] = set()
        self._read = 0  # operations: what cutting chains has cost

    def reduced(self, plan: Plan, least: int, price: float, most: float) -> Plan:
        """The plan with less in use at its peak, until that is ``least``.

        Args:
            price: operations, at most, for a byte that is not kept.
            most: operations of the whole plan, at most.
        """
        view = _View(plan, self.known)
        while view.peak > least:
            left = most - self.known.total(view.plan) - self._read
            after = self._given_up(view, price, left) or self._cut(view, price, left)
            if after is None:
                break
            view = after
        return view.plan

    def _given_up(self, view: _View, price: float, left: float) -> _View | None:
        """With less in use, since the value is computed again that costs least for its bytes; None if none helps."""
        found = [p for value in view.crossing() if (p := _proposal(value, view)) is not None]
        found = [p for p in found if p.key not in self._refused and p.cost <= min(left, price * p.saved)]
        for proposal in sorted(found, key=lambda p: (p.saved / max(p.cost, 1), p.value.number), reverse=True):
            for after in proposal.applied(view):
                if after.use < view.use:
                    return after
            self._refused.add(proposal.key)
        return None

    def _cut(self, view: _View, price: float, left: float) -> _View | None:
        """With less in use, since a chain is cut in two; None if that does not help."""
        found = []
        for plan, read in cuts(view.plan, view.at) if self.cutting else ():
            after, cost = _View(plan, self.known), BYTE * read
            saved = view.peak - max(after.live[view.at : view.at + 2])
            if after.use < view.use and cost <= min(left, price * saved):
                found.append((saved / max(cost, 1), cost, after))
        if not found:
            return None
        _, cost, after = max(found, key=lambda one: one[0])
        self._read += cost
        return after


class _Known:
    """What stays true while a plan is changed: which kernels made what at first, and what they cost.

    Attributes:
        members: the values in a value's memory.
        makers: of memory, the kernels that store to it, by their places.
        repeatable: memory whose makers can run once more.
    """

    def __init__(self, plan: Plan):
        self.members: Members = {}
        self.makers: dict[Value, dict[int, Kernel]] = {}
        self._used: dict[int, tuple[Kernel, list[Value]]] = {}
        self._parts: dict[tuple[int, tuple[Value, ...]], tuple[NestKernel, NestKernel, float]] = {}
        for value in plan.layouts:
            self.members.setdefault(plan.memory_of(value), []).append(value)
        hosts: set[Value] = set()
        for place, kernel in enumerate(plan.kernels):
            for value in map(plan.memory_of, kernel.writes):
                self.makers.setdefault(value, {})[place] = kernel
            if isinstance(kernel, HostKernel):
                hosts.update(map(plan.memory_of, kernel.reads))
        self.repeatable = {
            value
            for value, makers in self.makers.items()
            if not (value in hosts or plan.is_outside(value) or isinstance(value, Packed))
            and all(_is_repeatable(kernel, value, plan) for kernel in makers.values())
        }

    def used(self, kernel: Kernel, plan: Plan) -> list[Value]:
        """The memory in the arena that a kernel reads or stores to."""
        known = self._used.get(id(kernel))
        if known is None:
            values = map(plan.memory_of, (*kernel.reads, *kernel.writes))
            known = self._used[id(kernel)] = kernel, [v for v in dict.fromkeys(values) if not plan.is_outside(v)]
        return known[1]

    def touched(self, memory: Value, plan: Plan) -> tuple[set[Value], set[Value]]:
        """What is made together with this memory, by kernels that cannot do without, and what is read for it."""
        kernels = self.makers[memory].values()
        sums = [k for k in kernels if isinstance(k, NestKernel) and k.nest.reductions]
        with_it = {plan.memory_of(v) for kernel in sums for v in kernel.writes}
        read = {v for kernel in kernels for v in map(plan.memory_of, kernel.reads) if not plan.is_outside(v)}
        return with_it, read

    def parts(self, memory: set[Value], plan: Plan) -> list[tuple[NestKernel, float]]:
        """The kernels that made this memory, in order and without stores of other, each with its cost."""
        found = {place: kernel for value in memory for place, kernel in self.makers[value].items()}
        parts = []
        for place in sorted(found):
            kernel = found[place]
            assert isinstance(kernel, NestKernel)
            parts.append(self._part(kernel, tuple(v for v in kernel.writes if plan.memory_of(v) in memory)))
        return parts

    def _part(self, kernel: NestKernel, stored: tuple[Value, ...]) -> tuple[NestKernel, float]:
        known = self._parts.get((id(kernel), stored))
        if known is None:
            part = storing(kernel, stored)
            assert part is not None
            known = self._parts[id(kernel), stored] = kernel, part, _cost(part)  # the kernel keeps its id
        return known[1:]

    def total(self, plan: Plan) -> float:
        """The cost of all kernels."""
        natives = [kernel for kernel in plan.kernels if isinstance(kernel, NestKernel)]
        return sum(self._part(kernel, tuple(kernel.writes))[1] for kernel in natives)


def _cost(kernel: Kernel) -> float:
    """A rough number of operations, with those for moving bytes."""
    return kernel.flops + BYTE * sum(value.nbytes for value in (*kernel.reads, *kernel.writes))


def _is_repeatable(kernel: Kernel, value: Value, plan: Plan) -> bool:
    """Whether a kernel can run once more for a value: it reads nothing of it, and stores no output with its sums."""
    if isinstance(kernel, HostKernel) or kernel.nest.scatter is not None:
        return False
    if kernel.nest.reductions and any(plan.is_outside(plan.memory_of(other)) for other in kernel.writes):
        return False
    return all(plan.memory_of(read) is not value for read in kernel.reads)


class _View:
    """A plan, and when its memory is used.

    Attributes:
        uses: the steps that use memory in the arena.
        live: the bytes that are in use in each step; ``peak``: the most, for the first time in step ``at``.
        versions: of memory that is made several times, all of it.
    """

    def __init__(self, plan: Plan, known: _Known):
        self.plan, self.known = plan, known
        self.uses: dict[Value, list[int]] = {}
        for number, step in enumerate(plan.steps):
            for value in {v for chain in step.chains for kernel in chain for v in known.used(kernel, plan)}:
                self.uses.setdefault(value, []).append(number)
        self.lives = {value: (at[0], at[-1]) for value, at in self.uses.items()}
        self.live = live_bytes(self.lives, plan.layouts, len(plan.steps))
        self.peak = max(self.live, default=0)
        self.at = self.live.index(self.peak) if self.live else 0
        self.use = self.peak, self.live.count(self.peak)  # less of it is better
        self.versions: dict[Value, list[Value]] = {}
        for value in self.lives:
            self.versions.setdefault(first(value), []).append(value)

    @cached_property
    def read(self) -> set[Value]:
        """The memory that is read before the peak."""
        early = [kernel for step in self.plan.steps[: self.at] for chain in step.chains for kernel in chain]
        return {self.plan.memory_of(value) for kernel in early for value in kernel.reads}

    def crossing(self) -> Iterator[Value]:
        """What is in memory at the peak without being used there, and is not too small."""
        for value, (start, end) in self.lives.items():
            if start < self.at < end and self.at not in self.uses[value] and not self.is_small(value):
                yield value

    def is_small(self, value: Value) -> bool:
        """Whether keeping a value costs nearly nothing."""
        return PARTS * nbytes(self.plan.layouts[value]) < self.peak

    def version(self, value: Value, at: int) -> Value | None:
        """The memory that holds what this memory held at first, from before a step on; None if none does."""
        return next((v for v in self.versions.get(value, ()) if self.lives[v][0] < at <= self.lives[v][1]), None)


@dataclass
class _Proposal:
    """A value that is given up at the peak, and what it takes to have it again.

    Attributes:
        before: the step before which it is made.
        again: all memory that is made for that, as it was called at first: its own, and what is read and not there.
        sources: for other memory that is read, what holds the same then.
        saved: bytes at the peak.
        cost: operations.
    """

    value: Value
    before: int
    again: set[Value] = field(default_factory=set)
    sources: dict[Value, Value] = field(default_factory=dict)
    saved: int = 0
    cost: float = 0.0

    @property
    def key(self) -> tuple[Value, int]:
        return self.value, self.before

    def applied(self, view: _View) -> Iterator[_View]:
        """The plan with that: all that is made again is read from then on, or the value alone."""
        kernels = [kernel for kernel, _ in view.known.parts(self.again, view.plan)]
        everything = {version for value in self.again for version in view.versions.get(value, ())}
        for replaced in (everything, {self.value}) if len(everything) > 1 else (everything,):
            changed = repeated(view.plan, kernels, self.before, replaced, self.sources, view.known.members)
            yield _View(changed, view.known)


def _proposal(value: Value, view: _View) -> _Proposal | None:
    """What it takes to give up a value at the peak; None if that cannot be, or saves nothing."""
    known, plan = view.known, view.plan
    before = next(use for use in view.uses[value] if use > view.at)
    if first(value) not in known.repeatable or before > plan.late:
        return None
    found = _Proposal(value, before, saved=nbytes(plan.layouts[value]))
    stack = [first(value)]
    while stack:
        found.again.add(made := stack.pop())
        with_it, read = known.touched(made, plan)
        for other in (*with_it, *read):
            if other in found.again or other in found.sources or other in stack:
                continue
            source = view.version(other, before) if other in read else None
            last = _last(other, before, view) if other in read else None
            if source is not None:
                found.sources[other] = source
            elif other in known.repeatable and not (last and view.is_small(last)):
                stack.append(other)
            elif last is not None:  # it is kept until then
                found.sources[other] = last
                found.saved -= nbytes(plan.layouts[last]) if view.lives[last][1] < view.at else 0
            else:
                return None
    found.cost = 0.0 if _is_moved(found, view) else sum(cost for _, cost in known.parts(found.again, plan))
    return found if found.saved > 0 else None


def _last(value: Value, before: int, view: _View) -> Value | None:
    """The memory that held what this memory held at first for the last time before a step."""
    held = [v for v in view.versions.get(value, ()) if view.lives[v][0] < before]
    return max(held, key=lambda v: view.lives[v], default=None)


def _is_moved(proposal: _Proposal, view: _View) -> bool:
    """Whether nothing has read a value before the peak: then its kernels do not run a second time."""
    return len(proposal.again) == 1 and proposal.value not in view.read

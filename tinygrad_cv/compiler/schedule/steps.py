"""The pass that orders kernels in chains and steps: which kernels wait for which, and what threads share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

from ...ir.graph import Graph, Value
from .affine import of
from .aliases import Aliases
from .kernel import HostKernel, Kernel, Plan, Step
from .late import Times, late_kernels, places
from .layout import Layout
from .updates import Updates

TASK = 1 << 14  # operations: a kernel with less work runs on one thread
WHOLE = 1 << 22  # bytes: a chain that writes more of them for a step of its range may be cut,
LITTLE = 8  # where what is read beyond the cut is this many times less


def order(
    graph: Graph,
    kernels: list[Kernel],
    layouts: dict[Value, Layout],
    aliases: Aliases,
    updates: Updates,
    times: Times,
) -> Plan:
    """The plan: kernels in steps, with the layouts of what they read and write; those that store updates at the end."""
    late = late_kernels(kernels, graph, updates, times)
    last = set(map(id, late))
    early = [kernel for kernel in kernels if id(kernel) not in last]
    steps, first = steps_of(early, late, aliases, set(graph.outputs))
    return Plan(graph, steps, layouts, aliases, first, places(late, graph, updates))


def steps_of(
    kernels: list[Kernel], late: list[Kernel], aliases: Aliases, outputs: Set[Value] = frozenset()
) -> tuple[list[Step], int]:
    """The kernels in steps, and the number of the first step of late ones.

    Each is as early as what it reads allows, but what is made of inputs alone is as late as its readers allow.
    """
    steps: list[Step] = []
    add(kernels, 0, steps, aliases)
    steps = _delayed(steps, aliases, outputs)
    first = len(steps)
    add(late, first, steps, aliases)
    return steps, first


def _delayed(steps: list[Step], aliases: Aliases, outputs: Set[Value]) -> list[Step]:
    """The steps with what is made of inputs alone, such as packed weights, in the last one before it is read.

    Until then its memory is free for others, and when it is read it is in the cache.
    """
    writers = Counter(v for step in steps for chain in step.chains for v in _written(chain))
    given = set[Value]()  # what is made of inputs alone
    for step in steps:
        for chain in step.chains if step.kind == "parallel" else ():
            written = _written(chain)
            others = {v for v in _read(chain, aliases) - written if v in writers} - given
            if not others and written.isdisjoint(outputs) and all(writers[v] == 1 for v in written):
                given |= written
    first: dict[Value, int] = {}  # the first step that reads a value
    for number in range(len(steps) - 1, -1, -1):
        for chain in list(steps[number].chains):
            at = number
            if (written := _written(chain)) <= given:
                end = min((first[v] for v in written if v in first), default=len(steps))
                at = next((i for i in range(end - 1, number, -1) if steps[i].kind == "parallel"), number)
            if at != number:
                steps[number].chains.remove(chain)
                steps[at].chains.append(chain)
            first.update({v: min(at, first.get(v, at)) for v in _read(chain, aliases) - written})
    return [step for step in steps if step.chains]


def _written(chain: list[Kernel]) -> set[Value]:
    return {value for kernel in chain for value in kernel.writes}


def _read(chain: list[Kernel], aliases: Aliases) -> set[Value]:
    return {part for kernel in chain for value in kernel.reads for part in aliases.makers(value)}


def add(kernels: list[Kernel], first: int, steps: list[Step], aliases: Aliases) -> None:
    """Add kernels to steps from number ``first`` on."""
    made: dict[Value, list[tuple[int, Kernel]]] = {}  # the steps and kernels that store each value
    for kernel in kernels:
        sources = [(value, part) for value in kernel.reads for part in aliases.makers(value)]
        needs = [(value, at, maker) for value, part in sources for at, maker in made.get(part, ())]
        latest = max((at for _, at, _ in needs), default=-1)
        kind = "host" if isinstance(kernel, HostKernel) else "serial" if _is_small(kernel) else "parallel"
        latest = max(latest, first - 1)
        at = _put(kernel, kind, steps, first, latest, [(v, m) for v, at, m in needs if at == latest], aliases)
        for value in kernel.writes:
            made.setdefault(value, []).append((at, kernel))


def _is_small(kernel: Kernel) -> bool:
    return kernel.work < TASK or kernel.shared is None


def _put(
    kernel: Kernel,
    kind: str,
    steps: list[Step],
    first: int,
    latest: int,
    needs: list[tuple[Value, Kernel]],
    aliases: Aliases,
) -> int:
    """Add a kernel to a step, and return the step's number.

    Args:
        first: the first step that it may be in.
        latest: the last step that makes something it reads.
        needs: what it reads of that step, and the kernels there that make it.
    """
    if kind == "serial":
        for at in range(len(steps) - 1, max(latest, first) - 1, -1):
            if steps[at].kind == "serial":
                steps[at].chains[0].append(kernel)
                return at
    if kind == "parallel":
        if latest >= first and steps[latest].kind == "parallel":
            chains = [chain for chain in steps[latest].chains if any(m is k for _, m in needs for k in chain)]
            local = len(chains) == 1 and all(_is_local(kernel, value, maker, aliases) for value, maker in needs)
            if local and not _is_cut(chains[0], {value for value, _ in needs}):
                chains[0].append(kernel)
                return latest
        for at in range(latest + 1, len(steps)):
            if steps[at].kind == "parallel":
                steps[at].chains.append([kernel])
                return at
    steps.append(Step(kind, [[kernel]]))
    return len(steps) - 1


def _is_cut(chain: list[Kernel], read: set[Value]) -> bool:
    """Whether a chain ends before a kernel that reads these values of it.

    What is read next is in the cache then; but until all steps of its range are done, all that a chain writes is in
    memory.
    """
    shared = chain[0].shared
    assert shared is not None
    written = sum(value.nbytes for kernel in chain for value in kernel.writes)
    return written > WHOLE * shared.extent and LITTLE * sum(value.nbytes for value in read) <= written


def _is_local(kernel: Kernel, value: Value, maker: Kernel, aliases: Aliases) -> bool:
    """Whether at each step of the shared range a kernel reads only what its maker wrote at the same step."""
    if isinstance(maker, HostKernel) or isinstance(kernel, HostKernel):
        return False
    ours, theirs = kernel.shared, maker.shared
    if ours is None or theirs is None or ours.extent != theirs.extent:
        return False
    if kernel.schedule.vector is ours or maker.schedule.vector is theirs:
        return False
    if any(v in k.schedule.rows or v in k.schedule.collapsed for v, k in ((ours, kernel), (theirs, maker))):
        return False
    if value in aliases.reshapes:
        return False
    stores = [s for s in maker.nest.stores if s.value in aliases.makers(value)]
    axes = set(range(value.ndim)).intersection(
        *({i for i, a in enumerate(s.index) if a == of(theirs)} - aliases.shifted(s.value) for s in stores)
    )
    reads = [load.index for load in kernel.nest.loads if load.value is value]
    return bool(axes) and bool(reads) and all(any(index[i] == of(ours) for i in axes) for index in reads)

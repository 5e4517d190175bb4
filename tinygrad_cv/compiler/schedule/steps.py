"""The pass that orders kernels in chains and steps: which kernels wait for which, and what threads share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

from ...ir.graph import Graph, Value
from .aliases import Aliases
from .kernel import HostKernel, Kernel, Plan, Step
from .late import Times, late_kernels, places
from .layout import Layout
from .locality import follows, follows_inside
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
    early, before = _with_late(early, late, aliases, set(graph.outputs))
    steps, first = steps_of(early, [*before, *late], aliases, set(graph.outputs))
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


def _with_late(
    early: list[Kernel], late: list[Kernel], aliases: Aliases, outputs: Set[Value]
) -> tuple[list[Kernel], list[Kernel]]:
    """The kernels that stay early, and those that run with late ones, in a chain: nothing else reads what they store.

    What the two read is read once then. Not contractions, which take long: nothing else runs while late kernels do.
    """
    readers: dict[Value, list[Kernel]] = {}
    for kernel in (*early, *late):
        for part in {part for value in kernel.reads for part in aliases.makers(value)}:
            readers.setdefault(part, []).append(kernel)
    last = set(map(id, late))
    for kernel in reversed(early):
        users = [user for value in kernel.writes for user in readers.get(value, ())]
        if not users or isinstance(kernel, HostKernel) or kernel.nest.is_contraction or kernel.nest.scatter:
            continue
        alone = last.issuperset(map(id, users)) and outputs.isdisjoint(kernel.writes)
        if alone and all(_follows_all(user, kernel, aliases) for user in users):
            last.add(id(kernel))
    left: list[Kernel] = []
    moved: list[Kernel] = []
    made = set[Value]()  # by those that run with late ones
    for kernel in early:
        read = {part for value in kernel.reads for part in aliases.makers(value)}
        if id(kernel) in last and not (_is_small(kernel) and made.isdisjoint(read)):
            moved.append(kernel)
            made.update(kernel.writes)
        else:
            left.append(kernel)
    return left, moved


def _follows_all(kernel: Kernel, maker: Kernel, aliases: Aliases) -> bool:
    """Whether a kernel can be in a chain with one that makes what it reads."""
    read = [value for value in kernel.reads if not set(maker.writes).isdisjoint(aliases.makers(value))]
    return all(follows(kernel, value, maker, aliases) for value in read)


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
    chain = _chain(kernel, kind, steps, first, latest, needs, aliases)
    if chain is not None:
        chain.append(kernel)
        return latest
    if kind == "serial":
        for at in range(max(latest, first), len(steps)):  # the first one: what it reads may go then
            if steps[at].kind == "serial":
                steps[at].chains[0].append(kernel)
                return at
    if kind == "parallel":
        for at in range(latest + 1, len(steps)):
            if steps[at].kind == "parallel":
                steps[at].chains.append([kernel])
                return at
    steps.append(Step(kind, [[kernel]]))
    return len(steps) - 1


def _chain(
    kernel: Kernel,
    kind: str,
    steps: list[Step],
    first: int,
    latest: int,
    needs: list[tuple[Value, Kernel]],
    aliases: Aliases,
) -> list[Kernel] | None:
    """The chain that a kernel is added to, since it reads nothing of its step but what the chain has just stored.

    If several chains have, they become one, unless there are contractions among them: these had better not take turns.
    """
    if latest < first or steps[latest].kind != "parallel":
        return None
    chains = [chain for chain in steps[latest].chains if any(m is k for _, m in needs for k in chain)]
    if not chains or not all(follows(kernel, value, maker, aliases) for value, maker in needs):
        return None
    if kind == "serial" and not all(follows_inside(kernel, value, maker, aliases) for value, maker in needs):
        return None  # little work had better not keep a chain from shorter steps
    whole = [kernel for chain in chains for kernel in chain]
    if len(chains) > 1 and any(kernel.kind == "contraction" for kernel in whole):
        return None
    if _is_cut(whole, {value for value, _ in needs}):
        return None
    chains[0][:] = whole
    steps[latest].chains = [chain for chain in steps[latest].chains if all(chain is not other for other in chains[1:])]
    return chains[0]


def _is_cut(chain: list[Kernel], read: set[Value]) -> bool:
    """Whether a chain ends before a kernel that reads these values of it.

    What is read next is in the cache then; but until all steps of its range are done, all that a chain writes is in
    memory.
    """
    shared = chain[0].shared
    assert shared is not None
    written = sum(value.nbytes for kernel in chain for value in kernel.writes)
    return written > WHOLE * shared.extent and LITTLE * sum(value.nbytes for value in read) <= written

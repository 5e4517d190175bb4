"""Whether kernels can run one after the other on parts of a range: each reads only what others stored for the part."""

from __future__ import annotations

from ...ir.graph import Value
from .affine import Var, of
from .aliases import Aliases
from .kernel import HostKernel, Kernel, NestKernel
from .layout import layout_of
from .loop_schedule import in_memory_order


def follows(kernel: Kernel, value: Value, maker: Kernel, aliases: Aliases) -> bool:
    """Whether at each step of the shared range a kernel reads of a value only what its maker wrote at the same step."""
    if isinstance(maker, HostKernel) or isinstance(kernel, HostKernel):
        return False
    ours, theirs = kernel.shared, maker.shared
    if ours is None or theirs is None or kernel.schedule.vector is ours or maker.schedule.vector is theirs:
        return False
    if any(v in k.schedule.rows or v in k.schedule.collapsed for v, k in ((ours, kernel), (theirs, maker))):
        return False
    return is_local(kernel, ours, value, maker, theirs, aliases)


def follows_inside(kernel: Kernel, value: Value, maker: Kernel, aliases: Aliases) -> bool:
    """Whether that is so for each index on the next axis, too, if the maker has one."""
    if isinstance(maker, HostKernel) or isinstance(kernel, HostKernel):
        return False
    ours, theirs = second(kernel), second(maker)
    return theirs is None or (ours is not None and is_local(kernel, ours, value, maker, theirs, aliases))


def second(kernel: NestKernel) -> Var | None:
    """The variable of the next axis after the one that is shared."""
    store = max(kernel.nest.stores, key=lambda store: store.value.size)
    flat = layout_of(store.value.shape, store.value.dtype).flat(store.index)
    order = in_memory_order(list(kernel.nest.vars), flat)
    return order[1] if len(order) > 1 and order[0] is kernel.shared else None


def is_local(kernel: NestKernel, ours: Var, value: Value, maker: NestKernel, theirs: Var, aliases: Aliases) -> bool:
    """Whether for each number of a variable a kernel reads of a value only what its maker wrote for the same number."""
    if ours.extent != theirs.extent or value in aliases.reshapes:
        return False
    stores = [s for s in maker.nest.stores if s.value in aliases.makers(value)]
    axes = set(range(value.ndim)).intersection(
        *({i for i, a in enumerate(s.index) if a == of(theirs)} - aliases.shifted(s.value) for s in stores)
    )
    reads = [load.index for load in kernel.nest.loads if load.value is value]
    return bool(axes) and bool(reads) and all(any(index[i] == of(ours) for i in axes) for index in reads)

"""A loop nest as an LLVM function: ``void name(ptr buffers, i64 low, i64 high, i64 share)``.

``low`` and ``high`` are a range of the outermost loop's steps: the share of one thread, which begins with step
``share``, or a piece of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ...ir.graph import Value
from ..llvm.function import Function
from ..schedule.expr import Exprs
from ..schedule.layout import Layout
from ..schedule.loop_schedule import LoopSchedule
from ..schedule.nest import Nest, Store
from .memory import Memory
from .nest import NestLowering, buffers_of
from .scatter import ScatterLowering


def lower(
    name: str,
    nest: Nest,
    schedule: LoopSchedule,
    layouts: Mapping[Value, Layout],
    multiply_add: str,
    handed: Collection[Value] = (),
    bitselect: bool = False,
) -> Function:
    """The function of a nest.

    Args:
        multiply_add, bitselect: of the target.
        handed: values whose memory is that of the first steps of a share.
    """
    f = Function(name, ["ptr %buffers", "i64 %low", "i64 %high", "i64 %share"], bitselect)
    for number in ("%low", "%high", "%share"):
        f.known(number)
    memory = Memory(f, schedule, layouts, handed)
    for i, value in enumerate(buffers_of(nest)):
        slot = f.value(f"getelementptr ptr, ptr %buffers, i64 {i}")
        memory.bases[value] = f.value(f"load ptr, ptr {slot}")
    if nest.scatter is not None:
        ScatterLowering(nest, zeroed(nest), schedule, memory, multiply_add).write()
    else:
        if schedule.split:  # its partial sums are added to memory, which must hold zeros first
            NestLowering(zeroed(nest), schedule, memory, multiply_add).write_result_loops({})
        NestLowering(nest, schedule, memory, multiply_add).write()
    f.ret()
    return f


def zeroed(nest: Nest) -> Nest:
    """A nest that stores zeros where this one stores its results."""
    exprs = Exprs()
    return Nest(nest.vars, [Store(s.value, s.index, exprs.const(0, s.value.dtype)) for s in nest.stores])

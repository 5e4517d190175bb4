"""Loads whose index on one axis is computed: from anywhere, or from near one another, where the indices are a table's.

An index that may be out of range is clamped to the nearest, so that nothing but the value's own memory is read.
"""

from __future__ import annotations

import numpy as np

from ..llvm.elementwise import select
from ..llvm.function import memory_type, vector_type
from ..schedule.expr import Load
from ..schedule.loop_schedule import in_range, reach
from .memory import BOOL, INT, Mask, Memory, Point, index_at

WORD = np.dtype(np.int32)


def gather(memory: Memory, load: Load, found: tuple[str, bool], point: Point, mask: Mask | None) -> tuple[str, bool]:
    """Elements whose index on an axis is in ``found``."""
    value, f, lanes = load.value, memory.f, memory.schedule.lanes
    layout, dtype = memory.layouts[value], value.dtype
    rest, stride = layout.flat(load.index), layout.strides[load.axis]
    step = rest.coefficient(memory.schedule.vector) if memory.schedule.vector in point else 0
    offset, base = index_at(rest, point), memory.bases[value]
    numbers, is_vector = found
    row = numbers if in_range(load) else _clamped(memory, numbers, value.shape[load.axis], lanes if is_vector else 1)
    if not is_vector and step in (0, 1):
        return memory.load_at(value, f.known(row) * stride + offset, rest, point, mask)
    near = -(-reach(load, memory.schedule) // lanes)  # vectors that hold all elements
    if near <= 2 and value.shape[load.axis] >= near * lanes and (step, stride, mask) == (0, 1, None):
        return _permuted(memory, load, row, point, near), True
    kind, text = f"<{lanes} x {memory_type(dtype)}>", "zeroinitializer"
    for lane in range(memory.live(point)):  # as fast as an instruction that gathers
        own = f.invariant(f"extractelement <{lanes} x i64> {row}, i32 {lane}", row) if is_vector else row
        here = f.known(own) * stride + offset + lane * step
        if mask is not None:
            holds = f.value(f"extractelement <{lanes} x i1> {mask[0]}, i32 {lane}") if mask[1] else mask[0]
            here = memory.where(holds, here)
        element = f.value(f"load {memory_type(dtype)}, ptr {f.pointer(base, dtype, here)}, align {dtype.itemsize}")
        text = f.value(f"insertelement {kind} {text}, {memory_type(dtype)} {element}, i32 {lane}")
    return memory.register(text, dtype, lanes), True


def _clamped(memory: Memory, number: str, rows: int, lanes: int) -> str:
    """The number of a row; a negative one counts from the end, one out of range is clamped."""
    f = memory.f
    kind, mask = vector_type(INT, lanes), vector_type(BOOL, lanes)
    zero, last, count = (f.splat(str(n), INT, lanes) for n in (0, rows - 1, rows))
    negative = f.invariant(f"icmp slt {kind} {number}, {zero}", number)
    positive = f.invariant(f"add {kind} {number}, {count}", number)
    row = f.invariant(f"select {mask} {negative}, {kind} {positive}, {kind} {number}", negative, positive, number)
    row = f.invariant_call("llvm.smin", kind, row, last)
    return f.invariant_call("llvm.smax", kind, row, zero)


def _permuted(memory: Memory, load: Load, row: str, point: Point, near: int) -> str:
    """A vector of elements that lie in one or two vectors of memory: these, and the elements at their places in them.

    LLVM makes one instruction of the elements' numbers, where the machine has it.
    """
    f, lanes, dtype = memory.f, memory.schedule.lanes, load.value.dtype
    kind, words = vector_type(INT, lanes), f"<{lanes} x i32>"
    live = memory.live(point)
    if live < lanes:  # lanes out of range read what the first one reads
        order = ", ".join(f"i32 {lane if lane < live else 0}" for lane in range(lanes))
        row = f.invariant(f"shufflevector {kind} {row}, {kind} poison, <{lanes} x i32> <{order}>", row)
    suffix = f"v{lanes}i64"
    f.declare(f"llvm.vector.reduce.smin.{suffix}", "i64", kind)
    low = f.invariant(f"call i64 @llvm.vector.reduce.smin.{suffix}({kind} {row})", row)
    low = f.invariant_call("llvm.smin", "i64", low, str(load.value.shape[load.axis] - near * lanes))
    first = f.invariant(f"insertelement {kind} poison, i64 {low}, i32 0", low)
    first = f.invariant(f"shufflevector {kind} {first}, {kind} poison, <{lanes} x i32> zeroinitializer", first)
    ahead = f.invariant(f"sub {kind} {row}, {first}", row, first)
    places = f.invariant(f"trunc {kind} {ahead} to {words}", ahead)
    offset = f.known(low) + index_at(memory.layouts[load.value].flat(load.index), point)
    found = []
    for k in range(near):
        own = places
        if near > 1:
            inside = f"<{', '.join([f'i32 {lanes - 1}'] * lanes)}>"
            own = f.invariant(f"and {words} {places}, {inside}", places)
        found.append(_at_places(memory, load, f.pointer(memory.bases[load.value], dtype, offset + k * lanes), own))
    if near == 1:
        return found[0]
    limit = f"<{', '.join([f'i32 {lanes}'] * lanes)}>"
    first_half = f.invariant(f"icmp ult {words} {places}, {limit}", places)
    return select(f, first_half, found[0], found[1], dtype, lanes)


def _at_places(memory: Memory, load: Load, pointer: str, places: str) -> str:
    """The elements of a vector in memory at places in it."""
    f, lanes, dtype = memory.f, memory.schedule.lanes, load.value.dtype
    kind = f"<{lanes} x {memory_type(dtype)}>"
    text = f.value(f"load {kind}, ptr {pointer}, align {dtype.itemsize}")
    wide = dtype if dtype.itemsize >= WORD.itemsize else WORD
    if wide is not dtype:
        text = f.value(f"zext {kind} {text} to {vector_type(wide, lanes)}")
    made, scalar = vector_type(wide, lanes), memory_type(wide)
    permuted = "poison"
    for lane in range(lanes):
        place = f.value(f"extractelement <{lanes} x i32> {places}, i32 {lane}")  # here, so that LLVM sees the pattern
        element = f.value(f"extractelement {made} {text}, i32 {place}")
        permuted = f.value(f"insertelement {made} {permuted}, {scalar} {element}, i32 {lane}")
    if wide is not dtype:
        permuted = f.value(f"trunc {made} {permuted} to {kind}")
    return memory.register(permuted, dtype, lanes)

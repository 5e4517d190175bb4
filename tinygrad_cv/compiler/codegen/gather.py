"""Loads whose index on one axis is computed: from anywhere, or from near one another, where the indices are a table's.

An index that may be out of range is clamped to the nearest, so that nothing but the value's own memory is read.
"""

from __future__ import annotations

import numpy as np

from ..llvm.elementwise import select
from ..llvm.function import memory_type, vector_type
from ..llvm.integer import Int
from ..schedule.expr import Load
from ..schedule.loop_schedule import in_range, reach
from .memory import BOOL, INT, Mask, Memory, Point

WORD = np.dtype(np.int32)
SHUFFLED = 16  # bytes: no shorter vectors are permuted by one instruction


def gather(memory: Memory, load: Load, found: tuple[str, bool], point: Point, mask: Mask | None) -> tuple[str, bool]:
    """Elements whose index on an axis is in ``found``."""
    value, f, lanes = load.value, memory.f, memory.schedule.lanes
    layout, dtype = memory.layouts[value], value.dtype
    rest, stride = layout.flat(load.index), layout.strides[load.axis]
    step = rest.coefficient(memory.schedule.vector) if memory.schedule.vector in point else 0
    offset, base = memory.offset(value, rest, point), memory.bases[value]
    (row, is_vector), number = found, load.args[0].dtype
    if not in_range(load):
        row = _clamped(memory, row, value.shape[load.axis], number, lanes if is_vector else 1)
    if not is_vector and step in (0, 1):
        return memory.load_at(value, _place(memory, row, number) * stride + offset, rest, point, mask)
    near = -(-reach(load, memory.schedule) // lanes)  # vectors that hold all elements
    if near <= max(2, lanes // 4) and (step, stride, mask) == (0, 1, None):
        memory.permutes = True
        return _permuted(memory, load, row, point, near), True
    kind, text, kinds = f"<{lanes} x {memory_type(dtype)}>", "zeroinitializer", vector_type(number, lanes)
    for lane in range(memory.live(point)):  # as fast as an instruction that gathers
        own = f.invariant(f"extractelement {kinds} {row}, i32 {lane}", row) if is_vector else row
        here = _place(memory, own, number) * stride + offset + lane * step
        if mask is not None:
            holds = f.value(f"extractelement <{lanes} x i1> {mask[0]}, i32 {lane}") if mask[1] else mask[0]
            here = memory.where(holds, here)
        element = f.value(f"load {memory_type(dtype)}, ptr {f.pointer(base, dtype, here)}, align {dtype.itemsize}")
        text = f.value(f"insertelement {kind} {text}, {memory_type(dtype)} {element}, i32 {lane}")
    return memory.register(text, dtype, lanes), True


def _place(memory: Memory, number: str, dtype: np.dtype) -> Int:
    """A number of this dtype to compute addresses with."""
    f = memory.f
    wide = number if dtype == INT else f.invariant(f"sext {vector_type(dtype, 1)} {number} to i64", number)
    return f.known(wide)


def _clamped(memory: Memory, number: str, rows: int, dtype: np.dtype, lanes: int) -> str:
    """The number of a row; a negative one counts from the end, one out of range is clamped."""
    f = memory.f
    kind, mask = vector_type(dtype, lanes), vector_type(BOOL, lanes)
    zero, last, count = (f.splat(str(n), dtype, lanes) for n in (0, rows - 1, rows))
    negative = f.invariant(f"icmp slt {kind} {number}, {zero}", number)
    positive = f.invariant(f"add {kind} {number}, {count}", number)
    row = f.invariant(f"select {mask} {negative}, {kind} {positive}, {kind} {number}", negative, positive, number)
    row = f.invariant_call("llvm.smin", kind, row, last)
    return f.invariant_call("llvm.smax", kind, row, zero)


def _permuted(memory: Memory, load: Load, row: str, point: Point, near: int) -> str:
    """A vector of elements that lie in a few vectors of memory: these, and the elements at their places in them.

    LLVM makes one instruction of the elements' numbers, where the machine has it.
    """
    f, lanes, dtype = memory.f, memory.schedule.lanes, load.value.dtype
    number = load.args[0].dtype
    kind, scalar, words = vector_type(number, lanes), vector_type(number, 1), f"<{lanes} x i32>"
    live, inner = memory.live(point), row
    if live < lanes:  # lanes out of range read anything
        order = ", ".join(f"i32 {lane if lane < live else 0}" for lane in range(lanes))
        inner = f.invariant(f"shufflevector {kind} {row}, {kind} poison, <{lanes} x i32> <{order}>", row)
    suffix = f"v{lanes}{scalar}"
    f.declare(f"llvm.vector.reduce.smin.{suffix}", scalar, kind)
    low = f.invariant(f"call {scalar} @llvm.vector.reduce.smin.{suffix}({kind} {inner})", inner)
    whole, inside = (f.splat(str(n), WORD, lanes) for n in (lanes, lanes - 1))
    flat, last = memory.layouts[load.value].flat(load.index), max(load.value.shape[load.axis] - lanes, 0)
    result, exact = "", near == 1 and live == lanes
    for k in range(near):
        start = f.invariant(f"add {scalar} {low}, {k * lanes}", low) if k else low
        start = f.invariant_call("llvm.smin", scalar, start, str(last))
        first = f.invariant(f"insertelement {kind} poison, {scalar} {start}, i32 0", start)
        first = f.invariant(f"shufflevector {kind} {first}, {kind} poison, <{lanes} x i32> zeroinitializer", first)
        places = f.invariant(f"sub {kind} {row}, {first}", row, first)
        if number != WORD:
            places = f.invariant(f"trunc {kind} {places} to {words}", places)
        own = places if exact else f.invariant(f"and {words} {places}, {inside}", places)
        found = _at_places(memory, load, _place(memory, start, number) + memory.offset(load.value, flat, point), own)
        if result:
            here = f.invariant(f"icmp ult {words} {places}, {whole}", places)
            found = select(f, here, found, result, dtype, lanes)
        result = found
    return result


def _at_places(memory: Memory, load: Load, offset: Int, places: str) -> str:
    """The elements at places in the vector that begins at an offset, or in what there is of it on the axis."""
    f, lanes, dtype = memory.f, memory.schedule.lanes, load.value.dtype
    kind = f"<{lanes} x {memory_type(dtype)}>"
    live = min(lanes, load.value.shape[load.axis])
    text = memory.near(memory.bases[load.value], dtype, offset, 1, live, None)
    scalar, n = memory_type(dtype), max(lanes, SHUFFLED // dtype.itemsize)
    if n > lanes:
        order = ", ".join(f"i32 {min(lane, lanes)}" for lane in range(n))
        text = f.value(f"shufflevector {kind} {text}, {kind} zeroinitializer, <{n} x i32> <{order}>")
        words = f"<{lanes} x i32>"
        places = f.invariant(f"shufflevector {words} {places}, {words} zeroinitializer, <{n} x i32> <{order}>", places)
    made, permuted = f"<{n} x {scalar}>", "poison"
    for lane in range(n):
        place = f.value(f"extractelement <{n} x i32> {places}, i32 {lane}")  # here, so that LLVM sees the pattern
        element = f.value(f"extractelement {made} {text}, i32 {place}")
        permuted = f.value(f"insertelement {made} {permuted}, {scalar} {element}, i32 {lane}")
    if n > lanes:
        permuted = f.shuffle(permuted, "poison", scalar, n, range(lanes))
    return memory.register(permuted, dtype, lanes)

"""Loads and stores of stored values: elements and vectors, contiguous, reversed or strided, masked, gathered.

The only file that turns an index into an address.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from ...ir.graph import Value
from ..llvm.elementwise import LOWERINGS
from ..llvm.function import Function, memory_type, vector_type
from ..llvm.integer import Int, IntSum, total
from ..schedule.affine import Affine, Var
from ..schedule.layout import Layout
from ..schedule.loop_schedule import NEAR, LoopSchedule
from ..schedule.nest import Store

BOOL, INT = np.dtype(bool), np.dtype(np.int64)
WIDE = 64  # bytes that are cleared at once; LLVM takes them apart for machines with shorter vectors

Point = dict[Var, Int]  # the value of each loop variable; of the vector's variable, in lane 0
Mask = tuple[str, bool]  # a condition, and whether it is a vector, one bit a lane


def index_at(affine: Affine, point: Point) -> Int:
    """The value of an index map at a point."""
    return total(affine.const, [(point[var], factor) for var, factor in affine.terms])


class Memory:
    """The memory of the stored values that a nest reads and writes.

    Attributes:
        bases: the pointer to each value's buffer.
        handed: values that kernels of a chain hand on: each piece of a thread's share has the memory of the first one.
        permutes: whether some of the elements that are stored have been permuted.
    """

    def __init__(
        self, f: Function, schedule: LoopSchedule, layouts: Mapping[Value, Layout], handed: Collection[Value] = ()
    ):
        self.f, self.schedule, self.layouts, self.handed = f, schedule, layouts, handed
        self.bases: dict[Value, str] = {}
        self.permutes = False

    def offset(self, value: Value, affine: Affine, point: Point) -> Int:
        """The offset of an element of a value, whose index map this is, at a point."""
        if value not in self.handed:
            return index_at(affine, point)
        step: Int = 0
        for var in self.schedule.outer[: self.schedule.shared]:
            step = step * var.extent + point[var]
        *others, last = self.schedule.outer[: self.schedule.shared]
        slot = self.f.known("%share") + self.f.known("%low") * -1 + step
        return index_at(affine, {**point, **dict.fromkeys(others, 0), last: slot})

    def live(self, point: Point) -> int:
        """How many lanes of the vector at a point are in range; all of them where its start is not a number."""
        var, lanes = self.schedule.vector, self.schedule.lanes
        if var is None or var not in point:
            return lanes
        start = point[var]
        if isinstance(start, int):
            return max(0, min(lanes, self.schedule.extent(var) - start))
        return lanes

    # ---------------------------------------------------------------- reading

    def load(self, value: Value, index: Sequence[Affine], point: Point, mask: Mask | None) -> tuple[str, bool]:
        """The element at a point, or the vector that starts there; and whether it is a vector."""
        affine = self.layouts[value].flat(index)
        return self.load_at(value, self.offset(value, affine, point), affine, point, mask)

    def load_at(self, value: Value, offset: Int, affine: Affine, point: Point, mask: Mask | None) -> tuple[str, bool]:
        f, lanes, dtype = self.f, self.schedule.lanes, value.dtype
        base = self.bases[value]
        step = affine.coefficient(self.schedule.vector) if self.schedule.vector in point else 0
        if not step or lanes == 1:
            if mask is not None:
                if mask[1]:
                    some = f"<{lanes} x i1>"
                    f.declare(f"llvm.vector.reduce.or.v{lanes}i1", "i1", some)
                    mask = f.value(f"call i1 @llvm.vector.reduce.or.v{lanes}i1({some} {mask[0]})"), False
                offset = self.where(mask[0], offset)
            return self._element(base, dtype, offset), False
        live = min(self.live(point), lanes)
        if step == 1 and self._is_padded(value, affine):
            live = lanes
        if abs(step) > NEAR or (abs(step) > 1 and mask is not None and mask[1]):
            # of a load under a mask and the shuffle of its elements, LLVM may make a shuffle that reads everything
            return self._one_by_one(base, dtype, offset, step, live, mask), True
        low = offset if step > 0 else offset + step * (live - 1)
        if mask is not None and not mask[1] and abs(step) * (live - 1) < self.layouts[value].size:
            low, mask = self.where(mask[0], low), None
        return self.register(self.near(base, dtype, low, step, live, mask), dtype, lanes), True

    def near(self, base: str, dtype: np.dtype, offset: Int, step: int, live: int, mask: Mask | None) -> str:
        """A vector of elements that are at most ``NEAR`` apart: the whole range that they lie in, and a shuffle.

        Only elements between the first and the last live one are read, and none whose lane is masked.

        Args:
            offset: of the live element with the lowest address.
        """
        f, lanes, apart = self.f, self.schedule.lanes, abs(step)
        span, n = apart * (live - 1) + 1, apart * lanes
        kind = f"<{n} x {memory_type(dtype)}>"
        low = f.pointer(base, dtype, offset)
        if mask is None and span == n:
            text = f.value(f"load {kind}, ptr {low}, align {dtype.itemsize}")
        else:
            inside = self._spread(mask, step, live)
            suffix = f"v{n}{_suffix(dtype)}.p0"
            f.declare(f"llvm.masked.load.{suffix}", kind, f"ptr, i32, <{n} x i1>, {kind}")
            text = f.value(
                f"call {kind} @llvm.masked.load.{suffix}(ptr {low}, i32 {dtype.itemsize}, <{n} x i1> {inside}, "
                f"{kind} zeroinitializer)"
            )
        if step == 1:
            return text
        last = live - 1
        order = [apart * (i if step > 0 else last - i) if i < live else n for i in range(lanes)]
        return f.shuffle(text, "zeroinitializer", memory_type(dtype), n, order)

    def _spread(self, mask: Mask | None, step: int, live: int) -> str:
        """The mask of the range of memory that a vector's elements lie in, from one of its live lanes."""
        f, lanes, apart = self.f, self.schedule.lanes, abs(step)
        if mask is None or not mask[1]:
            holds = [f"i1 {str(i <= apart * (live - 1)).lower()}" for i in range(apart * lanes)]
            inside = f"<{', '.join(holds)}>"
            if mask is None:
                return inside
            n = apart * lanes
            return f.value(f"and <{n} x i1> {f.splat(mask[0], BOOL, n)}, {inside}")
        if step == 1 and live == lanes:
            return mask[0]
        order = []
        for i in range(apart * lanes):
            lane = i // apart if step > 0 else live - 1 - i // apart
            order.append(lane if i % apart == 0 and 0 <= lane < live else lanes)  # lane number ``lanes`` is false
        return f.shuffle(mask[0], "zeroinitializer", "i1", lanes, order)

    def where(self, condition: str, offset: Int) -> Int:
        """The offset, or 0 if a condition does not hold: an element that may always be read."""
        f = self.f
        return f.known(f.pure(f"select i1 {condition}, i64 {f.integer(offset)}, i64 0"))

    def _element(self, base: str, dtype: np.dtype, offset: Int) -> str:
        f = self.f
        text = f.value(f"load {memory_type(dtype)}, ptr {f.pointer(base, dtype, offset)}, align {dtype.itemsize}")
        return self.register(text, dtype, 1)

    def _one_by_one(self, base: str, dtype: np.dtype, offset: Int, step: int, live: int, mask: Mask | None) -> str:
        """A vector of elements that are not contiguous."""
        f, lanes = self.f, self.schedule.lanes
        kind = f"<{lanes} x {memory_type(dtype)}>"
        text = "zeroinitializer"
        for lane in range(live):
            here = offset + lane * step
            if mask is not None:
                holds = f.value(f"extractelement <{lanes} x i1> {mask[0]}, i32 {lane}") if mask[1] else mask[0]
                here = self.where(holds, here)
            element = f.value(f"load {memory_type(dtype)}, ptr {f.pointer(base, dtype, here)}, align {dtype.itemsize}")
            text = f.value(f"insertelement {kind} {text}, {memory_type(dtype)} {element}, i32 {lane}")
        return self.register(text, dtype, lanes)

    def register(self, text: str, dtype: np.dtype, lanes: int) -> str:
        if dtype.kind != "b":
            return text
        kind = f"<{lanes} x i8>" if lanes > 1 else "i8"
        return self.f.value(f"trunc {kind} {text} to {vector_type(dtype, lanes)}")

    def _is_padded(self, value: Value, affine: Affine) -> bool:
        """Whether the last vector may be read or written whole: the axis is padded to whole vectors, from its start."""
        layout, var = self.layouts[value], self.schedule.vector
        return (
            var is not None
            and bool(layout.shape)
            and not layout.low[-1]
            and not layout.high[-1]
            and layout.shape[-1] == self.schedule.extent(var)
            and -(-layout.shape[-1] // self.schedule.lanes) * self.schedule.lanes <= layout.padded
            and affine.const % layout.padded == 0
            and all(c % layout.padded == 0 for v, c in affine.terms if v is not var)
        )

    # ---------------------------------------------------------------- writing

    def runs(self, stores: Sequence[tuple[Store, Point]]) -> list[list[tuple[Store, Point]]]:
        """Stores at points in groups that are written together: those whose vectors interleave without a gap.

        A group has as many as the elements of each vector are apart, the one with the lowest address first.
        """
        groups: dict[Any, list[tuple[int, Store, Point]]] = {}
        for store, point in stores:
            affine = self.layouts[store.value].flat(store.index)
            along = self.schedule.vector if self.schedule.result_lanes > 1 else None
            step = affine.coefficient(along) if along else 0
            offset = self.offset(store.value, affine, point)
            terms, const = (offset.terms, offset.const) if isinstance(offset, IntSum) else ((), offset)
            near = 1 < step <= NEAR
            key = (store.value, step, self.live(point), terms) if near else (len(groups),)
            groups.setdefault(key, []).append((const, store, point))
        runs = []
        for key, members in groups.items():
            members.sort(key=itemgetter(0))
            while members:
                step = key[1] if len(key) == 4 else 1
                first = members[0][0]
                whole = [const for const, *_ in members[:step]] == list(range(first, first + step))
                size = step if whole else 1
                runs.append([(store, point) for _, store, point in members[:size]])
                del members[:size]
        return runs

    def store(self, run: Sequence[tuple[Store, Point]], values: Sequence[tuple[str, bool]]) -> None:
        """Write the results of stores at points: of one, or of those of a run."""
        store, point = run[0]
        affine = self.layouts[store.value].flat(store.index)
        self._store_at(store.value, self.offset(store.value, affine, point), affine, point, values)

    def clear(self, value: Value, offset: Int, count: int) -> None:
        """Write ``count`` zeros."""
        f, dtype, left = self.f, value.dtype, count
        lanes = WIDE // dtype.itemsize
        for size, each in ((4 * lanes, lanes), (lanes, lanes), (1, 1)):
            kind = memory_type(dtype) if each == 1 else f"<{each} x {memory_type(dtype)}>"
            start, end = count - left, count - left % size

            def body(i: Int, _: list[str], size: int = size, each: int = each, kind: str = kind) -> list[str]:
                for k in range(0, size, each):
                    pointer = f.pointer(self.bases[value], dtype, offset + i + k)
                    f.emit(f"store {kind} zeroinitializer, ptr {pointer}, align {dtype.itemsize}")
                return []

            f.loop(start, end, size, [], body)
            left %= size

    def add(self, value: Value, row: Int, columns: Affine, point: Point, text: str, is_vector: bool) -> None:
        """Add a term of a scattered sum. ``row``: where its row begins; ``columns``: where it is in the row."""
        offset, dtype = row + index_at(columns, point), value.dtype
        sum_so_far, _ = self.load_at(value, offset, columns, point, None)
        lanes = self.schedule.result_lanes
        text = text if is_vector else self.f.splat(text, dtype, lanes)
        text = LOWERINGS["add"].spell(self.f, [sum_so_far, text], dtype, dtype, lanes)
        self._store_at(value, offset, columns, point, [(text, lanes > 1)])

    def _store_at(
        self, value: Value, offset: Int, affine: Affine, point: Point, values: Sequence[tuple[str, bool]]
    ) -> None:
        """Write a value, or those of a run."""
        f, lanes = self.f, self.schedule.result_lanes
        dtype, base = value.dtype, self.bases[value]
        if lanes == 1:
            self._store_element(base, dtype, offset, values[0][0])
            return
        step = affine.coefficient(self.schedule.vector) if self.schedule.vector else 0
        texts = [text if is_vector else f.splat(text, dtype, lanes) for text, is_vector in values]
        live = self.live(point)
        if step == 1 and live < lanes and self._is_padded(value, affine):
            live = lanes
        alone = step * live == 1  # LLVM may write as much for it as a lane that was wider before
        if step != len(values) or alone:
            for lane in range(live):
                element = f.value(f"extractelement {vector_type(dtype, lanes)} {texts[0]}, i32 {lane}")
                self._store_element(base, dtype, offset + lane * step, element)
            return
        if dtype.kind == "b":
            texts = [f.value(f"zext {vector_type(dtype, lanes)} {text} to <{lanes} x i8>") for text in texts]
        n = step * lanes
        text, kind = f.interleaved(texts, memory_type(dtype), lanes), f"<{n} x {memory_type(dtype)}>"
        pointer = f.pointer(base, dtype, offset)
        if live == lanes:
            f.emit(f"store {kind} {text}, ptr {pointer}, align {dtype.itemsize}")
            return
        suffix = f"v{n}{_suffix(dtype)}.p0"
        f.declare(f"llvm.masked.store.{suffix}", "void", f"{kind}, ptr, i32, <{n} x i1>")
        f.emit(
            f"call void @llvm.masked.store.{suffix}({kind} {text}, ptr {pointer}, i32 {dtype.itemsize}, "
            f"<{n} x i1> {self._first(step * live, n)})"
        )

    def _first(self, count: int, lanes: int) -> str:
        """The mask of the first lanes. If there are permutations, LLVM does not know it, and so has them whole."""
        f = self.f
        if not self.permutes:
            return f"<{', '.join(f'i1 {str(i < count).lower()}' for i in range(lanes))}>"
        runs = f.pure("icmp slt i64 %low, %high", 0)  # always, but nothing says so
        limit = f.pure(f"select i1 {runs}, i32 {count}, i32 0", 0)
        first = f.pure(f"insertelement <{lanes} x i32> poison, i32 {limit}, i32 0", 0)
        limits = f.pure(
            f"shufflevector <{lanes} x i32> {first}, <{lanes} x i32> poison, <{lanes} x i32> zeroinitializer", 0
        )
        numbers = f"<{', '.join(f'i32 {i}' for i in range(lanes))}>"
        return f.pure(f"icmp ult <{lanes} x i32> {numbers}, {limits}", 0)

    def _store_element(self, base: str, dtype: np.dtype, offset: Int, text: str) -> None:
        if dtype.kind == "b":
            text = self.f.value(f"zext i1 {text} to i8")
        pointer = self.f.pointer(base, dtype, offset)
        self.f.emit(f"store {memory_type(dtype)} {text}, ptr {pointer}, align {dtype.itemsize}")


def _suffix(dtype: np.dtype) -> str:
    return f"f{8 * dtype.itemsize}" if dtype.kind == "f" else f"i{8 * dtype.itemsize}"

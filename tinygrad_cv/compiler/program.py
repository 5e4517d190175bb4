"""Programs that are ready to run: an image whose code is loaded and whose buffers have addresses.

A call writes the addresses of its arrays into a table that the kernels read, and runs all steps.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np

from ..core import memory
from ..core.context import quiet
from ..core.floor import uses
from ..core.locks import lock
from ..core.primitive import PRIMITIVES
from ..ir.rewrite.multiply_less import summary
from .addresses import address, aligned
from .image import Image, ImageStep, KernelInfo
from .kernels import KernelRow, KernelTable
from .memory import MemoryPlan
from .runtime import threads
from .runtime.driver import MAX_PARTS
from .runtime.objects import load
from .runtime.roofline import roofline
from .same import Same

LARGE = 1 << 17  # bytes: the arrays of larger outputs are reused
UNUSED = 2  # references to an array that only the list of spares holds: the list's, and the one of the count itself
SPARES = 2  # arrays for each output: a tensor holds that of the call before until the new call ends
LITTLE = 1 << 16  # operations: a program with less work runs on the calling thread alone
SHARE = 1 << 23  # operations, about 100 µs: a longer step gets more parts than threads, since a core may be slow
SHARES = 16  # parts of a step for each thread, at most
BYTE = 8  # operations that take as long as moving a byte from or to memory


class NativeProgram:
    """The native code of one graph. Calls from several threads run one after the other.

    >>> outputs = program([array, ...])  # doctest: +SKIP
    """

    is_native = True

    def __init__(self, image: Image, parts: int):
        self.image = image
        self._library = load(image.objects, image.names)
        self._arena = aligned(image.arena)
        self._lock = lock()
        self._segments: list[Any] = []  # native programs, and steps that NumPy computes
        self._first: list[Any] = []  # the same of steps whose results are kept from call to call
        self._same = Same(image.steady)
        self._everything = range(len(image.inputs))
        self._fleeting = [number for number in self._everything if number not in image.steady]
        self._last = threads.Program([])  # the steps that store updates
        self._threads = 1 if image.work < LITTLE else None
        self._written = [i for i, buffer in enumerate(image.buffers) if buffer.kind == "output"]
        self._made = [(image.buffers[i].shape, image.buffers[i].dtype) for i in self._written]
        self._reused = [math.prod(shape) * dtype.itemsize >= LARGE for shape, dtype in self._made]
        self.places = image.places
        self._place = {number: self._written.index(image.outputs[number]) for number in image.places}
        self._late = set(self._place.values())
        self._reuses = any(self._reused) or bool(self._late)
        self._distinct = image.outputs == self._written  # no output is an input, a constant or another output
        self._parts = parts
        self._spare: list[list[np.ndarray]] = [[] for _ in self._written]  # of each output, arrays of the last calls
        self._assemble()

    def _assemble(self) -> None:
        """Write the tables that the native code reads."""
        calls = [call for step in self.image.steps for chain in step.chains for call in chain.calls]
        starts = np.cumsum([0] + [len(call.buffers) for call in calls])
        buffers = [buffer for call in calls for buffer in call.buffers]
        table = np.array([self._address_of(buffer) for buffer in buffers], np.int64)
        self._table = table.data  # items of a memoryview are faster to set than those of an array
        slots: dict[int, list[int]] = {}  # where in the table the address of a buffer is written
        for slot, buffer in enumerate(buffers):
            slots.setdefault(buffer, []).append(slot)
        self._read = [slots.get(i, []) for i in self.image.inputs]
        self._filled = [slots.get(i, []) for i in self._written]
        self._calls: list[tuple[int, int, int]] = []  # for each kernel: steps, function, buffers
        native: list[threads.KernelCall] = []
        records: list[np.ndarray] = []
        at = 0
        work = [0] * len(self.image.steps)
        for info in self.image.kernels:
            work[info.step] += _work(info)
        for number, step in enumerate(self.image.steps):
            if number == self.image.late:
                self._flush(native, records)
                native, records = [], []
            if number == self.image.kept:
                self._flush(native, records)
                native, records = [], []
                self._first, self._segments = self._segments, []
            if step.kind == "host":
                self._flush(native, records)
                native, records = [], []
                self._segments.append(step)
                continue
            words = [len(step.chains)]
            for chain in step.chains:
                words += [chain.steps, chain.piece, len(chain.calls)]
                for call in chain.calls:
                    function, pointers = self._library[call.function], table.ctypes.data + 8 * int(starts[at])
                    words += [function, pointers]
                    self._calls.append((chain.steps, function, pointers))
                    at += 1
            record = np.array(words, np.int64)
            records.append(record)
            native.append(
                threads.KernelCall(
                    self._library["tg_chains"], record.ctypes.data, self._shares(step.kind, work[number])
                )
            )
        if self.image.late < len(self.image.steps):
            self._last = threads.Program(native, records)
        else:
            self._flush(native, records)

    def _address_of(self, number: int) -> int:
        """The address of a buffer; 0 if each call has another."""
        buffer = self.image.buffers[number]
        if buffer.kind == "part":
            return self._address_of(buffer.whole) + buffer.place
        if buffer.kind == "arena":
            return int(self._arena.ctypes.data) + buffer.place
        return int(self.image.constants[buffer.place].ctypes.data) if buffer.kind == "constant" else 0

    def _shares(self, kind: str, work: int) -> int:
        """The number of parts of a step."""
        if kind != "parallel":
            return 1
        each = min(SHARES, max(1, work // (self._parts * SHARE)))
        return min(self._parts * each, MAX_PARTS)

    def _flush(self, native: list[threads.KernelCall], records: list[np.ndarray]) -> None:
        """End a segment of native steps."""
        if native:
            self._segments.append(threads.Program(native, records))

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The outputs, in arrays of their own."""
        arrays = [np.asarray(a, order="C") for a in arrays]
        with self._lock:
            results = self._early(arrays)
            if self.places:
                results = [self.into(i) if i in self.places else result for i, result in enumerate(results)]
                self._last.run(self._threads)
        return results

    def _early(self, arrays: Sequence[np.ndarray]) -> list[Any]:
        """Compute all outputs but the updates, which are None."""
        outputs = self._fresh()
        same = not self._first or self._same.hold(arrays)
        self._point(arrays, outputs, self._fleeting if same else self._everything)
        if not same:
            self._same.take(arrays)
            for segment in self._first:
                segment.run(self._threads)
            self._same.keep()
        for segment in self._segments:
            if isinstance(segment, ImageStep):
                self._on_host(segment, arrays, outputs)
            else:
                segment.run(self._threads)
        return outputs if self._distinct else self._copied(arrays, outputs)

    @contextmanager
    def started(self, arrays: Sequence[np.ndarray]) -> Iterator[list[Any]]:
        """The outputs; where one is an update, None. To be given its memory by :meth:`into`, before :meth:`ready`.

        No other call begins meanwhile.
        """
        with self._lock:
            yield self._early(arrays)

    def into(self, number: int, array: np.ndarray | None = None) -> np.ndarray:
        """Have an update stored into an array: new memory if it is None."""
        if array is None:
            array = self._new(self._place[number])
        start = address(array)
        for slot in self._filled[self._place[number]]:
            self._table[slot] = start
        return array

    def ready(self) -> AbstractContextManager[tuple[Callable[..., Any], tuple[Any, ...]]]:
        """A function in C, and its arguments, that stores the updates while no other Python code runs."""
        return self._last.ready(self._threads)

    def _point(self, arrays: Sequence[np.ndarray], outputs: Sequence[np.ndarray | None], inputs: Sequence[int]) -> None:
        """Write the addresses of some inputs, and of the outputs, into the table."""
        table, read, filled = self._table, self._read, self._filled
        for i in inputs:
            start = address(arrays[i])
            for slot in read[i]:
                table[slot] = start
        for i, output in enumerate(outputs):
            if output is not None:
                start = address(output)
                for slot in filled[i]:
                    table[slot] = start

    def _copied(self, arrays: Sequence[np.ndarray], outputs: list[Any]) -> list[Any]:
        """The outputs in order. One that is an input, a constant or an earlier output is copied."""
        results: list[Any] = []
        seen: set[int] = set()
        for i in self.image.outputs:
            array = self._array(i, arrays, outputs)
            own = self.image.buffers[i].kind == "output" and i not in seen
            results.append(array if own else np.array(array))
            seen.add(i)
        return results

    def _fresh(self) -> list[Any]:
        """Arrays for the outputs that are no updates: large ones are reused if nobody holds them any more.

        New memory costs a page fault for every 4096 bytes, which may take longer than computing a large output.
        """
        if not self._reuses:
            return [np.empty(shape, dtype) for shape, dtype in self._made]
        return [
            None if number in self._late else self._spare_or_new(number) if reused else np.empty(*made)
            for number, (reused, made) in enumerate(zip(self._reused, self._made, strict=True))
        ]

    def _new(self, number: int) -> np.ndarray:
        """Memory for an update."""
        return np.empty(*self._made[number])

    def _spare_or_new(self, number: int) -> np.ndarray:
        if not COUNTS:
            return np.empty(*self._made[number])
        spare = self._spare[number]
        old = next((i for i in range(len(spare)) if sys.getrefcount(spare[i]) == UNUSED), None)
        array = np.empty(*self._made[number]) if old is None else spare.pop(old)
        if old is not None:
            memory.store(array)
        spare.append(array)
        del spare[:-SPARES]
        return array

    @property
    def nbytes(self) -> int:
        """The arena, and spare arrays for outputs."""
        made = zip(self._made, self._reused, strict=True)
        outputs = sum(math.prod(shape) * dtype.itemsize for (shape, dtype), reused in made if reused)
        return int(self._arena.nbytes) + SPARES * outputs

    @property
    def fallbacks(self) -> list[str]:
        """What NumPy computes, for want of native code."""
        return [f"{step.op}: no lowering for it, NumPy computes it" for step in self.image.steps if step.op]

    @property
    def notes(self) -> list[str]:
        """Which sums over windows were done with fewer multiplications."""
        return summary(self.image.taken)

    def kernels(self) -> KernelTable:
        """The kernels, each with its time when it runs alone on zeros."""
        image, roof = self.image, roofline()
        zeros = [np.zeros(buffer.shape, buffer.dtype) for buffer in image.buffers]
        kinds = [step.kind for step in image.steps]
        rows = []
        calls = iter(self._calls)
        with self._lock:
            self._same.forget()
            self._point([zeros[i] for i in image.inputs], [zeros[i] for i in self._written], self._everything)
            for number, info in enumerate(image.kernels):
                seconds = 0.0
                if info.kind != "host":
                    steps, function, buffers = next(calls)
                    record = np.array([1, steps, steps, 1, function, buffers], np.int64)
                    parts = self._shares(kinds[info.step], _work(info))
                    program = threads.Program(
                        [threads.KernelCall(self._library["tg_chains"], record.ctypes.data, parts)], record
                    )
                    seconds = float(min(program.seconds(None if parts > 1 else 1).sum() for _ in range(3)))
                least = max(info.flops / roof.flops, info.nbytes / roof.bandwidth)
                share = min(1.0, least / seconds) if seconds else 0.0
                rows.append(
                    KernelRow(
                        number,
                        info.step,
                        info.kind,
                        info.ops,
                        info.scope,
                        info.flops,
                        info.nbytes,
                        1e3 * seconds,
                        share,
                    )
                )
        return KernelTable(rows)

    def memory(self) -> MemoryPlan:
        """The most memory that a call needs, and what holds it then."""
        image = self.image
        return MemoryPlan.of(image.memory, image.outside, image.arena, len(image.steps))

    def _on_host(self, step: ImageStep, arrays: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> None:
        args = [self._array(i, arrays, outputs).reshape(shape) for i, shape in step.args]
        primitive, result = PRIMITIVES[step.op], self._array(step.result, arrays, outputs)
        with np.errstate(all="ignore"):
            if primitive.into is not None:
                primitive.into(result, *args, **step.params)
            else:
                result[...] = quiet(primitive, args, step.params)

    def _array(self, number: int, arrays: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> np.ndarray:
        buffer = self.image.buffers[number]
        if buffer.kind == "input":
            return arrays[self.image.inputs.index(number)]
        if buffer.kind == "output":
            return outputs[buffer.place]
        if buffer.kind == "constant":
            return self.image.constants[buffer.place]
        return np.ndarray(buffer.shape, buffer.dtype, self._arena, buffer.place)


def _counts() -> bool:
    """Whether an array that only a list holds has ``UNUSED`` references, and one that a variable holds too has more."""
    arrays = [np.zeros(1), np.zeros(1)]
    held = arrays[1]
    return sys.getrefcount(arrays[0]) == UNUSED < sys.getrefcount(arrays[1]) and held is arrays[1]


COUNTS = uses("refcounts") and _counts()


def _work(info: KernelInfo) -> int:
    """The cost of a kernel in operations."""
    return info.flops + BYTE * info.nbytes

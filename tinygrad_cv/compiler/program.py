"""A compiled program that runs: an image in memory, and calls of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.context import quiet
from ..core.primitive import PRIMITIVES
from .image import Image, ImageStep
from .runtime import threads
from .runtime.objects import load
from .schedule.layout import ALIGNMENT

LITTLE = 1 << 16  # operations: a program with less work runs on the calling thread alone


class NativeProgram:
    """Native code for one graph. Calls from several threads run one after another.

    >>> outputs = program([array, ...])  # doctest: +SKIP
    """

    def __init__(self, image: Image, parts: int):
        self.image = image
        self._library = load(image.objects, image.names)
        self._arena = aligned(image.arena)
        self._lock = threading.Lock()
        self._pointers = np.zeros(len(image.buffers), np.int64)
        for i, buffer in enumerate(image.buffers):
            if buffer.kind == "arena":
                self._pointers[i] = self._arena.ctypes.data + buffer.place
            elif buffer.kind == "constant":
                self._pointers[i] = image.constants[buffer.place].ctypes.data
        self._slots: list[int] = []  # the buffer of every pointer in the table
        self._segments: list[Any] = []  # native programs, and steps of the host
        self._threads = 1 if image.work < LITTLE else None
        self._written = [i for i, buffer in enumerate(image.buffers) if buffer.kind == "output"]
        self._assemble(parts)

    def _assemble(self, parts: int) -> None:
        """Write the tables that the native code reads."""
        calls = [call for step in self.image.steps for chain in step.chains for call in chain.calls]
        starts = np.cumsum([0] + [len(call.buffers) for call in calls])
        self._slots = [buffer for call in calls for buffer in call.buffers]
        self._table = np.zeros(max(len(self._slots), 1), np.int64)
        self._moving = np.array(
            [i for i, b in enumerate(self._slots) if self.image.buffers[b].kind in ("input", "output")], np.int64
        )
        self._sources = np.array([self._slots[i] for i in self._moving], np.int64)
        if self._slots:
            self._table[:] = self._pointers[self._slots]
        native: list[threads.Step] = []
        keep: list[np.ndarray] = []
        at = 0
        for step in self.image.steps:
            if step.kind == "host":
                self._flush(native, keep)
                native, keep = [], []
                self._segments.append(step)
                continue
            words = [len(step.chains)]
            for chain in step.chains:
                words += [chain.steps, chain.piece, len(chain.calls)]
                for call in chain.calls:
                    words += [self._library[call.function], self._table.ctypes.data + 8 * int(starts[at])]
                    at += 1
            record = np.array(words, np.int64)
            keep.append(record)
            native.append(threads.Step(self._library["tg_chains"], record.ctypes.data, parts if step.kind == "parallel" else 1))
        self._flush(native, keep)

    def _flush(self, native: list[threads.Step], keep: list[np.ndarray]) -> None:
        if native:
            self._segments.append(threads.Program(native, keep))

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The outputs, in arrays of their own."""
        image = self.image
        buffers = image.buffers
        arrays = [np.asarray(a, order="C") for a in arrays]
        outputs = [np.empty(b.shape, b.dtype) for b in buffers if b.kind == "output"]
        with self._lock:
            for i, array in zip(image.inputs, arrays, strict=True):
                self._pointers[i] = array.ctypes.data
            for i, array in zip(self._written, outputs, strict=True):
                self._pointers[i] = array.ctypes.data
            self._table[self._moving] = self._pointers[self._sources]
            for segment in self._segments:
                if isinstance(segment, ImageStep):
                    self._on_host(segment, arrays, outputs)
                else:
                    segment.run(self._threads)
        results: dict[int, np.ndarray] = {}
        for i in image.outputs:  # an output that is an input or a constant, or comes twice, is copied
            results[len(results)] = (
                outputs[buffers[i].place]
                if buffers[i].kind == "output" and i not in image.outputs[: len(results)]
                else np.array(self._array(i, arrays, outputs))
            )
        return list(results.values())

    def _on_host(self, step: ImageStep, arrays: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> None:
        args = [self._array(i, arrays, outputs) for i in step.args]
        with np.errstate(all="ignore"):
            self._array(step.result, arrays, outputs)[...] = quiet(PRIMITIVES[step.op], args, step.params)

    def _array(self, number: int, arrays: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> np.ndarray:
        buffer = self.image.buffers[number]
        if buffer.kind == "input":
            return arrays[self.image.inputs.index(number)]
        if buffer.kind == "output":
            return outputs[buffer.place]
        if buffer.kind == "constant":
            return self.image.constants[buffer.place]
        return np.ndarray(buffer.shape, buffer.dtype, self._arena, buffer.place)


def aligned(nbytes: int) -> np.ndarray:
    """Zeros that start at a cache line."""
    raw = np.zeros(nbytes + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + nbytes]

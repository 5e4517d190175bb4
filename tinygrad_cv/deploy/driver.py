"""The functions that run an exported program: LLVM text that calls its kernels one after the other.

    init(block)         writes the addresses of all buffers into the table at the end of the block
    step(block)         a call: 0, or 1 if its results are not valid; then no state has changed
    part(block, part)   instead, for several threads: all call it at once, each with its own number

They call no function through a pointer, and nothing from outside but what lets another thread run. The block holds
zeros before ``init``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from string import Template
from typing import NamedTuple

import numpy as np

from ..compiler.image import Chain, Image, ImageStep
from ..compiler.runtime.target import Target
from .block import Block, aligned

INIT = """
define void @{prefix}init(ptr %block) nounwind {{
entry:
  %table = getelementptr i8, ptr %block, {word} {table}
  br label %next
next:
  %i = phi {word} [0, %entry], [%after, %next]
  %offset_at = getelementptr {word}, ptr @offsets, {word} %i
  %offset = load {word}, ptr %offset_at
  %address = getelementptr i8, ptr %block, {word} %offset
  %slot = getelementptr ptr, ptr %table, {word} %i
  store ptr %address, ptr %slot
  %after = add nuw {word} %i, 1
  %more = icmp ult {word} %after, {count}
  br i1 %more, label %next, label %done
done:
{constants}  ret void
}}
"""


SPINS = 4000  # looks at a barrier before a thread sleeps, or lets others run
SLEEPS = {  # for the system: what wakes threads, what a thread sleeps by, and declarations of both
    "wasm32": (
        "%woken = call i32 @llvm.wasm.memory.atomic.notify(ptr %opened_at, i32 -1)",
        "%how = call i32 @llvm.wasm.memory.atomic.wait32(ptr %opened_at, i32 %opened, i64 -1)",
        "declare i32 @llvm.wasm.memory.atomic.notify(ptr, i32)\n"
        "declare i32 @llvm.wasm.memory.atomic.wait32(ptr, i32, i64)\n",
    ),
    "": ("", "%how = call i32 @sched_yield()", "declare i32 @sched_yield()\n"),
}
BARRIER = 128  # bytes


class Driver(NamedTuple):
    """The text, and the size of the block with the table, and the barrier of several threads, at its end."""

    text: str
    size: int


def driver(image: Image, block: Block, condition: int, target: Target, prefix: str = "", threads: int = 1) -> Driver:
    """The functions for an image.

    Args:
        condition: the number of the output that says whether results are valid; -1 if they always are.
        prefix: of the functions' names.
        threads: how many call ``part``; 1 calls ``step``.
    """
    return _Writer(image, block, condition, target, prefix, threads).write()


class _Writer:
    def __init__(self, image: Image, block: Block, condition: int, target: Target, prefix: str, threads: int):
        self.image, self.block, self.condition, self.prefix = image, block, condition, prefix
        self.target, self.threads = target, threads
        self.word = f"i{8 * target.pointer_bytes}"
        self.slots: list[int] = []  # the buffer of each slot of the table
        self.lines: list[str] = []
        self.label = "entry"
        self.count = 0

    def write(self) -> Driver:
        image, block, word = self.image, self.block, self.word
        for number, step in enumerate(image.steps):
            if number == image.late:
                self._end_of_early()
            self._step(step)
        if image.late >= len(image.steps):
            self._end_of_early()
        self._alone(self._commit)
        offsets = ", ".join(f"{word} {block.places.get(buffer, 0)}" for buffer in self.slots)
        count = max(len(self.slots), 1)
        size = block.size + aligned(count * self.target.pointer_bytes)
        parts = [
            f"@offsets = internal constant [{count} x {word}] [{offsets or f'{word} 0'}]",
            *(
                f"@constant_{i} = internal constant {_bytes(array)}, align 64"
                for i, array in enumerate(image.constants)
            ),
            INIT.format(prefix=self.prefix, word=word, table=block.size, count=count, constants=self._constants()),
            *self._head(size),
            *self.lines,
            "  ret i32 0",
            "invalid:" if self.condition >= 0 else "",
            "  ret i32 1" if self.condition >= 0 else "",
            "}",
            f"declare void @llvm.memcpy.p0.p0.{word}(ptr, ptr, {word}, i1)",
            self._barrier_text() if self.threads > 1 else "",
        ]
        return Driver("\n".join(filter(None, parts)) + "\n", size + BARRIER * (self.threads > 1))

    def _head(self, end: int) -> list[str]:
        """The beginning of the function. ``end``: of the table."""
        table = f"  %table = getelementptr i8, ptr %block, {self.word} {self.block.size}"
        if self.threads == 1:
            return [f"define i32 @{self.prefix}step(ptr %block) nounwind {{", "entry:", table]
        return [
            f"define i32 @{self.prefix}part(ptr %block, i32 %part) nounwind {{",
            "entry:",
            table,
            f"  %barrier = getelementptr i8, ptr %block, {self.word} {end}",
            "  %first = icmp eq i32 %part, 0",
            "  %this = zext i32 %part to i64",
            "  %next = add i64 %this, 1",
        ]

    def _barrier_text(self) -> str:
        wake, sleep, declared = SLEEPS.get(self.target.arch, SLEEPS[""])
        text = Template(Path(__file__).with_name("barrier.ll").read_text(encoding="utf-8"))
        words = {"PARTS": self.threads, "LAST": self.threads - 1, "SPINS": SPINS, "WAKE": wake, "SLEEP": sleep}
        return text.substitute(words) + declared

    def _step(self, step: ImageStep) -> None:
        """The kernels between two barriers."""
        if step.kind == "serial":
            self._alone(lambda: self._chains(step, False))
        else:
            self._chains(step, self.threads > 1)
        self._wait()

    def _chains(self, step: ImageStep, shared: bool) -> None:
        for chain in step.chains:
            self._chain(chain, shared)

    def _alone(self, write: Callable[[], object]) -> None:
        """What one thread does."""
        if self.threads == 1:
            write()
            return
        only, after = self._fresh("only"), self._fresh("after")
        self.lines += [f"  br i1 %first, label %{only}, label %{after}", f"{only}:"]
        self.label = only
        write()
        self.lines += [f"  br label %{after}", f"{after}:"]
        self.label = after

    def _wait(self) -> None:
        """Until all threads are here."""
        if self.threads > 1:
            self.lines.append("  call void @barrier(ptr %barrier)")

    def _chain(self, chain: Chain, shared: bool) -> None:
        """All kernels of a chain, piece by piece; the share of one thread of it, if it is shared."""
        tables = []
        for call in chain.calls:
            tables.append(self._value(f"getelementptr ptr, ptr %table, {self.word} {len(self.slots)}"))
            self.slots += call.buffers
        names = [call.function for call in chain.calls]
        share, end = "0", str(chain.steps)
        if shared:
            share, end = (
                self._value(f"udiv i64 {self._value(f'mul i64 {place}, {chain.steps}')}, {self.threads}")
                for place in ("%this", "%next")
            )
        elif chain.piece >= chain.steps or len(chain.calls) == 1:
            self._calls(names, tables, share, end, share)
            return
        before, head, body, after = self.label, *(self._fresh(name) for name in ("pieces", "piece", "done"))
        low, high, left, beyond, short = (self._fresh(f"%{n}") for n in ("low", "high", "left", "beyond", "short"))
        self.lines += [
            f"  br label %{head}",
            f"{head}:",
            f"  {low} = phi i64 [{share}, %{before}], [{high}, %{body}]",
            f"  {left} = icmp slt i64 {low}, {end}",
            f"  br i1 {left}, label %{body}, label %{after}",
            f"{body}:",
            f"  {beyond} = add i64 {low}, {chain.piece}",
            f"  {short} = icmp slt i64 {beyond}, {end}",
            f"  {high} = select i1 {short}, i64 {beyond}, i64 {end}",
        ]
        self._calls(names, tables, low, high, share)
        self.lines += [f"  br label %{head}", f"{after}:"]
        self.label = after

    def _calls(self, names: Iterable[str], tables: Iterable[str], low: str, high: str, share: str) -> None:
        for name, table in zip(names, tables, strict=True):
            self.lines.append(f"  call void @{name}(ptr {table}, i64 {low}, i64 {high}, i64 {share})")

    def _end_of_early(self) -> None:
        """Results that are no kernel's; and the end, if results are not valid."""
        if self.block.copied:
            self._alone(self._copy_results)
            self._wait()
        if self.condition >= 0:
            holds = self._value(f"load i8, ptr {self._at(self.block.outputs[self.condition])}")
            broken, valid = self._value(f"icmp eq i8 {holds}, 0"), self._fresh("valid")
            self.lines += [f"  br i1 {broken}, label %invalid, label %{valid}", f"{valid}:"]
            self.label = valid

    def _copy_results(self) -> None:
        for result in self.block.copied:
            self._copy(self._at(result.place), self._address(result.buffer), result.nbytes)

    def _commit(self) -> None:
        """State where the next call reads it."""
        for commit in self.block.commits:
            self._copy(self._at(commit.place), self._at(commit.origin), commit.nbytes)

    def _copy(self, to: str, origin: str, nbytes: int) -> None:
        self.lines.append(
            f"  call void @llvm.memcpy.p0.p0.{self.word}(ptr {to}, ptr {origin}, {self.word} {nbytes}, i1 false)"
        )

    def _address(self, buffer: int) -> str:
        place, offset = self._constant(buffer)
        if place is None:
            return self._at(self.block.places[buffer])
        return self._value(f"getelementptr i8, ptr @constant_{place}, {self.word} {offset}")

    def _at(self, place: int) -> str:
        return self._value(f"getelementptr i8, ptr %block, {self.word} {place}")

    def _constants(self) -> str:
        """Their addresses, stored into the table."""
        lines = []
        for slot, buffer in enumerate(self.slots):
            place, offset = self._constant(buffer)
            if place is not None:
                origin = f"getelementptr (i8, ptr @constant_{place}, {self.word} {offset})"
                lines.append(f"  %to{slot} = getelementptr ptr, ptr %table, {self.word} {slot}\n")
                lines.append(f"  store ptr {origin}, ptr %to{slot}\n")
        return "".join(lines)

    def _constant(self, number: int) -> tuple[int | None, int]:
        """The constant that a buffer is, or is a part of, and the offset; None if it lies in the block."""
        buffer, offset = self.image.buffers[number], 0
        while buffer.kind == "part":
            offset += buffer.place
            buffer = self.image.buffers[buffer.whole]
        return (buffer.place if buffer.kind == "constant" else None), offset

    def _value(self, instruction: str) -> str:
        name = self._fresh("%v")
        self.lines.append(f"  {name} = {instruction}")
        return name

    def _fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"


def _bytes(array: np.ndarray) -> str:
    data: Sequence[int] = np.asarray(array, order="C").tobytes()
    return f'[{len(data)} x i8] c"{"".join(f"{chr(92)}{byte:02X}" for byte in data)}"'

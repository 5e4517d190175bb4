"""A function in LLVM text, written block by block: loops that carry values, branches, vectors, addresses.

Invariant code is hoisted as it is written: an integer goes to the outermost loop that knows all its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby, zip_longest

import numpy as np

from .integer import Int, IntSum

_TYPES = {"f2": "half", "f4": "float", "f8": "double", "b1": "i1"}


@cache
def scalar_type(dtype: np.dtype) -> str:
    """The type of an element in a register."""
    return _TYPES.get(dtype.str[1:]) or f"i{8 * dtype.itemsize}"


@cache
def memory_type(dtype: np.dtype) -> str:
    """The type of an element in memory."""
    return "i8" if dtype.kind == "b" else scalar_type(dtype)


@cache
def vector_type(dtype: np.dtype, lanes: int) -> str:
    """The type of a vector; of one element if it has one lane."""
    return scalar_type(dtype) if lanes == 1 else f"<{lanes} x {scalar_type(dtype)}>"


def number(value: np.generic) -> str:
    """A constant in LLVM's notation: floats by their bits."""
    dtype = value.dtype
    if dtype.kind == "f":
        return f"0x{np.float64(value).view(np.uint64):016X}"
    if dtype.kind == "b":
        return "true" if value else "false"
    return str(int(value))


@dataclass
class Block:
    """A basic block. Its end is a field of its own, so that instructions can be added after the branch is written.

    Attributes:
        phis: the values that a loop carries; they are complete after its body is written.
        end: the branch or return.
    """

    label: str
    phis: list[str] = field(default_factory=list)
    instructions: list[str] = field(default_factory=list)
    end: str = ""

    def __str__(self) -> str:
        return "\n  ".join([f"{self.label}:", *self.phis, *self.instructions, self.end])


@dataclass
class Level:
    """The function itself, or a loop or branch in it that is being written.

    Attributes:
        block: the block that is being written; while an inner loop or branch is open, the block before that.
        pure: the instructions without effects at this level.
    """

    block: Block
    pure: list[str] = field(default_factory=list)


class Function:
    """A function that is being written.

    Attributes:
        bitselect: whether floats are selected by WebAssembly's own instruction, of which LLVM makes nothing else.
    """

    def __init__(self, name: str, parameters: Sequence[str], bitselect: bool = False):
        self.name, self.parameters, self.bitselect = name, tuple(parameters), bitselect
        self.blocks = [Block("entry")]
        self.calls: dict[str, str] = {}  # what it calls, with the declaration of each
        self._count = 0
        self._levels = [Level(self.blocks[0])]  # the function, and the open loops and branches, outermost first
        self._pure: dict[str, str] = {}  # the results of instructions without effects at these levels
        self._depths: dict[str, int] = {}  # the level at which each value is known

    @property
    def block(self) -> Block:
        """The block that is being written."""
        return self._levels[-1].block

    def fresh(self, prefix: str = "") -> str:
        self._count += 1
        return f"%{prefix or 'v'}{self._count}"

    def emit(self, instruction: str) -> None:
        self._levels[-1].block.instructions.append(instruction)

    def value(self, instruction: str) -> str:
        """The result of an instruction."""
        name = self.fresh()
        self.emit(f"{name} = {instruction}")
        self._depths[name] = len(self._levels) - 1
        return name

    def pure(self, instruction: str, depth: int | None = None) -> str:
        """The result of an instruction without effects. It is written once, for a level and all inside it.

        Args:
            depth: the level that knows all its operands; the innermost if None.
        """
        known = self._pure.get(instruction)
        if known is not None:
            return known
        depth = len(self._levels) - 1 if depth is None else depth
        level, name = self._levels[depth], self.fresh()
        self._pure[instruction] = name
        level.pure.append(instruction)
        level.block.instructions.append(f"{name} = {instruction}")
        self._depths[name] = depth
        return name

    def invariant(self, instruction: str, *operands: str) -> str:
        """The result of an instruction without effects, written in the outermost loop that knows its operands."""
        return self.pure(instruction, max((self._depths[x] for x in operands if x.startswith("%")), default=0))

    def invariant_call(self, name: str, kind: str, *args: str) -> str:
        """A call of an intrinsic, as by :meth:`call`, in the outermost loop that knows its arguments."""
        return self.invariant(self._call(name, kind, *args), *args)

    # --- integers ---

    def integer(self, x: Int) -> str:
        """An integer as an operand: each part is written in the outermost loop that knows it."""
        if isinstance(x, int):
            return str(x)
        total = ""
        for depth, terms in self._by_depth(x):
            for name, factor in terms:
                part = name if factor == 1 else self.pure(f"mul nsw i64 {name}, {factor}", depth)
                total = self.pure(f"add nsw i64 {total}, {part}", depth) if total else part
        return self.pure(f"add nsw i64 {total}, {x.const}", depth) if x.const else total

    def least(self, a: Int, b: Int) -> Int:
        return min(a, b) if isinstance(a, int) and isinstance(b, int) else self._extreme("smin", a, b)

    def most(self, a: Int, b: Int) -> Int:
        return max(a, b) if isinstance(a, int) and isinstance(b, int) else self._extreme("smax", a, b)

    def _extreme(self, which: str, a: Int, b: Int) -> Int:
        self.declare(f"llvm.{which}.i64", "i64", "i64, i64")
        return self.known(self.pure(f"call i64 @llvm.{which}.i64(i64 {self.integer(a)}, i64 {self.integer(b)})"))

    def known(self, operand: str) -> Int:
        """An i64 value as an integer to compute with."""
        if not operand.startswith("%"):
            return int(operand)
        self._depths.setdefault(operand, len(self._levels) - 1)
        return IntSum.of(operand)

    def _by_depth(self, x: IntSum) -> Iterator[tuple[int, Iterator[tuple[str, int]]]]:
        """An integer's terms, grouped by the level at which they are known, outermost first."""
        return groupby(sorted(x.terms, key=self._depth), self._depth)

    def _depth(self, term: tuple[str, int]) -> int:
        return self._depths[term[0]]

    # --- memory ---

    def pointer(self, base: str, dtype: np.dtype, offset: Int) -> str:
        """The address of an element. The constant is added last: it becomes part of the addressing mode.

        WebAssembly takes one only where the sum is known not to wrap. It does not where nothing is subtracted: numbers
        of loops, and rows that were looked up, are not negative, so the address before is one in the buffer or beyond.
        """
        kind, rises = memory_type(dtype), True
        if isinstance(offset, IntSum):
            for depth, terms in self._by_depth(offset):
                for name, factor in terms:
                    rises = rises and factor > 0
                    row = f"[{factor} x {kind}]" if factor > 1 else kind
                    index = name if factor > 0 else self.pure(f"mul nsw i64 {name}, {factor}", depth)
                    base = self.pure(f"getelementptr {row}, ptr {base}, i64 {index}", depth)
            offset = offset.const
        if not offset:
            return base
        whole = "nuw " if rises and offset > 0 else ""
        return self.pure(f"getelementptr {whole}{kind}, ptr {base}, i64 {offset}")

    def declare(self, name: str, result: str, arguments: str) -> None:
        self.calls[name] = f"declare {result} @{name}({arguments})"

    def call(self, name: str, kind: str, *args: str) -> str:
        """Call an intrinsic whose arguments and result have one type; the suffix for the type is added to its name."""
        return self.value(self._call(name, kind, *args))

    def _call(self, name: str, kind: str, *args: str) -> str:
        suffix = kind.replace("<", "v").replace(" x ", "").replace(">", "")
        suffix = suffix.replace("float", "f32").replace("double", "f64").replace("half", "f16")
        self.declare(f"{name}.{suffix}", kind, ", ".join([kind] * len(args)))
        return f"call {kind} @{name}.{suffix}({', '.join(f'{kind} {a}' for a in args)})"

    # --- vectors ---

    def splat(self, value: str, dtype: np.dtype, lanes: int) -> str:
        """A vector with this value in all lanes."""
        if lanes == 1:
            return value
        kind, scalar = vector_type(dtype, lanes), scalar_type(dtype)
        if not value.startswith("%"):
            return f"<{', '.join([f'{scalar} {value}'] * lanes)}>"
        inmost = len(self._levels) - 1
        depth = self._depths.get(value, inmost) if dtype.kind == "b" else inmost  # LLVM hoists all but truths itself
        first = self.pure(f"insertelement {kind} poison, {scalar} {value}, i32 0", depth)
        return self.pure(f"shufflevector {kind} {first}, {kind} poison, <{lanes} x i32> zeroinitializer", depth)

    def select(self, condition: str, a: str, b: str, dtype: np.dtype, lanes: int) -> str:
        """a where the condition holds, else b."""
        if self.bitselect and dtype.kind == "f" and lanes > 1:
            return self._selected_bits(condition, a, b, dtype, lanes)
        mask, kind = "i1" if lanes == 1 else f"<{lanes} x i1>", vector_type(dtype, lanes)
        return self.value(f"select {mask} {condition}, {kind} {a}, {kind} {b}")

    def _selected_bits(self, condition: str, a: str, b: str, dtype: np.dtype, lanes: int) -> str:
        """The same in pieces of 16 bytes, by an instruction for each."""
        scalar, bits, n = scalar_type(dtype), 8 * dtype.itemsize, 16 // dtype.itemsize
        floats, whole, pieces = f"<{n} x {scalar}>", f"<{n} x i{bits}>", []
        name = f"llvm.wasm.bitselect.v{n}i{bits}"
        self.declare(name, whole, ", ".join([whole] * 3))
        for start in range(0, lanes, n):
            order = [min(start + i, lanes - 1) for i in range(n)]
            mask = self.shuffle(condition, condition, "i1", lanes, order) if lanes != n else condition
            parts = [self.shuffle(x, x, scalar, lanes, order) if lanes != n else x for x in (a, b)]
            one, other = (self.value(f"bitcast {floats} {part} to {whole}") for part in parts)
            wide = self.value(f"sext <{n} x i1> {mask} to {whole}")
            chosen = self.value(f"call {whole} @{name}({whole} {one}, {whole} {other}, {whole} {wide})")
            pieces.append(self.value(f"bitcast {whole} {chosen} to {floats}"))
        while len(pieces) > 1:
            pairs = zip(pieces[::2], pieces[1::2], strict=True)
            pieces, n = [self.shuffle(x, y, scalar, n, range(2 * n)) for x, y in pairs], 2 * n
        return pieces[0] if n == lanes else self.shuffle(pieces[0], pieces[0], scalar, n, range(lanes))

    def shuffle(self, a: str, b: str, kind: str, lanes: int, order: Sequence[int]) -> str:
        """The elements of two vectors with these numbers, those of the second after those of the first."""
        picked = ", ".join(f"i32 {i}" for i in order)
        whole = f"<{lanes} x {kind}>"
        return self.value(f"shufflevector {whole} {a}, {whole} {b}, <{len(order)} x i32> <{picked}>")

    def interleaved(self, vectors: Sequence[str], kind: str, lanes: int) -> str:
        """The first elements of all vectors, then the second ones, and so on, as one vector."""
        order = [i % len(vectors) * lanes + i // len(vectors) for i in range(len(vectors) * lanes)]
        if len(vectors) == 1:
            return vectors[0]
        while len(vectors) > 2:  # neighbours end to end
            pairs = zip_longest(vectors[::2], vectors[1::2], fillvalue="poison")
            vectors, lanes = [self.shuffle(a, b, kind, lanes, range(2 * lanes)) for a, b in pairs], 2 * lanes
        return self.shuffle(vectors[0], vectors[1], kind, lanes, order)

    # --- control ---

    def loop(
        self,
        low: Int,
        high: Int,
        step: int,
        carried: Sequence[tuple[str, str]],
        body: Callable[[Int, list[str]], Sequence[str]],
    ) -> list[str]:
        """for i in range(low, high, step). Carried values are (type, first value); the body returns their next ones."""
        values = [value for _, value in carried]
        if isinstance(low, int) and isinstance(high, int):
            if low >= high:
                return values
            if low + step >= high:
                return list(body(low, values))
        first, end = self.integer(low), self.integer(high)
        head, inside, after = (Block(f"{part}{self._count + 1}") for part in ("head", "body", "exit"))
        i = self.fresh("i")
        before = self.block
        self.jump(head)
        self._enter(head)
        phis = [self.fresh("c") for _ in carried]
        self.split(self.value(f"icmp slt i64 {i}, {end}"), inside, after)
        self._depths[i] = len(self._levels) - 1
        self.open(inside)
        results = list(body(IntSum.of(i), phis))
        following = self.value(f"add nsw i64 {i}, {step}")
        latch = self.block
        self.jump(head)
        self._leave()
        head.phis.append(f"{i} = phi i64 [{first}, %{before.label}], [{following}, %{latch.label}]")
        for phi, (kind, start), result in zip(phis, carried, results, strict=True):
            head.phis.append(f"{phi} = phi {kind} [{start}, %{before.label}], [{result}, %{latch.label}]")
        self.open(after)
        return phis

    def branch(self, condition: str, body: Callable[[], object]) -> None:
        """if condition: body()"""
        inside, after = (Block(f"{part}{self._count + 1}") for part in ("then", "after"))
        self.fresh()
        self.split(condition, inside, after)
        self._enter(inside)
        body()
        self.jump(after)
        self._leave()
        self.open(after)

    def jump(self, to: Block) -> None:
        """End the block by a jump to another."""
        self.block.end = f"br label %{to.label}"

    def split(self, condition: str, then: Block, other: Block) -> None:
        """End the block by a conditional jump to one of two others."""
        self.block.end = f"br i1 {condition}, label %{then.label}, label %{other.label}"

    def ret(self, result: str = "void") -> None:
        """End the block, and the function."""
        self.block.end = f"ret {result}"

    def open(self, block: Block) -> None:
        """Continue in another block."""
        self.blocks.append(block)
        self._levels[-1].block = block

    def _enter(self, block: Block) -> None:
        """Continue in another block, one level deeper."""
        self.blocks.append(block)
        self._levels.append(Level(block))

    def _leave(self) -> None:
        """End the innermost level: what was written in it is not known after it."""
        for instruction in self._levels.pop().pure:
            del self._pure[instruction]

    @property
    def body(self) -> str:
        """The blocks as text."""
        return "\n".join(map(str, self.blocks))

    def text(self, attributes: str = "", linkage: str = "") -> str:
        """The function, which returns nothing, as text. ``linkage``: ``internal`` and a space, or nothing."""
        return f"define {linkage}void @{self.name}({', '.join(self.parameters)}) {attributes} {{\n{self.body}\n}}\n"

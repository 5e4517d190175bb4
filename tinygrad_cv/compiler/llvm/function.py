"""A function of LLVM text, written line by line: loops carry values, and what does not change in one stands before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from .integer import Int, LinearSum

_TYPES = {"f2": "half", "f4": "float", "f8": "double", "b1": "i1"}


def scalar_type(dtype: np.dtype) -> str:
    """The type of an element in a register."""
    return _TYPES.get(dtype.str[1:]) or f"i{8 * dtype.itemsize}"


def memory_type(dtype: np.dtype) -> str:
    """The type of an element in memory."""
    return "i8" if dtype.kind == "b" else scalar_type(dtype)


def vector_type(dtype: np.dtype, lanes: int) -> str:
    """The type of so many elements; of one, the element's."""
    return scalar_type(dtype) if lanes == 1 else f"<{lanes} x {scalar_type(dtype)}>"


def number(value: np.generic) -> str:
    """A constant as LLVM writes it: floats by their bits."""
    dtype = value.dtype
    if dtype.kind == "f":
        return f"0x{np.float64(value).view(np.uint64):016X}"
    if dtype.kind == "b":
        return "true" if value else "false"
    return str(int(value))


@dataclass
class Level:
    """A loop or branch that is being written.

    Attributes:
        start: the line that it begins at; what does not change in it is written before.
        phis: the line where a loop's carried values go.
        pure: the results of instructions written at this level.
    """

    start: int
    phis: int = 0
    pure: dict[str, str] = field(default_factory=dict)


class Function:
    """One function under construction."""

    def __init__(self, name: str, parameters: Sequence[str]):
        self.name, self.parameters = name, tuple(parameters)
        self.lines: list[str] = []
        self.block = "entry"
        self.calls: dict[str, str] = {}  # intrinsics and functions that it calls, with their declarations
        self._count = 0
        self._levels = [Level(0)]  # the loops and branches that are open, each with the lines that it begins at
        self._depths: dict[str, int] = {}  # of an integer's name: the level at which it is known

    def fresh(self, prefix: str = "") -> str:
        self._count += 1
        return f"%{prefix or 'v'}{self._count}"

    def emit(self, line: str) -> None:
        self.lines.append(f"  {line}")

    def value(self, instruction: str) -> str:
        """The result of an instruction."""
        name = self.fresh()
        self.emit(f"{name} = {instruction}")
        return name

    def pure(self, instruction: str, depth: int | None = None) -> str:
        """The result of an instruction without effects: written once for a level and those inside.

        Args:
            depth: the level at which all that it needs is known; the innermost if None.
        """
        for level in self._levels:
            if instruction in level.pure:
                return level.pure[instruction]
        inside = len(self._levels) - 1 if depth is None else depth
        name = self._levels[inside].pure[instruction] = self.fresh()
        line = f"  {name} = {instruction}"
        if inside + 1 == len(self._levels):
            self.lines.append(line)
        else:
            self.lines.insert(self._levels[inside + 1].start, line)
            for level in self._levels[inside + 1 :]:
                level.start += 1
                level.phis += 1
        return name

    # --- integers ---

    def integer(self, x: Int) -> str:
        """An integer as an operand: what it is made of is written in the outermost loops where it is known."""
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
        """An i64 that is written already, as an integer to compute with."""
        if not operand.startswith("%"):
            return int(operand)
        self._depths.setdefault(operand, len(self._levels) - 1)
        return LinearSum.of(operand)

    def _by_depth(self, x: LinearSum) -> Iterator[tuple[int, Iterator[tuple[str, int]]]]:
        """An integer's terms by the level at which they are known, the outermost first."""
        return groupby(sorted(x.terms, key=self._depth), self._depth)

    def _depth(self, term: tuple[str, int]) -> int:
        return self._depths[term[0]]

    # --- memory ---

    def pointer(self, base: str, dtype: np.dtype, place: Int) -> str:
        """Where an element lies. The number comes last: it goes into the addressing."""
        kind = memory_type(dtype)
        if isinstance(place, LinearSum):
            for depth, terms in self._by_depth(place):
                for name, factor in terms:
                    row = f"[{factor} x {kind}]" if factor > 1 else kind
                    index = name if factor > 0 else self.pure(f"mul nsw i64 {name}, {factor}", depth)
                    base = self.pure(f"getelementptr {row}, ptr {base}, i64 {index}", depth)
            place = place.const
        return self.pure(f"getelementptr {kind}, ptr {base}, i64 {place}") if place else base

    def declare(self, name: str, result: str, arguments: str) -> None:
        self.calls[name] = f"declare {result} @{name}({arguments})"

    def call(self, name: str, kind: str, *args: str) -> str:
        """An intrinsic whose arguments and result are of one type; its name gets the type's suffix."""
        suffix = kind.replace("<", "v").replace(" x ", "").replace(">", "")
        suffix = suffix.replace("float", "f32").replace("double", "f64").replace("half", "f16")
        self.declare(f"{name}.{suffix}", kind, ", ".join([kind] * len(args)))
        return self.value(f"call {kind} @{name}.{suffix}({', '.join(f'{kind} {a}' for a in args)})")

    # --- vectors ---

    def splat(self, value: str, dtype: np.dtype, lanes: int) -> str:
        """A number in all lanes."""
        if lanes == 1:
            return value
        kind, scalar = vector_type(dtype, lanes), scalar_type(dtype)
        if not value.startswith("%"):
            return f"<{', '.join([f'{scalar} {value}'] * lanes)}>"
        first = self.pure(f"insertelement {kind} poison, {scalar} {value}, i32 0")
        return self.pure(f"shufflevector {kind} {first}, {kind} poison, <{lanes} x i32> zeroinitializer")

    def reduce(self, value: str, dtype: np.dtype, lanes: int, combine: Callable[[str, str, int], str]) -> str:
        """All lanes combined into one, by halves."""
        while lanes > 1:
            kind, half = vector_type(dtype, lanes), lanes // 2
            parts = []
            for start in (0, half):
                places = ", ".join(f"i32 {start + i}" for i in range(half))
                parts.append(self.value(f"shufflevector {kind} {value}, {kind} poison, <{half} x i32> <{places}>"))
            if half == 1:
                kind = f"<1 x {scalar_type(dtype)}>"
                parts = [self.value(f"extractelement {kind} {part}, i32 0") for part in parts]
            first, second = parts
            value, lanes = combine(first, second, half), half
        return value

    # --- control ---

    def loop(
        self,
        low: Int,
        high: Int,
        step: int,
        carried: Sequence[tuple[str, str]],
        body: Callable[[Int, list[str]], Sequence[str]],
    ) -> list[str]:
        """for i in range(low, high, step); carried values are (type, first); the body returns their next ones."""
        values = [value for _, value in carried]
        if isinstance(low, int) and isinstance(high, int):
            if low >= high:
                return values
            if low + step >= high:
                return list(body(low, values))
        first, end = self.integer(low), self.integer(high)
        head, inside, exit_ = (f"{part}{self._count + 1}" for part in ("head", "body", "exit"))
        i = self.fresh("i")
        before = self.block
        level = Level(len(self.lines))
        self.emit(f"br label %{head}")
        self._open(head)
        phis = [self.fresh("c") for _ in carried]
        level.phis = len(self.lines)
        check = self.value(f"icmp slt i64 {i}, {end}")
        self.emit(f"br i1 {check}, label %{inside}, label %{exit_}")
        self._open(inside)
        self._levels.append(level)
        self._depths[i] = len(self._levels) - 1
        results = list(body(LinearSum.of(i), phis))
        self._levels.pop()
        following = self.value(f"add nsw i64 {i}, {step}")
        self.emit(f"br label %{head}")
        latch = self.block
        phi_lines = [f"  {i} = phi i64 [{first}, %{before}], [{following}, %{latch}]"]
        for phi, (kind, start), result in zip(phis, carried, results, strict=True):
            phi_lines.append(f"  {phi} = phi {kind} [{start}, %{before}], [{result}, %{latch}]")
        self.lines[level.phis : level.phis] = phi_lines
        self._open(exit_)
        return phis

    def branch(self, condition: str, body: Callable[[], object]) -> None:
        """if condition: body()"""
        inside, after = (f"{part}{self._count + 1}" for part in ("then", "after"))
        self.fresh()
        level = Level(len(self.lines))
        self.emit(f"br i1 {condition}, label %{inside}, label %{after}")
        self._open(inside)
        self._levels.append(level)
        body()
        self._levels.pop()
        self.emit(f"br label %{after}")
        self._open(after)

    def _open(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.block = label

    def text(self, attributes: str = "") -> str:
        body = "\n".join(self.lines)
        return (
            f"define void @{self.name}({', '.join(self.parameters)}) {attributes} {{\nentry:\n{body}\n  ret void\n}}\n"
        )

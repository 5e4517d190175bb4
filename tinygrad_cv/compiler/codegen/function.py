"""A function of LLVM text, written line by line: integers fold while they are written, loops carry their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Int = int | str  # a number that is known, or the name of an i64

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


class Function:
    """One function under construction."""

    def __init__(self, name: str, parameters: Sequence[str]):
        self.name, self.parameters = name, tuple(parameters)
        self.lines: list[str] = []
        self.block = "entry"
        self.calls: dict[str, str] = {}  # intrinsics and functions that it calls, with their declarations
        self._count = 0
        self._pure: list[dict[tuple[str, ...], str]] = [{}]

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

    def pure(self, instruction: str) -> str:
        """The result of an instruction without effects: written once for a loop level and those inside."""
        for scope in reversed(self._pure):
            if (instruction,) in scope:
                return scope[(instruction,)]
        name = self._pure[-1][(instruction,)] = self.value(instruction)
        return name

    # --- integers ---

    def add(self, a: Int, b: Int) -> Int:
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if a == 0 or b == 0:
            return b if a == 0 else a
        return self.pure(f"add nsw i64 {a}, {b}")

    def mul(self, a: Int, b: Int) -> Int:
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if a == 0 or b == 0:
            return 0
        if a == 1 or b == 1:
            return b if a == 1 else a
        return self.pure(f"mul nsw i64 {a}, {b}")

    def sum(self, terms: Sequence[tuple[Int, int]], const: int = 0) -> Int:
        """const + Σ value · factor, the number last: it goes into the addressing."""
        total: Int = 0
        for value, factor in terms:
            total = self.add(total, self.mul(value, factor))
        return self.add(total, const)

    def least(self, a: Int, b: Int) -> Int:
        if isinstance(a, int) and isinstance(b, int):
            return min(a, b)
        self.declare("llvm.smin.i64", "i64", "i64, i64")
        return self.pure(f"call i64 @llvm.smin.i64(i64 {a}, i64 {b})")

    def most(self, a: Int, b: Int) -> Int:
        if isinstance(a, int) and isinstance(b, int):
            return max(a, b)
        self.declare("llvm.smax.i64", "i64", "i64, i64")
        return self.pure(f"call i64 @llvm.smax.i64(i64 {a}, i64 {b})")

    # --- memory ---

    def pointer(self, base: str, dtype: np.dtype, place: Int) -> str:
        if place == 0:
            return base
        return self.pure(f"getelementptr inbounds {memory_type(dtype)}, ptr {base}, i64 {place}")

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
        head, inside, exit_ = (f"{part}{self._count + 1}" for part in ("head", "body", "exit"))
        i = self.fresh("i")
        before = self.block
        self.emit(f"br label %{head}")
        self._open(head)
        phis = [self.fresh("c") for _ in carried]
        slot = len(self.lines)
        check = self.value(f"icmp slt i64 {i}, {high}")
        self.emit(f"br i1 {check}, label %{inside}, label %{exit_}")
        self._open(inside)
        self._pure.append({})
        results = list(body(i, phis))
        self._pure.pop()
        following = self.value(f"add nsw i64 {i}, {step}")
        self.emit(f"br label %{head}")
        latch = self.block
        phi_lines = [f"  {i} = phi i64 [{low}, %{before}], [{following}, %{latch}]"]
        for phi, (kind, first), result in zip(phis, carried, results, strict=True):
            phi_lines.append(f"  {phi} = phi {kind} [{first}, %{before}], [{result}, %{latch}]")
        self.lines[slot:slot] = phi_lines
        self._open(exit_)
        return phis

    def branch(self, condition: str, body: Callable[[], None]) -> None:
        """if condition: body()"""
        inside, after = (f"{part}{self._count + 1}" for part in ("then", "after"))
        self.fresh()
        self.emit(f"br i1 {condition}, label %{inside}, label %{after}")
        self._open(inside)
        self._pure.append({})
        body()
        self._pure.pop()
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

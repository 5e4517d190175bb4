"""The lowering of each elementwise primitive: a row that spells it in LLVM, for vectors of any width.

A primitive without a row, or with operands that its row does not take, is computed by NumPy.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, Protocol

import numpy as np

from . import math
from .draws import DRAWS
from .function import Function, number, vector_type

FLOATS = ("float32", "float64")
EVERY = "fiub"  # kinds: floats, signed and unsigned integers, booleans


class Spelling(Protocol):
    """Writes an operation on named operands of dtype ``source`` into a function; returns the name of the result."""

    def __call__(self, f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str: ...


class Lowering(NamedTuple):
    """A row of the table.

    Attributes:
        kinds: the kinds of operands that it takes, as NumPy's letters.
    """

    kinds: str
    spell: Spelling


def arithmetic(floating: str, integer: str, boolean: str) -> Lowering:
    """One instruction for each of floats, integers and booleans; empty if there is none."""

    def spell(f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str:
        instruction = {"f": floating, "b": boolean}.get(source.kind, integer)
        return f.value(f"{instruction} {vector_type(source, lanes)} {', '.join(args)}")

    kinds = ("f" if floating else "") + ("iu" if integer else "") + ("b" if boolean else "")
    return Lowering(kinds, spell)


def comparison(ordered: str, signed: str, unsigned: str) -> Lowering:
    """A comparison; it is false if an operand is NaN."""

    def spell(f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str:
        kind = vector_type(source, lanes)
        word = ordered if source.kind == "f" else f"icmp {signed if source.kind == 'i' else unsigned}"
        return f.value(f"{word} {kind} {', '.join(args)}")

    return Lowering(EVERY, spell)


def function(name: str, kinds: str = "f") -> Lowering:
    """A call of a vector function of ``math.py``."""

    def spell(f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str:
        kind, symbol = vector_type(source, lanes), math.symbol(name, source, lanes)
        f.calls[symbol] = f"math {name} {source} {lanes}"
        return f.value(f"call {vector_type(dtype, lanes)} @{symbol}({', '.join(f'{kind} {a}' for a in args)})")

    return Lowering(kinds, spell)


def intrinsic(name: str) -> Lowering:
    """An intrinsic that LLVM has for every machine."""

    def spell(f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str:
        return f.call(name, vector_type(source, lanes), *args)

    return Lowering("f", spell)


def maximum(f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str:
    """The larger one; NaN if either is."""
    kind, (a, b) = vector_type(source, lanes), args
    if source.kind == "b":
        return f.value(f"or {kind} {a}, {b}")
    if source.kind != "f":
        return f.call("llvm.smax" if source.kind == "i" else "llvm.umax", kind, a, b)
    larger = select(f, f.value(f"fcmp ogt {kind} {b}, {a}"), b, a, source, lanes)
    return select(f, f.value(f"fcmp uno {kind} {b}, {b}"), b, larger, source, lanes)


def select(f: Function, condition: str, a: str, b: str, dtype: np.dtype, lanes: int) -> str:
    """a where the condition holds, else b."""
    return f.select(condition, a, b, dtype, lanes)


def _times(f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str:
    kind, (a, b) = vector_type(source, lanes), args
    zero = f.splat(number(source.type(0)), source, lanes)
    product = f.value(f"fmul {kind} {a}, {b}")
    return select(f, f.value(f"fcmp oeq {kind} {a}, {zero}"), a, product, source, lanes)


def _neg(f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str:
    kind = vector_type(source, lanes)
    if source.kind == "f":
        return f.value(f"fneg {kind} {args[0]}")
    return f.value(f"sub {kind} {f.splat('0', source, lanes)}, {args[0]}")


def _square(f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str:
    word = "fmul" if source.kind == "f" else "and" if source.kind == "b" else "mul"
    return f.value(f"{word} {vector_type(source, lanes)} {args[0]}, {args[0]}")


def _floor(f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str:
    """By rounding to an integer, which every machine can; larger numbers are whole already."""
    kind, (x,) = vector_type(source, lanes), args
    whole_type = np.dtype(f"i{source.itemsize}")
    whole = vector_type(whole_type, lanes)
    limit = f.splat(number(source.type(2.0 ** (23 if source.itemsize == 4 else 52))), source, lanes)
    near = f.value(f"fcmp olt {kind} {f.call('llvm.fabs', kind, x)}, {limit}")
    inside = select(f, near, x, f.splat(number(source.type(0)), source, lanes), source, lanes)
    cut = f.value(f"sitofp {whole} {f.value(f'fptosi {kind} {inside} to {whole}')} to {kind}")
    one = f.splat(number(source.type(1)), source, lanes)
    lower = select(f, f.value(f"fcmp ogt {kind} {cut}, {x}"), f.value(f"fsub {kind} {cut}, {one}"), cut, source, lanes)
    return select(f, near, f.call("llvm.copysign", kind, lower, x), x, source, lanes)


def _cast(f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str:
    old, new, (x,) = vector_type(source, lanes), vector_type(dtype, lanes), args
    if source == dtype:
        return x
    if dtype.kind == "b":
        zero = f.splat(number(source.type(0)), source, lanes)
        return f.value(f"{'fcmp une' if source.kind == 'f' else 'icmp ne'} {old} {x}, {zero}")
    if source.kind == "f" and dtype.kind == "f":
        return f.value(f"{'fpext' if dtype.itemsize > source.itemsize else 'fptrunc'} {old} {x} to {new}")
    if source.kind == "f":
        name = "llvm.fptosi.sat" if dtype.kind == "i" else "llvm.fptoui.sat"
        suffixes = [t.replace("<", "v").replace(" x ", "").replace(">", "") for t in (new, old)]
        full = f"{name}.{'.'.join(suffixes).replace('float', 'f32').replace('double', 'f64')}"
        f.declare(full, new, old)
        return f.value(f"call {new} @{full}({old} {x})")
    if dtype.kind == "f":
        return f.value(f"{'sitofp' if source.kind == 'i' else 'uitofp'} {old} {x} to {new}")
    if source.kind != "b" and dtype.itemsize == source.itemsize:
        return x
    if source.kind != "b" and dtype.itemsize < source.itemsize:
        return f.value(f"trunc {old} {x} to {new}")
    return f.value(f"{'sext' if source.kind == 'i' else 'zext'} {old} {x} to {new}")


def _not(f: Function, args: list[str], source: np.dtype, dtype: np.dtype, lanes: int) -> str:
    return f.value(f"xor {vector_type(source, lanes)} {args[0]}, {f.splat('true', source, lanes)}")


LOWERINGS: dict[str, Lowering] = {
    "neg": Lowering(EVERY, _neg),
    "add": arithmetic("fadd", "add", "or"),
    "sub": arithmetic("fsub", "sub", ""),
    "mul": arithmetic("fmul", "mul", "and"),
    "times": Lowering("f", _times),
    "div": arithmetic("fdiv", "", ""),
    "square": Lowering(EVERY, _square),
    "sqrt": intrinsic("llvm.sqrt"),
    "exp": function("exp"),
    "log": function("log"),
    "sin": function("sin"),
    "cos": function("cos"),
    "tanh": function("tanh"),
    "erf": function("erf"),
    "pow": function("pow"),
    "floor": Lowering("f", _floor),
    "maximum": Lowering(EVERY, maximum),
    "equal": comparison("fcmp oeq", "eq", "eq"),
    "less": comparison("fcmp olt", "slt", "ult"),
    "less_equal": comparison("fcmp ole", "sle", "ule"),
    "cast": Lowering(EVERY, _cast),
    # not primitives, but used to build argmax
    "and": arithmetic("", "and", "and"),
    "not": Lowering(EVERY, _not),
    # what random bits are made of: seed, the number of the first word, place
    **{name: function(name, "u") for name in DRAWS},
}


@cache
def lowered(name: str, dtypes: tuple[np.dtype, ...]) -> bool:
    """Whether a row lowers an operation on operands, and to a result, of these dtypes."""
    if any(dtype.kind == "f" and str(dtype) not in FLOATS for dtype in dtypes):
        return False
    if name == "where":
        return True
    row = LOWERINGS.get(name)
    return row is not None and dtypes[0].kind in row.kinds

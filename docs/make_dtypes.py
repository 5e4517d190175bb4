"""Write docs/dtypes.md from what operations return: ``python docs/make_dtypes.py [--check]``."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pages import command

import tinygrad_cv as tg

PAGE = Path(__file__).with_name("dtypes.md")
DTYPES = ("bool", "int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64")
NUMBERS = (True, 2, -1, 2.0)

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "a + b": operator.add,
    "a * b": operator.mul,
    "a - b": operator.sub,
    "a / b": operator.truediv,
    "a // b": operator.floordiv,
    "a % b": operator.mod,
    "a ** b": operator.pow,
    "a == b": operator.eq,
    "a < b": operator.lt,
    "a <= b": operator.le,
    "maximum": lambda a, b: a.maximum(b) if isinstance(a, tg.Tensor) else b.maximum(a),
    "minimum": lambda a, b: a.minimum(b) if isinstance(a, tg.Tensor) else b.minimum(a),
    "where": lambda a, b: tg.where([True], a, b),
}
UNARY: dict[str, Callable[[Any], Any]] = {
    "-x": operator.neg,
    **{name: operator.methodcaller(name) for name in ("abs", "sign", "floor", "max", "min")},
    **{name: operator.methodcaller(name) for name in ("square", "relu")},
    **{name: operator.methodcaller(name) for name in ("sum", "prod")},
    "cumsum": operator.methodcaller("cumsum", 0),
    **{name: operator.methodcaller(name) for name in ("mean", "var", "std", "norm", "logsumexp")},
    **{name: operator.methodcaller(name) for name in ("sqrt", "exp", "log", "sin", "cos", "tanh", "erf", "sigmoid")},
    **{name: operator.methodcaller(name) for name in ("argmax", "argmin", "any", "all", "isnan", "isfinite")},
}

INTRODUCTION = """\
# Result dtypes

Which dtype an operation gives. The reasons stand in
[design note 0005](design/0005-dtypes-never-change-silently.md). `tests/frontend/test_dtype_table.py` computes every
cell here from the rules alone, and compares it with NumPy's and PyTorch's.

1. **Two tensors** (or a tensor and an array) have a common dtype: integers and booleans follow a float; of integers it
   is the smallest that holds both. Two different floats are an error, and so are uint64 and a signed integer, which
   no integer dtype holds.
2. **A number**, of Python or of NumPy, takes the tensor's dtype. A float beside integers or booleans makes float32, an
   integer beside booleans int64. An integer out of the dtype's range is an error; comparisons know the answer.
3. **Division and functions that leave the integers** (`/`, `mean`, `sqrt`, `exp`, ...) make float32 of integers and
   booleans.
4. **Sums and products** of integers and booleans are int64; of uint64, uint64.
5. **Booleans** are "or" under `+`, "and" under `*`; `-` is an error; under `//`, `%`, `**` and `square` they count as
   int64.
6. **Integers** have no negative integer powers: `x ** -1` is a ValueError, `x ** -1.0` float32. `//` and `%` by 0
   are 0.
7. **Comparisons** give bool, places int64.
8. **A dtype that is asked for** (`tg.tensor(x, dtype)`, `full`, `arange`, `t[...] = v`, `assign`, `pad`) must hold the
   numbers: a DTypeError says which one is out of range, or NaN as an integer. `astype` always converts:
   floats to integers towards 0, beyond the range to its end, NaN to 0; integers modulo 2ⁿ.

Where others differ:

- NumPy makes float64 of integers with a Python float, under rule 3, and of int32 with float32; of uint64 with int64; it
  sums uint8 as uint64; booleans under `//`, `%`, `**` are int8.
- NumPy and PyTorch take the wider of two floats.
- PyTorch wraps integers that do not fit, and gives 0 for negative powers in integer tensors.

This page is written by `python docs/make_dtypes.py`.
"""


def dtype_of(function: Callable[..., Any], *operands: Any) -> str:
    """The dtype of a result; "error" where it is refused with a message of ours."""
    try:
        return str(function(*operands).dtype)
    except (tg.DTypeError, ValueError):
        return "error"


def sample(dtype: str) -> Any:
    """A tensor that every operation takes."""
    return tg.tensor(np.ones(1, dtype))


def _table(corner: str, columns: tuple[Any, ...], rows: dict[str, list[str]]) -> Iterator[str]:
    yield f"| {corner} | {' | '.join(map(str, columns))} |"
    yield "|---" * (len(columns) + 1) + "|"
    for name, cells in rows.items():
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


def _grouped(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """Operations with equal rows in one."""
    names: dict[tuple[str, ...], list[str]] = {}
    for name, cells in rows.items():
        names.setdefault(tuple(cells), []).append(f"`{name}`")
    return {", ".join(group): list(cells) for cells, group in names.items()}


def page() -> str:
    """The whole page."""
    lines = [INTRODUCTION, "## Two tensors\n"]
    tables: dict[tuple[str, ...], list[str]] = {}
    for name, function in BINARY.items():
        cells = tuple(dtype_of(function, sample(a), sample(b)) for a in DTYPES for b in DTYPES)
        tables.setdefault(cells, []).append(f"`{name}`")
    for cells, names in tables.items():
        lines.append(f"{', '.join(names)}:\n")
        n = len(DTYPES)
        lines += _table("a, b", DTYPES, {a: list(cells[i * n : (i + 1) * n]) for i, a in enumerate(DTYPES)})
    lines.append("## A tensor and a number\n")
    for number in NUMBERS:
        for turned in (False, True):
            order = f"{number!r} first" if turned else f"{number!r} second"
            rows = {
                name: [dtype_of(function, *((number, sample(d)) if turned else (sample(d), number))) for d in DTYPES]
                for name, function in BINARY.items()
            }
            lines += _table(order, DTYPES, _grouped(rows))
    lines.append("## One tensor\n")
    unary = {name: [dtype_of(function, sample(d)) for d in DTYPES] for name, function in UNARY.items()}
    lines += _table("x", DTYPES, _grouped(unary))
    return "\n".join(lines).rstrip("\n") + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is up to date."""
    return command(PAGE, lambda draw: page(), arguments, __doc__)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""The switch, and what it did."""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np

from ..compiler import available
from ..core.annotations import explaining
from ..core.context import Runner, run_composed_by, runner
from . import calls, entries


class _Before(AbstractContextManager[None]):
    """Turns the switch back at the end of a block."""

    def __init__(self) -> None:
        self._runner: Runner | None = runner()

    def __exit__(self, *error: object) -> None:
        run_composed_by(self._runner)


@explaining
def set_eager_compile(mode: bool) -> AbstractContextManager[None]:
    """Have compiled code run the composed functions that eager code calls, or have NumPy run all of them again.

    It holds from the call on, in all threads; as a context manager, for a block. Values are there when a call returns;
    graphs, drawings, hooks and derivatives of all orders are those of the functions as they are written. A function is
    compiled in the background once it was called twice with the same shapes, dtypes and other arguments, or some 60
    times with few elements; until then, and where it cannot be compiled, NumPy runs it. Compiled code is kept on disk.
    Sums differ from NumPy's by rounding, as those of :func:`jit` do, and when that begins depends on how long compiling
    takes.

    Raises:
        TypeError: ``mode`` is neither True nor False.
        RuntimeError: llvmlite, which compiled code needs, is not installed.

    >>> import tinygrad_cv as tg
    >>> with tg.set_eager_compile(False):
    ...     tg.functional.relu(tg.tensor([-1.0, 1.0])).tolist()
    [0.0, 1.0]
    """
    if not isinstance(mode, (bool, np.bool_)):
        raise TypeError(f"set_eager_compile: mode={mode!r}; it must be True or False.")
    if mode and not available():
        raise RuntimeError("set_eager_compile: compiled code needs llvmlite: pip install llvmlite.")
    before = _Before()
    run_composed_by(calls.run if mode else None)
    return before


def explain_eager_compile() -> str:
    """A line for each signature of a composed function: how often compiled code and NumPy ran it, and why NumPy."""
    return "\n".join(map(str, list(entries.entries.values()))) or "no composed function was called with the switch on"

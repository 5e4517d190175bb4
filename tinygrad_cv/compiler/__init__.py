"""From a graph of primitives to native code. Knows primitives, but no layers.

Imports LLVM and everything that needs it only when something is compiled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..core.collector import give_back
from ..core.locks import waited_for
from ..ir.graph import Graph
from ..ir.numpy_source import NumpyProgram
from .options import DEFAULT, Options

if TYPE_CHECKING:
    from .kernels import KernelRow
    from .memory import MemoryPlan
    from .schedule.kernel import Plan

__all__ = ["Program", "available", "compiled", "get_num_threads", "planned", "set_num_threads"]

MANY = 1000  # values of a graph after whose compilation memory is given back

_COMPILING = waited_for(threading.Lock())  # forks wait for it: it imports, and a child would inherit held locks


class Program(Protocol):
    """A graph that is ready to run."""

    @property
    def is_native(self) -> bool:
        """Whether it is compiled; if not, NumPy runs all of it, and it has no kernels."""

    @property
    def fallbacks(self) -> Sequence[str]:
        """What NumPy computes and why, a line for each operation."""

    @property
    def notes(self) -> Sequence[str]:
        """What is computed in another way than it was written, where results show it."""

    @property
    def nbytes(self) -> int:
        """The memory that it keeps between calls, at most."""

    def __call__(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """The outputs, in arrays of their own."""

    @property
    def places(self) -> Mapping[int, int]:
        """The outputs that :meth:`started` leaves to be stored by :meth:`ready`, by number.

        Each with the number of the input that it may be written over; -1 if none holds the present value; less if it
        must have memory of its own.
        """

    def started(self, arrays: list[np.ndarray]) -> AbstractContextManager[list[Any]]:
        """The outputs in arrays of their own; None for those. No other call begins in the block."""

    def into(self, number: int, array: np.ndarray | None = None) -> np.ndarray:
        """The array that such an output will be stored into: this one, or new memory."""

    def ready(self) -> AbstractContextManager[tuple[Callable[..., Any], tuple[Any, ...]]]:
        """A function in C, and its arguments, that stores them while no other Python code runs."""

    def kernels(self) -> Sequence[KernelRow]:
        """The kernels, each with its time when it runs alone."""

    def memory(self) -> MemoryPlan:
        """The most memory that a call needs, and what holds it then; of a native program only."""


def available() -> bool:
    """Whether llvmlite, which native code needs, is installed."""
    return find_spec("llvmlite") is not None


def compiled(graph: Graph, options: Options = DEFAULT) -> Program:
    """A program for a graph: native code, or NumPy if llvmlite is missing.

    Raises:
        MemoryLimitError: it needs more memory than the options allow.
        RuntimeError: they allow so much, but llvmlite is missing.
    """
    with _COMPILING:
        if not available():
            if options.memory is not None:
                raise RuntimeError(
                    f"memory={options.memory:,} bytes: NumPy runs this function, so no memory is planned. Native code "
                    "needs llvmlite: pip install llvmlite"
                )
            return NumpyProgram(graph)
        from .pipeline import compile

        program, is_new = compile(graph, options)
    if is_new and len(graph.values()) > MANY:  # its plan took a hundred megabytes, and the program needs its own
        give_back()
    return program


def planned(graph: Graph, options: Options = DEFAULT) -> Plan:
    """The plan that a graph is compiled by on this machine."""
    from .pipeline import plan, rewrite
    from .runtime.target import host
    from .runtime.threads import get_num_threads

    return plan(rewrite(graph, get_num_threads(), options), host(), options)


def __getattr__(name: str) -> Any:
    if name not in ("get_num_threads", "set_num_threads"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not available():
        raise RuntimeError(f"{name}: only compiled code uses threads, and it needs llvmlite: pip install llvmlite.")
    from .runtime import threads

    return getattr(threads, name)

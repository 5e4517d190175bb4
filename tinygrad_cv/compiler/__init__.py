"""From a graph of primitives to native code. Knows primitives, and no layer."""

import threading
from importlib.util import find_spec
from typing import Any

from ..core.locks import waited_for
from ..ir.graph import Graph
from ..ir.numpy_source import NumpyProgram

__all__ = ["available", "compiled", "get_num_threads", "planned", "set_num_threads"]

_COMPILING = waited_for(threading.Lock())  # modules are imported meanwhile, and Python locks them too


def available() -> bool:
    """Whether native code can be made: llvmlite is installed."""
    return find_spec("llvmlite") is not None


def compiled(graph: Graph) -> Any:
    """A program for a graph: native code, or NumPy where llvmlite is missing."""
    with _COMPILING:
        if not available():
            return NumpyProgram(graph)
        from .pipeline import compile

        return compile(graph)


def planned(graph: Graph) -> Any:
    """The plan that a graph is compiled by on this machine."""
    from .pipeline import plan, rewrite
    from .runtime.target import host
    from .runtime.threads import get_num_threads

    return plan(rewrite(graph, get_num_threads()), host())


def __getattr__(name: str) -> Any:
    if name not in ("get_num_threads", "set_num_threads"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not available():
        raise RuntimeError(f"{name} is about compiled code, which needs llvmlite: pip install llvmlite.")
    from .runtime import threads

    return getattr(threads, name)

"""``tg.jit``: from the primitives that a function applies to native code. Loaded when it is asked for."""

from typing import Any

from .api import available, jit

__all__ = ["available", "get_num_threads", "jit", "set_num_threads"]


def __getattr__(name: str) -> Any:
    if name not in ("get_num_threads", "set_num_threads"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not available():
        raise RuntimeError(f"{name} is about compiled code, which needs llvmlite: pip install llvmlite.")
    from .runtime import threads

    return getattr(threads, name)

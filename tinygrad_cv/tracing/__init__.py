"""``tg.jit``: which recorded trace a call belongs to, what it reads and writes. Loaded when it is asked for."""

from .api import jit

__all__ = ["jit"]

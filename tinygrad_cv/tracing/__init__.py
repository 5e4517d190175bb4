"""``tg.jit``: which recorded trace a call belongs to, and what it reads and writes. Imported at the first use."""

from .api import jit

__all__ = ["jit"]

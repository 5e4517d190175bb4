"""``tg.derive``: the backward pass of a function as mathematics and as NumPy source."""

from .api import Derivation, derive

__all__ = ["Derivation", "derive"]

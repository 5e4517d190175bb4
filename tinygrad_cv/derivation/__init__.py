"""``tg.derive``: the backward pass that emerged from a graph, as mathematics and as NumPy source."""

from .api import Derivation, derive

__all__ = ["Derivation", "derive"]

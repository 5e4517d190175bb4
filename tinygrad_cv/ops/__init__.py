"""The closed set of primitives, with their values, shapes and derivatives. No other package defines a derivative."""

from ..core.primitive import PRIMITIVES
from . import contraction, elementwise, indexing, movement, random, reduction, windows

__all__ = ["PRIMITIVES", "contraction", "elementwise", "indexing", "movement", "random", "reduction", "windows"]

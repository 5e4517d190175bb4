"""The closed set of primitives and all their meaning. Every derivative of the library stands in this folder."""

from ..core.primitive import PRIMITIVES
from . import contraction, elementwise, indexing, movement, random, reduction, windows

__all__ = ["PRIMITIVES", "contraction", "elementwise", "indexing", "movement", "random", "reduction", "windows"]

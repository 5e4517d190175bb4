"""The closed set of primitives, with their values, shapes and derivatives. No other package defines a derivative."""

from ..core.primitive import PRIMITIVES
from . import collective, contraction, elementwise, indexing, movement, random, reduction, windows

__all__ = [
    "PRIMITIVES",
    "collective",
    "contraction",
    "elementwise",
    "indexing",
    "movement",
    "random",
    "reduction",
    "windows",
]

"""Tensor, for the modules that class Tensor is put together from.

To a type checker it is that class. At runtime it does not exist yet when these modules are imported, and its base class
takes its place in ``isinstance``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .tensor import Tensor
else:
    from ..core.variable import Variable as Tensor

__all__ = ["Tensor"]

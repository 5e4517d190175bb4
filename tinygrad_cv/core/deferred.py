"""A value that is about to be consumed by the one operation that can do without it.

In the backward pass of a convolution the cotangent of all windows is an array many times as large as the image, made by
one primitive only to be added up by the next. A primitive may name such a consumer in ``Primitive.fused``: then the
producer is put off, and the two are computed together, piece by piece. Whoever else asks gets the array.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .context import quiet
from .primitive import Aval, Primitive

LARGE = 1 << 18  # elements: smaller values are not worth putting off


class Deferred:
    """A primitive applied to values, not computed yet."""

    __slots__ = ("dtype", "params", "primitive", "shape", "values")

    def __init__(self, primitive: Primitive, values: list[Any], params: dict[str, Any], aval: Aval):
        self.primitive, self.values, self.params = primitive, values, params
        self.shape, self.dtype = aval

    def force(self) -> np.ndarray:
        """Compute it after all."""
        return quiet(self.primitive, self.values, self.params)


def lazy(primitive: Primitive, values: list[Any], params: dict[str, Any]) -> Any:
    """The interpreter of the backward pass: as ``quiet``, but a fusible pair is computed as one."""
    for i, value in enumerate(values):
        if type(value) is Deferred:
            if primitive.fuses == value.primitive.name:
                return primitive.fused(*value.values, **value.params, **params)  # type: ignore[misc]
            values[i] = value.force()
    if primitive.deferrable:
        aval = primitive.aval(*(Aval(value.shape, value.dtype) for value in values), **params)
        if math.prod(aval.shape) > LARGE and math.prod(aval.shape) > 2 * max(value.size for value in values):
            return Deferred(primitive, values, params, aval)
    return quiet(primitive, values, params)


def forced(value: Any) -> Any:
    """The array itself."""
    return value.force() if type(value) is Deferred else value

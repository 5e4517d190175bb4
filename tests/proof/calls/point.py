"""One call of a primitive at one point: its inputs, its value, and both Jacobians by differences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from tests.differences import Jacobian, jacobian, step
from tests.primitives.layouts import broadcast
from tests.primitives.row import FIRST, SEED, Case, Row
from tests.proof.calls.gradient import Recorded, floats, value, vector

Array = np.ndarray
EXTENDED = np.dtype(np.longdouble)
ROUNDINGS = 16  # no VJP takes more operations


class Point:
    """A call, with inputs in C order.

    Attributes:
        repeating: the inputs and cotangents repeat along an axis, so that a layout can hold them by a stride of 0.
        places: the inputs that can have a derivative.
        y: the value.
        g: a cotangent of it, random.
    """

    def __init__(self, row: Row, case: Case, repeating: bool = False, seed: int = SEED):
        self.primitive, self.case, self.repeating = row.primitive, case, repeating
        self.arrays = [self.repeat(x).copy() for x in row.smooth_inputs(case, seed)]
        self.places = floats(self.arrays)
        self.y = value(self.primitive, self.arrays, case.params)
        self.g = self.repeat(cotangent(self.y, seed)).copy()

    def axis(self, shape: tuple[int, ...]) -> int | None:
        """The axis along which an array of this shape repeats here; None where it does not."""
        repeat = self.case.repeat
        if not self.repeating or repeat is None:
            return None
        if repeat == FIRST:
            return next((i for i, n in enumerate(shape) if n != 1), None)
        return repeat if repeat < len(shape) and shape[repeat] != 1 else None

    def repeat(self, x: Array) -> Array:
        """The array with its first place repeated by a stride of 0."""
        axis = self.axis(x.shape)
        return x if axis is None else broadcast(x, axis)

    @cached_property
    def epsilon(self) -> float:
        """Of what the primitive computes in."""
        return float(np.finfo(self.y.dtype).eps)

    @cached_property
    def largest(self) -> float:
        """The largest number met, at least 1."""
        numbers = [x for x in (*self.arrays, self.y, self.g) if x.dtype.kind == "f"]
        return max(1.0, *(float(np.abs(x).max(initial=0.0, where=np.isfinite(x))) for x in numbers))

    @cached_property
    def first(self) -> Jacobian:
        """Of the value, in extended precision."""
        wide = [x.astype(EXTENDED) if x.dtype.kind == "f" else x for x in self.arrays]

        def f(inputs: Sequence[Array]) -> Array:
            return value(self.primitive, inputs, self.case.params).ravel()

        epsilon = float(np.finfo(f(wide).dtype).eps)
        return jacobian(f, wide, self.places, step(epsilon), 2 * epsilon * self.largest)

    @cached_property
    def second(self) -> Jacobian:
        """Of the gradient, by the inputs and by the cotangent."""
        point = [*self.arrays, self.g]

        def f(inputs: Sequence[Array]) -> Array:
            return vector(Recorded(self.primitive, inputs[:-1], self.case.params, self.places).pull(inputs[-1]))

        unit = max(self.largest, float(np.abs(f(point)).max(initial=0.0)))
        places = [*self.places, len(self.arrays)]
        return jacobian(f, point, places, step(self.epsilon), ROUNDINGS * self.epsilon * unit)

    def allowed(self, cotangents: Array, expected: Jacobian) -> Array:
        """How far rows may be off: the differences' bound, and half an ε for each of a VJP's operations."""
        slack = ROUNDINGS * self.epsilon * (np.abs(expected.entries) + self.largest)
        return np.abs(cotangents) @ (expected.bound + slack)


def cotangent(y: Array, seed: int = SEED) -> Array:
    """Random numbers, every fourth of them exactly 0: a derivative is linear in its cotangent there, too."""
    g = np.asarray(np.random.default_rng(seed + 1).normal(size=y.shape))
    g.reshape(-1)[1::4] = 0.0
    return g.astype(y.dtype)

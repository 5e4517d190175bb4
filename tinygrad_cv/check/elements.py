"""Each element of each input: its analytic derivative against differences. Large inputs: along random directions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..core.errors import GraphError
from .checked import Checked, repeatable
from .finite_differences import WIDE, Differences
from .input_report import InputReport
from .noise import ROUNDING, moved, norm, root_mean_square
from .running import progress
from .slopes import Slope
from .taylor import Taylor, sweep

OUTPUTS, ENTRIES = 64, 4096  # of a Jacobian that is checked entry by entry
MANY = 1000  # elements: a larger input is checked along directions
DIRECTIONS, COTANGENTS = 8, 4  # random ones: each direction is checked for each cotangent
TOO_FAR = 8e-3  # of a gradient: a larger allowed error checks nothing
UNDERFLOWN = 1e-290  # smaller errors come from subnormal numbers, and do not make a slope 0
TINY = 1e-8  # a function of this size, for cotangents of size 1, may be rounding only

Row: TypeAlias = tuple[Any, ...]  # of an element: analytic, numeric, allowed, step, low, high, differentiable, checked


def check_function(
    function: Checked,
    arrays: Sequence[np.ndarray],
    order: int,
    seed: int,
    eps: float = 1e-3,
    names: Sequence[str] = (),
    forward: bool = False,
    full: bool = False,
) -> list[InputReport]:
    """Reports on all inputs, up to an order of differentiation.

    Args:
        forward: check Jacobian-vector products instead of gradients.
        full: check small Jacobians entry by entry, not only for one cotangent.
    """
    arrays, rng, entries = list(arrays), np.random.default_rng(seed), list[InputReport]()
    named = list(names) or [f"input {i}" for i in range(len(arrays))]
    for k in range(1, order + 1):
        with np.errstate(all="ignore"):
            size = function(arrays).size
            v = cotangent(rng, size)
            rows = [v, *rng.normal(size=(COTANGENTS - 1, size))] if _large(arrays) else [v]
            basis = full and size <= OUTPUTS and size * sum(x.size for x in arrays) <= ENTRIES
            rows += list(np.eye(size)) if basis else []
            entries += _Checker(function, arrays, np.array(rows), k, eps, seed, forward).entries(
                named, size if basis else 0
            )
        if k < order:
            function = function.derivative()
            arrays.append(v)
            named.append(f"cotangent {k}")
    return entries


def cotangent(rng: np.random.Generator, size: int) -> np.ndarray:
    """Random signs, sizes from 0.5 to 1.5: no entry of the Jacobian is lost in it."""
    return rng.choice((-1.0, 1.0), size) * rng.uniform(0.5, 1.5, size)


def _large(arrays: Sequence[np.ndarray]) -> bool:
    return any(x.size > MANY for x in arrays)


class _Gradient(NamedTuple):
    """The analytic gradients of an input, one for each cotangent, and their possible rounding errors."""

    values: np.ndarray
    rounding: np.ndarray
    problem: str

    @property
    def typical(self) -> float:
        finite = self.values[0][np.isfinite(self.values[0])]
        return float(root_mean_square(finite)) if finite.size else 0.0


class _Checker:
    """A function at a point, with cotangents: the first is random, the others find what it may miss."""

    def __init__(
        self,
        function: Checked,
        arrays: list[np.ndarray],
        rows: np.ndarray,
        order: int,
        eps: float,
        seed: int,
        forward: bool,
    ):
        self.function, self.arrays, self.rows, self.order, self.forward = function, arrays, rows, order, forward
        self.differences = Differences(function, arrays, rows, eps, seed)
        self.rng = np.random.default_rng([seed, order])
        size = float(self.differences.sizes[0])
        if not self.differences.subnormal:
            size = max(size, TINY * float(np.abs(rows[0]).sum()))
        self.least = TOO_FAR * size  # a slope below this, over an element's size, is 0

    def entries(self, names: Sequence[str], basis: int) -> Iterator[InputReport]:
        """A report for each input; ``basis`` of the cotangents are unit vectors."""
        self.basis = basis
        gradients = None if self.forward else self._gradients()
        for number, (name, x) in enumerate(zip(names, self.arrays, strict=True)):
            direction = self._direction(number)
            if gradients is None:
                yield self._by_directions(name, number, None, direction)
            elif x.size > MANY and not gradients[number].problem:
                yield self._by_directions(name, number, gradients[number], direction)
            else:
                yield self._by_elements(name, number, gradients[number], direction)

    def _direction(self, number: int) -> list[np.ndarray]:
        """A random direction in one input, in its own units."""
        units = self.differences.units
        return [
            unit * self.rng.normal(size=unit.shape) if i == number else np.zeros(unit.shape)
            for i, unit in enumerate(units)
        ]

    # ---------------------------------------------------------------- analytic

    def _gradients(self) -> list[_Gradient]:
        function, arrays, v = self.function, self.arrays, self.rows[0]
        found = function.gradients(arrays, v)
        if any(not repeatable(a, b) for a, b in zip(found, function.gradients(arrays, v), strict=True)):
            raise GraphError("gradcheck: the gradient is not deterministic: two calls with the same inputs differ.")
        noise = self.differences.noise.of(
            lambda inputs: np.concatenate([g.ravel() for g in function.gradients(inputs, v)])
        )
        noises = np.split(noise, np.cumsum([g.size for g in found])[:-1])
        all_rows = [found, *(function.gradients(arrays, row) for row in self.rows[1:])]
        return [self._gradient(i, [row[i] for row in all_rows], noise) for i, noise in enumerate(noises)]

    def _gradient(self, number: int, found: list[np.ndarray], noise: np.ndarray) -> _Gradient:
        x, unit = self.arrays[number], self.differences.units[number]
        if found[0].shape == x.shape:
            least = ROUNDING * float(self.differences.sizes[0]) / unit  # slopes have the size of f over that of x
            return _Gradient(np.array(found, np.float64), WIDE * noise.reshape(x.shape) + least, "")
        return _Gradient(
            np.full((len(found), *x.shape), np.nan),
            np.zeros(x.shape),
            f"backward returned a gradient of shape {found[0].shape} for an input of shape {x.shape}. They must be "
            f"equal{_broadcast(found[0].shape, x.shape)}.",
        )

    # ---------------------------------------------------------------- against differences

    def _by_elements(self, name: str, number: int, gradient: _Gradient, direction: list[np.ndarray]) -> InputReport:
        x = self.arrays[number]
        found: list[Row] = []
        for place in progress(np.ndindex(x.shape), x.size, name):
            analytic = [float(values[place]) for values in gradient.values]
            slopes = self.differences.along_element(number, place, analytic, gradient.typical)
            least = self.least / float(self.differences.units[number][place])
            found.append(_worst(analytic, slopes, float(gradient.rounding[place]), gradient.typical, least))
        along = float((gradient.values[0] * direction[number]).sum())
        return self._report(name, number, found, x.shape, gradient.problem, self._taylor(direction, along))

    def _by_directions(
        self, name: str, number: int, gradient: _Gradient | None, direction: list[np.ndarray]
    ) -> InputReport:
        found: list[Row] = []
        sweeps = []
        for _ in progress(range(DIRECTIONS), DIRECTIONS, name):
            u = direction[number]
            if gradient is None:
                analytic, rounding, typical = self._forward(direction)
            else:
                analytic = [float((values * u).sum()) for values in gradient.values]
                rounding = norm(gradient.rounding * u)
                typical = norm(gradient.values[0] * self.differences.units[number])
                rounding += ROUNDING * float(np.abs(gradient.values[0] * u).sum())
            slopes = self.differences.along(direction, analytic, typical)
            found.append(_worst(analytic, slopes, rounding, typical, self.least))
            sweeps.append((direction, analytic[0]))
            direction = self._direction(number)
        return self._report(name, number, found, (DIRECTIONS,), "", self._taylor(*sweeps[0]))

    def _forward(self, direction: list[np.ndarray]) -> tuple[list[float], float, float]:
        """wᵀ J u by forward mode, for each cotangent w; its rounding error and typical size."""
        rows, function = self.rows, self.function
        noise = self.differences.noise.of(lambda inputs: function.jvp(inputs, direction))
        tangent = function.jvp(self.arrays, direction)
        least = ROUNDING * float(self.differences.sizes[0])
        return (
            list(rows @ tangent),
            WIDE * float(np.abs(rows[0]) @ noise) + least,
            float(np.abs(rows[0]) @ np.abs(tangent)),
        )

    def _taylor(self, direction: list[np.ndarray], slope: float) -> Taylor:
        differences, v = self.differences, self.rows[0]
        noise = float(differences.noises[0])
        return sweep(lambda t: float(v @ differences.f(moved(differences.inputs, direction, t))), slope, noise)

    def _report(
        self, name: str, number: int, found: list[Row], shape: tuple[int, ...], problem: str, taylor: Taylor
    ) -> InputReport:
        columns = [np.array(column).reshape(shape) for column in zip(*found, strict=True)]
        analytic, numeric, allowed, step, low, high, differentiable, checked = columns
        return InputReport(
            name=name,
            number=number,
            order=self.order,
            shape=self.arrays[number].shape,
            analytic=analytic,
            numeric=numeric,
            allowed=allowed,
            step=step,
            low=low,
            high=high,
            differentiable=differentiable,
            checked=checked,
            entries=self.basis,
            directions=shape != self.arrays[number].shape or self.forward,
            problem=problem,
            taylor=taylor,
        )


def _broadcast(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Advice, if the shape of the input was broadcast to that of the gradient."""
    try:
        fits = np.broadcast_shapes(found, wanted) == found
    except ValueError:
        fits = False
    return ": sum the gradient over the axes along which the input was broadcast" if fits else ""


def _worst(analytic: Sequence[float], slopes: Sequence[Slope], rounding: float, typical: float, least: float) -> Row:
    """The row for the first cotangent, or for the worst of the others if only they show an error.

    Args:
        typical: the typical size of the gradients.
        least: a smaller slope is 0.
    """
    rows: list[Row] = []
    errors = []
    for i, (a, slope) in enumerate(zip(analytic, slopes, strict=True)):
        allowed = slope.bound + (rounding if i == 0 else 2 * rounding)  # entries of the first are 0.5 at least
        agrees = abs(a - slope.value) <= allowed
        size = max(abs(a), abs(slope.value))
        scale = max(size, typical)
        zero = size <= allowed <= least and (allowed > UNDERFLOWN or size == 0)
        checked = np.isnan(a) or (allowed <= TOO_FAR * scale or zero if agrees else slope.settled)
        rows.append((a, slope.value, allowed, slope.step, slope.low, slope.high, slope.differentiable, checked))
        errors.append(0.0 if agrees or not checked else abs(a - slope.value))
    smooth = all(slope.differentiable for slope in slopes)
    return rows[0] if errors[0] or not smooth else rows[int(np.argmax(errors))]

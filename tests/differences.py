"""Derivatives by differences: what the tests and the proof hold the engine's own derivatives against.

    D(h) = Σ w_k (f(x + k h) - f(x - k h)) / h,    w = 3/4, -3/20, 1/60,

leaves a truncation error of order h⁶. D(h/2) is the value; how far the two differ bounds its truncation, and rounding
adds at most 2 Σ |w_k| δ / (h/2) where each value of f is off by δ. With a step near ε^(1/7) both are least: in extended
precision (ε = 2⁻⁶³, where the machine has it) entries are right to all digits of float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

import tinygrad_cv as tg

Array = np.ndarray
Function = Callable[[Sequence[Array]], Array]  # the inputs -> all outputs, as one vector

WEIGHTS = ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))


class Jacobian(NamedTuple):
    """Outputs by inputs, all of both in one row."""

    entries: Array
    bound: Array  # of each entry's error


def step(epsilon: float) -> float:
    """At which truncation and rounding are least, of values with a machine epsilon."""
    return 2.0 ** (math.log2(epsilon) // 7)


def jacobian(f: Function, arrays: Sequence[Array], places: Sequence[int], h: float, rounding: float) -> Jacobian:
    """The Jacobian of f by its inputs at ``places``.

    Args:
        h: the step.
        rounding: how far rounding may move a value of f.
    """
    size = f(arrays).size
    columns, bounds = [], []
    for i in places:
        for place in np.ndindex(arrays[i].shape):
            coarse, fine = (_slope(f, arrays, i, place, width) for width in (h, h / 2))
            columns.append(fine)
            bounds.append(np.abs(fine - coarse) + 2 * sum(abs(w) for _, w in WEIGHTS) * rounding / (h / 2))
    entries, bound = (np.array(part, np.float64).reshape(len(columns), size).T for part in (columns, bounds))
    return Jacobian(entries, bound)


def _slope(f: Function, arrays: Sequence[Array], i: int, place: tuple[int, ...], h: float) -> Array:
    moved = list(arrays)

    def at(k: int) -> Array:
        moved[i] = arrays[i].copy()
        moved[i][place] += k * h
        return f(moved)

    total = 0.0
    for k, w in WEIGHTS:
        ahead, behind = at(k), at(-k)
        total = total + w * np.subtract(ahead, behind, out=np.zeros_like(ahead), where=ahead != behind)  # ∞ - ∞ is 0
    return np.asarray(total / h)


# ---------------------------------------------------------------- along random directions, in float64

STEP = 2.0**-12  # so small that kinks are out of reach
RTOL = 1e-7  # what a bound must be below
EPSILON, ROUNDINGS = 2.0**-52, 64  # of a function, so many in a row
DIRECTIONS = 2  # of each input; a gradient that is wrong anywhere is wrong along a random direction


def check(function, arrays, seed, order=2):
    """Hold the derivatives of a function of tensors against differences, up to an order.

    What is differentiated is ⟨function, weights⟩ with random weights; at the next order it is the gradient of that,
    again weighed. Earlier weights stay inputs: they are the cotangents, by which the VJPs are differentiated too.
    """
    rng = np.random.default_rng(seed)
    arrays = [np.array(x) for x in arrays]
    wanted = [x.dtype.kind == "f" for x in arrays]
    for k in range(1, order + 1):
        outputs = _tuple(function(*map(tg.Tensor._new, arrays)))
        total = _weighed(function, len(arrays))
        weights = [_weights(rng, y.shape) for y in outputs]
        _compare(total, arrays + weights, wanted, rng, f"order {k}, seed {seed}")
        arrays += weights
        function = _gradient(total, wanted + [False] * len(weights))
        wanted += [True] * len(weights)


def _weights(rng, shape):
    """Random numbers, a quarter of them exactly 0: where a VJP chooses by its cotangent, both choices are met."""
    return np.where(rng.random(shape) < 0.25, 0.0, rng.normal(size=shape))


def _compare(total, arrays, wanted, rng, message):
    wanted = wanted + [False] * (len(arrays) - len(wanted))
    gradients = [g.value for g in _gradient(total, wanted)(*map(tg.Tensor._new, arrays))]
    places = [i for i, want in enumerate(wanted) if want]
    for i, gradient in zip(places, gradients, strict=True):
        assert gradient.dtype == arrays[i].dtype and gradient.shape == arrays[i].shape, f"{message}, input {i}"
        for _ in range(DIRECTIONS):
            direction = rng.normal(size=arrays[i].shape)
            found, scale = (gradient * direction).sum(), np.abs(gradient * direction).sum() + 1.0
            expected, bound = _along(total, arrays, i, direction, scale)
            assert bound <= RTOL * scale, f"{message}, input {i}: a kink is near, or the function is too steep"
            assert abs(found - expected) <= bound, f"{message}, input {i}: {found}, not {expected} ± {bound}"


def _along(function, arrays, i, direction, scale):
    """The slope of a function along a direction of one input, and how far it may be off."""

    def f(at):
        moved = [*arrays[:i], arrays[i] + at[0] * direction, *arrays[i + 1 :]]
        return function(*map(tg.Tensor._new, moved)).value.reshape(1)

    here = [np.zeros(())]
    rounding = ROUNDINGS * EPSILON * (scale + abs(f(here)).item())
    entries, bound = jacobian(f, here, [0], STEP, rounding)
    return entries.item(), bound.item()


def _weighed(function, count):
    """Σ ⟨output, weights⟩, where the weights are the inputs from ``count`` on."""

    def total(*xs):
        outputs = _tuple(function(*xs[:count]))
        return sum((y * w).sum() for y, w in zip(outputs, xs[count:], strict=True))

    return total


def _gradient(function, wanted):
    """The function's gradients by the wanted inputs, in the graph, as a function of all its inputs."""

    def gradient(*xs):
        with tg.enable_grad():
            pairs = list(zip(xs, wanted, strict=True))
            leaves = [x.detach().requires_grad_() if want and not x.requires_grad else x for x, want in pairs]
            picked = [x for x, (_, want) in zip(leaves, pairs, strict=True) if want]
            value = function(*leaves)
            if not value.requires_grad:
                return tuple(x.detach() * 0.0 for x in picked)
            found = tg.grad(value, picked, create_graph=True, allow_unused=True)
        return tuple(x.detach() * 0.0 if g is None else g for x, g in zip(picked, found, strict=True))

    return gradient


def _tuple(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)

"""Derivatives by central differences, in float64: what the tests hold the engine's own derivatives against."""

from __future__ import annotations

import numpy as np

import tinygrad_cv as tg

STEP = 1e-5
RTOL, ATOL = 1e-7, 1e-8  # the differences' own errors: STEP² times a third derivative, and 1e-16 / STEP
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
            ahead, behind = (_moved(total, arrays, i, step * direction) for step in (STEP, -STEP))
            found, expected = (gradient * direction).sum(), (ahead - behind) / (2 * STEP)
            scale = np.abs(gradient * direction).sum() + abs(ahead)
            assert abs(found - expected) <= ATOL + RTOL * scale, f"{message}, input {i}: {found}, not {expected}"


def _moved(function, arrays, i, step):
    return function(*map(tg.Tensor._new, [*arrays[:i], arrays[i] + step, *arrays[i + 1 :]])).item()


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
            xs = [x.detach().requires_grad_() if want and not x.requires_grad else x for x, want in pairs]
            picked = [x for x, (_, want) in zip(xs, pairs, strict=True) if want]
            value = function(*xs)
            if not value.requires_grad:
                return tuple(x.detach() * 0.0 for x in picked)
            found = tg.grad(value, picked, create_graph=True, allow_unused=True)
        return tuple(x.detach() * 0.0 if g is None else g for x, g in zip(picked, found, strict=True))

    return gradient


def _tuple(outputs):
    return outputs if isinstance(outputs, tuple) else (outputs,)

"""What the tests of functionals compare with: loops that spell out a definition, finite differences, and PyTorch.

Nothing here is taken from the library: the loops index one output place and one kernel place at a time, and derivatives
come from differences of values. NumPy arrays go in and come out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import tinygrad_cv as tg

Array = np.ndarray
Function = Callable[..., Any]
Pads = tuple[tuple[int, int], tuple[int, int]]  # ((top, bottom), (left, right))


def integers(rng: np.random.Generator, *shape: int, dtype: Any = np.float64) -> Array:
    """Small integers as floats: their sums of products are exact, so results must be equal, not close."""
    return rng.integers(-4, 5, shape).astype(dtype)


def distinct(rng: np.random.Generator, *shape: int, dtype: Any = np.float64) -> Array:
    """Numbers of which no two, and none and 0, are nearer than 0.02: small steps meet no kink and change no order."""
    n = int(np.prod(shape))
    numbers = (np.arange(n) - n // 2 + 0.5) * 0.06 + rng.uniform(-0.01, 0.01, n)
    return rng.permutation(numbers).reshape(shape).astype(dtype)


# ---------------------------------------------------------------- the library, asked for a value and its gradients


def value_and_gradients(function: Function, inputs: Sequence[Array], cotangent: Any) -> tuple[Array, list[Array]]:
    """``function(*inputs)`` and the gradients of <function(*inputs), cotangent>."""
    tensors = [tg.tensor(x, requires_grad=True) for x in inputs]
    y = function(*tensors)
    y.backward(cotangent if isinstance(cotangent, tg.Tensor) else tg.tensor(cotangent))
    assert all(x.grad is not None for x in tensors)
    return y.numpy(), [x.grad.numpy() for x in tensors]


# ---------------------------------------------------------------- convolution, place by place


def places(output: Sequence[int], kernel: Sequence[int]) -> Iterator[tuple[int, int, int, int]]:
    """Every output place (i, j) with every kernel place (u, v)."""
    return itertools.product(*map(range, (*output, *kernel)))


def channels_of(group: int, groups: int, channels: int) -> slice:
    """The channels that belong to a group."""
    return slice(group * channels // groups, (group + 1) * channels // groups)


def conv2d(
    x: Array, w: Array, stride: tuple[int, int], pads: Pads, dilation: tuple[int, int], groups: int
) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
    """Convolution by loops, and a function from the output's cotangent to those of x and w."""
    n, c, h, width = x.shape
    o, _, *kernel = w.shape
    (top, bottom), (left, right) = pads
    padded = np.zeros((n, c, h + top + bottom, width + left + right))
    padded[:, :, top : top + h, left : left + width] = x
    output = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(padded.shape[2:], kernel, stride, dilation, strict=True)
    ]
    y = np.zeros((n, o, *output))

    def terms() -> Iterator[tuple[Any, Any, Any]]:
        """Indices (into padded x, into w, into y) of everything that is multiplied and added."""
        for i, j, u, v in places(output, kernel):
            for group in range(groups):
                read, write = channels_of(group, groups, c), channels_of(group, groups, o)
                p, q = i * stride[0] + u * dilation[0], j * stride[1] + v * dilation[1]
                yield (slice(None), read, p, q), (write, slice(None), u, v), (slice(None), write, i, j)

    for at_x, at_w, at_y in terms():
        y[at_y] += padded[at_x] @ w[at_w].T

    def pullback(g: Array) -> tuple[Array, Array]:
        gx, gw = np.zeros_like(padded), np.zeros(w.shape)
        for at_x, at_w, at_y in terms():
            gx[at_x] += g[at_y] @ w[at_w]
            gw[at_w] += g[at_y].T @ padded[at_x]
        return gx[:, :, top : top + h, left : left + width], gw

    return y, pullback


def conv_transpose2d(
    x: Array,
    w: Array,
    stride: tuple[int, int],
    padding: tuple[int, int],
    output_padding: tuple[int, int],
    groups: int,
    dilation: tuple[int, int],
) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
    """Every input element adds its multiple of the kernel; what falls outside of the output is dropped."""
    n, c, *size = x.shape
    _, per_group, *kernel = w.shape
    o = per_group * groups
    output = [
        (m - 1) * s - 2 * p + d * (k - 1) + e + 1
        for m, s, p, d, k, e in zip(size, stride, padding, dilation, kernel, output_padding, strict=True)
    ]
    y = np.zeros((n, o, *output))

    def terms() -> Iterator[tuple[Any, Any, Any]]:
        for i, j, u, v in places(size, kernel):
            p, q = i * stride[0] + u * dilation[0] - padding[0], j * stride[1] + v * dilation[1] - padding[1]
            if not (0 <= p < output[0] and 0 <= q < output[1]):
                continue
            for group in range(groups):
                read, write = channels_of(group, groups, c), channels_of(group, groups, o)
                yield (slice(None), read, i, j), (read, slice(None), u, v), (slice(None), write, p, q)

    for at_x, at_w, at_y in terms():
        y[at_y] += x[at_x] @ w[at_w]

    def pullback(g: Array) -> tuple[Array, Array]:
        gx, gw = np.zeros(x.shape), np.zeros(w.shape)
        for at_x, at_w, at_y in terms():
            gx[at_x] += g[at_y] @ w[at_w].T
            gw[at_w] += x[at_x].T @ g[at_y]
        return gx, gw

    return y, pullback


def same_pads(
    size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> tuple[Pads, list[int]]:
    """The zeros that make H' = ceil(H / S), one more at the end where their number is odd; and H'."""
    wanted = [-(-n // s) for n, s in zip(size, stride, strict=True)]
    totals = [
        max(0, (m - 1) * s + d * (k - 1) + 1 - n)
        for n, m, k, s, d in zip(size, wanted, kernel, stride, dilation, strict=True)
    ]
    return tuple((total // 2, total - total // 2) for total in totals), wanted  # type: ignore[return-value]


# ---------------------------------------------------------------- pooling, window by window


def pool_windows(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int] = (1, 1),
    ceil_mode: bool = False,
) -> list[list[list[int]]]:
    """For each axis the windows, as lists of places; places outside of the image (padding, or beyond it) are kept.

    ``ceil_mode`` adds one that starts within the image, where whole windows leave something over (so PyTorch has it).
    """
    axes = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        windows = []
        start = -p
        while start + d * (k - 1) < n + p or (ceil_mode and start < n and start - s + d * (k - 1) < n + p - 1):
            windows.append([start + d * u for u in range(k)])
            start += s
        axes.append(windows)
    return axes


def max_pool2d(x: Array, windows: list[list[list[int]]]) -> tuple[Array, Callable[[Array], Array]]:
    """The maximum of each window, which is found by walking through it; NaN is larger than everything."""
    rows, columns = windows
    y = np.zeros((*x.shape[:2], len(rows), len(columns)))
    winners = {}
    for at in np.ndindex(y.shape):
        n, c, i, j = at
        best = None
        for p, q in itertools.product(rows[i], columns[j]):
            inside = 0 <= p < x.shape[2] and 0 <= q < x.shape[3]
            if inside and (best is None or x[n, c, p, q] > x[best] or (np.isnan(x[n, c, p, q]) > np.isnan(x[best]))):
                best = (n, c, p, q)
        assert best is not None
        winners[at] = best
        y[at] = x[best]

    def pullback(g: Array) -> Array:
        gx = np.zeros(x.shape)
        for at, best in winners.items():
            gx[best] += g[at]
        return gx

    return y, pullback


def avg_pool2d(
    x: Array, windows: list[list[list[int]]], padding: Sequence[int], count_include_pad: bool, divisor: int | None
) -> tuple[Array, Callable[[Array], Array]]:
    """The mean of each window; what lies beyond the padding does not count, the padding counts where it is asked to."""
    h, w = x.shape[2:]
    rows, columns = windows
    inside, counts = {}, {}
    for i, j in itertools.product(range(len(rows)), range(len(columns))):
        every = list(itertools.product(rows[i], columns[j]))
        inside[i, j] = [(p, q) for p, q in every if 0 <= p < h and 0 <= q < w]
        padded = [(p, q) for p, q in every if p < h + padding[0] and q < w + padding[1]]
        counts[i, j] = divisor or len(padded if count_include_pad else inside[i, j])
    y = np.zeros((*x.shape[:2], len(rows), len(columns)))
    for (i, j), cells in inside.items():
        y[:, :, i, j] = sum((x[:, :, p, q] for p, q in cells), np.zeros(x.shape[:2])) / counts[i, j]

    def pullback(g: Array) -> Array:
        gx = np.zeros(x.shape)
        for (i, j), cells in inside.items():
            for p, q in cells:
                gx[:, :, p, q] += g[:, :, i, j] / counts[i, j]
        return gx

    return y, pullback


# ---------------------------------------------------------------- finite differences of the order below


def difference(function: Callable[[Array], float], x: Array, h: float) -> Array:
    """The gradient of a scalar function by the five-point rule, whose error is h⁴ f⁽⁵⁾ / 30."""
    gradient = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[at] = h
        near = function(x + step) - function(x - step)
        far = function(x + 2 * step) - function(x - 2 * step)
        gradient[at] = (8 * near - far) / (12 * h)
    return gradient


class Derivatives:
    """Scalars s₀, s₁, s₂, ... of a function: s₀ = <f(x), u₀> and sₖ₊₁ = <∇sₖ(x), uₖ₊₁>, with fixed random u.

    ∇sₖ contains derivatives of order k + 1. x is one vector that holds all inputs one after another.
    """

    def __init__(self, function: Function, inputs: Sequence[Array], seed: int = 2024):
        self.function = function
        self.shapes = [x.shape for x in inputs]
        self.start = np.concatenate([np.ravel(x) for x in inputs])
        self.rng = np.random.default_rng(seed)
        self.cotangents: list[Any] = []

    def _cotangent(self, k: int, like: tg.Tensor) -> tg.Tensor:
        if k == len(self.cotangents):
            self.cotangents.append(tg.tensor(self.rng.standard_normal(like.shape)))
        return self.cotangents[k]

    def _scalar(self, order: int, x: tg.Tensor) -> tg.Tensor:
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])
        parts = [part.reshape(shape) for part, shape in zip(x.split(list(ends[:-1])), self.shapes, strict=True)]
        y = self.function(*parts)
        s = (y * self._cotangent(0, y)).sum()
        for k in range(1, order + 1):
            g = tg.grad(s, x, create_graph=True) if s.requires_grad else x.detach() * 0.0  # of a constant: nothing
            s = (g * self._cotangent(k, g)).sum()
        return s

    def scalar(self, order: int, x: Array) -> float:
        """sₖ at x."""
        return self._scalar(order, tg.tensor(x, requires_grad=True)).item()

    def gradient(self, order: int) -> Array:
        """∇sₖ at the start, by the library: derivatives of order k + 1."""
        x = tg.tensor(self.start, requires_grad=True)
        s = self._scalar(order, x)
        return tg.grad(s, x).numpy() if s.requires_grad else np.zeros(x.shape)

    def difference(self, order: int, h: float = 1e-3) -> Array:
        """∇sₖ at the start, by finite differences of sₖ."""
        return difference(lambda x: self.scalar(order, x), self.start, h)


def assert_derivatives_agree(function: Function, inputs: Sequence[Array], order: int, h: float = 1e-3) -> None:
    """Derivatives of this order are those that finite differences of the order below give.

    The rounding error of a difference is some 1e-16 / h of what it subtracts; the rest is for the error of the rule.
    """
    derivatives = Derivatives(function, inputs)
    found, expected = derivatives.gradient(order - 1), derivatives.difference(order - 1, h)
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * scale)

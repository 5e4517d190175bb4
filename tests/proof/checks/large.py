"""Arrays so large that primitives compute them in other ways: by blocks, by taps, by rows, by pieces, collapsed, fused.

Where a primitive is linear, and the numbers are whole, nothing is rounded, and

    ⟨f(x + u) - f(x), v⟩ = ⟨u, vjp(v)⟩

holds exactly for random u and v. Their elements take sixteen values each, so a VJP that is wrong anywhere escapes one
such pair with a chance of at most 1/16 + 1/16, and all four pairs with 1/4096. Where a primitive is not linear, the
gradient is that of pieces too small for any of this, up to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

import tinygrad_cv.functional as F
from tests.primitives import layouts
from tests.primitives.draws import whole
from tests.primitives.row import SEED, Case, Row
from tests.primitives.table import ROWS
from tests.proof.calls.gradient import Recorded, floats, pull, value
from tests.proof.calls.point import ROUNDINGS, cotangent
from tests.proof.checks.jacobian import within
from tests.proof.outcome import Outcome, Wrong, attempt
from tinygrad_cv.core.tape import apply
from tinygrad_cv.frontend.tensor import Tensor
from tinygrad_cv.ops import PRIMITIVES

Array = np.ndarray
PAIRS = 4
PIECE = 1000  # elements: small


def outcomes(name: str, part: bool = False, seed: int = SEED) -> Iterator[Outcome]:
    """One check for each call, input and memory layout of a primitive that has a derivative.

    The short form has the plain layout only.
    """
    row = ROWS[name]
    if not row.primitive.differentiable:
        return
    for case in row.large:
        plain = row.smooth_inputs(case, seed)
        for layout, lay in list(LAYOUTS.items())[: 1 if part else None]:
            if layout != "C" and all(lay(k, x) is x for k, x in enumerate(plain)):
                continue  # the layout is none of this call's
            words = f"{layout}, {case}"
            if not row.linear:
                yield attempt(name, "large", words, _pieces, row, case, lay, seed)
            for i in row.linear[: len(case.shapes)]:
                arrays = [lay(k, x) for k, x in enumerate(row.whole_inputs(case, seed))]
                function = partial(apply, row.primitive, **case.params)
                yield attempt(name, "large", f"{words}, input {i}", _adjoint, function, arrays, i, seed)


def convolution(seed: int = SEED) -> Iterator[Outcome]:
    """Where the backward pass of a convolution never makes the array of all windows' cotangents."""
    rng = np.random.default_rng(seed)
    arrays = [whole(rng, (8, 8, 32, 32)), whole(rng, (8, 8, 3, 3))]
    for i, border in ((0, 1), (1, 1), (0, 0)):
        function = partial(F.conv2d, padding=border)
        yield attempt("conv2d", "large", f"padding {border}, input {i}", _adjoint, function, arrays, i, seed)


def _repeated(x: Array, axis: int) -> Array:
    return layouts.broadcast(x, axis) if x.ndim > axis and x.dtype.kind == "f" else x


def _outer(k: int, x: Array) -> Array:
    """Inputs repeat along the first axis and along the last, by turns."""
    return _repeated(x, (x.ndim - 1) * (k % 2))


def _as_windows(k: int, x: Array) -> Array:
    """Six axes as windows of 3 x 3 that overlap in memory."""
    if x.shape[-2:] != (3, 3) or x.ndim != 6:
        return x
    image = np.ascontiguousarray(x[..., 0, 0])
    image = np.pad(image, ((0, 0), (0, 0), (0, 2), (0, 2)), mode="wrap")
    return PRIMITIVES["windows"].eval(image, (3, 3), (1, 1), (1, 1))


LAYOUTS: dict[str, Callable[[int, Array], Array]] = {
    "C": lambda k, x: x,
    "Fortran": lambda k, x: layouts.column_major(x),
    "reversed": lambda k, x: layouts.reversed_strides(x),
    "broadcast": lambda k, x: _repeated(x, 0),
    "outer product": _outer,
    "windows": _as_windows,
}


def _adjoint(function: Callable[..., Any], arrays: Sequence[Array], i: int, seed: int) -> float:
    """⟨f(x + u) - f(x), v⟩ = ⟨u, vjp(v)⟩, whole numbers throughout."""
    rng = np.random.default_rng(seed)
    tensors = [Tensor._new(x) for x in arrays]
    leaf = tensors[i].requires_grad_()
    y = function(*tensors)
    for _ in range(PAIRS):
        u, v = whole(rng, leaf.shape), whole(rng, y.shape)
        moved = [Tensor._new(x + u if k == i else x) for k, x in enumerate(arrays)]
        change = function(*moved).value.astype(np.float64) - y.value
        (gradient,) = pull(y, [leaf], Tensor._new(v.astype(y.dtype)))
        left, right = (change * v).sum(), (u * gradient.value).sum()
        if left != right:
            raise Wrong(f"⟨A u, v⟩ = {left:.0f}, ⟨u, vjp(v)⟩ = {right:.17g}")
    return 0.0


def _pieces(row: Row, case: Case, lay: Callable[[int, Array], Array], seed: int) -> float:
    """The gradient of a large array as that of small ones."""
    arrays = [lay(k, x) for k, x in enumerate(row.smooth_inputs(case, seed))]
    y = value(row.primitive, arrays, case.params)
    g = cotangent(y, seed)
    places = floats(arrays)
    found = np.array([x.value.ravel() for x in Recorded(row.primitive, arrays, case.params, places).pull(g)])
    expected, flat = [], [x.ravel() for x in (*arrays, g)]
    for start in range(0, y.size, PIECE):
        *piece, h = (x[start : start + PIECE].copy() for x in flat)
        expected.append([x.value for x in Recorded(row.primitive, piece, case.params, places).pull(h)])
    right = np.concatenate(expected, 1)
    largest = max(1.0, *(float(np.abs(x).max()) for x in (*arrays, y)))
    allowed = ROUNDINGS * float(np.finfo(y.dtype).eps) * (np.abs(right) + np.abs(g).ravel() * largest)
    return within(found, right, allowed)

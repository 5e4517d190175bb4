"""Gradients where differences have nothing to say: at ties, at 0 to a power, beside infinities and NaN.

What is pinned is the factor that a cotangent is multiplied by, for each input. Where it is finite, the gradient must
be differentiable by the cotangent as well, and have the same factor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tests.primitives.row import Numbers, Pinned
from tests.primitives.table import ROWS
from tests.proof.calls.gradient import Recorded, pull
from tests.proof.outcome import Outcome, Wrong, attempt
from tinygrad_cv.core.primitive import PRIMITIVES
from tinygrad_cv.frontend.tensor import Tensor


def outcomes(name: str) -> Iterator[Outcome]:
    """The pinned gradients of one primitive."""
    for pinned in ROWS[name].pinned:
        for i, factor in enumerate(pinned.factors):
            if factor is not None:
                yield attempt(name, "special values", f"{pinned.why}, input {i}", _holds, name, pinned, i, factor)


def _holds(name: str, pinned: Pinned, i: int, factor: Numbers) -> float:
    inputs = [x if isinstance(x, np.ndarray) else np.array(x) for x in pinned.inputs]
    recorded, expected = Recorded(PRIMITIVES[name], inputs, pinned.params, [i]), np.array(factor)
    g = Tensor(np.linspace(-1.5, 2.5, math.prod(recorded.y.shape)).reshape(recorded.y.shape), requires_grad=True)
    (gradient,) = recorded.pull(g, create_graph=True)
    _equal("the gradient", gradient.numpy(), expected * g.numpy())
    if np.isfinite(expected).all():
        (back,) = pull(gradient, [g], np.ones(expected.shape))
        reduced = tuple(i for i, n in enumerate(g.shape) if n != expected.shape[i])
        _equal("its derivative by the cotangent", back.numpy(), expected.sum(reduced, keepdims=True))
    return 0.0


def _equal(what: str, found: np.ndarray, expected: np.ndarray) -> None:
    if not np.allclose(found, expected, rtol=4 * np.finfo(float).eps, atol=0.0, equal_nan=True):
        raise Wrong(f"{what} is {found.tolist()}, not {expected.tolist()}")

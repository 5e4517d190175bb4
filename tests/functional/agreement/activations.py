"""Activations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.functional.agreement.row import Row, Samples


def rows() -> Iterator[Row]:
    s = Samples("activations")
    x = np.concatenate([s.normal(30, scale=3.0), [0.0, -0.0, 6.0, 20.5, -20.5, 45.0, -45.0, 300.0, -300.0, 1e4, -1e4]])
    for name in ("relu", "relu6", "sigmoid", "tanh", "silu", "gelu", "leaky_relu"):
        yield Row(name, (x,))
    yield Row("leaky_relu", (x,), {"negative_slope": 0.3})
    for alpha in (1.0, 1.7):
        yield Row("elu", (x[:30],), {"alpha": alpha})
        yield Row("elu", (x,), {"alpha": alpha}, note="at 0", order=1, why="the second derivative jumps at 0")
    yield Row("gelu", (x,), {"approximate": "tanh"}, steepness=2.0)
    # PyTorch's softplus returns x itself above 20, where log(1 + e⁻²⁰) is still 2e-9
    yield Row("softplus", (x,), theirs=lambda T, x: -T.logsigmoid(-x))
    for dim in (0, 1, -1, -2):
        yield Row("softmax", (s.normal(3, 5, 4),), {"dim": dim})
        yield Row("log_softmax", (s.normal(3, 5, 4),), {"dim": dim})
    yield Row("softmax", (s.normal(3, 5, scale=1e3),), {"dim": 1}, note="large scores")
    yield Row("log_softmax", (s.normal(3, 5, scale=1e3),), {"dim": 1}, note="large scores")

"""Activations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.functional.agreement.row import Row, SameDraws, Samples

KINK = "the second derivative jumps at 0"


def rows() -> Iterator[Row]:
    yield from _of_straight_lines()
    yield from _smooth()
    yield from _softmax()


def _points(s: Samples, *kinks: float) -> np.ndarray:
    """Numbers around 0 and far out, and where slopes may change."""
    far = [20.5, -20.5, 45.0, -45.0, 300.0, -300.0, 1e4, -1e4]
    return np.concatenate([s.normal(30, scale=3.0), [0.0, -0.0], far, kinks])


def _of_straight_lines() -> Iterator[Row]:
    s = Samples("straight lines")
    for name, kinks, options in (
        ("relu", (), {}),
        ("relu6", (6.0,), {}),
        ("leaky_relu", (), {}),
        ("leaky_relu", (), {"negative_slope": 0.3}),
        ("leaky_relu", (), {"negative_slope": -1.5}),
        ("hardtanh", (1.0, -1.0), {}),
        ("hardtanh", (0.5, -2.0), {"min_val": -2.0, "max_val": 0.5}),
        ("hardtanh", (1.0,), {"min_val": 1.0, "max_val": 1.0}),
        ("hardsigmoid", (3.0, -3.0), {}),
        ("hardswish", (3.0, -3.0), {}),
        ("threshold", (0.5,), {"threshold": 0.5, "value": 2.0}),
        ("threshold", (), {"threshold": -1.0, "value": 0.0}),
        ("hardshrink", (0.5, -0.5), {}),
        ("hardshrink", (2.0, -2.0), {"lambd": 2.0}),
        ("hardshrink", (), {"lambd": -1.0}),
        ("softshrink", (0.5, -0.5), {}),
        ("softshrink", (2.0, -2.0), {"lambd": 2.0}),
        ("softshrink", (), {"lambd": 0.0}),
        ("rrelu", (), {}),
        ("rrelu", (), {"lower": 0.25, "upper": 0.5}),
        ("rrelu", (), {"lower": 0.3, "upper": 0.3, "training": True}),
    ):
        # PyTorch's hardsigmoid rounds its slope, 1/6, to float32, and has no second derivative
        theirs = hardsigmoid if name == "hardsigmoid" else None
        yield Row(name, (_points(s, *kinks),), options, theirs)
        yield Row(name, (s.normal(2, 3, 4, scale=3.0),), options, theirs)
        if name not in ("hardshrink", "softshrink"):
            yield Row(name, (s.normal(2, 3),), {**options, "inplace": False}, theirs)
    for shape, channels in (
        ((2, 3, 4, 5), (3, 1)),
        ((2, 3, 4), (3, 1)),
        ((4, 3), (3, 1)),
        ((2, 3, 2, 3, 2), (3,)),
        ((5,), (1,)),
        ((), (1,)),
        ((0, 3), (3,)),
    ):
        for n in channels:
            yield Row("prelu", (s.normal(*shape), s.normal(n)), note=f"weight of {n}")
    yield Row("prelu", (s.normal(2, 3), s.normal()), note="weight of no axis")
    same = SameDraws()
    x = s.normal(4, 5, scale=2.0)
    drawn: dict[str, Any] = {"lower": 0.1, "upper": 0.4, "training": True, "generator": same}
    yield Row("rrelu", (x,), drawn, lambda T, x, **_: T.leaky_relu(x, 0.0) + _slopes(T, x, same))


def hardsigmoid(T: Any, x: Any, inplace: bool = False) -> Any:
    return T.relu6(x + 3.0) / 6.0


def mish(T: Any, x: Any) -> Any:
    return x * T.softplus(x).tanh()


def celu(T: Any, x: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    return alpha * T.elu(x / alpha)


def softplus(T: Any, x: Any, beta: float = 1.0) -> Any:
    return -T.logsigmoid(-beta * x) / beta


def _slopes(T: Any, x: Any, same: SameDraws) -> Any:
    """What a random slope in [0.1, 0.4) adds below 0."""
    return -T.relu(-x) * x.new_tensor(0.1 + 0.3 * same.drawn(*x.shape))


def _smooth() -> Iterator[Row]:
    s = Samples("activations")
    x = _points(s)
    for name in ("sigmoid", "tanh", "silu", "gelu", "logsigmoid", "tanhshrink"):
        yield Row(name, (x,))
        yield Row(name, (s.normal(2, 3, 4),))
        yield Row(name, (s.normal(2, 3) * 1e-4,), note="near 0")
    # the second derivative of PyTorch's mish is NaN at 1e4
    yield Row("mish", (x,), theirs=mish)
    yield Row("mish", (s.normal(2, 3, 4),))
    for name in ("silu", "mish", "selu"):
        yield Row(name, (s.normal(2, 3),), {"inplace": False})
    yield Row("gelu", (x,), {"approximate": "tanh"}, steepness=2.0)
    yield Row("softsign", (x[x != 0],))
    yield Row("softsign", (x,), note="at 0", order=1, why=KINK)
    yield Row("selu", (x[x != 0],))
    yield Row("selu", (x,), note="at 0", order=1, why=KINK)
    # PyTorch rounds the reciprocal of celu's alpha to float32
    for name, theirs in (("elu", None), ("celu", celu)):
        for alpha in (1.0, 1.7, 0.5):
            yield Row(name, (x[x != 0],), {"alpha": alpha}, theirs)
            yield Row(name, (x,), {"alpha": alpha}, theirs, "at 0", order=1, why=KINK)
        yield Row(name, (s.normal(2, 3) * 1e-6,), {}, theirs, "near 0")
        yield Row(name, (s.normal(2, 3),), {"alpha": 0.7, "inplace": False}, theirs)
    yield Row("elu", (s.normal(2, 3),), {"alpha": -0.7})
    # PyTorch's softplus returns x itself above 20, where log(1 + e⁻²⁰) is still 2e-9
    yield Row("softplus", (x,), theirs=softplus)
    for beta in (0.5, 2.0, -1.5):
        yield Row("softplus", (x,), {"beta": beta}, softplus)
        yield Row("softplus", (s.normal(2, 3),), {"beta": beta})
    for threshold in (1.0, 0.0, -2.0, 5.0):
        yield Row("softplus", (x[x != 0],), {"threshold": threshold})
        yield Row("softplus", (x[x != 0],), {"beta": 2.0, "threshold": threshold})
    for shape, dims in (((6, 4), (0, 1, -1, -2)), ((4,), (0, -1)), ((2, 4, 3, 2), (1, -1, 3)), ((3, 0), (-1,))):
        for dim in dims:
            yield Row("glu", (s.normal(*shape, scale=3.0),), {"dim": dim})


def _softmax() -> Iterator[Row]:
    s = Samples("softmax")
    for name in ("softmax", "log_softmax", "softmin"):
        for dim in (0, 1, -1, -2):
            yield Row(name, (s.normal(3, 5, 4),), {"dim": dim})
        for shape in ((), (4,), (3, 4), (2, 3, 4), (2, 3, 4, 2), (2, 3, 2, 2, 2)):
            yield Row(name, (s.normal(*shape),), note="no axis named")
        for shape in ((0, 3), (3, 0)):
            yield Row(name, (s.normal(*shape),), {"dim": 1})
        yield Row(name, (s.normal(3, 5, scale=1e3),), {"dim": 1}, note="large scores")
    yield Row("gumbel_softmax", (s.normal(2, 1),), note="one class")
    same = SameDraws()
    for tau, dim, shape in (
        (1.0, -1, (4, 5)),
        (0.3, 0, (4, 5)),
        (2.0, 1, (2, 3, 4)),
        (0.5, -3, (2, 3, 4)),
        (1.0, 0, (6,)),
    ):
        options = {"tau": tau, "dim": dim, "generator": same}
        for hard in (False, True):
            yield Row("gumbel_softmax", (s.normal(*shape),), {**options, "hard": hard}, gumbel, "", max(1.0, 1 / tau))


def gumbel(T: Any, x: Any, tau: float, dim: int, generator: SameDraws, hard: bool) -> Any:
    """Softmax of disturbed scores, as the paper has it, by PyTorch's own functions."""
    noise = -np.log(-np.log(generator.drawn(*x.shape)))
    soft = T.softmax((x + x.new_tensor(noise)) / tau, dim)
    return T.one_hot(soft.argmax(dim), soft.shape[dim]).movedim(-1, dim) + (soft - soft.detach()) if hard else soft

"""Where a functional's result is not PyTorch's, on purpose: both are computed, and are as docs/differences.py says."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase

import differences as stated
import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F

NAN = math.nan
REFUSED = "refused"


def value(call):
    """call(functions, tensor) as a list, or that it was refused."""

    def run(T, tensor):
        try:
            return call(T, tensor).tolist()
        except ValueError:
            return REFUSED

    return run


def gradient(call, x):
    """The gradient of Σ call(functions, tensor, x)."""

    def run(T, tensor):
        leaf = tensor(x)
        leaf.requires_grad_(True)
        call(T, tensor, leaf).sum().backward()
        return leaf.grad.tolist()

    return run


def places(T, tensor, dims):
    window = tensor([0.0, NAN, 1.0, NAN]).reshape(1, *(1,) * dims, 4)
    kernel = (1,) * (dims - 1) + (4,)
    return getattr(T, f"max_pool{dims}d")(window, kernel, return_indices=True)[1].reshape(1)


def beside(T, dims, x):
    """Two windows of two, each with one pixel of padding."""
    kernel, padding = (1,) * (dims - 1) + (2,), (0,) * (dims - 1) + (1,)
    return getattr(T, f"max_pool{dims}d")(x.reshape(1, *(1,) * dims, 2), kernel, None, padding)


def unpooled(T, tensor, dims, x):
    """Two inputs of one place, with a gradient of 1 there."""
    i, shape = tensor([0, 0]), (1, *(1,) * dims, 2)
    return getattr(T, f"max_unpool{dims}d")(x.reshape(shape), i.reshape(shape), (1,) * dims, (1,) * dims)


def ctc(T, tensor, x):
    return T.ctc_loss(x, tensor([[1]]), tensor([1]), tensor([1]), reduction="sum")


SMALL = np.log([[[0.5, 0.25, 0.25]]]).tolist()  # T x N x C

SMOOTH = {"mode": "bilinear", "antialias": True}
# name, what is computed, ours, PyTorch's
CASES = [
    ("binary_cross_entropy", gradient(lambda T, t, p: T.binary_cross_entropy(p, t([1.0])), [0.0]), [0.0], [-1e12]),
    (
        "cosine_embedding_loss",
        value(lambda T, t: T.cosine_embedding_loss(t([[1.0, 0.0]]), t([[0.0, 1.0]]), t([0.5]))),
        REFUSED,
        0.0,
    ),
    (
        "cosine_similarity",
        gradient(lambda T, t, x: T.cosine_similarity(x, t([[1.0, 0.0]]), eps=10.0), [[1.0, 1.0]]),
        [[0.01, 0.0]],
        [[0.01 - 1e-3 * math.sqrt(0.5), -1e-3 * math.sqrt(0.5)]],
    ),
    ("ctc_loss", gradient(ctc, SMALL), [[[0.0, -1.0, 0.0]]], [[[0.5, -0.75, 0.25]]]),
    (
        "gaussian_nll_loss",
        value(lambda T, t: T.gaussian_nll_loss(t([1.0, 1.0]), t([[1.0], [1.0]]), t([1.0, 1.0]), reduction="none")),
        REFUSED,
        [[0.0, 0.0], [0.0, 0.0]],
    ),
    (
        "hinge_embedding_loss",
        value(lambda T, t: T.hinge_embedding_loss(t([0.25]), t([0.5]), reduction="none")),
        REFUSED,
        [1.0],
    ),
    ("interpolate", gradient(lambda T, t, x: T.interpolate(x, scale_factor=2.0625), [[[0.0, 1.0]]]),
     [[[3.0, 1.0]]], [[[2.0, 2.0]]]),
    ("interpolate", value(lambda T, t: T.interpolate(t([[[[0.0, 1.0]]]]), scale_factor=(1, 2.0625))),
     [[[[0.0, 0.0, 0.0, 1.0]]]], [[[[0.0, 0.0, 1.0, 1.0]]]]),
    ("interpolate", value(lambda T, t: T.interpolate(t([[[0.0, 1.0, 2.0]]]), scale_factor=1.25, mode="linear")),
     [[[0.0, 0.7, 1.5]]], [[[0.0, 1.0, 2.0]]]),
    ("interpolate",  # weights 1, 2/3 and 1/3 of the pixels at distances 0, 1 and 2
     value(lambda T, t: T.interpolate(t([[[[0.0, 1.0, 5.0, 3.0]]]]), size=(1, 2), **SMOOTH, align_corners=True)),
     [[[[7 / 6, 10 / 3]]]], [[[[2.0, 11 / 3]]]]),
    ("interpolate", value(lambda T, t: T.interpolate(t([[[[0.0], [1.0], [5.0], [3.0]]]]), size=(2, 1), **SMOOTH)),
     [[[[8 / 7], [25 / 7]]]], [[[[8 / 7], [8 / 7]]]]),
    *((f"max_pool{n}d", value(lambda T, t, n=n: places(T, t, n)), [1], [3]) for n in (1, 2, 3)),
    *((f"max_pool{n}d", gradient(lambda T, t, x, n=n: beside(T, n, x), [-math.inf] * 2), [0.0, 1.0], [1.0, 1.0])
      for n in (1, 2, 3)),
    *((f"max_unpool{n}d", gradient(lambda T, t, x, n=n: unpooled(T, t, n, x), [1.0, 3.0]), [0.5, 0.5], [1.0, 1.0])
      for n in (1, 2, 3)),
    (
        "poisson_nll_loss",
        value(lambda T, t: T.poisson_nll_loss(t([0.0, 0.0]), t([[1.0], [1.0]]), reduction="none")),
        REFUSED,
        [[1.0, 1.0], [1.0, 1.0]],
    ),
    ("soft_margin_loss", value(lambda T, t: T.soft_margin_loss(t([1000.0]), t([-1.0]))), 1000.0, math.inf),
    ("soft_margin_loss", value(lambda T, t: T.soft_margin_loss(t([0.0, 0.0]), t([1.0]), reduction="none")), REFUSED,
     [math.log(2)] * 2),
    ("softplus", value(lambda T, t: T.softplus(t([20.5])) - 20.5), [math.log1p(math.exp(-20.5))], [0.0]),
]  # fmt: skip


@pytest.mark.parametrize("name, compute, ours, theirs", CASES, ids=lambda value: value if type(value) is str else "")
def test_both_are_as_stated(name, compute, ours, theirs):
    torch = pytest.importorskip("torch")
    assert stated.results(name)
    for found, wanted in (
        (compute(F, lambda x: tg.tensor(np.array(x))), ours),
        (compute(torch.nn.functional, lambda x: torch.tensor(np.array(x))), theirs),
    ):
        if REFUSED in (found, wanted):
            assert found == wanted
        else:
            np.testing.assert_allclose(found, wanted, 1e-6, 1e-16)


def test_the_nearest_modes_find_their_places_exactly():
    """In one of its sizes PyTorch's float32 image differs from its float64 one."""
    torch = pytest.importorskip("torch")
    x = np.arange(2.0)
    for dtype, theirs_is_exact in (("float64", True), ("float32", False)):
        exact = np.arange(82) * 2 // 82
        image = x.astype(dtype)[None, None]
        assert (F.interpolate(tg.tensor(image), 82).numpy()[0, 0] == exact).all()
        assert (
            torch.nn.functional.interpolate(torch.tensor(image), 82).numpy()[0, 0] == exact
        ).all() == theirs_is_exact


def test_every_statement_has_a_case():
    tested = {name for name, *_ in CASES}
    assert {pattern for pattern in stated.RESULTS if not any(fnmatchcase(name, pattern) for name in tested)} == set()
    assert all(name in F.__all__ for name in tested)

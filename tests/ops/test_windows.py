"""Sliding windows and their adjoint, the overlapping sum: exact on small whole numbers."""

import itertools

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.primitives.draws import few
from tests.primitives.layouts import LAYOUTS
from tests.primitives.table import ROWS
from tinygrad_cv.core.context import eager
from tinygrad_cv.ops import PRIMITIVES, windows
from tinygrad_cv.ops.windows import window_count

SEED = 5


def run(name, x, **params):
    return eager(PRIMITIVES[name], [x], params)


def whole_numbers(shape, seed=SEED):
    return few(np.random.default_rng(seed), shape)


@pytest.mark.quick
@pytest.mark.parametrize("size", [5, 6, 7])
def test_fold_is_the_adjoint_of_windows(size):
    """⟨windows x, w⟩ = ⟨x, fold w⟩. conventions.md: overlapping windows, gradients accumulate"""
    for kernel, stride, dilation in itertools.product((1, 2, 3), (1, 2, 3), (1, 2)):
        params = {"kernel": (kernel, 2), "stride": (stride, 1), "dilation": (dilation, 1)}
        x = whole_numbers((2, size, size - 2))
        a = run("windows", x, **params)
        w = whole_numbers(a.shape, SEED + 1)
        folded = run("fold", w, stride=params["stride"], dilation=params["dilation"], size=x.shape[1:])
        assert folded.shape == x.shape
        assert (a * w).sum() == (x * folded).sum(), f"{params}, seed {SEED}"
        np.testing.assert_array_equal(a, ROWS["windows"].oracle(x, **params))
        np.testing.assert_array_equal(
            folded, ROWS["fold"].oracle(w, stride=params["stride"], dilation=params["dilation"], size=x.shape[1:])
        )


@pytest.mark.quick
@pytest.mark.parametrize("size", [5, 6, 7])
def test_each_is_the_vjp_of_the_other(size):
    for kernel, stride, dilation in itertools.product((1, 2, 3), (1, 2, 3), (1, 2)):
        x = tg.Tensor._new(whole_numbers((2, size))).requires_grad_()
        w = x.windows((kernel,), (stride,), (dilation,))
        g = whole_numbers(w.shape, SEED + 1)
        x_grad = tg.grad(w, x, tg.tensor(g))
        np.testing.assert_array_equal(
            x_grad.value, run("fold", g, stride=(stride,), dilation=(dilation,), size=(size,))
        )
        w = w.detach().requires_grad_()
        h = whole_numbers((2, size), SEED + 2)
        w_grad = tg.grad(w.fold((stride,), (dilation,), (size,)), w, tg.tensor(h))
        np.testing.assert_array_equal(
            w_grad.value, run("windows", h, kernel=(kernel,), stride=(stride,), dilation=(dilation,))
        )


@pytest.mark.quick
def test_count_of_windows_by_enumeration():
    for size, kernel, stride, dilation in itertools.product(range(8), (1, 2, 3), (1, 2, 3), (1, 2)):
        starts = [i for i in range(0, size, stride) if i + dilation * (kernel - 1) < size]
        assert window_count(size, kernel, stride, dilation) == len(starts)


@pytest.mark.quick
def test_windows_are_a_view_and_read_only():
    x = whole_numbers((6, 6))
    w = run("windows", x, kernel=(3, 3), stride=(1, 1), dilation=(1, 1))
    assert np.shares_memory(w, x) and not w.flags.writeable


@pytest.mark.quick
def test_no_window_where_the_kernel_is_larger():
    x = tg.Tensor._new(whole_numbers((2, 3))).requires_grad_()
    w = x.windows((5,), (1,), (1,))
    assert w.shape == (2, 0, 5)
    w.sum().backward()
    np.testing.assert_array_equal(x.grad.value, np.zeros((2, 3)))


@pytest.mark.parametrize("chunk", [1, 30, 500])
@pytest.mark.parametrize("lay_out", LAYOUTS.values(), ids=LAYOUTS)
def test_fold_piece_by_piece(monkeypatch, chunk, lay_out):
    monkeypatch.setattr(windows, "CHUNK", chunk)
    for shape, size in [
        ((4, 3, 3, 2, 2, 2), (6, 4)),
        ((5, 3, 4, 2, 2), (6, 5)),
        ((3, 4, 2, 2), (7, 5)),
        ((0, 3, 4, 2, 2), (6, 5)),
    ]:
        w = whole_numbers(shape)
        params = {"stride": (2, 1), "dilation": (1, 1), "size": size}
        np.testing.assert_array_equal(run("fold", lay_out(w), **params), ROWS["fold"].oracle(w, **params))


CONVOLUTIONS = {
    "images": ((6, 3, 9, 8), (5, 3, 3, 2), "ncijuv,ocuv->noij"),
    "groups": ((4, 2, 3, 9, 8), (2, 5, 3, 3, 2), "ngcijuv,gocuv->ngoij"),
    "depthwise": ((4, 3, 9, 8), (3, 3, 2), "ncijuv,cuv->ncij"),
    "one image": ((3, 9, 8), (5, 3, 3, 2), "cijuv,ocuv->oij"),
    "one channel": ((9, 8), (2, 3, 2), "ijuv,ouv->oij"),
    "weight first": ((6, 3, 9, 8), (5, 3, 3, 2), "ocuv,ncijuv->noij"),
    "one output": ((6, 3, 9, 8), (3, 3, 2), "ncijuv,cuv->nij"),
}


@pytest.mark.parametrize("convolution", CONVOLUTIONS)
@pytest.mark.parametrize("chunk", [1, 200, 1 << 19])
def test_gradient_of_a_convolution_without_the_array_of_all_windows(monkeypatch, convolution, chunk):
    """Contraction and fold computed together equal the two one after the other."""
    monkeypatch.setattr(windows, "CHUNK", chunk)
    x_shape, weight_shape, spec = CONVOLUTIONS[convolution]
    together = []
    joint = PRIMITIVES["windows"].joint
    vjp = joint["contract"]

    def spy(*args):
        together.append(vjp(*args))
        return together[-1]

    monkeypatch.setitem(joint, "contract", spy)
    for lay_x, lay_g, (stride, dilation) in itertools.product(
        (LAYOUTS["C"], LAYOUTS["channels last"], LAYOUTS["reversed"]),
        (LAYOUTS["C"], LAYOUTS["Fortran"]),
        (((1, 1), (1, 1)), ((2, 1), (1, 2)), ((3, 2), (2, 1))),
    ):
        gradients = []
        for large in (0, 1 << 60):  # in one step whatever can be, or nothing
            monkeypatch.setattr(windows, "LARGE", large)
            x = tg.Tensor._new(lay_x(whole_numbers(x_shape))).requires_grad_()
            weight = tg.Tensor._new(whole_numbers(weight_shape, SEED + 1))
            w = x.windows((3, 2), stride, dilation)
            y = weight.contract(w, spec) if spec.startswith("o") else w.contract(weight, spec)
            y.backward(tg.Tensor._new(lay_g(whole_numbers(y.shape, SEED + 2))))
            gradients.append(x.grad.value)
        np.testing.assert_array_equal(*gradients, err_msg=f"stride {stride}, dilation {dilation}, seed {SEED}")
    assert any(value is not None for value in together) != (convolution in ("one image", "one channel"))

"""Clipping: what is not finite is an error that names the parameter, and squares do not overflow."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn, optim

pytestmark = pytest.mark.any_python


def model(gradient):
    net = nn.Sequential({"conv": nn.Conv2d(1, 2, 1), "fc": nn.Linear(2, 2)})
    for p in net.parameters():
        p.grad = tg.ones(*p.shape)
    net.fc.bias.grad = tg.tensor([1.0, gradient])
    return net


@pytest.mark.parametrize("value, census", [(math.nan, "1 NaN, 0 infinite"), (-math.inf, "0 NaN, 1 infinite")])
@pytest.mark.parametrize("clip", [optim.clip_grad_norm_, optim.clip_grad_value_])
def test_a_gradient_that_is_not_finite_names_its_parameter(clip, value, census):
    """conventions.md: non-finite gradient while clipping; weights and gradients untouched."""
    net = model(value)
    before, gradients = net.state_dict(), [p.grad for p in net.parameters()]
    copies = [g.numpy().copy() for g in gradients]
    with pytest.raises(FloatingPointError, match=rf"'fc\.bias' of shape \(2,\) \({census}\)"):
        clip(net, 0.1)
    assert all((before[key] == array).all() for key, array in net.state_dict().items())
    for p, g, array in zip(net.parameters(), gradients, copies, strict=True):
        assert p.grad is g
        np.testing.assert_array_equal(g.numpy(), array)
    with pytest.raises(FloatingPointError, match="parameter '3' of shape"):
        clip(net.parameters(), 0.1)


def test_large_gradients_are_scaled_not_erased():
    x = nn.Parameter(np.zeros(2, np.float32))
    x.grad = tg.tensor([3e30, 4e30])
    assert optim.clip_grad_norm_([x], 1.0).item() == pytest.approx(5e30)
    np.testing.assert_allclose(x.grad.numpy(), [0.6, 0.8], rtol=1e-6)


def test_small_gradients_stay_as_they_are():
    net = model(1.0)
    before = [p.grad.numpy().copy() for p in net.parameters()]
    optim.clip_grad_norm_(net, 1e6)
    assert all((p.grad.numpy() == g).all() for p, g in zip(net.parameters(), before, strict=True))


def test_nothing_to_clip():
    assert optim.clip_grad_norm_([], 1.0).item() == 0.0
    assert optim.clip_grad_norm_(nn.Linear(1, 1), 1.0).item() == 0.0


def test_clipping_is_not_recorded():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    (x**3).backward(tg.ones(2), create_graph=True)
    assert x.grad.requires_grad
    optim.clip_grad_norm_([x], 1.0)
    assert not x.grad.requires_grad


def test_wrong_limits():
    for limit in (-1.0, math.nan):
        with pytest.raises(ValueError, match="max_norm"):
            optim.clip_grad_norm_([], limit)
        with pytest.raises(ValueError, match="clip_value"):
            optim.clip_grad_value_([], limit)
    with pytest.raises(ValueError, match="norm_type=0"):
        optim.clip_grad_norm_([], 1.0, 0)


def test_adaptive_clipping_by_its_formula():
    """Brock et al. (2021), eq. 3: for rows of a matrix, for kernels, for a bias as a whole; 0 is no divisor."""
    rng = np.random.default_rng(0)
    shapes = [(3, 4), (5, 2, 3, 3), (6,), ()]
    weights = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    weights[0][1] = 0.0
    gradients = [(rng.normal(size=shape) * 10.0 ** rng.uniform(-4, 1)).astype(np.float32) for shape in shapes]
    gradients[0][2] = 0.0
    gradients[1][0] = 1e25  # whose square is infinite in float32
    parameters = [nn.Parameter(w) for w in weights]
    for p, g in zip(parameters, gradients, strict=True):
        p.grad = tg.tensor(g)
    optim.adaptive_clip_grad_(parameters, clip_factor=0.1, eps=1e-2)
    for p, w, g in zip(parameters, weights, gradients, strict=True):
        units = range(len(w)) if w.ndim > 1 else [...]
        for i in units:
            norm, limit = np.linalg.norm(np.float64(g[i])), 0.1 * max(np.linalg.norm(np.float64(w[i])), 1e-2)
            wanted = g[i] * min(1.0, limit / norm) if norm else g[i]
            np.testing.assert_allclose(p.grad.numpy()[i], wanted, rtol=1e-6)


def test_clipping_in_a_compiled_step():
    def run(jit):
        tg.manual_seed(0)
        net = model(3.0)
        gradients = [p.grad for p in net.parameters()]

        def clip():
            for p, g in zip(net.parameters(), gradients, strict=True):
                p.grad = g * 1.0
            optim.adaptive_clip_grad_(net, 0.5)
            norm = optim.get_total_norm([p.grad for p in net.parameters()])
            optim.clip_grads_with_norm_(net, 0.1, norm)
            return norm

        norm = (tg.jit(clip) if jit else clip)()
        return [norm.item(), *(p.grad.numpy() for p in net.parameters())]

    for eager, compiled in zip(run(False), run(True), strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-6)


def test_a_norm_of_what_is_not_finite():
    tensors = [tg.ones(2), tg.tensor([1.0, math.inf])]
    assert optim.get_total_norm(tensors).item() == math.inf
    with pytest.raises(FloatingPointError, match=r"the tensor '1' of shape \(2,\) \(0 NaN, 1 infinite\)"):
        optim.get_total_norm(tensors, error_if_nonfinite=True)
    assert optim.get_total_norm([]).item() == 0.0


def test_foreach_means_nothing():
    for clip in (optim.clip_grad_norm_, optim.clip_grad_value_):
        clip([], 1.0, foreach=False)
        with pytest.raises(ValueError, match=r"foreach=True; tg\.jit fuses"):
            clip([], 1.0, foreach=True)
    with pytest.raises(ValueError, match="get_total_norm: norm_type=0; it must be above 0"):
        optim.get_total_norm([], 0)
    for settings in ({"clip_factor": 0.0}, {"eps": -1.0}):
        with pytest.raises(ValueError, match=r"adaptive_clip_grad_: .* above 0"):
            optim.adaptive_clip_grad_([], **settings)

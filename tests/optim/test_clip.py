"""Clipping: what is not finite is an error that names the parameter, and squares do not overflow."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn, optim

pytestmark = pytest.mark.quick


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

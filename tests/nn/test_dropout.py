"""Dropout as a layer: active in training only, repeatable by the seed."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("layer, shape", [(nn.Dropout(0.3), (200, 50)), (nn.Dropout2d(0.3), (100, 50, 2, 3))])
def test_in_training_a_share_is_dropped_and_the_rest_scaled(layer, shape):
    tg.manual_seed(5)
    x = tg.ones(*shape, requires_grad=True)
    y = layer(x)
    cotangent = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    y.backward(tg.tensor(cotangent))
    values = y.detach().numpy()
    kept = values != 0
    np.testing.assert_allclose(values[kept], 1 / 0.7, rtol=1e-6)
    assert abs(kept.mean() - 0.7) < 0.02
    np.testing.assert_allclose(x.grad.numpy(), np.where(kept, cotangent / np.float32(0.7), 0), rtol=1e-5)
    if len(shape) == 4:  # whole channels
        assert (kept == kept[:, :, :1, :1]).all()


def test_the_seed_repeats_the_choice_and_draws_differ():
    layer, x = nn.Dropout(), tg.ones(1000)
    first = (tg.manual_seed(1), layer(x))[1]
    second = layer(x)
    again = (tg.manual_seed(1), layer(x))[1]
    assert (first == again).all() and not (first == second).all()


def test_in_use_nothing_happens_and_nothing_is_drawn():
    layer, x = nn.Dropout(0.9).eval(), tg.ones(3)
    tg.manual_seed(1)
    wanted = tg.rand(2).tolist()
    tg.manual_seed(1)
    assert layer(x) is x and tg.rand(2).tolist() == wanted


@pytest.mark.parametrize(
    "layer",
    [nn.Dropout1d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout, lambda p: nn.StochasticDepth(p, "row")],
)
def test_each_layer_is_its_function_in_training_and_nothing_in_evaluation(layer):
    layer = layer(0.4)
    x = tg.ones(20, 4, 2, 2, 2) if isinstance(layer, nn.Dropout3d) else tg.ones(20, 4, 6)
    assert layer.eval()(x) is x
    tg.manual_seed(3)
    y = layer.train()(x).numpy()
    assert len(np.unique(y)) == 2
    layer.p = 1.0
    assert not layer(x).numpy().any()


def test_stochastic_depth_has_two_modes():
    assert repr(nn.StochasticDepth(0.2, "batch")) == "StochasticDepth(p=0.2, mode=batch)"
    with pytest.raises(ValueError, match="StochasticDepth: mode='image'; it must be one of 'batch', 'row'"):
        nn.StochasticDepth(0.2, "image")
    with pytest.raises(ValueError, match="StochasticDepth: p=2; a probability"):
        nn.StochasticDepth(2, "row")

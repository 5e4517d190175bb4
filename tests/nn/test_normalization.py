"""What batch normalization remembers: conventions, the average of all batches, empty batches; and lecture row 18."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn

pytestmark = pytest.mark.quick

# share of the old, divisor N - ddof, start of the variance: conventions.md, conventions of the running variance
CONVENTIONS = {
    "torch": (0.9, 1, 1.0),
    "onnx": (0.9, 0, 1.0),
    "keras": (0.99, 0, 1.0),
    "tensorflow": (0.99, 1, 1.0),
    "eecs498": (0.9, 0, 0.0),
}
EPS = {"torch": 1e-5, "onnx": 1e-5, "keras": 1e-3, "tensorflow": 1e-3, "eecs498": 1e-5}


def batches(count=3, shape=(4, 2, 3, 5)):
    rng = np.random.default_rng(7)
    return [rng.normal(2.0, 3.0, shape) for _ in range(count)]


def followed(old, ddof, start):
    mean, var = np.zeros(2), np.full(2, start)
    for x in batches():
        mean = old * mean + (1 - old) * x.mean((0, 2, 3))
        var = old * var + (1 - old) * x.var((0, 2, 3), ddof=ddof)
    return mean, var


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_running_averages_follow_the_convention(convention):
    """conventions.md: running variance of batch norm."""
    bn = nn.BatchNorm2d(2, convention=convention).to("float64")
    for x in batches():
        bn(tg.tensor(x))
    mean, var = followed(*CONVENTIONS[convention])
    np.testing.assert_allclose(bn.running_mean.numpy(), mean, rtol=1e-12)
    np.testing.assert_allclose(bn.running_var.numpy(), var, rtol=1e-12)
    assert bn.num_batches_tracked.item() == 3


def network():
    inner = nn.Sequential(nn.BatchNorm1d(2, eps=0.2, momentum=0.3), nn.LayerNorm(2), nn.GroupNorm(1, 2, eps=0.2))
    return nn.Sequential(
        nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2), nn.InstanceNorm2d(2), inner, nn.BatchNorm3d(2, momentum=None)
    )


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_one_call_gives_a_model_the_convention_of_a_library(convention):
    model = nn.use_convention(network(), convention)
    default, chosen, every = model[1], model[3][0], model[4]
    assert {default.convention, chosen.convention, every.convention} == {convention}
    old, ddof, _ = CONVENTIONS[convention]
    assert default.momentum == (pytest.approx(1 - old) if convention == "torch" else old) and every.momentum is None
    assert chosen.momentum == (0.3 if convention == "torch" else 0.7)
    eps = [layer.eps for layer in (default, model[2], model[3][1], every)]
    assert eps == [EPS[convention]] * 4 and chosen.eps == model[3][2].eps == 0.2
    default.to("float64").load_state_dict(nn.BatchNorm2d(2).state_dict())
    for x in batches():
        default(tg.tensor(x))
    mean, var = followed(old, ddof, 1.0)
    np.testing.assert_allclose(default.running_mean.numpy(), mean, rtol=1e-12)
    np.testing.assert_allclose(default.running_var.numpy(), var, rtol=1e-12)


@pytest.mark.parametrize("first", CONVENTIONS)
@pytest.mark.parametrize("second", CONVENTIONS)
def test_there_and_back_changes_nothing(first, second):
    model = nn.use_convention(network(), first)
    before = repr(model)
    state = model.state_dict()
    assert nn.use_convention(nn.use_convention(model, second), first) is model and repr(model) == before
    assert all((state[key] == value).all() for key, value in model.state_dict().items())


def test_an_unknown_convention_is_refused_before_anything_has_changed():
    model = network()
    with pytest.raises(ValueError, match="use_convention: convention='caffe'; it must be one of 'torch', 'onnx'"):
        nn.use_convention(model, "caffe")
    assert repr(model) == repr(network())


@pytest.mark.parametrize("convention, momentum, old", [("torch", 0.3, 0.7), ("keras", 0.3, 0.3), ("onnx", 1.0, 1.0)])
def test_momentum_means_what_the_convention_says(convention, momentum, old):
    bn = nn.BatchNorm2d(2, momentum=momentum, convention=convention).to("float64")
    for x in batches():
        bn(tg.tensor(x))
    mean, var = followed(old, *CONVENTIONS[convention][1:])
    np.testing.assert_allclose(bn.running_mean.numpy(), mean, rtol=1e-12)
    np.testing.assert_allclose(bn.running_var.numpy(), var, rtol=1e-12)


def test_without_momentum_all_batches_count_alike():
    bn = nn.BatchNorm2d(2, momentum=None).to("float64")
    for x in batches():
        bn(tg.tensor(x))
    np.testing.assert_allclose(bn.running_mean.numpy(), np.mean([x.mean((0, 2, 3)) for x in batches()], 0), rtol=1e-12)
    np.testing.assert_allclose(bn.running_var.numpy(), np.mean([x.var((0, 2, 3), ddof=1) for x in batches()], 0))


def test_use_takes_the_running_averages_and_changes_nothing():
    bn = nn.BatchNorm2d(2).to("float64")
    bn(tg.tensor(batches()[0]))
    before = bn.eval().state_dict()
    x = batches()[1]
    y = bn(tg.tensor(x)).detach().numpy()
    mean, var = (before[key].reshape(1, 2, 1, 1) for key in ("running_mean", "running_var"))
    np.testing.assert_allclose(y, (x - mean) / np.sqrt(var + 1e-5), rtol=1e-12)
    assert all((before[key] == value).all() for key, value in bn.state_dict().items())


def test_an_empty_batch_teaches_nothing():
    """conventions.md: batch norm on an empty batch."""
    bn = nn.BatchNorm2d(2)
    before = bn.state_dict()
    assert bn(tg.zeros(0, 2, 3, 3)).shape == (0, 2, 3, 3)
    assert all((before[key] == value).all() for key, value in bn.state_dict().items())


def test_a_checkpointed_layer_counts_its_batch_once():
    bn = nn.BatchNorm2d(2)
    x = tg.tensor(batches()[0].astype(np.float32), requires_grad=True)
    y = tg.checkpoint(bn, x)
    after = bn.state_dict()
    y.backward(tg.ones(*y.shape))
    assert bn.num_batches_tracked.item() == 1
    assert all((after[key] == value).all() for key, value in bn.state_dict().items())


def test_the_four_normalizations_agree_where_their_axes_do():
    """Lecture row 18: GN(G=C) = IN; GN(G=1) = LN over (C, H, W); BN(N=1) = IN; γ = σ, β = μ gives the input back."""
    x = tg.tensor(np.random.default_rng(3).normal(5.0, 2.0, (1, 4, 6, 5)))
    layers = [nn.GroupNorm(4, 4), nn.InstanceNorm2d(4), nn.BatchNorm2d(4), nn.GroupNorm(1, 4), nn.LayerNorm((4, 6, 5))]
    by_group, by_image, by_batch, whole, layer = (norm.to("float64")(x).detach().numpy() for norm in layers)
    np.testing.assert_allclose(by_group, by_image, rtol=1e-12)
    np.testing.assert_allclose(by_batch, by_image, rtol=1e-12)
    np.testing.assert_allclose(whole, layer, rtol=1e-12)
    bn = nn.BatchNorm2d(4, eps=0.0).to("float64")
    with tg.no_grad():
        bn.weight.assign(x.std((0, 2, 3)))
        bn.bias.assign(x.mean((0, 2, 3)))
    np.testing.assert_allclose(bn(x).detach().numpy(), x.numpy(), rtol=1e-12)

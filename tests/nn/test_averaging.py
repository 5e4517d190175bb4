"""Averaged weights against PyTorch's, step by step; running averages made anew; errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn, optim
from tinygrad_cv.optim import swa_utils


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")


def network():
    return nn.Sequential({"conv": nn.Conv2d(2, 3, 1), "norm": nn.BatchNorm2d(3)})


def network_of(torch):
    layers = torch.nn.Sequential()
    layers.add_module("conv", torch.nn.Conv2d(2, 3, 1))
    layers.add_module("norm", torch.nn.BatchNorm2d(3))
    return layers


AVERAGES = {
    "mean": lambda utils: {},
    "mean, given": lambda utils: {"avg_fn": utils.get_swa_avg_fn()},
    "mean of all at once": lambda utils: {"multi_avg_fn": utils.get_swa_multi_avg_fn()},
    "exponential": lambda utils: {"avg_fn": utils.get_ema_avg_fn(0.9)},
    "exponential, all at once": lambda utils: {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.9)},
    "of buffers too": lambda utils: {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.6), "use_buffers": True},
}


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("name", AVERAGES)
def test_twenty_averages_are_pytorchs(torch, name, jit):
    model, other = network(), network_of(torch)
    mine = nn.AveragedModel(model, **AVERAGES[name](swa_utils))
    reference = torch.optim.swa_utils.AveragedModel(other, **AVERAGES[name](torch.optim.swa_utils))
    update = tg.jit(lambda: mine.update_parameters(model)) if jit else lambda: mine.update_parameters(model)
    rng = np.random.default_rng(0)
    for t in range(20):
        state = {
            key: np.array(3 * t) if value.dtype.kind == "i" else np.abs(rng.normal(size=value.shape)).astype(np.float32)
            for key, value in model.state_dict().items()
        }
        model.load_state_dict(state), other.load_state_dict({key: torch.tensor(value) for key, value in state.items()})
        update(), reference.update_parameters(other)
        wanted = reference.state_dict()
        assert mine.state_dict().keys() == wanted.keys()
        for key, value in mine.state_dict().items():
            np.testing.assert_allclose(value, wanted[key].numpy(), rtol=3e-6, err_msg=key)
    if jit:
        assert "1 trace>" in repr(update)


def test_it_is_a_model():
    model = network()
    averaged = nn.AveragedModel(model)
    averaged.update_parameters(model)
    x = tg.tensor(np.random.default_rng(0).normal(size=(2, 2, 3, 3)))
    x = x.astype("float32")
    np.testing.assert_array_equal(averaged.eval()(x).numpy(), model.eval()(x).numpy())
    assert averaged.module.conv.weight is not model.conv.weight and averaged.n_averaged.item() == 1
    other = nn.AveragedModel(network())
    other.load_state_dict(averaged.state_dict())
    np.testing.assert_array_equal(other.eval()(x).numpy(), model(x).numpy())


@pytest.mark.parametrize("convention", ["torch", "keras", "eecs498"])
def test_running_averages_made_anew_are_means_over_all_batches(convention):
    model = nn.Sequential(nn.BatchNorm1d(2, convention=convention), nn.ReLU()).eval()
    before = model[0].momentum
    rng = np.random.default_rng(0)
    batches = [rng.normal(3.0, 2.0, size=(5, 2)).astype(np.float32) for _ in range(4)]
    model[0].running_mean[...] = 77.0
    nn.update_bn([(batch, None) for batch in batches], model)
    ddof = 1 if convention == "torch" else 0
    np.testing.assert_allclose(model[0].running_mean.numpy(), np.mean(batches, axis=(0, 1)), rtol=1e-5)
    wanted = np.mean([batch.var(0, ddof=ddof) for batch in batches], axis=0)
    np.testing.assert_allclose(model[0].running_var.numpy(), wanted, rtol=1e-5)
    assert model[0].momentum == before and not model.training and model[0].num_batches_tracked.item() == 4


def test_running_averages_are_pytorchs(torch):
    model, other = network(), network_of(torch)
    other.load_state_dict({key: torch.tensor(value) for key, value in model.state_dict().items()})
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(4, 2, 3, 3)).astype(np.float32) for _ in range(3)]
    nn.update_bn(batches, model), torch.optim.swa_utils.update_bn(map(torch.tensor, batches), other)
    for key, value in model.state_dict().items():
        np.testing.assert_allclose(value, other.state_dict()[key].numpy(), rtol=1e-5, atol=1e-6, err_msg=key)


def test_the_momentum_is_restored_where_a_batch_is_wrong():
    model = network().eval()
    with pytest.raises(tg.ShapeError):
        nn.update_bn([np.ones((2, 5, 1, 1), np.float32)], model)
    assert model.norm.momentum == 0.1 and not model.training


WRONG = [
    (lambda: nn.AveragedModel(network(), "cuda"), "AveragedModel: device='cuda'; .* Leave it out"),
    (lambda: nn.AveragedModel(network(), avg_fn=len, multi_avg_fn=len), "both given; give one"),
    (
        lambda: nn.AveragedModel(network()).update_parameters(nn.Conv2d(2, 3, 1)),
        r"update_parameters: 'conv\.weight' is not there in the model",
    ),
    (
        lambda: nn.AveragedModel(nn.Linear(1, 2)).update_parameters(nn.Linear(2, 2)),
        r"update_parameters: 'weight' is \(\(2, 2\), .* in the model, and \(\(2, 1\)",
    ),
    (lambda: nn.update_bn([], network(), "cuda"), "update_bn: device='cuda'"),
    (lambda: swa_utils.get_ema_avg_fn(1.1), r"get_ema_avg_fn: decay=1.1; it must be in \[0, 1\]"),
    (lambda: swa_utils.get_ema_multi_avg_fn(-0.1), r"get_ema_multi_avg_fn: decay=-0.1"),
]


@pytest.mark.parametrize("make, message", WRONG, ids=[message[:25] for _, message in WRONG])
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_where_pytorch_has_them():
    assert swa_utils.SWALR is optim.SWALR
    with pytest.raises(AttributeError, match=r"Use tg\.nn\.AveragedModel"):
        swa_utils.AveragedModel()

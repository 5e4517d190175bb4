"""Lecture row 14: at test time batch normalization is linear and folds into the layer before."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import models, nn

pytestmark = pytest.mark.any_python


def trained(model, shape, seed=1):
    """A model whose statistics, scales and shifts are no longer those it began with."""
    rng = np.random.default_rng(seed)
    with tg.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
                size = module.num_features
                if module.weight is not None:
                    module.weight.assign(rng.uniform(-2, 2, size))
                    module.bias.assign(rng.normal(size=size))
                module.running_mean.assign(rng.normal(size=size))
                module.running_var.assign(rng.uniform(0.1, 3, size))
    return model, tg.tensor(rng.normal(size=shape).astype(np.float32))


MODELS = [
    (lambda: nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()), (2, 3, 8, 8)),
    (lambda: nn.Sequential(nn.Conv2d(4, 8, 3, groups=2), nn.BatchNorm2d(8, affine=False)), (2, 4, 8, 8)),
    (lambda: nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 2)), (4, 5)),
    (lambda: nn.Sequential(nn.Conv1d(4, 6, 3, padding=1, padding_mode="reflect"), nn.BatchNorm1d(6)), (2, 4, 9)),
    (lambda: nn.Sequential(nn.ConvTranspose2d(4, 6, 3, 2, groups=2), nn.BatchNorm2d(6)), (2, 4, 5, 6)),
    (lambda: nn.Sequential(nn.ConvTranspose1d(4, 6, 3, bias=False), nn.BatchNorm1d(6)), (2, 4, 5)),
    (lambda: nn.Sequential(nn.Conv3d(2, 4, 2), nn.BatchNorm3d(4)), (2, 2, 3, 4, 3)),
    (lambda: models.convnet(3, 16, channels=(4, 8), hidden=(10,)), (2, 3, 16, 16)),
]


@pytest.mark.parametrize(
    "make, shape",
    MODELS,
    ids=["conv", "groups", "linear", "border", "transpose in groups", "transpose", "volumes", "convnet"],
)
def test_row_14_folding_changes_outputs_by_rounding_only(make, shape):
    model, x = trained(make(), shape)
    before = model.state_dict()
    folded = nn.fold_batch_norm(model)
    wanted = model.eval()(x).detach().numpy()
    found = folded(x).detach().numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6 * np.abs(wanted).max())
    assert not any(isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)) for m in folded.modules())
    assert not any(m.training for m in folded.modules())
    assert all((before[key] == value).all() for key, value in model.state_dict().items())  # the model itself stays


def test_in_float64_rounding_is_small():
    model, x = trained(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)), (2, 3, 8, 8))
    model.to("float64").eval()
    x = x.astype("float64")
    np.testing.assert_allclose(
        nn.fold_batch_norm(model)(x).detach().numpy(), model(x).detach().numpy(), rtol=1e-11, atol=1e-12
    )


def test_what_does_not_fit_stays():
    shared = nn.Conv2d(2, 2, 1)
    model = nn.Sequential(
        nn.Conv2d(2, 2, 1),
        nn.ReLU(),
        nn.BatchNorm2d(2),  # behind an activation
        nn.Conv2d(2, 2, 1),
        nn.BatchNorm2d(2, track_running_stats=False),  # without averages
        shared,
        nn.BatchNorm2d(2),  # behind a layer that is used elsewhere too
        shared,
    )
    folded = nn.fold_batch_norm(model)
    assert [type(m) for m in folded] == [type(m) for m in model]
    with pytest.raises(ValueError, match=r"fold_pair of Conv2d.* and BatchNorm2d"):
        nn.fold_pair(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(2))


def test_a_residual_block_folds_pair_by_pair():
    block, x = trained(models.resnet.BasicBlock(4, 8, 2), (2, 4, 8, 8))
    wanted = block.eval()(x).detach().numpy()
    for conv, norm in (("conv1", "bn1"), ("conv2", "bn2")):
        nn.fold_pair(getattr(block, conv), getattr(block, norm))
        setattr(block, norm, nn.Identity())
    found = nn.fold_batch_norm(block)(x).detach().numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)

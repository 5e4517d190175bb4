"""Pooling layers that PyTorch lacks, that draw random places, or that take places."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.nn.test_layers_against_torch import GLOBAL, close
from tinygrad_cv import nn

pytestmark = pytest.mark.any_python
RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), GLOBAL, ids=[case[0] for case in GLOBAL])
def test_global_pooling_leaves_one_number_for_each_channel(name, args, kwargs, shape):
    x = RNG.normal(size=shape)
    reduce = np.mean if "Avg" in name else np.max
    np.testing.assert_allclose(getattr(nn, name)()(x).numpy(), reduce(x, tuple(range(2, x.ndim))), rtol=1e-14)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("window", [(2,), (2, 3), (2, 2, 1)])
def test_unpooling_inverts_pooling_as_in_pytorch(dims, window, torch):
    x = RNG.normal(size=(2, 3, *(7, 8, 9)[:dims]))
    y, places = getattr(nn, f"MaxPool{dims}d")(*window, return_indices=True)(x)
    z, their_places = getattr(torch.nn, f"MaxPool{dims}d")(*window, return_indices=True)(torch.tensor(x))
    close(places, their_places, "places")
    unpool, theirs = getattr(nn, f"MaxUnpool{dims}d")(*window), getattr(torch.nn, f"MaxUnpool{dims}d")(*window)
    for output_size in (x.shape[2:], x.shape):
        close(unpool(y, places, output_size), theirs(z, their_places, output_size), "unpooled")
    assert repr(unpool).replace(",)", ")") == repr(theirs).replace(",)", ")")


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("wanted", [{"output_size": 3}, {"output_ratio": (0.4, 0.5, 0.6)}])
def test_fractional_pooling_with_given_places(dims, wanted, torch):
    x, samples = RNG.normal(size=(2, 3, *(7, 8, 9)[:dims])), RNG.random((2, 3, dims))
    wanted = {key: value[:dims] if isinstance(value, tuple) else value for key, value in wanted.items()}
    name = f"FractionalMaxPool{dims}d"
    ours = getattr(nn, name)(2, **wanted, return_indices=True, _random_samples=samples)
    theirs = getattr(torch.nn, name)(2, **wanted, return_indices=True, _random_samples=torch.tensor(samples))
    for found, expected in zip(ours(x), theirs(torch.tensor(x)), strict=True):
        close(found, expected, "maxima and places")
    assert ours.state_dict().keys() == theirs.state_dict().keys() == {"_random_samples"}


def test_fractional_pooling_draws_with_our_generator():
    x = RNG.normal(size=(1, 2, 30, 30))
    pool = nn.FractionalMaxPool2d(2, output_ratio=0.7)
    drawn = []
    for seed in (1, 1, 2):
        tg.manual_seed(seed)
        drawn += [pool(x).numpy(), tg.jit(pool)(x).numpy()]
    assert (drawn[0] == drawn[2]).all() and (drawn[1] == drawn[3]).all()
    assert (drawn[0] != drawn[4]).any() and (drawn[0] != drawn[1]).any()
    assert not pool.state_dict()


def test_layers_of_places_take_arrays_lists_and_tensors():
    y, places = nn.MaxPool1d(2, return_indices=True)([[1.0, 3.0, 2.0, 5.0]])
    for form in (np.asarray, list, tg.tensor):
        assert nn.MaxUnpool1d(2)(form(y.tolist()), form(places.tolist())).tolist() == [[0.0, 3.0, 0.0, 5.0]]


BOXES = np.array([[0, 1.0, 2.0, 5.5, 6.0], [1, 0.0, 0.0, 9.0, 3.0], [1, 2.0, 2.0, 4.0, 9.0]])


def test_layers_of_regions_pass_their_arguments_on():
    x = RNG.normal(size=(2, 3, 9, 8))
    for layer, expected in (
        (nn.RoIAlign((2, 3), 0.5, 2, True), F.roi_align(x, BOXES, (2, 3), 0.5, 2, True)),
        (nn.RoIPool(2, 0.5), F.roi_pool(x, BOXES, 2, 0.5)),
    ):
        for boxes in (BOXES, [BOXES[:1, 1:], BOXES[1:, 1:]], BOXES.tolist(), tg.tensor(BOXES)):
            np.testing.assert_array_equal(layer(x, boxes).numpy(), expected.numpy())
    assert repr(nn.RoIPool(2, 0.5)) == "RoIPool(output_size=(2, 2), spatial_scale=0.5)"
    aligned = "RoIAlign(output_size=(2, 2), spatial_scale=0.5, sampling_ratio=2, aligned=True)"
    assert repr(nn.RoIAlign(2, 0.5, 2, True)) == aligned


def test_a_pyramid_holds_its_levels_one_after_the_other():
    x = RNG.normal(size=(2, 3, 9, 8))
    found = nn.SpatialPyramidPool2d((1, (2, 3)))(x).numpy()
    np.testing.assert_array_equal(found[:, :3], x.max((2, 3)))
    np.testing.assert_array_equal(found[:, 3:], F.adaptive_max_pool2d(x, (2, 3)).numpy().reshape(2, -1))

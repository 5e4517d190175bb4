"""Lazily sized layers: what they become, when, and what is refused before."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import CheckpointError, ShapeError, nn

pytestmark = pytest.mark.any_python

# the lazy layer's name, its arguments, the size that it lacks, an input
CASES = [
    ("Conv1d", (6, 3, 2, 1), {"groups": 2, "padding_mode": "circular"}, 4, (2, 4, 9)),
    ("Conv2d", (6, (3, 2)), {"bias": False}, 5, (2, 5, 6, 7)),
    ("Conv3d", (2, 2), {}, 3, (3, 4, 4, 4)),
    ("ConvTranspose1d", (6, 3, 2, 1, 1, 2), {}, 4, (2, 4, 9)),
    ("ConvTranspose2d", (6, 3), {"dilation": 2}, 5, (5, 6, 7)),
    ("ConvTranspose3d", (2, 2), {"stride": 2}, 3, (2, 3, 4, 4, 4)),
    ("Linear", (4,), {}, 7, (2, 3, 7)),
    ("Linear", (4, False), {}, 7, (7,)),
    ("BatchNorm1d", (1e-3, 0.3), {}, 7, (4, 7)),
    ("BatchNorm1d", (), {}, 7, (4, 7, 2)),
    ("BatchNorm3d", (), {}, 3, (4, 3, 2, 2, 2)),
    ("InstanceNorm1d", (1e-3, 0.1, True, False), {}, 3, (2, 3, 5)),
    ("InstanceNorm2d", (), {"affine": True, "track_running_stats": True}, 3, (4, 3, 2, 2)),
    ("InstanceNorm3d", (1e-3, 0.1, True, True), {}, 3, (4, 3, 2, 2, 2)),
    ("BatchNorm2d", (), {"affine": False, "momentum": None}, 3, (4, 3, 2, 2)),
    ("BatchNorm2d", (), {"bias": False}, 3, (4, 3, 2, 2)),
    ("InstanceNorm2d", (), {"affine": True, "track_running_stats": True, "bias": False}, 3, (4, 3, 2, 2)),
]
cases = pytest.mark.parametrize(("name", "args", "kwargs", "size", "shape"), CASES, ids=lambda v: str(v))


def pair(name, args, kwargs, size):
    """The lazy layer, and the usual one of the size."""
    return getattr(nn, f"Lazy{name}")(*args, **kwargs), getattr(nn, name)(size, *args, **kwargs)


@cases
def test_the_first_call_makes_the_usual_layer(name, args, kwargs, size, shape):
    lazy, usual = pair(name, args, kwargs, size)
    assert isinstance(lazy, type(usual)) and repr(lazy).startswith(f"Lazy{name}(")
    x = tg.tensor(np.random.default_rng(0).normal(size=shape).astype("f4"))
    tg.manual_seed(3)
    found = lazy(x)
    assert type(lazy) is type(usual) and repr(lazy) == repr(usual)
    tg.manual_seed(3)
    again = getattr(nn, name)(size, *args, **kwargs)
    np.testing.assert_array_equal(found.numpy(), again(x).numpy())
    assert lazy.state_dict().keys() == again.state_dict().keys()
    for key, value in again.state_dict().items():
        np.testing.assert_array_equal(lazy.state_dict()[key], value)
    assert vars(lazy).keys() == vars(again).keys()


@cases
def test_a_state_dict_makes_it_too(name, args, kwargs, size, shape):
    lazy, usual = pair(name, args, kwargs, size)
    model = nn.Sequential(nn.Identity(), lazy)
    if not usual.state_dict():
        return
    state = {f"1.{key}": value for key, value in usual.state_dict().items()}
    model.load_state_dict(state)
    assert type(lazy) is type(usual) and model.state_dict().keys() == state.keys()
    x = tg.tensor(np.random.default_rng(0).normal(size=shape).astype("f4"))
    np.testing.assert_array_equal(model(x).numpy(), usual(x).numpy())


@cases
def test_it_has_pytorchs_arguments(name, args, kwargs, size, shape):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    theirs, ours = (getattr(room, f"Lazy{name}")(*args, **kwargs) for room in (torch.nn, nn))
    x = np.random.default_rng(0).normal(size=shape).astype("f4")
    theirs(torch.tensor(x)), ours(x)
    assert {k: tuple(v.shape) for k, v in theirs.state_dict().items()} == {
        k: v.shape for k, v in ours.state_dict().items()
    }


def test_instance_normalization_learns_unless_told_otherwise():
    """As PyTorch's, though InstanceNorm2d does not."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    ours, theirs = nn.LazyInstanceNorm2d(), torch.nn.LazyInstanceNorm2d()
    ours(tg.randn(1, 3, 2, 2)), theirs(torch.randn(1, 3, 2, 2))
    assert ours.state_dict().keys() == theirs.state_dict().keys() > {"weight", "running_mean"}


def test_every_lazily_sized_layer_is_among_them():
    assert {f"Lazy{case[0]}" for case in CASES} == {name for name in nn.__all__ if name.startswith("Lazy")}


EARLY = [
    lambda model: list(model.parameters()),
    lambda model: tg.optim.SGD(model, lr=0.1),
    lambda model: tg.optim.Adam(model.parameters()),
    lambda model: model.state_dict(),
    lambda model: model.zero_grad(),
    lambda model: list(model.buffers()),
]


@pytest.mark.parametrize("early", EARLY)
def test_parameters_that_do_not_exist_are_not_passed_over(early):
    model = nn.Sequential({"features": nn.Sequential(nn.LazyBatchNorm2d()), "rest": nn.Flatten()})
    with pytest.raises(ShapeError, match=r"features\.0\.\w+ does not exist yet.*Call the model once with an example"):
        early(model)
    model(tg.ones(2, 3, 4, 4))
    early(model)


def test_jit_is_refused_until_it_has_been_called():
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(2))
    x = tg.ones(2, 3, 5, 5)
    compiled = tg.jit(lambda x: model(x))
    for _ in range(2):
        with pytest.raises(tg.TraceError, match=r"LazyConv2d.*Call the model once with an example before"):
            compiled(x)
    eager = model(x)
    np.testing.assert_allclose(compiled(x).numpy(), eager.numpy(), rtol=1e-5)


def test_a_call_that_fails_leaves_it_as_it_was():
    layer = nn.LazyConv2d(4, 3)
    for shape in ((2, 3, 2, 2), (3, 3), (2, 3)):
        with pytest.raises(ShapeError, match=r"kernel is larger|it must be N x C x H x W"):
            layer(tg.ones(*shape))
        assert type(layer) is nn.LazyConv2d
    assert layer(tg.ones(5, 4, 4)).shape == (4, 2, 2) and layer.in_channels == 5
    with pytest.raises(ShapeError, match="it must be N x C or N x C x L"):
        nn.LazyBatchNorm1d()(tg.ones(2, 3, 4, 5))
    with pytest.raises(ShapeError, match="it must be N x D"):
        nn.LazyLinear(3)(tg.ones())


def test_a_state_dict_that_fails_leaves_all_as_they_were():
    model = nn.Sequential(nn.LazyLinear(4), nn.Linear(4, 2))
    state = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).state_dict()
    for wrong in ({**state, "1.weight": np.zeros((2, 5))}, {**state, "0.weight": np.zeros((5, 3))}):
        with pytest.raises(CheckpointError, match=r"weight has shape"):
            model.load_state_dict(wrong)
        assert type(model[0]) is nn.LazyLinear
    with pytest.raises(ShapeError, match=r"0\.weight does not exist yet"):
        model.load_state_dict({"1.bias": state["1.bias"]}, strict=False)
    model.load_state_dict(state)
    assert model[0].in_features == 3


def test_what_follows_from_the_parameters_is_not_known_yet():
    layer = nn.LazyConv2d(4, 3)
    with pytest.raises(AttributeError, match=r"LazyConv2d\.in_channels is not known yet: call the model once"):
        _ = layer.in_channels
    with pytest.raises(AttributeError, match="has no attribute 'colour'"):
        _ = layer.colour


def test_attributes_modes_dtypes_and_hooks_stay():
    layer = nn.LazyConv2d(4, 3).to("float64").eval()
    layer.stride = (2, 2)
    seen = []
    layer.register_forward_hook(lambda module, args, y: seen.append(y.shape))
    for twin in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(nn.LazyConv2d(4, 3, 2).to("float64").eval()))):
        y = twin(tg.ones(1, 2, 7, 7).astype("float64"))
        assert y.shape == (1, 4, 3, 3) and y.dtype == twin.weight.dtype == np.float64 and not twin.training
    assert seen == [(1, 4, 3, 3)] * 2


def test_making_one_draws_nothing():
    tg.manual_seed(1)
    expected = tg.rand(3).tolist()
    tg.manual_seed(1)
    nn.LazyConv2d(4, 3)
    assert tg.rand(3).tolist() == expected


def test_a_summary_makes_and_lists_them():
    model = nn.Sequential(nn.LazyConv2d(10, 5, padding=2), nn.ReLU())
    table = nn.summary(model, (3, 32, 32))
    assert table.parameters == 760 and "Conv2d" in str(table) and type(model[0]) is nn.Conv2d


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nn.LazyConv2d(0, 3), "LazyConv2d: out_channels=0"),
        (lambda: nn.LazyConv2d(4, 3, groups=0), "LazyConv2d: groups=0"),
        (lambda: nn.LazyConv2d(4, 3, groups=3), "groups must divide both"),
        (lambda: nn.LazyConv1d(4, 3, padding=-1), "padding=-1"),
        (lambda: nn.LazyLinear(2.5), "out_features=2.5"),
    ],
)
def test_wrong_arguments_are_found_where_it_is_made(make, words):
    with pytest.raises(ShapeError, match=words):
        make()

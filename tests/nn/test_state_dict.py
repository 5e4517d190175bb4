"""State dicts: names, copies, files, conversion, and errors that list everything and change nothing."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import CheckpointError, nn

pytestmark = pytest.mark.quick


def model(width=4):
    return nn.Sequential(
        nn.Conv2d(1, width, 3, bias=False), nn.BatchNorm2d(width), nn.Flatten(), nn.Linear(width * 4, 2)
    )


def same(a, b):
    return a.keys() == b.keys() and all((a[k] == b[k]).all() and a[k].dtype == b[k].dtype for k in a)


def test_names_are_pytorchs_and_values_are_copies():
    net = model()
    state = net.state_dict()
    assert list(state) == [
        "0.weight",
        "1.weight",
        "1.bias",
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
        "3.weight",
        "3.bias",
    ]
    assert all(type(array) is np.ndarray for array in state.values())
    state["0.weight"][:] = 7
    assert (net[0].weight != 7).all()
    assert next(iter(net.state_dict(prefix="net"))) == "net.0.weight"


def test_round_trip_through_npz(tmp_path):
    net, other = model(), model()
    np.savez(tmp_path / "weights.npz", **net.state_dict())
    with np.load(tmp_path / "weights.npz") as saved:
        assert other.load_state_dict(saved) == ([], [])
    assert same(net.state_dict(), other.state_dict())
    assert all(p.requires_grad for p in other.parameters())


def test_round_trip_through_safetensors(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
    net, other = model(), model()
    safetensors.save_file(net.state_dict(), tmp_path / "weights.safetensors")
    other.load_state_dict(safetensors.load_file(tmp_path / "weights.safetensors"))
    assert same(net.state_dict(), other.state_dict())


def test_tensors_and_other_float_dtypes_are_taken_and_copied():
    net = model()
    state = {name: tg.tensor(array) for name, array in model().state_dict().items()}
    weight = np.random.default_rng(1).normal(size=(4, 1, 3, 3))  # float64
    state["0.weight"] = weight
    state["1.num_batches_tracked"] = np.int32(5)
    net.load_state_dict(state)
    assert net[0].weight.dtype == np.float32 and net[1].num_batches_tracked.dtype == np.int64
    np.testing.assert_array_equal(net[0].weight.numpy(), weight.astype(np.float32))
    bias = state["3.bias"]
    bias[:] = 9.0
    assert (net[3].bias != 9).all()


def test_every_problem_is_listed_and_nothing_changes():
    net = model()
    before = net.state_dict()
    state = model(width=5).state_dict()
    del state["3.bias"], state["1.bias"]
    state["extra.weight"] = np.zeros((2, 3), np.float32)
    state["1.num_batches_tracked"] = np.array(1.0)
    with pytest.raises(CheckpointError) as caught:
        net.load_state_dict(state)
    message = str(caught.value)
    for line in (
        "missing 1.bias of shape (4,)",
        "missing 3.bias of shape (2,)",
        "unexpected extra.weight of shape (2, 3)",
        "0.weight has shape (5, 1, 3, 3), the model needs (4, 1, 3, 3)",
        "1.running_mean has shape (5,), the model needs (4,)",
        "3.weight has shape (2, 20), the model needs (2, 16)",
        "1.num_batches_tracked has dtype float64, the model needs int64",
        "9 problem(s)",
        "strict=False",
    ):
        assert line in message
    assert same(before, net.state_dict())


def test_integers_do_not_become_weights():
    net = nn.Linear(2, 1, bias=False)
    with pytest.raises(CheckpointError, match="weight has dtype int64, the model needs float32"):
        net.load_state_dict({"weight": np.ones((1, 2), np.int64)})


def test_not_strict_passes_over_names_but_not_over_shapes():
    net = model()
    result = net.load_state_dict({"3.bias": np.ones(2, np.float32), "head.bias": np.ones(3)}, strict=False)
    assert net[3].bias.tolist() == [1.0, 1.0]
    assert result.unexpected_keys == ["head.bias"] and len(result.missing_keys) == 7
    with pytest.raises(CheckpointError, match=r"3\.bias has shape"):
        net.load_state_dict({"3.bias": np.ones(3, np.float32)}, strict=False)


def test_graphs_recorded_before_loading_keep_their_values():
    net = nn.Linear(1, 1, bias=False)
    net.load_state_dict({"weight": np.array([[2.0]])})
    x = tg.tensor([[1.0]], requires_grad=True)
    y = net(x)
    net.load_state_dict({"weight": np.array([[5.0]])})
    y.backward()
    assert x.grad.item() == 2.0

"""Orthogonal weights: values, gradients and state dicts are PyTorch's, for all maps; the weight at the beginning."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.nn.test_layers_against_torch import close
from tinygrad_cv import ShapeError, nn
from tinygrad_cv.nn.parametrizations import orthogonal

SHAPES = [(4, 4), (7, 3), (3, 7), (1, 5), (2, 5, 4), (3, 2, 4, 4)]
MAPS = [None, "matrix_exp", "cayley", "householder"]


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    module.set_num_threads(1)
    return module


class Holder(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight)


def pair(torch, weight, orthogonal_map, trivial):
    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor(weight))

    options = {"orthogonal_map": orthogonal_map, "use_trivialization": trivial}
    return orthogonal(Holder(weight), **options), torch.nn.utils.parametrizations.orthogonal(Theirs(), **options)


@pytest.mark.parametrize("trivial", [True, False])
@pytest.mark.parametrize("orthogonal_map", MAPS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_gradients_and_state_dicts_are_pytorchs(torch, shape, orthogonal_map, trivial):
    rng = np.random.default_rng(0)
    ours, theirs = pair(torch, rng.normal(size=shape), orthogonal_map, trivial)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    if shape[-1] == shape[-2] or not trivial:  # otherwise the base has columns at random
        for key, value in theirs.state_dict().items():
            close(ours.state_dict()[key], value, key)
    close(ours.weight.detach(), theirs.weight, "at first")
    signs = np.where(rng.normal(size=shape) < 0, -1.0, 1.0)
    for size in (0.1, 1.0, 30.0):
        state = {key: value.numpy() for key, value in theirs.state_dict().items()}
        x = rng.normal(size=shape) * size
        i = np.arange(min(shape[-2:]))
        x[..., i, i] = signs[..., i, i]
        state["parametrizations.weight.original"] = x
        ours.load_state_dict(state)
        theirs.load_state_dict({key: torch.tensor(value) for key, value in state.items()})
        w, v = ours.weight, theirs.weight
        np.testing.assert_allclose(w.detach().numpy(), v.detach().numpy(), rtol=0, atol=1e-12 * max(1, size))
        cotangent = rng.normal(size=shape)
        (original,), (other,) = ours.parameters(), theirs.parameters()
        g, h = tg.grad(w, original, tg.tensor(cotangent)), torch.autograd.grad(v, other, torch.tensor(cotangent))[0]
        np.testing.assert_allclose(g.numpy(), h.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("orthogonal_map", MAPS[1:])
@pytest.mark.parametrize("shape", [(33, 33), (70, 41), (20, 65)], ids=str)
def test_columns_stay_orthonormal_in_float32(shape, orthogonal_map):
    layer = orthogonal(nn.Linear(*shape), orthogonal_map=orthogonal_map)
    with tg.no_grad():
        original = layer.parametrizations.weight.original
        original += np.random.default_rng(0).normal(size=original.shape).astype("f4")
    w = layer.weight.detach().numpy().astype(np.float64)
    w = w if w.shape[0] >= w.shape[1] else w.T
    np.testing.assert_allclose(w.T @ w, np.eye(w.shape[1]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("orthogonal_map", MAPS[1:])
def test_derivatives_of_both_orders(orthogonal_map):
    layer = orthogonal(Holder(np.random.default_rng(1).normal(size=(4, 3))), orthogonal_map=orthogonal_map)
    (function,) = layer.parametrizations.weight.functions()
    x = np.random.default_rng(2).normal(size=(4, 3))
    assert tg.gradcheck(function, tg.tensor(x), order=2)


@pytest.mark.any_python
def test_weight_decay_keeps_the_reflections():
    """PyTorch takes the diagonal without its fraction, so that it becomes 0."""
    layer = orthogonal(nn.Linear(3, 5))
    before = layer.weight.detach().numpy()
    with tg.no_grad():
        layer.parametrizations.weight.original *= 0.9
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before)


@pytest.mark.any_python
def test_an_orthogonal_weight_stays_and_one_may_be_set():
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))
    layer = orthogonal(Holder(q))
    np.testing.assert_allclose(layer.weight.detach().numpy(), q, rtol=0, atol=1e-14)
    layer.weight = tg.tensor(q.T.copy())
    np.testing.assert_allclose(layer.weight.detach().numpy(), q.T, rtol=0, atol=1e-14)
    with pytest.raises(ShapeError, match=r"a weight of shape \(3, 3\); it must be \(4, 4\)"):
        layer.weight = tg.eye(3)
    fixed = orthogonal(Holder(q), "weight", "cayley", use_trivialization=False)
    with pytest.raises(NotImplementedError, match="cayley of nothing but the weight has no inverse"):
        fixed.weight = tg.tensor(q)


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: orthogonal(nn.ReLU()), "orthogonal: ReLU has no parameter 'weight'"),
        (lambda: orthogonal(nn.BatchNorm1d(3)), r"weight of shape \(3,\); it must be a matrix"),
        (lambda: orthogonal(nn.Linear(2, 2), orthogonal_map="qr"), "orthogonal_map='qr'; it must be one of"),
    ],
)
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

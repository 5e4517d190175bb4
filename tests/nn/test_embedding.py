"""The layer of learned vectors beside PyTorch's: state dict, padding, gradients; given weights; what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.forms import assert_accepted_alike
from tinygrad_cv import DTypeError, ShapeError, nn

quick = pytest.mark.quick
NUMBERS = np.array([[1, 4, 4], [0, 2, 1]])


@pytest.mark.parametrize("options", [{}, {"padding_idx": 4}, {"padding_idx": -1}, {"scale_grad_by_freq": True}])
def test_it_is_pytorchs(options):
    torch = pytest.importorskip("torch")
    theirs, ours = torch.nn.Embedding(5, 3, **options), nn.Embedding(5, 3, **options)
    assert ours.padding_idx == theirs.padding_idx
    if options.get("padding_idx") is not None:
        assert not ours.weight.numpy()[4].any() and not theirs.weight[4].any()
    ours.load_state_dict(theirs.state_dict())
    y, z = ours(NUMBERS), theirs(torch.from_numpy(NUMBERS))
    np.testing.assert_array_equal(y.numpy(), z.detach().numpy())
    cotangent = np.random.default_rng(0).normal(size=y.shape).astype("f4")
    y.backward(tg.tensor(cotangent)), z.backward(torch.from_numpy(cotangent))
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-6)
    theirs.load_state_dict({key: torch.from_numpy(value) for key, value in ours.state_dict().items()})


@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize(
    "options",
    [
        {"max_norm": 1.0},
        {"max_norm": 1.0, "norm_type": 1.0, "padding_idx": 1},
        {"max_norm": 0.5, "norm_type": math.inf, "scale_grad_by_freq": True},
        {"max_norm": 2.0, "norm_type": 3.0},
    ],
)
def test_long_vectors_are_shortened_where_they_are_used(options, jit):
    """During training steps: the weight itself, then what is computed of it, its gradient, and the update."""
    torch = pytest.importorskip("torch")
    theirs, ours = torch.nn.Embedding(6, 3, **options).double(), nn.Embedding(6, 3, **options).to("float64")
    ours.load_state_dict(theirs.state_dict())
    before = ours.weight.numpy().copy()
    mine, reference = tg.optim.SGD(ours, lr=0.5), torch.optim.SGD(theirs.parameters(), lr=0.5)

    def step(numbers, cotangent):
        mine.zero_grad()
        y = ours(numbers)
        y.backward(cotangent)
        mine.step()
        return y

    run = tg.jit(step) if jit else step
    for t in range(4):
        rng = np.random.default_rng(t)
        numbers, cotangent = rng.integers(0, 5, (2, 3)), rng.normal(size=(2, 3, 3))
        y = run(tg.tensor(numbers), tg.tensor(cotangent))
        reference.zero_grad()
        z = theirs(torch.from_numpy(numbers))
        z.backward(torch.from_numpy(cotangent))
        reference.step()
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(ours.weight.detach().numpy(), theirs.weight.detach().numpy(), rtol=1e-12)
    assert (ours.weight.numpy()[5] == before[5]).all()  # never used
    assert not jit or run.explain().count("traced because") == 1


@quick
def test_what_is_shortened_is_the_callers_tensor():
    weight = tg.tensor([[3.0, 4.0], [30.0, 40.0]])
    y = F.embedding([0], weight, max_norm=1.0)
    np.testing.assert_allclose(weight.numpy(), [[0.6, 0.8], [30.0, 40.0]], rtol=1e-6)
    np.testing.assert_array_equal(y.numpy(), weight.numpy()[:1])
    with pytest.raises(DTypeError, match=r"weight is not a tensor .*: max_norm shortens its vectors in place"):
        F.embedding([0], np.ones((2, 2)), max_norm=1.0)
    assert "max_norm=1.0, norm_type=1.0" in repr(nn.Embedding(4, 3, max_norm=1.0, norm_type=1.0))


@pytest.mark.usefixtures("on_numpy")
def test_it_takes_every_form_of_numbers():
    weight = nn.Embedding(5, 3).weight

    def make():
        return nn.Embedding.from_pretrained(weight.detach())

    assert_accepted_alike(make, lambda form: {"x": form(NUMBERS)})


@quick
def test_it_starts_with_a_normal_distribution():
    tg.manual_seed(0)
    weight = nn.Embedding(300, 40).weight.numpy()
    assert abs(weight.mean()) < 0.02 and abs(weight.std() - 1) < 0.02


@quick
def test_given_weights_are_frozen_unless_they_are_not():
    given = np.float32([[1, 2], [3, 4]])
    frozen, learned = nn.Embedding.from_pretrained(given), nn.Embedding.from_pretrained(given, freeze=False)
    assert (frozen.weight.requires_grad, learned.weight.requires_grad) == (False, True)
    assert frozen([1]).tolist() == [[3, 4]]
    assert (learned.num_embeddings, learned.embedding_dim) == (2, 2) and repr(learned) == "Embedding(2, 2)"
    given[:] = 0
    assert learned([1]).tolist() == [[3, 4]]


@quick
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.Embedding(0, 3), ShapeError, "num_embeddings=0"),
        (lambda: nn.Embedding(3, 2.5), ShapeError, "embedding_dim=2.5"),
        (lambda: nn.Embedding(3, 2, 3), ValueError, r"padding_idx=3; it must be in \[-3, 3\)"),
        (lambda: nn.Embedding(3, 2, max_norm=-1.0), ValueError, "max_norm=-1.0; it must be a number of at least 0"),
        (lambda: nn.Embedding.from_pretrained([1.0]), ShapeError, r"shape \(1,\); they must be V x D"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()

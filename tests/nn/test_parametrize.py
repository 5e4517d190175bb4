"""Parametrizations: values, gradients, buffers and state dicts are PyTorch's; compiled steps, copies and removal."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.nn.test_layers_against_torch import close
from tinygrad_cv import nn
from tinygrad_cv.nn.parametrize import is_parametrized, register_parametrization, remove_parametrizations

IMAGE = (3, 4, 6, 5)
# layer, its arguments, the parametrization, its options, an input
ROWS = [
    ("Linear", (5, 4), "weight_norm", {}, (3, 5)),
    ("Linear", (5, 4), "weight_norm", {"dim": 1}, (3, 5)),
    ("Linear", (5, 4), "weight_norm", {"dim": None}, (3, 5)),
    ("Conv2d", (4, 6, 3), "weight_norm", {}, IMAGE),
    ("Conv2d", (4, 6, 3), "weight_norm", {"dim": 2}, IMAGE),
    ("ConvTranspose2d", (4, 6, 3), "weight_norm", {"dim": 1}, IMAGE),
    ("Linear", (5, 4), "spectral_norm", {}, (3, 5)),
    ("Linear", (5, 4), "spectral_norm", {"n_power_iterations": 3, "dim": 1}, (3, 5)),
    ("Conv2d", (4, 6, 3), "spectral_norm", {}, IMAGE),
    ("Conv2d", (4, 6, 3, 1, 1, 1, 1, True, "reflect"), "spectral_norm", {}, IMAGE),
    ("ConvTranspose2d", (4, 6, 3), "spectral_norm", {}, IMAGE),
    ("BatchNorm2d", (4,), "spectral_norm", {}, IMAGE),  # a vector: divided by its length
]


@pytest.fixture(scope="module")
def torch():
    module = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    module.set_num_threads(1)
    return module


@pytest.mark.parametrize(("layer", "args", "name", "options", "shape"), ROWS)
def test_parametrizations_are_pytorchs(layer, args, name, options, shape, torch):
    """In float64: two training steps, then use; the state dict goes both ways."""
    rng = np.random.default_rng(3)
    theirs = getattr(torch.nn.utils.parametrizations, name)(getattr(torch.nn, layer)(*args).double(), **options)
    ours = getattr(nn.parametrizations, name)(getattr(nn, layer)(*args).to("float64"), **options)
    assert [key for key, _ in theirs.named_parameters()] == [key for key, _ in ours.named_parameters()]
    assert set(theirs.state_dict()) == set(ours.state_dict())
    ours.load_state_dict(theirs.state_dict())
    for training in (True, True, False):
        ours.train(training), theirs.train(training)
        ours.zero_grad(), theirs.zero_grad()
        data = rng.normal(size=shape)
        y, z = ours(tg.tensor(data)), theirs(torch.tensor(data))
        close(y.detach(), z, "output")
        cotangent = rng.normal(size=y.shape)
        y.backward(tg.tensor(cotangent)), z.backward(torch.tensor(cotangent))
        for (key, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            close(p.grad, q.grad, f"gradient of {key}")
        for key, value in theirs.state_dict().items():
            close(ours.state_dict()[key], value, key)
    theirs.load_state_dict({key: torch.from_numpy(value) for key, value in ours.state_dict().items()})
    close(nn.parametrize.remove_parametrizations(ours, "weight").weight.detach(), theirs.eval().weight, "what stays")


@pytest.mark.parametrize(
    ("layer", "args"),
    [
        ("Linear", (5, 4)),
        ("Conv2d", (4, 6, 3)),
        ("Conv2d", (4, 6, 3, 1, 1, 1, 1, True, "circular")),
        ("ConvTranspose2d", (4, 6, 3)),
        ("Embedding", (5, 3)),
    ],
)
def test_a_weight_that_is_read_takes_a_step_and_one_that_is_looked_at_does_not(layer, args, torch):
    """The singular vectors, beside PyTorch's, after the weight is read, shown, saved and asked for its sizes."""
    theirs = torch.nn.utils.parametrizations.spectral_norm(getattr(torch.nn, layer)(*args).double())
    ours = nn.parametrizations.spectral_norm(getattr(nn, layer)(*args).to("float64"))
    ours.load_state_dict(theirs.state_dict())
    sizes = [name for name in ("kernel_size", "in_features", "out_channels", "num_embeddings") if hasattr(theirs, name)]

    def vectors():
        saved = [m.state_dict() for m in (ours, theirs)]
        for key, value in saved[1].items():
            close(saved[0][key], value, key)
        return saved[0]["parametrizations.weight.0._u"]

    assert ours.training
    seen = [vectors()]
    for look in (lambda m: m.weight, lambda m: m.weight, repr, lambda m: [getattr(m, name) for name in sizes]):
        look(ours), look(theirs)
        seen.append(vectors())
    assert [not np.array_equal(a, b) for a, b in itertools.pairwise(seen)] == [True, True, False, False]
    assert ours.training and ours.parametrizations.weight.training


def test_iterations_find_the_largest_singular_value():
    layer = nn.parametrizations.spectral_norm(nn.Linear(7, 9), n_power_iterations=50)
    assert abs(np.linalg.svd(layer.weight.detach().numpy(), compute_uv=False)[0] - 1) < 1e-4


@pytest.mark.any_python
def test_standardized_weights_have_mean_0_and_variance_1_a_filter():
    conv = nn.parametrizations.weight_standardization(nn.Conv2d(3, 4, 3).to("float64"), eps=1e-3)
    w = conv.state_dict()["parametrizations.weight.original"]
    mu, var = w.mean((1, 2, 3), keepdims=True), w.var((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(conv.weight.detach().numpy(), (w - mu) / np.sqrt(var + 1e-3), rtol=0, atol=1e-14)
    conv(tg.ones(1, 3, 4, 4, dtype="float64")).square().sum().backward()
    gradient = conv.parametrizations.weight.original.grad.numpy()
    np.testing.assert_allclose(gradient.sum((1, 2, 3)), 0, rtol=0, atol=1e-12)  # a shift of a filter changes nothing


@pytest.mark.parametrize("name", ["orthogonal", "weight_norm", "spectral_norm", "weight_standardization"])
@pytest.mark.parametrize("optimizer", [lambda p: tg.optim.SGD(p, 0.1, momentum=0.9), lambda p: tg.optim.Adam(p, 0.01)])
def test_a_compiled_training_step_is_the_eager_one(name, optimizer):
    tg.manual_seed(1)
    first = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    for layer in (first[0], first[3]):
        getattr(nn.parametrizations, name)(layer)
    second = copy.deepcopy(first)
    steps = []
    for model, compiled in ((first, False), (second, True)):
        updates = optimizer(model.parameters())

        def step(x, model=model, updates=updates):
            updates.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            updates.step()
            return loss

        steps.append(tg.jit(step) if compiled else step)
    before = first.state_dict()
    for i in range(4):
        x = np.random.default_rng(i).normal(size=(5, 2, 6, 6)).astype("float32")
        np.testing.assert_allclose(steps[0](x).item(), steps[1](x).item(), rtol=1e-4)
    for key, value in first.state_dict().items():
        np.testing.assert_allclose(second.state_dict()[key], value, rtol=1e-3, atol=1e-5, err_msg=key)
        assert (value != before[key]).any() or key.endswith("base"), key  # which is where orthogonal weights began
    np.testing.assert_allclose(tg.jit(second.eval())(x).numpy(), first.eval()(x).detach().numpy(), rtol=1e-3, atol=1e-5)


class Symmetric(nn.Module):
    def forward(self, x):
        return (x + x.T) / 2

    def right_inverse(self, value):
        return value


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(tg.full((), 3.0))

    def forward(self, x):
        return x * self.scale

    def right_inverse(self, value):
        return value / self.scale


@pytest.mark.any_python
def test_functions_are_applied_one_after_the_other_and_their_own_parameters_are_learned():
    layer = nn.Linear(3, 3)
    before = layer.weight.detach().numpy()
    register_parametrization(register_parametrization(layer, "weight", Symmetric()), "weight", Scaled())
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original", "parametrizations.weight.1.scale"]
    np.testing.assert_allclose(layer.weight.detach().numpy(), 1.5 * (before + before.T), rtol=1e-6)
    layer(tg.ones(1, 3)).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())
    layer.weight = tg.tensor(before + before.T)
    np.testing.assert_allclose(layer.weight.detach().numpy(), before + before.T, rtol=1e-6)
    assert is_parametrized(layer) and is_parametrized(layer, "weight") and not is_parametrized(layer, "bias")
    assert type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, nn.Linear)
    assert nn.parametrize.type_before_parametrizations(layer) is nn.Linear


@pytest.mark.any_python
def test_two_tensors_of_a_module_and_one_of_them_again_ordinary():
    layer = nn.parametrizations.weight_norm(nn.Linear(3, 3))
    register_parametrization(layer, "bias", Scaled())
    remove_parametrizations(layer, "weight")
    assert is_parametrized(layer, "bias") and isinstance(layer.weight, nn.Parameter) and layer.weight.requires_grad
    original = layer.parametrizations.bias.original.detach().numpy().copy()
    remove_parametrizations(layer, "bias", leave_parametrized=False)
    assert type(layer) is nn.Linear and not is_parametrized(layer)
    np.testing.assert_array_equal(layer.bias.detach().numpy(), original)
    assert set(layer.state_dict()) == {"weight", "bias"}


@pytest.mark.any_python
def test_a_frozen_weight_stays_frozen_and_a_buffer_a_buffer():
    layer = nn.Linear(3, 2)
    layer.weight.requires_grad_(False)
    nn.parametrizations.weight_norm(layer)
    assert not any(p.requires_grad for p in layer.parametrizations.parameters())
    bn = register_parametrization(nn.BatchNorm1d(3), "running_mean", Scaled())
    assert "parametrizations.running_mean.original" in dict(bn.named_buffers())
    assert "running_mean" in dict(remove_parametrizations(bn, "running_mean").named_buffers())


@pytest.mark.any_python
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_have_parameters_of_their_own(copied):
    layer = nn.parametrizations.spectral_norm(nn.Linear(3, 2))
    other = copied(layer)
    assert type(other) is type(layer)
    with tg.no_grad():
        other.parametrizations.weight.original.assign(np.ones((2, 3), "float32"))
    assert (layer.state_dict()["parametrizations.weight.original"] != 1).any()
    assert abs(other.eval().weight).max().item() > 0


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nn.parametrizations.weight_norm(nn.ReLU()), "ReLU has no parameter or buffer 'weight'; it has none"),
        (
            lambda: nn.parametrizations.weight_norm(nn.Linear(2, 2), "w"),
            "no parameter or buffer 'w'; it has weight, bias",
        ),
        (lambda: nn.parametrizations.weight_norm(nn.Linear(2, 2), dim=2), "dim=2 of weight with 2 axes; use 0 to 1"),
        (lambda: nn.parametrizations.spectral_norm(nn.ReLU()), "spectral_norm: ReLU has no parameter 'weight'"),
        (lambda: nn.parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0), "n_power_iterations=0"),
        (lambda: nn.parametrizations.weight_standardization(nn.Linear(1, 4)), r"\(4, 1\) has one number a filter"),
        (
            lambda: register_parametrization(nn.Linear(2, 3), "weight", nn.Flatten(0)),
            r"Flatten makes weight of shape \(6,\)",
        ),
        (lambda: remove_parametrizations(nn.Linear(2, 2), "weight"), "Linear.weight is not parametrized"),
        (
            lambda: remove_parametrizations(nn.parametrizations.weight_norm(nn.Linear(2, 2)), "weight", False),
            "weight is made of 2 originals",
        ),
    ],
)
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.any_python
def test_what_cannot_be_inverted_cannot_be_set():
    layer = register_parametrization(nn.Linear(2, 2), "weight", nn.Tanh())
    with pytest.raises(NotImplementedError, match="Tanh has no right_inverse"):
        layer.weight = tg.ones(2, 2)

"""What the lecture asks for, row by row, with its numbers."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.oracles import Derivatives, assert_derivatives_agree, integers, value_and_gradients
from tinygrad_cv import data, models, nn, optim
from tinygrad_cv.core.primitive import PRIMITIVES

quick = pytest.mark.quick


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def by_loop(x: np.ndarray, axes: tuple[int, ...], eps: float = 1e-5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x - μ) / √(σ² + eps) with μ, σ² over the axes, by one loop over all elements; and μ and σ²."""
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    mu, var, count = np.zeros(shape), np.zeros(shape), math.prod(x.shape[i] for i in axes)
    place = lambda at: tuple(0 if i in axes else p for i, p in enumerate(at))  # noqa: E731
    for at in np.ndindex(x.shape):
        mu[place(at)] += x[at] / count
    for at in np.ndindex(x.shape):
        var[place(at)] += (x[at] - mu[place(at)]) ** 2 / count
    return (x - mu) / np.sqrt(var + eps), mu, var


# ---------------------------------------------------------------- 1 to 4: convolution


@quick
def test_row_01_a_1x1_convolution_mixes_the_channels_of_each_pixel():
    x, w = integers(np.random.default_rng(0), 2, 64, 56, 56), integers(np.random.default_rng(1), 32, 64, 1, 1)
    y = F.conv2d(tg.tensor(x), tg.tensor(w)).numpy()
    assert y.shape == (2, 32, 56, 56) and w.size == 2048
    np.testing.assert_array_equal(y, np.einsum("oc,nchw->nohw", w[:, :, 0, 0], x, optimize=True))
    assert tg.einsum("oc,nchw->nohw", tg.tensor(w[:, :, 0, 0]), tg.tensor(x)).numpy().tolist() == y.tolist()


@quick
def test_row_01_has_2048_weights_and_6422528_multiply_adds():
    (row,) = nn.summary(nn.Conv2d(64, 32, 1, bias=False), (64, 56, 56)).rows[1:]
    assert (row.shape, row.parameters, row.multiply_adds) == ((32, 56, 56), 2048, 6_422_528)


@quick
def test_row_01_is_linear_until_an_activation_follows():
    rng = np.random.default_rng(0)
    a, b, w = (tg.tensor(integers(rng, *shape)) for shape in ((1, 8, 5, 5), (1, 8, 5, 5), (4, 8, 1, 1)))
    mix = lambda x: F.conv2d(x, w)  # noqa: E731
    np.testing.assert_array_equal(mix(a * 2 + b).numpy(), (mix(a) * 2 + mix(b)).numpy())
    assert (F.relu(mix(a * 2 + b)).numpy() != (F.relu(mix(a)) * 2 + F.relu(mix(b))).numpy()).any()


@quick
@pytest.mark.parametrize(
    "h, k, p, s", [(7, 3, 0, 1), (7, 3, 1, 1), (7, 3, 1, 2), (8, 3, 0, 2), (9, 2, 0, 3), (5, 5, 2, 4)]
)
def test_row_02_hyperparameters_decide_the_shapes(h, k, p, s):
    conv = nn.Conv2d(3, 10, (k, k), stride=s, padding=p)
    assert conv.weight.shape == (10, 3, k, k) and conv.bias.shape == (10,)
    expected = math.floor((h - k + 2 * p) / s) + 1
    wider = math.floor((h + 2 - k + 2 * p) / s) + 1
    assert conv(tg.zeros(2, 3, h, h + 2)).shape == (2, 10, expected, wider)


@quick
@pytest.mark.parametrize("k, p, s, size", [(3, 1, 1, 32), (5, 2, 1, 32), (1, 0, 1, 32), (3, 1, 2, 16)])
def test_row_03_usual_settings_keep_the_size_or_halve_it(k, p, s, size):
    assert F.conv2d(tg.zeros(1, 3, 32, 32), tg.zeros(10, 3, k, k), None, s, p).shape == (1, 10, size, size)


@quick
def test_row_03_ten_5x5_filters_have_760_parameters_and_768000_multiply_adds():
    (row,) = nn.summary(nn.Conv2d(3, 10, 5, padding=2), (3, 32, 32)).rows[1:]
    assert (row.shape, row.parameters, row.multiply_adds) == ((10, 32, 32), 760, 768_000)


@quick
def test_row_04_every_component_is_a_layer():
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(4 * 3 * 3, 10),
    )
    assert network(tg.zeros(5, 1, 6, 6)).shape == (5, 10)
    shapes = [row.shape for row in nn.summary(network, (1, 6, 6)).rows]
    assert shapes == [(1, 6, 6), (4, 6, 6), (4, 6, 6), (4, 6, 6), (4, 3, 3), (36,), (36,), (10,)]


# ---------------------------------------------------------------- 5 to 7: pooling


@quick
@pytest.mark.parametrize("h, k, s", [(4, 2, 2), (7, 3, 2), (5, 2, 1), (9, 3, 3)])
def test_row_05_pooling_is_per_channel_and_learns_nothing(h, k, s):
    x, expected = normal(2, 3, h, h + 1), math.floor((h - k) / s) + 1
    for layer, reduce in ((nn.MaxPool2d(k, s), np.max), (nn.AvgPool2d(k, s), np.mean)):
        y = layer(tg.tensor(x)).numpy()
        assert y.shape[:3] == (2, 3, expected) and not list(layer.parameters())
        for n, c, i, j in np.ndindex(y.shape):
            window = x[n, c, i * s : i * s + k, j * s : j * s + k]
            assert y[n, c, i, j] == pytest.approx(reduce(window), rel=1e-14)


@quick
def test_row_06_pooling_by_numbers():
    x = tg.tensor([[[[1.0, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]])
    assert F.max_pool2d(x, 2, 2).tolist() == [[[[6, 8], [3, 4]]]]
    assert F.avg_pool2d(x, 2, 2).tolist() == [[[[3.25, 5.25], [2, 2]]]]


@quick
def test_row_07_a_small_shift_within_each_window_changes_nothing():
    x = np.zeros((1, 1, 8, 8))
    x[0, 0, ::4, ::4] = [[3, 5], [7, 9]]  # a peak in the corner of each 4 x 4 window
    pooled = F.max_pool2d(tg.tensor(x), 4).tolist()
    assert pooled == [[[[3, 5], [7, 9]]]]
    for down in range(4):
        for right in range(4):
            assert F.max_pool2d(tg.tensor(np.roll(x, (down, right), (2, 3))), 4).tolist() == pooled
    assert F.max_pool2d(tg.tensor(np.roll(x, 4, 3)), 4).tolist() != pooled


# ---------------------------------------------------------------- 8 to 10: architectures


@quick
@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_row_08_the_classic_architecture_any_number_of_times(times):
    model = models.convnet(3, 32, channels=[4 * 2**i for i in range(times)], hidden=[16] * (times - 1), norm="none")
    leaves = [type(module).__name__ for module in model.modules() if not any(module.children())]
    fully_connected = ["Linear", "ReLU"] * (times - 1) + ["Linear"]
    assert leaves == ["Conv2d", "ReLU", "MaxPool2d"] * times + ["Flatten", *fully_connected]
    p = F.softmax(model(tg.rand(2, 3, 32, 32, generator=tg.Generator(0)))).detach().numpy()
    assert p.shape == (2, 10) and (p >= 0).all()
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-6)


@quick
def test_row_09_lenet5_has_the_lectures_shapes_and_parameters():
    table = nn.summary(models.lenet5(), (1, 28, 28))
    assert [row.shape for row in table.rows if row.type != "ReLU"] == [
        (1, 28, 28),
        (20, 28, 28),
        (20, 14, 14),
        (50, 14, 14),
        (50, 7, 7),
        (2450,),
        (500,),
        (10,),
    ]
    assert [row.parameters for row in table.rows if row.parameters] == [520, 25_050, 1_225_500, 5_010]
    assert table.parameters == 1_256_080


@quick
def test_row_10_the_volume_is_not_preserved_and_the_summary_shows_it():
    table = nn.summary(models.lenet5(), (1, 28, 28))
    volumes = [row.activations for row in table.rows if row.type not in ("ReLU", "Flatten")]
    assert volumes == [784, 15_680, 3_920, 9_800, 2_450, 500, 10]
    assert all(f"{volume:,}" in str(table) for volume in volumes)


# ---------------------------------------------------------------- 11 to 18: normalization


@quick
def test_row_11_batch_normalization_of_features():
    x, gamma, beta = normal(6, 4), normal(4, seed=1), normal(4, seed=2)
    xhat, mu, var = by_loop(x, (0,))
    assert mu.shape == var.shape == (1, 4)
    y = F.batch_norm(tg.tensor(x), None, None, tg.tensor(gamma), tg.tensor(beta), training=True)
    np.testing.assert_allclose(y.numpy(), gamma * xhat + beta, rtol=0, atol=1e-14)  # multiplied by gamma, not divided


@quick
def test_row_12_batch_normalization_of_images():
    x, gamma, beta = normal(3, 4, 2, 5), normal(4, seed=1), normal(4, seed=2)
    xhat, mu, var = by_loop(x, (0, 2, 3))
    assert mu.shape == var.shape == (1, 4, 1, 1)
    affine = tg.tensor(gamma), tg.tensor(beta)
    y = F.batch_norm(tg.tensor(x), None, None, *affine, training=True).numpy()
    np.testing.assert_allclose(y, gamma.reshape(1, 4, 1, 1) * xhat + beta.reshape(1, 4, 1, 1), rtol=0, atol=1e-14)
    rows = x.transpose(0, 2, 3, 1).reshape(-1, 4)  # (n h w) c
    of_rows = F.batch_norm(tg.tensor(rows), None, None, *affine, training=True).numpy()
    np.testing.assert_allclose(y, of_rows.reshape(3, 2, 5, 4).transpose(0, 3, 1, 2), rtol=0, atol=1e-14)


@quick
def test_row_13_the_gradient_goes_through_the_mean_and_the_variance():
    x, g = normal(5, 3), normal(5, 3, seed=1)
    _, (gx,) = value_and_gradients(F.batch_norm, [x], g)
    xhat, _, var = by_loop(x, (0,))
    sigma = np.sqrt(var + 1e-5)
    through_x = g / sigma
    through_both = (g - g.mean(0) - xhat * (g * xhat).mean(0)) / sigma  # Ioffe and Szegedy, section 3
    np.testing.assert_allclose(gx, through_both, rtol=0, atol=1e-14)
    assert np.abs(gx - through_x).max() > 0.1
    assert_derivatives_agree(F.batch_norm, [x], order=1)


@quick
def test_row_13_no_derivative_of_a_normalization_is_written_anywhere():
    x = tg.tensor(normal(3, 4, 2, 2), requires_grad=True)
    weight = tg.tensor(normal(4), requires_grad=True)
    for y in (
        F.batch_norm(x, None, None, weight),
        F.layer_norm(x, 2),
        F.instance_norm(x, weight=weight),
        F.group_norm(x, 2, weight),
    ):
        names, waiting = set(), [y.node]
        while waiting:
            node = waiting.pop()
            names.add(node.name)
            waiting += [parent for parent in node.parents if parent is not None]
        assert {"leaf", "sum", "sub", "mul", "square", "sqrt"} <= names <= {"leaf", *PRIMITIVES}
    assert not any("norm" in name for name in PRIMITIVES)
    sources = Path(F.__file__).parent.glob("*.py")
    assert not [
        path.name for path in sources if any(word in path.read_text() for word in ("def backward", "vjp", ".grad"))
    ]


@quick
def test_row_14_at_test_time_running_averages_make_it_linear():
    bn = nn.BatchNorm2d(4)
    for step in range(3):
        bn(tg.tensor(np.float32(normal(8, 4, 3, 3, seed=step)) + 1))
    mean, var = bn.running_mean.numpy().copy(), bn.running_var.numpy().copy()
    assert mean.any() and (var != 1).all()
    bn.eval()
    a, b = (tg.tensor(np.float32(normal(2, 4, 3, 3, seed=seed))) for seed in (7, 8))
    zero = bn(a * 0)
    np.testing.assert_allclose((bn(a + b) + zero).detach().numpy(), (bn(a) + bn(b)).detach().numpy(), rtol=0, atol=1e-6)
    assert (bn.running_mean.numpy() == mean).all() and (bn.running_var.numpy() == var).all()


@quick
@pytest.mark.parametrize("dtype, rounding", [("float32", 2.0**-24), ("float64", 2.0**-53)])
def test_row_14_it_folds_into_the_layer_before_but_for_rounding(dtype, rounding):
    tg.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(32, 5), nn.BatchNorm1d(5)
    ).to(dtype)
    x = normal(6, 3, 4, 4).astype(dtype)
    for _ in range(3):
        network(tg.tensor(x * 2 + 1))  # statistics that are not those of the beginning
    folded = nn.fold_batch_norm(network)
    assert not any("BatchNorm" in type(module).__name__ for module in folded.modules())
    y = network.eval()(tg.tensor(x)).detach().numpy()
    np.testing.assert_allclose(folded(tg.tensor(x)).detach().numpy(), y, rtol=0, atol=32 * rounding * np.abs(y).max())


@quick
def test_row_15_layer_normalization():
    x, gamma, beta = normal(6, 4), normal(4, seed=1), normal(4, seed=2)
    xhat, mu, var = by_loop(x, (1,))
    assert mu.shape == var.shape == (6, 1)
    y = F.layer_norm(tg.tensor(x), 4, tg.tensor(gamma), tg.tensor(beta))
    np.testing.assert_allclose(y.numpy(), gamma * xhat + beta, rtol=0, atol=1e-14)


@quick
def test_row_16_instance_normalization():
    x, gamma, beta = normal(3, 4, 2, 5), normal(4, seed=1), normal(4, seed=2)
    xhat, mu, var = by_loop(x, (2, 3))
    assert mu.shape == var.shape == (3, 4, 1, 1)
    y = F.instance_norm(tg.tensor(x), weight=tg.tensor(gamma), bias=tg.tensor(beta))
    expected = gamma.reshape(1, 4, 1, 1) * xhat + beta.reshape(1, 4, 1, 1)
    np.testing.assert_allclose(y.numpy(), expected, rtol=0, atol=1e-14)


@quick
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_row_17_group_normalization(groups):
    x = normal(3, 4, 2, 5)
    xhat, _, _ = by_loop(x.reshape(3, groups, 4 // groups, 2, 5), (2, 3, 4))
    np.testing.assert_allclose(F.group_norm(tg.tensor(x), groups).numpy(), xhat.reshape(x.shape), rtol=0, atol=1e-14)


@quick
@pytest.mark.parametrize(
    ("one", "other", "shape"),
    [
        (lambda x: F.group_norm(x, 4), F.instance_norm, (3, 4, 2, 5)),
        (lambda x: F.group_norm(x, 1), lambda x: F.layer_norm(x, (4, 2, 5)), (3, 4, 2, 5)),
        (F.batch_norm, F.instance_norm, (1, 4, 2, 5)),
    ],
    ids=["GN(G=C) = IN", "GN(G=1) = LN", "BN(N=1) = IN"],
)
def test_row_18_identities(one, other, shape):
    x, g = normal(*shape), normal(*shape, seed=1)
    (y, (gy,)), (z, (gz,)) = (value_and_gradients(function, [x], g) for function in (one, other))
    np.testing.assert_allclose(y, z, rtol=0, atol=1e-14)
    np.testing.assert_allclose(gy, gz, rtol=0, atol=1e-13)


@quick
def test_row_18_gamma_sigma_and_beta_mu_give_the_input_back():
    x = normal(3, 4, 2, 5) * 2 + 1
    _, mu, var = by_loop(x, (0, 2, 3))
    gamma, beta = tg.tensor(np.sqrt(var + 1e-5).reshape(4)), tg.tensor(mu.reshape(4))
    np.testing.assert_allclose(F.batch_norm(tg.tensor(x), None, None, gamma, beta).numpy(), x, rtol=0, atol=1e-14)


@quick
def test_row_19_going_deeper_the_image_shrinks_and_the_channels_grow():
    for model in (models.vgg_small(), models.convnet(3, 32, channels=(8, 16, 32, 64))):
        images = [row.shape for row in nn.summary(model, (3, 32, 32)).rows if len(row.shape) == 3]
        for (c, h, w), (c_next, h_next, w_next) in itertools.pairwise(images):
            assert c_next >= c and h_next <= h and w_next <= w
        assert images[-1][0] > images[1][0] and images[-1][1] < images[0][1]


# ---------------------------------------------------------------- 20: deep networks


def test_row_20_a_deep_network_learns_with_batch_normalization_and_not_without():
    """Four passes over 512 images: without it 13 convolutions in a row know no more than that there are ten classes."""
    train, _ = data.fashion_mnist()
    images = F.avg_pool2d(data.normalize(train.images[:512]), 2).numpy().reshape(8, 64, 1, 14, 14)
    labels = train.labels[:512].reshape(8, 64)

    def trained(norm: bool) -> float:
        """The mean loss of the last pass."""
        tg.manual_seed(0)
        layers: list[nn.Module] = [nn.Conv2d(1, 16, 3, stride=2, padding=1)]
        for _ in range(12):
            layers += [nn.Conv2d(16, 16, 3, padding=1), *([nn.BatchNorm2d(16)] if norm else []), nn.ReLU()]
        model = nn.Sequential(*layers, nn.GlobalAvgPool2d(), nn.Linear(16, 10))
        optimizer = optim.SGD(model, lr=0.1, momentum=0.9)
        losses = []
        for step in range(32):
            loss = F.cross_entropy(model(tg.tensor(images[step % 8])), tg.tensor(labels[step % 8]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses[-8:]))

    assert trained(norm=True) < 1.5 < math.log(10) - 0.05 < trained(norm=False)


# ---------------------------------------------------------------- 21: higher order

NORMALIZATIONS = {
    "batch_norm": (F.batch_norm, lambda T, x: T.batch_norm(x, None, None, training=True)),
    "layer_norm": (lambda x: F.layer_norm(x, 3), lambda T, x: T.layer_norm(x, (3,))),
    "instance_norm": (lambda x: F.instance_norm(x.reshape(1, 4, 3)), lambda T, x: T.instance_norm(x.reshape(1, 4, 3))),
    "group_norm": (lambda x: F.group_norm(x, 1), lambda T, x: T.group_norm(x, 1)),
}


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_row_21_derivatives_of_every_order_are_right(name, order):
    assert_derivatives_agree(NORMALIZATIONS[name][0], [normal(4, 3)], order)


def torchs_gradient(torch: Any, function: Any, derivatives: Derivatives, order: int) -> np.ndarray:
    """∇sₖ by PyTorch, of the same scalars that the library's derivatives are of."""
    x = torch.tensor(derivatives.start, requires_grad=True)
    y = function(torch.nn.functional, x.reshape(4, 3))
    s = (y * torch.tensor(derivatives.cotangents[0].numpy())).sum()
    for cotangent in derivatives.cotangents[1 : order + 1]:
        (g,) = torch.autograd.grad(s, x, create_graph=True)
        s = (g * torch.tensor(cotangent.numpy())).sum()
    return torch.autograd.grad(s, x)[0].numpy()


@pytest.mark.parametrize("name", ["batch_norm", "layer_norm"])
def test_row_21_where_pytorchs_third_derivatives_are_wrong(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    ours, theirs = NORMALIZATIONS[name]
    derivatives = Derivatives(ours, [normal(4, 3)])
    for order in (1, 2, 3):
        found, by_differences = derivatives.gradient(order - 1), derivatives.difference(order - 1)
        by_torch = torchs_gradient(torch, theirs, derivatives, order - 1)
        scale = np.abs(by_differences).max()
        np.testing.assert_allclose(found, by_differences, rtol=0, atol=1e-8 * scale)
        if order < 3:
            np.testing.assert_allclose(by_torch, found, rtol=0, atol=1e-12 * scale)
        elif torch.__version__.startswith("2.13."):  # a later one may be right
            assert np.abs(by_torch - by_differences).max() > 0.1 * scale

"""Saliency, SmoothGrad, integrated gradients and occlusion against closed forms and axioms; other weights."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.explain.test_grad_cam import Squares
from tinygrad_cv import models, nn
from tinygrad_cv.explain import (
    integrated_gradients,
    occlusion,
    randomized,
    rank_correlation,
    saliency,
    smooth_grad,
    strength,
)

pytestmark = pytest.mark.any_python


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(3, 2, 6, 8)).astype(np.float32)


def squares(images, weight, classes):
    """Scores Σ_k w_ck mean(relu(x_k)²), and their gradients."""
    positive = np.maximum(images, 0).astype(np.float64)
    scores = np.einsum("nk,nk->n", weight[classes], (positive**2).mean((2, 3)))
    return scores, 2 * weight[classes][:, :, None, None] * positive / images[0, 0].size


@pytest.mark.parametrize("target", [1, [2, 0, 1], None], ids=str)
def test_saliency_is_the_gradient(target, images):
    w = np.random.default_rng(1).normal(size=(3, 2)).astype(np.float32)
    model = Squares(w).train()
    classes = model(tg.tensor(images)).numpy().argmax(1) if target is None else np.broadcast_to(target, 3)
    found = saliency(model, images, target).numpy()
    np.testing.assert_allclose(found, squares(images, w, classes)[1], rtol=1e-5, atol=1e-7)
    assert model.training and all(p.grad is None for p in model.parameters())


def test_strength_is_the_largest_of_the_channels(images):
    np.testing.assert_array_equal(strength(images).numpy(), np.abs(images).max(1))


def test_smooth_grad_is_the_mean_over_noise(images):
    """Of Σ w x³ / 3 the gradient is w x²; with noise of deviation s its mean is w (x² + s²)."""

    class Cubes(nn.Module):
        def forward(self, x):
            return (x * x * x).sum((1, 2, 3)).reshape(-1, 1) * (1 / 3)

    share = 0.1
    found = smooth_grad(Cubes(), images, 0, samples=400, noise=share).numpy()
    s = share * (images.max((1, 2, 3), keepdims=True) - images.min((1, 2, 3), keepdims=True))
    spread = np.sqrt((4 * images**2 * s**2 + 2 * s**4) / 400)  # of the mean of (x + e)², for normal e
    assert (np.abs(found - (images**2 + s**2)) < 5 * spread).all()
    np.testing.assert_array_equal(found, smooth_grad(Cubes(), images, 0, samples=400, noise=share).numpy())
    other = smooth_grad(Cubes(), images, 0, samples=400, noise=share, generator=tg.Generator(1)).numpy()
    assert (other != found).any()
    np.testing.assert_allclose(smooth_grad(Cubes(), images, 0, samples=2, noise=0).numpy(), images**2, rtol=1e-6)


@pytest.mark.parametrize("baseline", [0.0, "black", "each"])
def test_integrated_gradients_add_up_to_the_score(baseline, images):
    """Completeness: Sundararajan et al., proposition 1."""
    tg.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Softplus(), nn.Flatten(), nn.Linear(4 * 4 * 6, 3)).eval()
    start = {"black": images.min((0, 2, 3), keepdims=True)[0], "each": images[::-1].copy()}.get(baseline, 0.0)
    found = integrated_gradients(model, images, [0, 1, 2], start, steps=200).numpy().astype(np.float64)
    before = np.broadcast_to(np.asarray(start, np.float32), images.shape).copy()
    y = model(tg.tensor(images)).numpy() - model(tg.tensor(before)).numpy()
    np.testing.assert_allclose(found.sum((1, 2, 3)), y[range(3), [0, 1, 2]], rtol=2e-4, atol=2e-5)


def test_integrated_gradients_of_a_known_function(images):
    """Of w mean(relu(x)²) the way from 0 gives each pixel its own part, which is w relu(x)² / (h w)."""
    w = np.random.default_rng(1).normal(size=(3, 2)).astype(np.float32)
    found = integrated_gradients(Squares(w), images, 1).numpy()
    expected = w[1][:, None, None] * np.maximum(images, 0) ** 2 / images[0, 0].size
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("window", "stride"), [(2, 2), ((3, 2), (2, 1)), (None, None), ((6, 8), 1), (4, 3)])
def test_occlusion_is_what_hiding_takes(window, stride, images):
    w = np.random.default_rng(1).normal(size=(3, 2)).astype(np.float32)
    found = occlusion(Squares(w), images, [0, 1, 2], window, stride, value=0.5, batch_size=7).numpy()
    k = (1, 1) if window is None else np.broadcast_to(window, 2)
    s = (1, 1) if stride is None else np.broadcast_to(stride, 2)
    whole, _ = squares(images, w, np.arange(3))
    lost, seen = np.zeros((3, 6, 8)), np.zeros((6, 8))
    for i in sorted({*range(0, 6 - k[0], s[0]), 6 - k[0]}):
        for j in sorted({*range(0, 8 - k[1], s[1]), 8 - k[1]}):
            hidden = images.copy()
            hidden[:, :, i : i + k[0], j : j + k[1]] = 0.5
            lost[:, i : i + k[0], j : j + k[1]] += (whole - squares(hidden, w, np.arange(3))[0])[:, None, None]
            seen[i : i + k[0], j : j + k[1]] += 1
    assert seen.all()
    np.testing.assert_allclose(found, lost / seen, rtol=1e-4, atol=1e-6)


def test_other_weights_have_the_same_numbers_in_another_order():
    model = models.lenet5()
    other = randomized(model, seed=4)
    for (name, a), (_, b) in zip(model.named_parameters(), other.named_parameters(), strict=True):
        np.testing.assert_array_equal(np.sort(a.numpy(), None), np.sort(b.numpy(), None), err_msg=name)
        assert a.size < 3 or (a.numpy() != b.numpy()).any()
    np.testing.assert_array_equal(randomized(model, seed=4).conv1.weight.numpy(), other.conv1.weight.numpy())


def test_rank_correlation_is_spearmans():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, (12, 12)), rng.normal(size=(12, 12))
    assert rank_correlation(a, a + b) == pytest.approx(stats.spearmanr(a.ravel(), (a + b).ravel())[0])
    assert rank_correlation(a, -a) == -1.0 and rank_correlation(a, np.zeros((12, 12))) == 0.0
    with pytest.raises(ValueError, match=r"a of shape \(12, 12\), b of shape \(12, 2\)"):
        rank_correlation(a, a[:, :2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: saliency(m, x, 10), "saliency: target=10; classes of the model are 0 to 9"),
        (lambda m, x: smooth_grad(m, x, samples=0), "smooth_grad: samples=0; it must be an integer of at least 1"),
        (lambda m, x: smooth_grad(m, x, noise=-1.0), "smooth_grad: noise=-1.0; it must be at least 0"),
        (lambda m, x: integrated_gradients(m, x, steps=1.5), "integrated_gradients: steps=1.5; it must be an integer"),
        (lambda m, x: integrated_gradients(m, x, baseline=np.zeros(3)), r"baseline of shape \(3,\), images of shape"),
        (lambda m, x: occlusion(m, x, window=29), "occlusion: window=29, a stride of 15, and a side of 28 pixels"),
        (lambda m, x: occlusion(m, x, window=2, stride=3), "occlusion: window=2, a stride of 3"),
        (lambda m, x: occlusion(m, x[0]), r"occlusion: images of shape \(1, 28, 28\); they must be N x C x H x W"),
        (lambda m, x: saliency(nn.Conv2d(1, 2, 3), x), "saliency: the output of the model is of shape"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call(models.lenet5(), np.zeros((1, 1, 28, 28), np.float32))

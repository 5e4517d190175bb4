"""Distances of numbers whose squares overflow, of vectors that are 0, of near neighbours; and what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.oracles import value_and_gradients
from tinygrad_cv import DTypeError, ShapeError
from tinygrad_cv.core.errors import AxisError

pytestmark = pytest.mark.quick
NORMS = (0.5, 1.0, 1.5, 2.0, 3.0, math.inf)
X, Y = np.array([[3.0, -4.0, 1.0]]), np.array([[1.0, 2.0, -2.0]])


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_the_unit_of_length_does_not_matter(p, unit):
    far, near = tg.tensor(X * unit), tg.tensor(X)
    distance = F.pairwise_distance(near, near * 0.0, p, 0.0).numpy()
    np.testing.assert_allclose(F.pairwise_distance(far, far * 0.0, p, 0.0).numpy() / unit, distance, rtol=1e-14)
    np.testing.assert_allclose(F.normalize(far, p, eps=0.0).numpy(), F.normalize(near, p).numpy(), rtol=1e-14)


@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_an_angle_does_not_depend_on_lengths(unit):
    cosine = (X * Y).sum() / np.linalg.norm(X) / np.linalg.norm(Y)
    assert F.cosine_similarity(X * unit, Y / unit, eps=0.0).item() == pytest.approx(cosine, rel=1e-14)
    loss = F.cosine_embedding_loss(X * 1e300, Y, [1])
    assert loss.item() == pytest.approx(1 - cosine, rel=1e-11)  # the square of Y's length gets 10⁻¹² more


def test_vectors_of_the_largest_numbers_and_of_infinity_have_directions():
    large = float(np.finfo("f8").max)
    x = np.array([[large, -large], [math.inf, 3.0], [-math.inf, math.inf], [3.0, 4.0], [0.0, 0.0]])
    half = math.sqrt(0.5)
    wanted = [[half, -half], [1.0, 0.0], [-half, half], [0.6, 0.8], [0.0, 0.0]]
    for call in (F.normalize, tg.jit(F.normalize)):
        np.testing.assert_allclose(call(tg.tensor(x)).numpy(), wanted, rtol=1e-15)
    assert F.cosine_similarity(x[:1], -x[:1]).item() == pytest.approx(-1.0, rel=1e-15)
    assert np.isnan(F.normalize([[math.nan, 1.0]]).numpy()).all()


@pytest.mark.parametrize("p", [1.5, 2.0, 3.0])
def test_a_distance_of_0_has_derivative_0(p):
    loss, gradients = value_and_gradients(lambda x, y: F.pairwise_distance(x, y, p, 0.0), [X, X], np.ones(1))
    assert loss == 0 and not np.any(gradients)


def test_equal_coordinates_share_the_derivative_of_the_largest():
    _, (gx,) = value_and_gradients(lambda x: F.normalize(x, math.inf), [np.array([[2.0, -2.0, 1.0]])], np.eye(3)[2:])
    np.testing.assert_allclose(gx, [[-0.125, 0.125, 0.5]])


def test_a_vector_shorter_than_eps_is_divided_by_eps():
    """There the length is constant, so that the derivative is that of x / eps."""
    tiny = np.array([[3e-9, 4e-9]])
    _, (gx,) = value_and_gradients(lambda x: F.cosine_similarity(x, [[0.0, 1.0]]), [np.float32(tiny)], np.ones(1, "f4"))
    np.testing.assert_allclose(gx, [[0.0, 1e8]], rtol=1e-6)
    _, (gx,) = value_and_gradients(lambda x: F.normalize(x, eps=1e-8), [tiny], np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(gx, [[1e8, 0.0]])
    value, (gx,) = value_and_gradients(lambda x: F.normalize(x), [tiny * 0.0], np.ones((1, 2)))
    assert not value.any()
    np.testing.assert_allclose(gx, [[1e12, 1e12]])


@pytest.mark.parametrize("p", NORMS)
def test_all_distances_are_those_of_pairs(p):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    found, pairs = F.cdist(a, b, p).numpy(), F.pdist(a, p).numpy()
    for i, j in np.ndindex(found.shape):
        assert found[i, j] == pytest.approx(F.pairwise_distance(a[i], b[j], p, 0.0).item(), rel=1e-14)
    wanted = [F.pairwise_distance(a[i], a[j], p, 0.0).item() for i, j in itertools.combinations(range(4), 2)]
    np.testing.assert_allclose(pairs, wanted, rtol=1e-14)


def test_near_neighbours_far_from_0_keep_their_digits():
    a = np.float32([[4000.0, 4000.0]])
    b = a + np.float32([[3.0, 4.0]]) * 2.0**-10
    assert F.cdist(a, b).item() == 5 * 2.0**-10
    assert F.cdist(a, b, compute_mode="use_mm_for_euclid_dist").item() != 5 * 2.0**-10


def test_by_products_a_vector_has_no_distance_from_itself_and_no_derivative():
    x = np.random.default_rng(0).normal(size=(6, 4))
    for dtype in ("f8", "f4"):
        _, (gx,) = value_and_gradients(
            lambda x: F.cdist(x, x.detach(), 2.0, "use_mm_for_euclid_dist"), [x.astype(dtype)], np.eye(6, dtype=dtype)
        )
        assert np.isfinite(gx).all()


def test_distances_of_no_vector_and_of_one():
    assert F.cdist(tg.zeros(0, 3), tg.zeros(2, 3)).shape == (0, 2)
    assert F.pdist(tg.zeros(1, 3)).shape == (0,)
    assert F.cdist(tg.zeros(2, 0), tg.zeros(3, 0), 3.0).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: F.cosine_similarity(tg.ones(2, 3), tg.ones(2, 4)),
            ShapeError,
            ["cosine_similarity", "(2, 3)", "(2, 4)"],
        ),
        (lambda: F.cosine_similarity(tg.ones(3), tg.ones(3)), AxisError, ["axis 1", "1 axes"]),
        (lambda: F.cosine_similarity(tg.ones(2, 3), tg.ones(2, 3), eps=-1.0), ValueError, ["eps=-1.0", "at least 0"]),
        (lambda: F.cosine_similarity(np.ones((2, 3)), tg.ones(2, 3)), DTypeError, ["float64 and float32"]),
        (lambda: F.normalize(tg.ones(3)), AxisError, ["normalize: axis 1"]),
        (lambda: F.normalize(tg.ones(2, 3), math.nan), ValueError, ["p=nan", "a number"]),
        (lambda: F.normalize(tg.ones(2, 0), math.inf), ShapeError, ["max of no elements"]),
        (lambda: F.pairwise_distance(tg.ones(2, 3), tg.ones(4, 3)), ShapeError, ["pairwise_distance", "(4, 3)"]),
        (lambda: F.cdist(tg.ones(2, 3), tg.ones(2, 4)), ShapeError, ["(2, 3)", "(2, 4)", "... x M x D"]),
        (lambda: F.cdist(tg.ones(3), tg.ones(2, 3)), ShapeError, ["x1 of shape (3,)", "... x N x D"]),
        (lambda: F.cdist(tg.ones(2, 3), tg.ones(2, 3), -1.0), ValueError, ["p=-1.0", "at least 0"]),
        (lambda: F.cdist(tg.ones(2, 3), tg.ones(2, 3), 2.0, "mm"), ValueError, ["compute_mode='mm'", "one of"]),
        (lambda: F.pdist(tg.ones(3)), ShapeError, ["(3,)", "N x D"]),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)

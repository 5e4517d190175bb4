"""Initial values: the bounds and deviations of the formulas, the generator, and no trace in the graph."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import ShapeError, nn
from tinygrad_cv.nn import init

pytestmark = pytest.mark.any_python

SHAPE = (40, 30, 3, 5)
IN, OUT = 30 * 15, 40 * 15


@pytest.mark.parametrize(
    "fill, deviation",
    [
        (lambda w: init.uniform_(w, -2, 2), 2 / math.sqrt(3)),
        (lambda w: init.normal_(w, 0, 0.5), 0.5),
        (lambda w: init.xavier_uniform_(w, gain=2), 2 * math.sqrt(2 / (IN + OUT))),
        (lambda w: init.xavier_normal_(w), math.sqrt(2 / (IN + OUT))),
        (lambda w: init.kaiming_uniform_(w, nonlinearity="relu"), math.sqrt(2 / IN)),
        (lambda w: init.kaiming_uniform_(w, a=math.sqrt(5)), math.sqrt(1 / 3 / IN)),
        (lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"), math.sqrt(2 / OUT)),
        (lambda w: init.kaiming_normal_(w, a=0.5), math.sqrt(2 / 1.25 / IN)),
        (lambda w: init.kaiming_normal_(w, nonlinearity="tanh"), 5 / 3 / math.sqrt(IN)),
    ],
    ids=lambda value: None if callable(value) else str(value),
)
def test_deviations(fill, deviation):
    tg.manual_seed(11)
    w = nn.Parameter(np.zeros(SHAPE))
    assert fill(w) is w and w.requires_grad and w.is_leaf
    values = w.detach().numpy()
    assert abs(values.std() / deviation - 1) < 0.02 and abs(values.mean()) < 0.03 * deviation


@pytest.mark.parametrize("fill", [init.xavier_uniform_, init.kaiming_uniform_])
def test_uniform_values_keep_their_bounds(fill):
    tg.manual_seed(3)
    values = fill(tg.zeros(*SHAPE)).numpy()
    bound = math.sqrt(6 / (IN + OUT)) if fill is init.xavier_uniform_ else math.sqrt(6 / IN)
    assert 0.99 * bound < np.abs(values).max() <= bound * (1 + 1e-6)


def test_constants_overwrite_anything():
    w = tg.tensor([math.nan, math.inf, 1.0])
    assert init.constant_(w, 3.0).tolist() == [3.0, 3.0, 3.0]
    for several in ([1.0, 2.0, 3.0], np.ones(3), tg.ones(3), "3"):  # as many as there are, and still not one number
        with pytest.raises(tg.DTypeError, match=r"constant_: val=.*; it must be a number"):
            init.constant_(w, several)
    assert init.ones_(w).tolist() == [1.0, 1.0, 1.0] and init.zeros_(w).tolist() == [0.0, 0.0, 0.0]


def test_the_seed_repeats_a_model():
    tg.manual_seed(4)
    first = nn.Linear(5, 5).state_dict()
    tg.manual_seed(4)
    second = nn.Linear(5, 5).state_dict()
    third = nn.Linear(5, 5).state_dict()
    assert (first["weight"] == second["weight"]).all() and (first["weight"] != third["weight"]).any()
    generator = tg.Generator(9)
    a = init.normal_(tg.zeros(3), generator=generator)
    b = init.normal_(tg.zeros(3), generator=tg.Generator(9))
    assert (a == b).all()


def test_wrong_arguments():
    with pytest.raises(ShapeError, match=r"weight of shape \(3,\): fans need at least two axes"):
        init.kaiming_normal_(tg.zeros(3))
    with pytest.raises(ValueError, match="mode='fan_avg'"):
        init.kaiming_normal_(tg.zeros(3, 3), mode="fan_avg")
    with pytest.raises(ValueError, match="nonlinearity='swish'"):
        init.kaiming_normal_(tg.zeros(3, 3), nonlinearity="swish")


@pytest.mark.parametrize("shape", [(4, 3, 3), (6, 2, 4, 3), (2, 5, 1, 2, 3)])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_convolution_of_dirac_and_an_identity_are_pytorchs(shape, groups):
    torch = pytest.importorskip("torch")
    wanted = torch.nn.init.dirac_(torch.full(shape, 7.0), groups).numpy()
    np.testing.assert_array_equal(init.dirac_(tg.full(shape, 7.0), groups).numpy(), wanted)
    np.testing.assert_array_equal(init.eye_(tg.full((3, 4), 7.0)).numpy(), np.eye(3, 4))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (6, 2, 2, 2), (2, 3, 4)])
def test_orthogonal_values(shape):
    tg.manual_seed(0)
    w = init.orthogonal_(nn.Parameter(np.zeros(shape)), gain=3.0).detach().numpy().reshape(shape[0], -1)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, 9 * np.eye(len(gram)), rtol=0, atol=1e-12)


def test_orthogonal_values_have_no_direction():
    """The QR decomposition alone prefers negative diagonals."""
    tg.manual_seed(0)
    signs = [np.sign(init.orthogonal_(tg.zeros(3, 3)).numpy().diagonal()) for _ in range(300)]
    assert abs(np.mean(signs)) < 0.15


def test_sparse_values():
    tg.manual_seed(0)
    w = init.sparse_(tg.zeros(50, 40), 0.33, std=2.0).numpy()
    assert ((w == 0).sum(0) == 17).all() and abs(w[w != 0].std() / 2.0 - 1) < 0.05
    assert len({tuple(column) for column in (w == 0).T}) == 40  # the places differ


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: init.eye_(tg.zeros(3)), r"eye_: tensor of shape \(3,\)"),
        (lambda: init.dirac_(tg.zeros(3, 3)), r"dirac_: tensor of shape \(3, 3\)"),
        (lambda: init.dirac_(tg.zeros(3, 3, 3), 2), "groups=2 of 3 output channels"),
        (lambda: init.orthogonal_(tg.zeros(3)), r"orthogonal_: tensor of shape \(3,\)"),
        (lambda: init.sparse_(tg.zeros(3, 3), 1.5), "sparsity=1.5; it must be in"),
    ],
)
def test_what_these_refuse(call, words):
    with pytest.raises(ValueError, match=words):
        call()

"""Values detached within composed functions, the mean of a normalization for one, are noticed."""

import numpy as np
import pytest

pytest.importorskip("sympy")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.proof.mutation import detaching
from tests.proof.mutation.detaching import Detached, mutants, planted

pytestmark = pytest.mark.any_python
X = np.array([[1.0, 2.0, 4.0, 3.0]])


def find(name: str, change: str) -> Detached:
    (found,) = (mutant for mutant in mutants() if mutant.target.name == name and mutant.change == change)
    return found


MEAN = ("centre_apart", "mu = x.detach().mean(axes, keepdims=True)")
VARIANCE = ("inverse_deviation", "return (d, 1.0 / (var.detach() + eps).sqrt(), var)")


def gradient():
    x = tg.tensor(X, requires_grad=True)
    return tg.grad((F.layer_norm(x, 4) * X).sum(), x).numpy()


@pytest.mark.parametrize("name", [MEAN, VARIANCE])
def test_the_value_stays_and_the_derivative_does_not(name):
    value, right = F.layer_norm(tg.tensor(X), 4).numpy(), gradient()
    with planted(find(*name)):
        np.testing.assert_array_equal(F.layer_norm(tg.tensor(X), 4).numpy(), value)
        assert np.abs(gradient() - right).max() > 0.1
    np.testing.assert_array_equal(gradient(), right)


def test_an_exception_brings_the_code_back():
    right = gradient()
    with pytest.raises(KeyError), planted(find(*MEAN)):
        raise KeyError
    np.testing.assert_array_equal(gradient(), right)


@pytest.mark.parametrize(
    "name",
    [
        MEAN,
        ("_softmax", "return e / e.detach().sum(dim, keepdims=True)"),
        ("Tensor.logsumexp", "s = (self.detach() - m).exp().sum(axis, keepdims=True)"),
    ],
)
def test_it_is_noticed(name):
    outcome = detaching.judged(mutants().index(find(*name)))
    assert outcome.holds and "wrong at order 1" in outcome.case


def test_a_survivor_is_a_problem_and_so_is_a_false_excuse(monkeypatch):
    number = mutants().index(find(*MEAN))
    monkeypatch.setattr(detaching, "verdict", lambda mutant: "")
    assert detaching.judged(number).problem == "gradcheck does not notice"
    monkeypatch.setitem(detaching.EQUIVALENT, MEAN, "it looks fine")
    assert detaching.judged(number).holds
    monkeypatch.setattr(detaching, "verdict", lambda mutant: "wrong at order 1")
    assert detaching.judged(number).problem == "excused (it looks fine), but wrong at order 1"


def test_every_excuse_is_for_a_mutant_that_is_made():
    assert {(mutant.target.name, mutant.change) for mutant in mutants()} >= set(detaching.EQUIVALENT)

"""What cannot be derived says what was found, the rule, and what to do."""

from __future__ import annotations

import sys

import pytest

import tinygrad_cv as tg

pytestmark = pytest.mark.any_python

X = tg.zeros(2, 3)


@pytest.mark.parametrize(
    "f, inputs, error, words",
    [
        (3, X, TypeError, "derive of int"),
        (lambda x: None, X, tg.GraphError, "returned a NoneType"),
        (lambda x: (x, 3), X, tg.GraphError, r"\(Tensor, int\); it must return a tensor"),
        (lambda x: (), X, tg.GraphError, "returned a tuple"),
        (lambda x: x > 0, X, tg.DTypeError, r"output 0 of shape \(2, 3\) has dtype bool"),
        (lambda x: tg.ones(3), X, tg.GraphError, r"output 0 of shape \(3,\) does not depend"),
        (lambda x: x.detach() * 2, X, tg.GraphError, "detach"),
        (lambda x, y: x, (X, X), tg.GraphError, r"input 1 of shape \(2, 3\)"),
        (lambda x: x, tg.tensor([1, 2]), tg.DTypeError, "int64: only floating-point.*close over it"),
        (lambda x: x, (), tg.GraphError, "no inputs"),
        (lambda x: x if x.sum() > 0 else -x, X, tg.TraceError, r"bool\(\).*test_errors.py:\d+.*where\(\)"),
        (lambda x: x * float(x.sum()), X, tg.TraceError, "item"),
        (lambda x, y: x, X, TypeError, "y"),
        (lambda x: x @ x, X, tg.ShapeError, "matmul"),
    ],
)
def test_refused(f, inputs, error, words):
    before = sys.getprofile()
    with pytest.raises(error, match=words):
        tg.derive(f, inputs)
    assert sys.getprofile() is before


def test_a_closed_over_result_would_lose_its_gradient():
    w = tg.ones(3, requires_grad=True) * 2
    with pytest.raises(tg.TraceError, match="closes over"):
        tg.derive(lambda x: x * w, tg.ones(3))


def test_it_does_not_matter_whether_gradients_are_recorded_outside():
    with tg.no_grad():
        assert [line.text for line in tg.derive(lambda x: x.exp(), tg.zeros(2)).lines] == ["exp(x)", "dy · y"]

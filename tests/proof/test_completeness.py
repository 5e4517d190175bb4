"""Nothing is left out: no primitive, no VJP, no function of functional."""

import dataclasses

import numpy as np
import pytest

import tinygrad_cv.functional as F
from tests.primitives.table import ROWS
from tests.proof import composites
from tests.proof.checks import primitive
from tinygrad_cv.core.primitive import Primitive
from tinygrad_cv.ops import PRIMITIVES

pytestmark = pytest.mark.any_python


def test_every_primitive_has_a_row_and_every_vjp_a_proof():
    assert not list(primitive.missing())


def test_a_new_primitive_is_missed_by_name(monkeypatch):
    monkeypatch.setitem(PRIMITIVES, "arcsinh", Primitive("arcsinh", np.arcsinh, lambda x: x, ("x",)))
    (outcome,) = primitive.missing()
    assert outcome.problem == "no row for arcsinh: add one to ROWS in a file of tests/primitives"


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ({"formula": ()}, "the row of tanh has no formula, and is not linear"),
        ({"exact": None}, "the row of tanh has no exact function"),
        ({"slope": None}, "one of tanh and its row has no derivative"),
        ({"uses": ()}, "the row of tanh has no use"),
    ],
)
def test_what_a_row_lacks_is_missed_by_name(lacking, words, monkeypatch):
    monkeypatch.setitem(ROWS, "tanh", dataclasses.replace(ROWS["tanh"], **lacking))
    (outcome,) = primitive.missing()
    assert outcome.problem == words


def test_a_new_function_is_missed_by_name(monkeypatch):
    assert not list(composites.missing(composites.rows()))
    monkeypatch.setattr(F, "__all__", [*F.__all__, "maxout"])
    (outcome,) = composites.missing(composites.rows())
    assert outcome.problem == "no row for maxout: add one in tests/proof/composites.py"

"""Nothing is left out: no primitive, no VJP, no function of functional, no layout."""

import numpy as np
import pytest

import tinygrad_cv.functional as F
from tests.proof import composites
from tests.proof.calls import layouts
from tests.proof.calls.cases import ROWS
from tests.proof.calls.point import Point
from tests.proof.calls.row import KINDS
from tests.proof.primitives import primitive
from tests.proof.primitives.definitions import DEFINITIONS
from tinygrad_cv.core.primitive import Primitive
from tinygrad_cv.ops import PRIMITIVES

pytestmark = pytest.mark.quick


def test_every_primitive_has_a_row_and_every_vjp_a_proof():
    assert not list(primitive.missing())
    assert set(ROWS) == set(PRIMITIVES)


def test_a_new_primitive_is_missed_by_name(monkeypatch):
    monkeypatch.setitem(PRIMITIVES, "arcsinh", Primitive("arcsinh", np.arcsinh, lambda x: x, ("x",)))
    (outcome,) = primitive.missing()
    assert outcome.problem == "no row for arcsinh: add one in tests/proof/calls/cases.py"


def test_a_vjp_without_a_formula_is_missed_by_name(monkeypatch):
    monkeypatch.delitem(DEFINITIONS, "tanh")
    (outcome,) = primitive.missing()
    assert outcome.problem == "no definition of tanh: add one in tests/proof/primitives/definitions.py"


def test_a_new_function_is_missed_by_name(monkeypatch):
    assert not list(composites.missing(composites.rows()))
    monkeypatch.setattr(F, "__all__", [*F.__all__, "mish"])
    (outcome,) = composites.missing(composites.rows())
    assert outcome.problem == "no row for mish: add one in tests/proof/composites.py"


def test_every_differentiable_primitive_is_tried_with_all_kinds_of_shape():
    for name, row in ROWS.items():
        if row.primitive.differentiable:
            kinds = {case.kind for case in row.cases}
            assert kinds == set(KINDS) - ({"0-d"} if name in ("cumsum", "concatenate") else set()), name


@pytest.mark.parametrize("name", layouts.NAMES)
def test_a_layout_holds_the_same_numbers_in_its_own_way(name):
    x = np.arange(24.0).reshape(2, 3, 4)
    if name == layouts.BROADCAST:
        y = layouts.broadcast(x, 1)
        assert y.shape == x.shape and y.strides[1] == 0 and (y == x[:, :1]).all()
        return
    for array in (x, x[:, :0], x[0, 0, 0], x > 3):
        y = layouts.LAYOUTS[name](np.asarray(array))
        assert type(y) is np.ndarray and (y.shape, y.dtype) == (array.shape, array.dtype)
        np.testing.assert_array_equal(y, array)
    y = layouts.LAYOUTS[name](x)
    expected = {
        "C": (96, 32, 8),
        "Fortran": (8, 16, 48),
        "transposed": (8, 64, 16),
        "reversed": (-96, -32, -8),
        "strided": (768, 128, 16),
        "unaligned": (96, 32, 8),
    }
    assert y.strides == expected[name]
    assert y.flags.writeable == y.flags.aligned == (name != "unaligned")


def test_repeated_inputs_are_held_by_a_stride_of_0():
    point = Point(ROWS["add"], ROWS["add"].cases[-1], repeating=True)
    assert all(point.repeat(x).strides[0] == 0 and (point.repeat(x) == x).all() for x in point.arrays)

"""The record of a primitive: names are checked when it is defined, and decide what is kept."""

import numpy as np
import pytest

from tinygrad_cv.core import primitive
from tinygrad_cv.core.primitive import Aval, define
from tinygrad_cv.ops import PRIMITIVES

pytestmark = pytest.mark.quick


@pytest.fixture
def primitives(monkeypatch):
    """The closed set, open for a test."""
    monkeypatch.setattr(primitive, "PRIMITIVES", dict(PRIMITIVES))


def defined(name="cube", vjps=(lambda g, x: g * x,), inputs=("x",), aval=lambda x: x):
    return define(name, eval=np.positive, aval=aval, inputs=inputs, vjps=vjps, family="elementwise", formula="x")


def test_a_name_is_defined_once():
    with pytest.raises(ValueError, match="'mul' is defined twice"):
        defined("mul")


def test_a_vjp_that_reads_an_unknown_name(primitives):
    with pytest.raises(TypeError, match="VJP of 'cube' reads 'z', which is not an input, a parameter or y"):
        defined(vjps=[lambda g, z: g])


def test_sources_of_names(primitives):
    p = defined(vjps=[lambda g, y, x, x_shape, x_dtype, axis: g], aval=lambda x, *, axis: Aval(x.shape, x.dtype))
    assert p.params == ("axis",)
    assert dict(p.vjp(0).reads) == {
        "y": "y",
        "x": (0, "value"),
        "x_shape": (0, "shape"),
        "x_dtype": (0, "dtype"),
        "axis": "axis",
    }


def test_kept_only_for_the_inputs_that_are_wanted():
    mul = PRIMITIVES["mul"]
    assert mul.keeps((True, False)) == ((1, "value"),)
    assert mul.keeps((False, True)) == ((0, "value"),)
    assert mul.keeps((False, False)) == ()
    assert PRIMITIVES["add"].keeps((True, True)) == ()
    assert PRIMITIVES["exp"].keeps((True,)) == ("y",)
    assert PRIMITIVES["sum"].keeps((True,)) == ((0, "shape"),)


def test_records_are_complete():
    for p in PRIMITIVES.values():
        assert p.name and p.label and p.formula and p.family
        assert len(p.vjps) == len(p.inputs) and repr(p) == p.name
        assert all(PRIMITIVES[reader].joins for reader in p.joint)
        assert PRIMITIVES[p.name] is p

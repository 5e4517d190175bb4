"""The table is whole, and its layouts are what they say."""

import numpy as np
import pytest

from tests.primitives import layouts
from tests.primitives.row import KINDS, Case
from tests.primitives.table import ROOMS, ROWS
from tinygrad_cv.ops import PRIMITIVES

pytestmark = pytest.mark.quick


def test_every_primitive_has_one_row():
    assert set(ROWS) == set(PRIMITIVES) and len(ROWS) == sum(len(room.ROWS) for room in ROOMS)


def test_every_differentiable_primitive_is_tried_with_all_kinds_of_shape():
    for name, row in ROWS.items():
        if row.primitive.differentiable:
            kinds = {case.kind for case in row.cases}
            assert kinds == set(KINDS) - ({"0-d"} if name in ("cumsum", "concatenate") else set()), name


def test_no_case_stands_twice():
    for name, row in ROWS.items():
        assert len(set(map(str, row.cases))) == len(row.cases), name


def test_kinds_of_shape():
    for kind, shapes in {
        "0-d": [(), ()],
        "1-d or 2-d": [(3,), (2, 4)],
        "size 1": [(1, 3, 1)],
        "no element": [(2, 3), (0, 1)],
        "3-d or more": [(2, 1, 3, 2)],
    }.items():
        assert Case(tuple(shapes)).kind == kind


@pytest.mark.parametrize("name", layouts.LAYOUTS)
def test_a_layout_holds_the_same_numbers_in_its_own_way(name):
    lay_out = layouts.LAYOUTS[name]
    x = np.arange(24.0).reshape(2, 3, 4)
    for array in (x, x[:, :0], x[0, 0, 0], x > 3):
        y = lay_out(np.asarray(array))
        assert type(y) is np.ndarray and (y.shape, y.dtype) == (array.shape, array.dtype)
        np.testing.assert_array_equal(y, array)
    y = lay_out(x)
    expected = {
        "C": (96, 32, 8),
        "Fortran": (8, 16, 48),
        "transposed": (8, 64, 16),
        "channels last": (96, 8, 24),
        "reversed": (-96, -32, -8),
        "strided": (768, 128, 16),
        "interior": (240, 48, 8),
        "read-only": (96, 32, 8),
        "unaligned": (96, 32, 8),
    }
    assert y.strides == expected[name]
    assert y.flags.writeable == (name not in ("read-only", "unaligned")) and y.flags.aligned == (name != "unaligned")


@pytest.mark.parametrize(("name", "axes"), [("first axis", [0]), ("last axis", [2]), ("number", [0, 1, 2])])
def test_what_repeats_is_held_by_strides_of_0(name, axes):
    x = np.arange(24.0).reshape(2, 3, 4)
    y = layouts.REPEATED[f"broadcast {name}"](x)
    place = tuple(slice(0, 1) if i in axes else slice(None) for i in range(3))
    assert y.shape == x.shape and (y == x[place]).all()
    assert [i for i in range(3) if y.strides[i] == 0] == axes

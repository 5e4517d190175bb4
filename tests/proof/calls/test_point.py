"""A call at a point, and its inputs in memory."""

import pytest

from tests.primitives.table import ROWS
from tests.proof.calls.point import Point


@pytest.mark.any_python
def test_repeated_inputs_are_held_by_a_stride_of_0():
    point = Point(ROWS["add"], ROWS["add"].cases[-1], repeating=True)
    assert all(point.repeat(x).strides[0] == 0 and (point.repeat(x) == x).all() for x in point.arrays)

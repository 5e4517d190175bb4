"""Every cell of docs/dtypes.md in compiled code."""

from __future__ import annotations

import make_dtypes as page
import numpy as np
import pytest

import tinygrad_cv as tg
from tests.frontend.test_dtype_table import PAIRS, WITH_NUMBERS, of_one, of_two, ordered, with_number


def result(function, *operands):
    """What the operation gives; "error" where it is refused."""
    try:
        return function(*operands)
    except (tg.DTypeError, ValueError):
        return "error"


def cells(name, first, second):
    """Every cell of an operation, on tensors of each dtype: what it gives, and the dtype by the rules."""
    if name in page.UNARY:
        return [(result(page.UNARY[name], first[dtype]), of_one(name, dtype)) for dtype in page.DTYPES]
    function = page.BINARY[name]
    of_tensors = [(result(function, first[a], second[b]), of_two(name, a, b)) for a, b in PAIRS]
    of_arrays = [(result(function, first[a], np.full(1, 2, b)), of_two(name, a, b)) for a, b in PAIRS]
    of_numbers = [
        (result(function, *ordered(first[dtype], number, turned)), with_number(name, dtype, number, turned))
        for dtype, number, turned in WITH_NUMBERS
    ]
    return of_tensors + of_arrays + of_numbers


@pytest.mark.parametrize("name", [*page.BINARY, *page.UNARY])
def test_every_cell_compiled(name):
    """All cells of an operation as one function: dtypes by the rules, numbers as eager code has them."""
    tensors = [{dtype: tg.tensor(np.full(1, value, dtype)) for dtype in page.DTYPES} for value in (3, 2)]
    with np.errstate(all="ignore"):
        eager = cells(name, *tensors)
        compiled = tg.jit(lambda first, second: cells(name, first, second))(*tensors)
    for (found, rule), (wanted, _) in zip(compiled, eager, strict=True):
        assert rule == (found if isinstance(found, str) else str(found.dtype))
        if not isinstance(found, str):
            np.testing.assert_allclose(found.numpy(), wanted.numpy(), 1e-6 if rule != "float16" else 1e-3)

"""Operators and brackets with odd operands: an answer, an error of the package's, or Python's of an operator.

Python's own says both types and the operator. It stands where the other operand might have known what to do.
"""

from __future__ import annotations

import operator
import re

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.misuse.spoiling import shown
from tests.misuse.verdict import complaint

X = np.float32([[1, 2, 3], [4, 5, 6]])
BINARY = [
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
    *("eq", "ne", "lt", "le", "gt", "ge", "and_", "or_", "xor", "lshift", "rshift"),
]
INPLACE = ["iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow", "imatmul", "iand", "ior", "ixor"]
PYTHONS = re.compile(r"unsupported operand type|not supported between instances|can't concat|can only concatenate")
ODD = [
    *(object(), type, len, None, ..., slice(0, 1), {"a": 1}, {1, 2}, range(3), "abc", "", b"x"),
    *(1j, np.complex64(1j), 10**30, float("nan"), -1, 1.5, True, np.datetime64("2020"), np.str_("a")),
    *([1, "a"], [[1.0], [1.0, 2.0]], [], (), np.ones((4, 5)), np.ones(0), np.ones((2, 3), bool)),
    *(np.ones((2, 3), "complex64"), np.array(["a"]), np.array([object()]), np.array(["2020"], "datetime64[Y]")),
]
KEYS = [
    *(0, 5, -5, 10**30, -(10**30), 1.5, 1j, None, True, ..., "a", b"a", object(), type, {"a": 1}, {0}, range(2)),
    *(slice(0, 10), slice(None, None, -1), slice(1.5), slice("a"), slice(0, 2, 0), slice(None, None, "a")),
    *((), (0, 5), (0, 1, 2), (..., ...), (..., 0), (None, 0, None), (slice(None), [0, 5]), (slice(None),) * 5),
    *([], [0, 1], [0, 5], [0.5], [True], [True, False], [[0, 1], [1, 0]], ([0, 1], [0, 1, 2]), ([0], [[0]])),
    *(np.int64(1), np.float32(1), np.array("a"), np.array([1.5]), np.array([object()]), np.datetime64("2020")),
    *(np.ones(2, bool), np.ones((2, 3), bool), np.ones((3, 3), bool), tg.tensor([0, 1]), tg.ones(2, 3)),
    tg.tensor(X > 2),
]
VALUES = [1.0, "a", None, object(), 1j, 10**30, [1, 2, 3], [[1.0], [1.0, 2.0]], np.ones(7), np.ones((2, 3)), tg.ones(3)]


def of_the_package(call):
    """What is wrong with the error; empty if nothing is, or if it is Python's of an operator."""
    found = complaint(call, "", [""])
    return "" if PYTHONS.search(found) else found


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
@pytest.mark.parametrize("name", [*BINARY, *INPLACE])
def test_binary_operators(name, dtype):
    function, found = getattr(operator, name), []
    for odd in ODD:
        for swapped in (False, True):
            if swapped and name == "ior" and isinstance(odd, dict):
                continue  # it is dict.update
            operands = (odd, tg.tensor(X.astype(dtype)))
            problem = of_the_package(lambda o=operands, s=swapped: function(*(o if s else o[::-1])))
            found += [f"{shown(odd)} {'first' if swapped else 'second'}: {problem}"] if problem else []
    assert not found, "\n".join(found)


@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
def test_brackets(jit):
    def read(t, key):
        return t[key]

    found = []
    for key in KEYS:
        run = tg.jit(lambda t, key=key: read(t, key)) if jit else lambda t, key=key: read(t, key)
        problem = of_the_package(lambda run=run: run(tg.tensor(X)))
        found += [f"t[{shown(key)}]: {problem}"] if problem else []
    assert not found, "\n".join(found)


def test_brackets_that_are_set():
    found = []
    for key in KEYS:
        for value in VALUES:
            problem = of_the_package(lambda key=key, value=value: operator.setitem(tg.tensor(X), key, value))
            found += [f"t[{shown(key)}] = {shown(value)}: {problem}"] if problem else []
    assert not found, "\n".join(found)


@pytest.mark.any_python
def test_an_index_that_selects_nothing_is_told_with_the_shape():
    t = tg.tensor(X)
    with pytest.raises(IndexError, match=r"t\[\(0, 5\)\] = v of a tensor of shape \(2, 3\): index 5 is out of bounds"):
        t[0, 5] = 1.0
    with pytest.raises(IndexError, match=r"slice\(0, 2, 0\) of axis 0 with size 2: slice step cannot be zero"):
        t[0:2:0]
    assert (t.numpy() == X).all()

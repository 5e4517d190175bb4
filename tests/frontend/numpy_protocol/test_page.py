"""docs/numpy.md: up to date, whole, and right about which functions have a derivative."""

from __future__ import annotations

import re

import make_numpy as generator
import numpy as np
import pytest

import tinygrad_cv as tg
from tests.frontend.numpy_protocol.calls import CALLS, operands_of
from tests.frontend.numpy_protocol.inputs import FOUND, UFUNC, X, several
from tinygrad_cv.frontend.numpy_names import BY_VALUE, REFUSED
from tinygrad_cv.frontend.numpy_protocol.dispatch import FUNCTIONS, MOVES, UFUNCS, name_of

pytestmark = pytest.mark.any_python
LISTED = [
    name for row in re.findall(r"^\| (`.*?`) \|", generator.page(), re.M) for name in re.findall(r"`([^`]+)`", row)
]


def test_page_is_up_to_date():
    assert generator.main(["--check"]) == 0, "run: python docs/make_numpy.py"


def test_no_name_stands_twice():
    assert len(set(LISTED)) == len(LISTED), sorted(name for name in set(LISTED) if LISTED.count(name) > 1)


@pytest.mark.parametrize(("room", "prefix"), [(np, ""), (np.linalg, "linalg."), (np.fft, "fft.")])
def test_every_function_of_numpy_is_listed(room, prefix):
    """Whatever NumPy hands to other classes; of the main namespace every function, and every class but scalars."""
    names = {name for name in dir(room) if name[0] != "_" and callable(getattr(room, name))}
    handed = {n for n in names if isinstance(f := getattr(room, n), np.ufunc) or hasattr(f, "_implementation")}
    assert {
        name for name in handed if prefix + name not in LISTED and name_of(getattr(room, name)) not in LISTED
    } == set()
    if room is np and int(np.__version__.partition(".")[0]) >= 2:
        scalars = {n for n in np.__all__ if isinstance(t := getattr(np, n), type) and issubclass(t, (np.generic, bool))}
        others = {n for n in np.__all__ if callable(getattr(np, n)) and not n.startswith("__")} - scalars
        assert others <= set(LISTED)


def test_what_numpy_hands_over_is_of_one_kind():
    kinds = [{*FUNCTIONS, *MOVES, *UFUNCS}, {*BY_VALUE}, {*REFUSED}]
    names = {*FOUND, *UFUNC}
    assert names <= set.union(*kinds)
    assert not kinds[0] & kinds[1] and not kinds[0] & kinds[2] and not kinds[1] & kinds[2]


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", sorted({*CALLS, *UFUNCS} & {*FOUND, *UFUNC}))
def test_which_have_a_derivative(name):
    """What is called flat never has one; of the others some call has."""
    if name in CALLS:
        results = [call(FOUND[name], tg.tensor(X, requires_grad=True)) for call in CALLS[name]]
    else:
        given = [tg.tensor(a, requires_grad=a.dtype.kind == "f") for a in operands_of(name)]
        results = [UFUNC[name](*given)]
    found = any(getattr(y, "requires_grad", False) for result in results for y in several(result))
    assert found == (name not in generator.FLAT)

"""What NumPy's functions of tensors are not made for: an error of ours, with the function, the value and the rule."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.frontend.numpy_protocol.calls import CALLS
from tests.frontend.numpy_protocol.inputs import FOUND, X
from tinygrad_cv.frontend.numpy_protocol.dispatch import FUNCTIONS

pytestmark = pytest.mark.any_python
OURS = str(Path(tg.__file__).parent)
BAD = {  # of an argument by its name
    "axis": (7, -8, "rows", 1.5, (0, 0), (0, 9)),
    "axis1": (7, "rows"),
    "axis2": (-9, 0.5),
    "axisa": (7,),
    "source": (7, "rows"),
    "offset": ("one", 0.5),
    "k": ("one", 0.5),
    "shift": ("one", 0.5),
    "n": (-1, "two"),
    "num": (-1,),
    "ord": ("nuclear",),
    "kth": (99, 0.5, "first"),
    "q": (-0.5, 1e9, "half", np.nan),
    "method": ("mean",),
    "mode": ("other",),
    "side": ("middle",),
    "edge_order": (3,),
    "indexing": ("yx",),
    "shape": ((5, 5), (-7,), "wide", 2.5),
    "repeats": (-1, [1, 2], 0.5),
    "reps": (-1, "twice"),
    "axes": ((0, 7), "rows", (0, 0, 0)),
    "indices": (99, "first", 0.5),
    "indices_or_sections": (0, 7, "half", 2.5),
    "weights": (np.ones(17),),
    "decimals": ("two",),
    "m": (-1,),
}


def bad_calls():
    for name, calls in CALLS.items():
        if name not in FUNCTIONS or name not in FOUND:
            continue
        try:
            parameters = inspect.signature(FOUND[name]).parameters
        except ValueError:
            continue
        taken = getattr(FUNCTIONS[name], "parameters", None) or inspect.signature(FUNCTIONS[name]).parameters
        for key in parameters:
            number = (
                parameters[key].default is not inspect.Parameter.empty or key != "m"
            )  # m is also the name of arrays
            if key in taken and key in BAD and number and parameters[key].kind is not inspect.Parameter.POSITIONAL_ONLY:
                yield from (pytest.param(name, key, value, calls[0], id=f"{name}-{key}-{value}") for value in BAD[key])


def is_ours(error):
    """Raised in the package, and said there: no error of Python or NumPy that came through."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return last.filename.startswith(OURS) and (last.line or "").lstrip().startswith("raise")


@pytest.mark.parametrize("name, key, value, call", list(bad_calls()))
def test_an_argument_that_makes_no_sense_is_named(name, key, value, call):
    function = FOUND[name]
    place = list(inspect.signature(function).parameters).index(key)

    def replaced(*args, **kwargs):
        if place < len(args) and not (name == "gradient" and key != "f"):
            args = (*args[:place], value, *args[place + 1 :])
            return function(*args, **kwargs)
        return function(*args, **{**kwargs, key: value})

    try:
        result = call(replaced, tg.tensor(X))
    except Exception as error:
        assert is_ours(error) and type(error) is not TypeError, repr(error)
        assert str(error).strip()
    else:
        accepted = call(replaced, X)  # so does NumPy
        assert isinstance(result, (list, tuple)) or np.shape(accepted) == np.shape(result)

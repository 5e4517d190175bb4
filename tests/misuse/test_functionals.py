"""Every functional with one argument spoiled: it answers, or says by name what is wrong. No error from inside."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.agreement.row import Fixed
from tests.functional.agreement.table import rows
from tests.misuse.spoiling import shown, wrong_values
from tests.misuse.verdict import complaint

AVERAGES = ("running_mean", "running_var")


def bound(row):
    """The row's arguments by parameter; running averages are tensors, which training updates."""
    given = inspect.signature(getattr(F, row.name)).bind(*row.arguments, **row.options).arguments
    given = {key: value.array if isinstance(value, Fixed) else value for key, value in given.items()}
    return {key: tg.tensor(x) if key in AVERAGES and x is not None else x for key, x in given.items()}


def arrays(call):
    return sum(isinstance(value, (np.ndarray, tg.Tensor)) for value in call.values())


CALLS = {}  # of each functional the first that gives most of its arrays
for row in rows():
    call = bound(row)
    if row.name not in CALLS or arrays(call) > arrays(CALLS[row.name]):
        CALLS[row.name] = call


def test_every_functional_is_called():
    assert set(CALLS) == set(F.__all__)


@pytest.mark.parametrize("name", CALLS)
def test_one_wrong_argument(name):
    function, good = getattr(F, name), CALLS[name]
    parameters = inspect.signature(function).parameters
    function(**good)
    defaults = {key: p.default for key, p in parameters.items() if p.default is not p.empty}
    found = []
    for key, value in {**defaults, **good}.items():
        for wrong in wrong_values(value):
            problem = complaint(lambda wrong=wrong, key=key: function(**{**good, key: wrong}), name, parameters)
            found += [f"{name}({key}={shown(wrong)}): {problem}"] if problem else []
    assert not found, "\n".join(found)

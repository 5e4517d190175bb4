"""Creation, joining, seeds and optimizers with one argument spoiled: no error from inside."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.misuse.spoiling import shown, wrong_values
from tests.misuse.verdict import complaint
from tinygrad_cv import nn, optim

ANY = ("",)  # whatever the message says
X = tg.tensor(np.float32([[1, 2, 3], [4, 5, 6]]))
INIT = [name for name in vars(nn.init) if name.endswith("_") and name[0] != "_" and name not in ("default_", "dirac_")]
CALLS = {
    "arange": {"start": 1, "stop": 5, "step": 2},
    "linspace": {"start": 0.0, "stop": 1.0, "num": 5},
    "eye": {"n": 3, "m": 4},
    "randint": {"low": 0, "high": 5, "shape": (2,)},
    "manual_seed": {"seed": 3},
    "concatenate": {"tensors": [X, X]},
    "stack": {"tensors": [X, X]},
}
OPTIMIZERS = {
    name: getattr(optim, name)
    for name in optim.__all__
    if inspect.isclass(getattr(optim, name)) and issubclass(getattr(optim, name), optim.Optimizer)
}


@pytest.mark.parametrize("name", CALLS)
def test_functions(name):
    function, good = getattr(tg, name), CALLS[name]
    function(**good)
    found = []
    for key, value in good.items():
        for wrong in wrong_values(value):
            problem = complaint(lambda key=key, wrong=wrong: function(**{**good, key: wrong}), "", ANY)
            found += [f"{name}({key}={shown(wrong)}): {problem}"] if problem else []
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS.keys() - {"Optimizer"}))
def test_optimizers(name):
    make = OPTIMIZERS[name]
    parameters = inspect.signature(make).parameters
    weights = [nn.Parameter(tg.ones(2, 3))]
    words = [*parameters, "parameter", "parameters"]
    found = []
    for key, p in parameters.items():
        for wrong in wrong_values([1.0] if key == "params" else p.default):
            problem = complaint(lambda key=key, wrong=wrong: make(**{"params": weights, key: wrong}), name, words)
            found += [f"{name}({key}={shown(wrong)}): {problem}"] if problem else []
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", INIT)
def test_initialization(name):
    function = getattr(nn.init, name)
    parameters = inspect.signature(function).parameters
    given = {key: nn.Parameter(X) if key == "tensor" else 0.5 for key, p in parameters.items() if p.default is p.empty}
    function(**given)
    found = []
    for key, value in {**{key: p.default for key, p in parameters.items()}, **given}.items():
        for wrong in wrong_values(value) if key not in ("tensor", "val") else ():
            problem = complaint(lambda key=key, wrong=wrong: function(**{**given, key: wrong}), "", ANY)
            found += [f"{name}({key}={shown(wrong)}): {problem}"] if problem else []
    assert not found, "\n".join(found)

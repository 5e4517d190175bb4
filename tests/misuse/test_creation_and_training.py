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
    "tensor": {"data": X.numpy()},
    "asarray": {"data": X.numpy()},
    "full": {"shape": (2, 3), "value": 1.5},
    "zeros_like": {"other": X},
    "ones_like": {"other": X},
    "full_like": {"other": X, "value": 1.5},
    "where": {"condition": X > 2, "a": X, "b": 0.0},
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

# what each schedule needs besides an optimizer
SCHEDULES = {
    "ChainedScheduler": lambda o: {"schedulers": [optim.StepLR(o, 2)]},
    "ConstantLR": lambda o: {},
    "CosineAnnealingLR": lambda o: {"T_max": 5},
    "CosineAnnealingWarmRestarts": lambda o: {"T_0": 2},
    "CyclicLR": lambda o: {"base_lr": 0.1, "max_lr": 0.2},
    "ExponentialLR": lambda o: {"gamma": 0.9},
    "LambdaLR": lambda o: {"lr_lambda": lambda t: 0.5},
    "LinearLR": lambda o: {},
    "MultiplicativeLR": lambda o: {"lr_lambda": lambda t: 0.5},
    "MultiStepLR": lambda o: {"milestones": [1, 3]},
    "OneCycleLR": lambda o: {"max_lr": 0.2, "total_steps": 9},
    "PolynomialLR": lambda o: {},
    "ReduceLROnPlateau": lambda o: {},
    "SequentialLR": lambda o: {"schedulers": [optim.StepLR(o, 2), optim.StepLR(o, 3)], "milestones": [4]},
    "StepLR": lambda o: {"step_size": 2},
    "SWALR": lambda o: {"swa_lr": 0.1},
}


@pytest.mark.parametrize("name", CALLS)
def test_functions(name):
    function, good = getattr(tg, name), CALLS[name]
    function(**good)
    found = []
    for key, value in good.items():
        for wrong in wrong_values(value):
            problem = complaint(lambda key=key, wrong=wrong: function(**{**good, key: wrong}), name, ANY)
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


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(name):
    make = getattr(optim, name)
    parameters = inspect.signature(make).parameters

    def given():
        optimizer = optim.SGD([nn.Parameter(tg.ones(2, 3))], lr=0.1, momentum=0.9)
        return {"optimizer": optimizer, **SCHEDULES[name](optimizer)}

    make(**given())
    found = []
    for key, value in {**{key: p.default for key, p in parameters.items()}, **given()}.items():
        for wrong in wrong_values(value):
            problem = complaint(lambda key=key, wrong=wrong: make(**{**given(), key: wrong}), name, parameters)
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
        for wrong in wrong_values(value) if key != "tensor" else ():
            problem = complaint(lambda key=key, wrong=wrong: function(**{**given, key: wrong}), "", ANY)
            found += [f"{name}({key}={shown(wrong)}): {problem}"] if problem else []
    assert not found, "\n".join(found)

"""Every layer and loss with one argument of its constructor, or its input, spoiled: no error from inside."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.misuse.spoiling import shown, wrong_values
from tests.misuse.verdict import complaint
from tests.nn.losses import LOSSES, inputs
from tests.nn.test_layers_against_torch import LAYERS, OWN
from tests.nn.test_lazy import CASES as LAZY
from tinygrad_cv import nn

MADE = {}  # of each class the row that gives most arguments: the arguments, and arrays for a call


def enter(name, given, arrays):
    if name not in MADE or len(given) > len(MADE[name][0]):
        MADE[name] = given, arrays


def bound(name, args, kwargs):
    return dict(inspect.signature(getattr(nn, name)).bind(*args, **kwargs).arguments)


RNG = np.random.default_rng(7)
for name, args, kwargs, shape in [*LAYERS, *OWN]:
    if name != "Identity":  # it takes anything
        enter(name, bound(name, args, kwargs), [RNG.normal(size=shape).astype("f4")])
for name, kwargs, kind in LOSSES:
    arrays = [x.astype("f4") if x.dtype.kind == "f" else x for x in inputs(name, kind, RNG).values()]
    given = {key: np.ones(5, "f4") if key.endswith("weight") else value for key, value in kwargs.items()}
    enter(name, given, arrays)
for name, args, kwargs, _, shape in LAZY:
    enter(f"Lazy{name}", bound(f"Lazy{name}", args, kwargs), [RNG.normal(size=shape).astype("f4")])


WORDS = ("input", "axis", "dtype", "tensor")  # besides the names of parameters
WORDS += ("in_channels", "in_features", "num_features")  # of lazily sized layers


def made(name, given):
    return getattr(nn, name)(**given)


@pytest.mark.parametrize("name", MADE)
def test_one_wrong_argument(name):
    good, arrays = MADE[name]
    parameters = inspect.signature(getattr(nn, name)).parameters
    inner = [p for p in inspect.signature(getattr(nn, name).forward).parameters if p != "self"]
    made(name, good)(*map(tg.tensor, arrays))
    defaults = {key: p.default for key, p in parameters.items() if p.default is not p.empty}
    found = []
    for key, value in {**defaults, **good}.items():
        for wrong in wrong_values(value):

            def call(key=key, wrong=wrong):
                made(name, {**good, key: wrong})(*map(tg.tensor, arrays))

            problem = complaint(call, name.removeprefix("Lazy"), [*parameters, *inner, *WORDS])
            found += [f"{name}({key}={shown(wrong)}): {problem}"] if problem else []
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", MADE)
def test_one_wrong_input(name):
    good, arrays = MADE[name]
    inner = [p for p in inspect.signature(getattr(nn, name).forward).parameters if p != "self"]
    parameters = inspect.signature(getattr(nn, name)).parameters
    found = []
    for i, x in enumerate(arrays):
        for wrong in wrong_values(x):
            values = [*arrays[:i], wrong, *arrays[i + 1 :]]
            words = [*inner, *parameters, *WORDS]
            problem = complaint(lambda values=values: made(name, good)(*values), name.removeprefix("Lazy"), words)
            found += [f"{name}(...)({shown(wrong)}): {problem}"] if problem else []
    assert not found, "\n".join(found)

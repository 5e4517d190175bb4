"""Every layer and loss takes arrays, lists and foreign tensors, or says no; in eager and in compiled code alike."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.forms import assert_accepted_alike, assert_outcomes_alike
from tests.nn.losses import LOSSES, configured, inputs
from tests.nn.losses import OWN as OWN_LOSSES
from tests.nn.test_layers_against_torch import ELSEWHERE, IMAGE, LAYERS, OWN
from tinygrad_cv import nn

ROWS = {
    name: (args, kwargs, (4, 6, 5, 4) if shape is IMAGE else shape)
    for name, args, kwargs, shape in [*OWN, *LAYERS[::-1]]
}
ROWS["LayerNorm"] = ((4,), {}, (3, 4))
CALLS = {
    name: (kwargs, kind) for name, kwargs, kind in [*OWN_LOSSES, *LOSSES[::-1]]
}  # the rows of plain losses stand first


def row(name):
    """What makes the layer or the loss, and its arguments as arrays by their names."""
    rng = np.random.default_rng(0)
    if name in CALLS:
        kwargs, kind = CALLS[name]
        arrays = {key: single(x) for key, x in inputs(name, kind, rng).items()}
        return lambda: configured(name, kwargs, tg.ones(5), nn), arrays
    args, kwargs, shape = ROWS[name]
    tg.manual_seed(0)
    state = getattr(nn, name)(*args, **kwargs).state_dict()

    def make():
        layer = getattr(nn, name)(*args, **kwargs)
        layer.load_state_dict(state)
        return layer

    return make, {"x": single(rng.normal(size=shape))}


def single(x):
    return x.astype("float32") if x.dtype.kind == "f" else x


NAMES = [*ROWS, *CALLS]
pytestmark = pytest.mark.usefixtures("on_numpy")  # native code of the same functions: tests/functional


@pytest.mark.any_python
def test_every_layer_and_loss_has_a_row():
    classes = {name for name in nn.__all__ if inspect.isclass(getattr(nn, name))}
    layers = {name for name in classes if issubclass(getattr(nn, name), nn.Module)}
    containers = {"ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"}
    assert layers - set(NAMES) == {"Module", *containers, *ELSEWHERE}


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_and_loss(name):
    make, arrays = row(name)
    assert_accepted_alike(make, lambda form: {key: form(x) for key, x in arrays.items()})


@pytest.mark.parametrize("name", NAMES)
def test_what_may_be_refused_is_refused_alike(name):
    make, arrays = row(name)
    for key, value in arrays.items():
        assert_outcomes_alike(make, lambda form, key=key, value=value: {**arrays, key: form(value)})


@pytest.mark.any_python
@pytest.mark.parametrize("name", ROWS)
def test_what_is_no_tensor_is_refused(name):
    with pytest.raises(tg.DTypeError):
        row(name)[0]()("abc")

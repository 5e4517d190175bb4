"""Every layer and loss takes arrays, lists and foreign tensors, in eager and in compiled code alike."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.nn.test_layers_against_torch import IMAGE, LAYERS
from tinygrad_cv import nn

ROWS = {name: (args, kwargs, shape) for name, args, kwargs, shape in reversed(LAYERS)}
LOSSES = [name for name in nn.__all__ if name.endswith("Loss")]
OTHERS = {"GlobalAvgPool2d": ((), {}, IMAGE)}


def foreign(array):
    return pytest.importorskip("torch").from_numpy(array.copy())


FORMS = {"array": np.array, "list": np.ndarray.tolist, "torch": foreign}


def test_every_layer_has_a_row():
    layers = {
        name
        for name in nn.__all__
        if inspect.isclass(getattr(nn, name)) and issubclass(getattr(nn, name), nn.Module) and not name.endswith("Loss")
    }
    assert layers - set(ROWS) - set(OTHERS) == {"Module", "ModuleList", "Sequential"}


@pytest.mark.parametrize("name", [*ROWS, *OTHERS])
def test_every_layer(name):
    args, kwargs, shape = {**ROWS, **OTHERS}[name]
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer = getattr(nn, name)(*args, **kwargs)
    expected = layer(tg.tensor(x)).numpy()
    for form in FORMS.values():
        found = layer(form(x))
        assert isinstance(found, tg.Tensor)
        np.testing.assert_array_equal(found.numpy(), expected)
    if name in ("BatchNorm2d", "Conv2d", "Flatten", "Identity", "Linear"):
        for form in (np.array, foreign):
            np.testing.assert_allclose(tg.jit(layer)(form(x)).numpy(), expected, 1e-5, 1e-5)


@pytest.mark.quick
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss(name):
    x = np.float32([[0.5, 0.25], [1.0, -1.0], [2.0, 0.0]])
    target = np.array([0, 1, 1]) if name in ("CrossEntropyLoss", "NLLLoss") else np.float32(x > 0)
    loss = getattr(nn, name)()
    for form in FORMS.values():
        assert loss(form(x), form(target)).item() == loss(tg.tensor(x), tg.tensor(target)).item()


@pytest.mark.quick
@pytest.mark.parametrize("name", [*ROWS, *OTHERS])
def test_what_is_no_tensor_is_refused(name):
    args, kwargs, _ = {**ROWS, **OTHERS}[name]
    with pytest.raises(tg.DTypeError):
        getattr(nn, name)(*args, **kwargs)("abc")

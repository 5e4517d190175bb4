"""An update is made of tensor operations alone: it runs where only shapes and dtypes are known."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn, optim
from tinygrad_cv.core.context import eager, using
from tinygrad_cv.core.primitive import Aval

pytestmark = pytest.mark.quick

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p),
    "momentum": lambda p: optim.SGD(p, momentum=0.9, weight_decay=0.1, nesterov=True),
    "dampening": lambda p: optim.SGD(p, momentum=0.9, dampening=0.5),
    "Adam": lambda p: optim.Adam(p, weight_decay=0.1),
    "AdamW": lambda p: optim.AdamW(p, amsgrad=True),
    "NAdam": lambda p: optim.NAdam(p),
    "RAdam": lambda p: optim.RAdam(p, weight_decay=0.1, decoupled_weight_decay=True),
    "Adamax": lambda p: optim.Adamax(p),
    "Adagrad": lambda p: optim.Adagrad(p, lr_decay=0.1),
    "Adadelta": lambda p: optim.Adadelta(p, maximize=True),
    "Adafactor": lambda p: optim.Adafactor(p, weight_decay=0.1),
    "ASGD": lambda p: optim.ASGD(p, t0=1.0),
    "RMSprop": lambda p: optim.RMSprop(p, momentum=0.9, centered=True),
    "Rprop": lambda p: optim.Rprop(p),
    "Lion": lambda p: optim.Lion(p, weight_decay=0.1),
    "LARS": lambda p: optim.LARS(p, weight_decay=0.1),
    "Muon": lambda p: optim.Muon([p.weight]),
}


class Unknown(Aval):
    """Shape and dtype in the place of an array."""

    ndim = property(lambda self: len(self.shape))


def shapes_only(primitive, values, params):
    """An interpreter that knows no values."""
    return Unknown(*primitive.aval(*(Aval(value.shape, value.dtype) for value in values), **params))


def gradients(net):
    rng = np.random.default_rng(0)
    for p in net.parameters():
        p.grad = tg.tensor(rng.normal(size=p.shape).astype(np.float32))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_value_is_read(name):
    net = nn.Linear(3, 2)
    optimizer = OPTIMIZERS[name](net)
    gradients(net)
    with using(interpret=shapes_only):
        for _ in range(2):
            optimizer.step()
    for p in optimizer.param_groups[0]["params"]:
        assert type(p.value) is Unknown and p.value.dtype == np.float32
    for slots in optimizer.state.values():
        assert all(type(tensor.value) is Unknown for tensor in slots.values())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_new_value_comes_from_an_operation(name):
    made = []

    def watching(primitive, values, params):
        made.append(eager(primitive, values, params))
        return made[-1]

    net = nn.Linear(3, 2)
    optimizer = OPTIMIZERS[name](net)
    gradients(net)
    with using(interpret=watching):
        optimizer.step()
        steps = len(made)
        optimizer.step()
    assert len(made) == 2 * steps  # every step is the same computation, the first too
    values = {id(value) for value in made}
    assert all(id(p.value) in values for p in optimizer.param_groups[0]["params"])
    assert all(id(tensor.value) in values for slots in optimizer.state.values() for tensor in slots.values())

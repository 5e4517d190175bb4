"""Updates as native code: the values of eager code, one loop for each parameter, nothing left to NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn, optim

pytest.importorskip("llvmlite")

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "dampening": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5, maximize=True),
    "Adam": lambda p: optim.Adam(p, lr=0.1, weight_decay=0.1),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1, amsgrad=True),
    "NAdam": lambda p: optim.NAdam(p, lr=0.1),
    "RAdam": lambda p: optim.RAdam(p, lr=0.1, betas=(0.9, 0.9)),
    "Adamax": lambda p: optim.Adamax(p, lr=0.1),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1),
    "Adadelta": lambda p: optim.Adadelta(p),
    "Adafactor": lambda p: optim.Adafactor(p, lr=0.1),
    "ASGD": lambda p: optim.ASGD(p, lr=0.1, t0=4.0),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.1, momentum=0.9, centered=True, eps=1e-2),
    "Rprop": lambda p: optim.Rprop(p, lr=0.1),
    "Lion": lambda p: optim.Lion(p, lr=0.1, weight_decay=0.1),
    "LARS": lambda p: optim.LARS(p, lr=0.1, trust_coefficient=0.1),
    "Muon": lambda p: optim.Muon(p, lr=0.1),
}
SHAPES = [(40, 30), (60, 20)]


def run(name, jit):
    """Parameters after some steps in which schedules would change the settings, and the step."""
    rng = np.random.default_rng(0)
    parameters = [nn.Parameter(rng.normal(size=shape).astype(np.float32)) for shape in SHAPES]
    optimizer = OPTIMIZERS[name](parameters)
    step = tg.jit(optimizer.step) if jit else optimizer.step
    for t in range(10):
        for p in parameters:
            p.grad = tg.tensor(rng.normal(size=p.shape).astype(np.float32))
        step()
        group = optimizer.param_groups[0]
        group["lr"] *= 0.9
        if group.get("momentum"):
            group["momentum"] = 0.9 - 0.01 * t
        if "betas" in group:
            group["betas"] = 0.9 - 0.01 * t, 0.95 - 0.001 * t
    return parameters, step


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_compiled_update_is_the_eager_one(name):
    (eager, _), (compiled, step) = run(name, False), run(name, True)
    tolerance = 2e-5 if name == "Muon" else 2e-6  # it multiplies matrices, in another order
    for p, q in zip(eager, compiled, strict=True):
        np.testing.assert_allclose(q.detach().numpy(), p.detach().numpy(), rtol=tolerance, atol=tolerance)
    assert step.explain().count("traced because") == 1 and "NumPy" not in step.explain(), step.explain()
    loops = [kernel for kernel in step.kernels() if kernel.bytes > 1000]
    if name not in ("Adafactor", "LARS", "Muon"):  # these need norms, and products of matrices
        assert len(loops) == len(SHAPES), step.kernels()

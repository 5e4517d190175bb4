"""Optimizers that PyTorch has not, against their papers' formulas in NumPy; and Muon, with and without bfloat16."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn, optim

SHAPES = [(4, 3), (5,), ()]


def lion(settings):
    """Chen et al. (2023), program 1."""
    lr, (beta1, beta2), decay = settings["lr"], settings["betas"], settings["weight_decay"]

    def update(w, g, m):
        step = np.sign(beta1 * m + (1 - beta1) * g) + decay * w
        return w - lr * step, beta2 * m + (1 - beta2) * g

    return update


def lars(settings):
    """You, Gitman and Ginsburg (2017), algorithm 1."""
    lr, momentum, decay, trust = (settings[key] for key in ("lr", "momentum", "weight_decay", "trust_coefficient"))

    def update(w, g, v):
        size, slope = np.sqrt((w**2).sum()), np.sqrt((g**2).sum())
        local = trust * size / (slope + decay * size) if trust is not None and size > 0 and slope > 0 else 1.0
        v = momentum * v + lr * local * (g + decay * w)
        return w - v, v

    return update


FORMULAS = [
    ("Lion", lion, {"lr": 1e-4, "betas": (0.9, 0.99), "weight_decay": 0.0}),
    ("Lion", lion, {"lr": 0.1, "betas": (0.5, 0.8), "weight_decay": 0.1}),
    ("LARS", lars, {"lr": 1e-3, "momentum": 0.9, "weight_decay": 0.0, "trust_coefficient": 1e-3}),
    ("LARS", lars, {"lr": 0.5, "momentum": 0.0, "weight_decay": 0.1, "trust_coefficient": 0.02}),
    ("LARS", lars, {"lr": 0.5, "momentum": 0.5, "weight_decay": 0.1, "trust_coefficient": None}),
]


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, formula, settings", FORMULAS, ids=[f"{n}-{s}".replace(" ", "") for n, _, s in FORMULAS])
def test_every_step_is_the_papers(name, formula, settings, dtype, jit):
    """The first row has the defaults. One parameter begins at 0, one has no gradient in some steps, or one of 0."""
    rng = np.random.default_rng(0)
    wanted = [rng.normal(size=shape) for shape in SHAPES]
    wanted[1][:] = 0.0
    parameters = [nn.Parameter(w.astype(dtype)) for w in wanted]
    wanted = [p.numpy().astype(np.float64) for p in parameters]
    slots = [np.zeros(shape) for shape in SHAPES]
    first = settings is FORMULAS[0][2] or settings is FORMULAS[2][2]
    optimizer = getattr(optim, name)(parameters, **({} if first else settings))
    update, step = formula(settings), tg.jit(optimizer.step) if jit else optimizer.step
    for t in range(20):
        for i, p in enumerate(parameters):
            g = rng.normal(size=SHAPES[i]) * (t != 9)
            p.grad = None if i == 0 and t in (0, 5) else tg.tensor(np.asarray(g, dtype))
            if p.grad is not None:
                wanted[i], slots[i] = update(wanted[i], p.grad.numpy().astype(np.float64), slots[i])
        step()
        for p, w in zip(parameters, wanted, strict=True):
            tolerance = {"float32": 2e-6, "float64": 1e-14}[dtype]
            assert p.dtype == dtype
            np.testing.assert_allclose(p.detach().numpy(), w, rtol=tolerance, atol=tolerance)


def test_lars_of_large_gradients_does_not_overflow():
    w = nn.Parameter(np.array([3.0, 4.0], np.float32))
    w.grad = tg.tensor([3e30, 4e30])
    optim.LARS([w], lr=1.0, trust_coefficient=0.1).step()
    np.testing.assert_allclose(w.detach().numpy(), [2.7, 3.6], rtol=1e-6)


MUON = [
    {},
    {"lr": 0.1, "weight_decay": 0.0, "momentum": 0.5, "nesterov": False, "eps": 1e-3},
    {"lr": 0.1, "ns_coefficients": (2.0, -1.5, 0.5), "ns_steps": 7, "adjust_lr_fn": "match_rms_adamw"},
    {"lr": 0.1, "ns_steps": 0, "adjust_lr_fn": "original"},
]


def muons(torch, settings, dtype):
    """Ours and PyTorch's after each of 20 steps of random gradients, one parameter without in some."""
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(dtype) for shape in ((4, 7), (9, 3), (5, 5))]
    ours = [nn.Parameter(a) for a in arrays]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in arrays]
    mine, reference = optim.Muon(ours, **settings), torch.optim.Muon(theirs, **settings)
    for t in range(20):
        for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
            g = rng.normal(size=p.shape).astype(dtype)
            p.grad, q.grad = (None, None) if i == 0 and t in (0, 5) else (tg.tensor(g), torch.tensor(g))
        mine.step(), reference.step()
        yield from zip(ours, theirs, strict=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("settings", MUON, ids=str)
def test_muon_is_pytorchs_but_for_bfloat16(torch, monkeypatch, settings, dtype):
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    tolerance = {"float32": 5e-5, "float64": 1e-12}[dtype]  # the iteration multiplies small singular values by 3.4
    for p, q in muons(torch, settings, dtype):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=tolerance, atol=tolerance)


def test_muon_is_pytorchs_within_bfloat16(torch):
    for p, q in muons(torch, {"lr": 0.01}, "float32"):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), atol=20 * 0.01 * 2**-6)

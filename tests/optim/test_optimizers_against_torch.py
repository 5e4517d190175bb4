"""Every optimizer, and clipping, against PyTorch's, step by step, with random gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn, optim

SHAPES = [(4, 3), (5,), (2, 3, 3, 3), ()]
STEPS = 20
MISSED = {0: (1,), 5: (1,), 6: (1,), 9: (2,)}  # the parameters without gradient

ADAMS = ("Adam", "AdamW", "NAdam", "RAdam")
DECOUPLING = ("Adam", "NAdam", "RAdam")
OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.05, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "dampening": 0.3}),
    *((name, {}) for name in ADAMS),
    *((name, {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}) for name in ADAMS),
    *((name, {"lr": 0.1, "amsgrad": True, "maximize": True}) for name in ADAMS[:2]),
    *((name, {"weight_decay": 0.3, "decoupled_weight_decay": True, "maximize": True}) for name in DECOUPLING),
    ("NAdam", {"momentum_decay": 0.1}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3}),
    ("Adagrad", {"maximize": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-2, "weight_decay": 0.1, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.1, "alpha": 0.8, "eps": 1e-2, "weight_decay": 0.1, "maximize": True}),
    ("RMSprop", {"momentum": 0.9, "centered": True, "eps": 1e-2}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 4, "weight_decay": 0.1, "maximize": True}),
    ("Adafactor", {}),
    (
        "Adafactor",
        {"lr": 0.3, "beta2_decay": -0.5, "eps": (1e-2, 0.5), "d": 1.5, "weight_decay": 0.1, "maximize": True},
    ),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.3, "etas": (0.3, 1.5), "step_sizes": (0.1, 0.5), "maximize": True}),
]


def pair(torch, dtype, seed=0):
    """The same parameters for both libraries."""
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    return [nn.Parameter(a) for a in arrays], [torch.nn.Parameter(torch.tensor(a)) for a in arrays], rng


def set_gradients(torch, ours, theirs, rng, skip=()):
    for i, (p, q) in enumerate(zip(ours, theirs, strict=True)):
        g = rng.normal(size=p.shape).astype(p.dtype)
        p.grad, q.grad = (None, None) if i in skip else (tg.tensor(g), torch.tensor(g))


def compare(ours, theirs, dtype):
    tolerance = {"float32": 2e-6, "float64": 1e-14}[dtype]
    for p, q in zip(ours, theirs, strict=True):
        assert str(p.dtype) == dtype and p.requires_grad and p.is_leaf
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=tolerance, atol=tolerance)


def cycle(group, step):
    """Change what schedules change: from now on the rate falls, and momentum moves up and down."""
    group["lr"] *= 0.97
    if group.get("momentum"):
        group["momentum"] = 0.9 - 0.02 * (step % 3)
    if "betas" in group:
        group["betas"] = (0.9 - 0.02 * (step % 3), group["betas"][1])


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, settings", OPTIMIZERS, ids=[f"{n}-{s}".replace(" ", "") for n, s in OPTIMIZERS])
def test_every_step_is_pytorchs(torch, request, name, settings, dtype, jit):
    """Parameters without gradient are skipped, with their state, in MISSED steps.

    A compiled step is traced for each set of parameters with gradients and state, and for nothing else.
    """
    if dtype == "float64":  # PyTorch keeps NAdam's product of momenta in the default dtype
        request.getfixturevalue("in_float64")
    ours, theirs, rng = pair(torch, dtype)
    mine, reference = getattr(optim, name)(ours, **settings), getattr(torch.optim, name)(theirs, **settings)
    step = tg.jit(mine.step) if jit else mine.step
    for t in range(STEPS):
        set_gradients(torch, ours, theirs, rng, skip=MISSED.get(t, ()))
        step(), reference.step()
        compare(ours, theirs, dtype)
        if t >= STEPS // 2:
            cycle(mine.param_groups[0], t), cycle(reference.param_groups[0], t)
    if jit:  # at steps 0, 1, 5 and 9; and at 10, where there are counts of updates that are no longer shared
        counts = mine.scalars.keys() == {"started"} or not mine.scalars
        assert step.explain().count("traced because") == (4 if counts else 5), step.explain()


def test_groups_have_their_own_settings(torch):
    ours, theirs, rng = pair(torch, "float64")
    split = lambda p: [{"params": p[:2], "lr": 0.5, "betas": (0.5, 0.5)}, {"params": p[2:]}]  # noqa: E731
    mine, reference = optim.Adam(split(ours), lr=0.1), torch.optim.Adam(split(theirs), lr=0.1)
    for _ in range(STEPS):
        set_gradients(torch, ours, theirs, rng)
        mine.step(), reference.step()
        compare(ours, theirs, "float64")


@pytest.mark.parametrize("name, settings", OPTIMIZERS, ids=[f"{n}-{s}".replace(" ", "") for n, s in OPTIMIZERS])
def test_saved_and_loaded_in_between(torch, in_float64, name, settings):
    """After each step the state goes into an optimizer with other settings."""
    ours, theirs, rng = pair(torch, "float64")
    mine, reference = getattr(optim, name)(ours, **settings), getattr(torch.optim, name)(theirs, **settings)
    for step in range(STEPS):
        set_gradients(torch, ours, theirs, rng, skip=(1,) if step == 0 else ())
        mine.step(), reference.step()
        saved = mine.state_dict()
        mine = getattr(optim, name)(ours, lr=77.0)
        mine.load_state_dict(saved)
        compare(ours, theirs, "float64")


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, math.inf])
@pytest.mark.parametrize("max_norm", [0.5, 1e3])
def test_clipping_by_norm(torch, norm_type, max_norm):
    ours, theirs, rng = pair(torch, "float64")
    set_gradients(torch, ours, theirs, rng, skip=(1,))
    norm = optim.clip_grad_norm_(ours, max_norm, norm_type)
    wanted = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    np.testing.assert_allclose(norm.item(), wanted.item(), rtol=1e-13)
    for p, q in zip(ours, theirs, strict=True):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-13)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_clipping_what_is_not_finite_where_it_is_no_error(torch, value):
    ours, theirs, rng = pair(torch, "float64")
    set_gradients(torch, ours, theirs, rng)
    ours[0].grad = tg.tensor(np.full((4, 3), value))
    theirs[0].grad = torch.full((4, 3), value, dtype=torch.float64)
    norm = optim.clip_grad_norm_(ours, 1.0, error_if_nonfinite=False)
    np.testing.assert_equal(norm.item(), torch.nn.utils.clip_grad_norm_(theirs, 1.0).item())
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())


@pytest.mark.parametrize("norm_type", [2.0, 1.0, math.inf])
def test_a_norm_and_clipping_with_it(torch, norm_type):
    ours, theirs, rng = pair(torch, "float64")
    set_gradients(torch, ours, theirs, rng, skip=(1,))
    norm = optim.get_total_norm([p.grad for p in ours if p.grad is not None], norm_type)
    wanted = torch.nn.utils.get_total_norm([p.grad for p in theirs if p.grad is not None], norm_type)
    np.testing.assert_allclose(norm.item(), wanted.item(), rtol=1e-13)
    optim.clip_grads_with_norm_(ours, 0.5, norm), torch.nn.utils.clip_grads_with_norm_(theirs, 0.5, wanted)
    for p, q in zip(ours, theirs, strict=True):
        if p.grad is not None:
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-13)


def test_clipping_by_value(torch):
    ours, theirs, rng = pair(torch, "float32")
    set_gradients(torch, ours, theirs, rng)
    optim.clip_grad_value_(ours, 0.3), torch.nn.utils.clip_grad_value_(theirs, 0.3)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())

"""Every schedule against PyTorch's, step by step: rates, momenta, and what optimizers make of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.optim.test_optimizers_against_torch import pair, set_gradients
from tinygrad_cv import optim


def momenta(group):
    return group["betas"][0] if "betas" in group else group.get("momentum")


def odd(t):
    return 1.0 / (1 + t % 7)


SCHEDULES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.9}),
    ("MultiStepLR", {"milestones": [2, 5, 5, 9], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("PolynomialLR", {"total_iters": 60, "power": 0.9}),
    ("PolynomialLR", {}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 30}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.1, "total_iters": 8}),
    ("CosineAnnealingLR", {"T_max": 8}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 7}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 100}),
    ("OneCycleLR", {"max_lr": [0.5, 1.0], "epochs": 10, "steps_per_epoch": 10, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 101, "three_phase": True, "pct_start": 0.25, "max_momentum": 0.99}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 10}),
    ("CyclicLR", {"base_lr": [0.1, 0.2], "max_lr": 0.5, "step_size_up": 5, "step_size_down": 9, "mode": "triangular2"}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 7, "mode": "exp_range", "gamma": 0.95}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 7, "scale_fn": odd, "scale_mode": "iterations"}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 7, "scale_fn": odd, "cycle_momentum": False}),
    ("LambdaLR", {"lr_lambda": odd}),
    ("LambdaLR", {"lr_lambda": [odd, lambda t: 0.95**t]}),
    ("MultiplicativeLR", {"lr_lambda": lambda t: 0.9 + 0.01 * (t % 3)}),
    ("SWALR", {"swa_lr": 0.05}),
    ("SWALR", {"swa_lr": [0.05, 0.5], "anneal_epochs": 30, "anneal_strategy": "linear"}),
    ("SWALR", {"swa_lr": 0.05, "anneal_epochs": 0}),
]


def composed(library, optimizer, name):
    """Schedules that are made of schedules, or that work on the same rates side by side: those that step."""
    make = library if library is optim else library.lr_scheduler
    swalr = optim.SWALR if library is optim else library.swa_utils.SWALR
    if name == "warm-up":
        parts = [make.LinearLR(optimizer, 0.1, total_iters=10), make.CosineAnnealingLR(optimizer, 90, 0.01)]
        return [make.SequentialLR(optimizer, parts, milestones=[10])]
    if name == "three in a row":
        parts = [make.ConstantLR(optimizer, 0.5, 5), make.ExponentialLR(optimizer, 0.9), make.StepLR(optimizer, 4)]
        return [make.SequentialLR(optimizer, parts, milestones=[12, 40])]
    if name == "cycles in a row":
        cycle = make.CyclicLR(optimizer, 0.1, 0.5, 5)
        return [make.SequentialLR(optimizer, [make.CosineAnnealingWarmRestarts(optimizer, 9), cycle], milestones=[20])]
    if name == "chained":
        parts = [make.ConstantLR(optimizer, 0.1, 2), make.ExponentialLR(optimizer, 0.97)]
        return [make.ChainedScheduler([*parts, make.CosineAnnealingLR(optimizer, 20, 0.001)], optimizer)]
    if name == "side by side":
        return [make.LinearLR(optimizer, total_iters=20), make.MultiStepLR(optimizer, [5, 30], 0.3)]
    assert name == "averaging after a schedule"
    return [make.MultiplicativeLR(optimizer, lambda t: 0.97), swalr(optimizer, 0.05, 20)]


COMPOSED = ["warm-up", "three in a row", "cycles in a row", "chained", "side by side", "averaging after a schedule"]


@pytest.mark.usefixtures("on_numpy")
@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize(
    "name, settings",
    [*SCHEDULES, *((name, None) for name in COMPOSED)],
    ids=[*(f"{name}-{'-'.join(settings)}" for name, settings in SCHEDULES), *COMPOSED],
)
def test_a_hundred_steps_of_every_schedule(torch, name, settings, optimizer, jit):
    """Rates and momenta of both groups, and the parameters; a compiled step that also steps is traced once."""

    def make(library, parameters):
        groups = [{"params": parameters[:1], "lr": 0.3}, {"params": parameters[1:]}]
        options = {"momentum": 0.9} if optimizer == "SGD" else {}
        made = getattr(library, optimizer)(groups, lr=0.1, **options)
        if settings is None:
            return made, composed(library, made, name)
        place = library if library is optim else library.swa_utils if name == "SWALR" else library.lr_scheduler
        return made, [getattr(place, name)(made, **settings)]

    ours, theirs, rng = pair(torch, "float64")
    mine, schedules = make(optim, ours)
    reference, wanted = make(torch.optim, theirs)

    def step():
        mine.step()
        for schedule in schedules:
            schedule.step()

    run = tg.jit(step) if jit else step
    for _ in range(100 if not name.startswith("OneCycle") else 99):
        for group, other in zip(mine.param_groups, reference.param_groups, strict=True):
            np.testing.assert_allclose(group["lr"], other["lr"], rtol=1e-11, atol=1e-16)
            np.testing.assert_allclose(momenta(group), momenta(other), rtol=1e-13)
        assert schedules[0].get_last_lr() == [group["lr"] for group in mine.param_groups]
        set_gradients(torch, ours, theirs, rng)
        run(), reference.step()
        for schedule in wanted:
            schedule.step()
    np.testing.assert_allclose(ours[0].detach().numpy(), theirs[0].detach().numpy(), rtol=1e-11)
    if jit:
        assert run.explain().count("traced because") == 1, run.explain()


PLATEAUS = [
    {},
    {"patience": 3, "factor": 0.5, "threshold": 0.1},
    {"mode": "max", "patience": 2, "cooldown": 4, "min_lr": [0.01, 0.02]},
    {"mode": "min", "patience": 0, "threshold_mode": "abs", "threshold": 0.3, "eps": 1e-3},
    {"mode": "max", "patience": 1, "threshold_mode": "abs", "threshold": 0.3, "min_lr": 0.001},
]


@pytest.mark.parametrize("settings", PLATEAUS, ids=str)
def test_a_hundred_epochs_with_plateaus(torch, settings):
    ours, theirs, rng = pair(torch, "float32")
    split = lambda p: [{"params": p[:1], "lr": 0.3}, {"params": p[1:]}]  # noqa: E731
    mine, reference = optim.SGD(split(ours), lr=0.1), torch.optim.SGD(split(theirs), lr=0.1)
    schedule = optim.ReduceLROnPlateau(mine, **settings)
    wanted = torch.optim.lr_scheduler.ReduceLROnPlateau(reference, **settings)
    for t in range(100):
        metric = math.nan if t == 40 else float(rng.normal() + 3.0 / (1 + t))
        schedule.step(tg.tensor(metric, "float64") if t % 2 else metric), wanted.step(metric)
        assert schedule.get_last_lr() == pytest.approx(wanted.get_last_lr(), rel=1e-13)
        for key in ("best", "num_bad_epochs", "cooldown_counter", "last_epoch"):
            assert getattr(schedule, key) == getattr(wanted, key), key


@pytest.mark.parametrize("T_mult", [1, 2, 3])
def test_warm_restarts_within_epochs(torch, T_mult):
    ours, theirs, _ = pair(torch, "float32")
    mine, reference = optim.SGD(ours, lr=0.1), torch.optim.SGD(theirs, lr=0.1)
    schedule = optim.CosineAnnealingWarmRestarts(mine, 3, T_mult)
    wanted = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(reference, 3, T_mult)
    for i in range(100):
        epoch = None if i % 10 == 9 else 0.13 * i
        schedule.step(epoch), wanted.step(epoch)
        assert schedule.last_epoch == wanted.last_epoch
        np.testing.assert_allclose(mine.lr, reference.param_groups[0]["lr"], rtol=1e-10, atol=1e-16)

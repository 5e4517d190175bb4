"""Schedules: their formulas, how they combine, saving, errors."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import TraceError, optim

pytestmark = pytest.mark.any_python


def sgd(lr=1.0, momentum=0.0):
    return optim.SGD([tg.zeros(1, requires_grad=True)], lr=lr, momentum=momentum)


def run(schedule, count):
    rates = []
    for _ in range(count):
        rates += schedule.get_last_lr()
        schedule.step()
    return rates


def test_rates_by_their_formulas():
    assert run(optim.StepLR(sgd(), 2, gamma=0.5), 6) == [1, 1, 0.5, 0.5, 0.25, 0.25]
    assert run(optim.MultiStepLR(sgd(), [3, 1], gamma=0.5), 5) == [1, 0.5, 0.5, 0.25, 0.25]
    cosine = run(optim.CosineAnnealingLR(sgd(), 4, eta_min=0.2), 5)
    assert cosine == pytest.approx([0.2 + 0.4 * (1 + math.cos(math.pi * t / 4)) for t in range(5)])


def test_a_thousand_periods_gather_no_rounding_errors():
    rates = run(optim.CosineAnnealingLR(sgd(0.3), 10, eta_min=0.1), 20_001)
    assert rates[20_000] == 0.3 and rates[19_990] == 0.1


def test_a_second_schedule_works_on_the_rate_that_is_there():
    optimizer = sgd(0.8)
    run(optim.StepLR(optimizer, 1, gamma=0.5), 2)
    assert optim.StepLR(optimizer, 5).get_last_lr() == [0.2]
    assert optim.LinearLR(optimizer, 0.5).get_last_lr() == [0.1]


def test_a_rate_that_was_changed_by_hand_is_kept():
    optimizer = sgd()
    schedule = optim.StepLR(optimizer, 2, gamma=0.5)
    run(schedule, 1)
    optimizer.lr = 0.3
    assert run(schedule, 4) == [0.3, 0.15, 0.15, 0.075]


def test_sequences_and_chains_may_be_nested():
    optimizer = sgd()
    chain = optim.ChainedScheduler([optim.ConstantLR(optimizer, 0.5, 2), optim.ExponentialLR(optimizer, 0.5)])
    schedule = optim.SequentialLR(optimizer, [optim.StepLR(optimizer, 1), chain], milestones=[2])
    assert run(schedule, 6) == pytest.approx([1, 0.1, 0.5, 0.25, 0.25, 0.125])


SIMPLE = {
    "StepLR": {"step_size": 2},
    "LinearLR": {"total_iters": 6},
    "CosineAnnealingLR": {"T_max": 7, "eta_min": 0.01},
    "LambdaLR": {"lr_lambda": lambda t: 0.9**t},
    "MultiplicativeLR": {"lr_lambda": lambda t: 0.9},
    "CosineAnnealingWarmRestarts": {"T_0": 3, "T_mult": 2},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 20},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 3},
    "SWALR": {"swa_lr": 0.01},
}
MAKERS = {
    **{name: partial(getattr(optim, name), **settings) for name, settings in SIMPLE.items()},
    "SequentialLR": lambda o: optim.SequentialLR(o, [optim.LinearLR(o, total_iters=3), optim.StepLR(o, 2)], [3]),
    "ChainedScheduler": lambda o: optim.ChainedScheduler([optim.ConstantLR(o), optim.ExponentialLR(o, 0.9)]),
}


def settings(optimizer):
    return [(group["lr"], group["momentum"]) for group in optimizer.param_groups]


@pytest.mark.parametrize("optimizers_state", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_saved_and_loaded(name, optimizers_state):
    """Also where the optimizer's state is not: the rates come with the schedule."""
    optimizer, other_optimizer = sgd(0.3, 0.9), sgd(0.3, 0.9)
    schedule, other = MAKERS[name](optimizer), MAKERS[name](other_optimizer)
    run(schedule, 4)
    optimizer.lr = 0.7 * optimizer.lr
    if optimizers_state:
        other_optimizer.load_state_dict(optimizer.state_dict())
    other.load_state_dict(schedule.state_dict())
    assert other.last_epoch == 4
    for _ in range(5):
        assert settings(other_optimizer) == settings(optimizer)
        schedule.step(), other.step()


@pytest.mark.parametrize("name", SIMPLE)
def test_going_on_after_an_epoch(name):
    optimizer, other = sgd(0.3, 0.9), sgd(0.3, 0.9)
    if name != "CyclicLR":  # whose initial rates are given
        with pytest.raises(ValueError, match=rf"{name}: last_epoch=3, and group 0 has no 'initial_lr'"):
            MAKERS[name](sgd(), last_epoch=3)
    schedule = MAKERS[name](optimizer)
    run(schedule, 4)
    other.load_state_dict(optimizer.state_dict())
    resumed = MAKERS[name](other, last_epoch=3)
    for _ in range(5):
        assert np.array(settings(other)) == pytest.approx(np.array(settings(optimizer)))
        schedule.step(), resumed.step()


def test_another_kind_of_schedule_is_refused():
    with pytest.raises(ValueError, match="Make the same schedule as was saved"):
        optim.StepLR(sgd(), 2).load_state_dict(optim.CosineAnnealingLR(sgd(), 2).state_dict())
    two = optim.SGD([{"params": [tg.zeros(1, requires_grad=True)]}, {"params": [tg.zeros(1, requires_grad=True)]}])
    with pytest.raises(ValueError, match=r"base_lrs=\[1\.0\]; it needs one for each of 2 group\(s\)"):
        optim.StepLR(two, 2).load_state_dict(optim.StepLR(sgd(), 2).state_dict())
    optimizer = sgd()
    chain = optim.ChainedScheduler([optim.StepLR(optimizer, 2)])
    state = chain.state_dict()
    state["schedulers"][0]["step_size"] = 0
    with pytest.raises(ValueError, match=r"schedulers\[0\], StepLR: step_size=0; it must be an integer of at least 1"):
        chain.load_state_dict(state)


def test_a_group_that_was_added_needs_another_schedule():
    optimizer = sgd()
    schedule = optim.StepLR(optimizer, 2)
    optimizer.add_param_group({"params": [tg.zeros(1, requires_grad=True)]})
    with pytest.raises(ValueError, match=r"StepLR.step: the optimizer has 2 groups, and had 1 when .* add_param_group"):
        schedule.step()


def test_a_plateau_needs_a_value():
    optimizer = sgd()
    schedule = optim.ReduceLROnPlateau(optimizer)
    with pytest.raises(TraceError, match="a learning rate is set inside a jitted function"):
        tg.jit(lambda loss: schedule.step(loss))(tg.tensor(1.0))
    assert schedule.last_epoch == 0


def test_an_epoch_cannot_be_given_in_a_jitted_function():
    schedule = optim.StepLR(sgd(), 2)
    with pytest.raises(TraceError, match=r"StepLR\.step\(epoch=3\) in a jitted function"):
        tg.jit(lambda: schedule.step(3))()
    schedule.step(3)
    assert schedule.last_epoch == 3 and schedule.get_last_lr() == [0.1]


class Still(optim.LRScheduler):
    """A momentum that rests in every second epoch."""

    def rate(self, base, t):
        return base

    def apply(self, rates):
        super().apply(rates)
        self.optimizer.param_groups[0]["momentum"] = 0.5 * (self.last_epoch % 2)


def test_a_schedule_that_sets_a_momentum_to_zero_within_a_compiled_step():
    """There is no buffer for it: the call that would have needed another trace runs as it is written."""

    def runs(jit):
        x = tg.tensor([1.0, -2.0], requires_grad=True)
        optimizer = optim.SGD([x], lr=0.1, momentum=0.5)
        schedule = Still(optimizer)
        schedule.step()

        def step():
            x.grad = x.detach() * 2.0
            optimizer.step()
            schedule.step()
            optimizer.step()

        step = tg.jit(step) if jit else step
        seen = []
        for _ in range(6):
            step()
            seen += [x.tolist(), optimizer.state["0"]["momentum_buffer"].tolist(), schedule.last_epoch]
        return seen

    assert runs(True) == runs(False)


def test_schedules_that_raise_in_a_compiled_step_have_not_moved():
    """Neither the parts that had taken their steps already, nor rates, momenta and parameters."""
    x = tg.tensor([1.0, -2.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=0.1, momentum=0.9)
    parts = [optim.OneCycleLR(optimizer, 0.1, 9), optim.StepLR(optimizer, 1)]
    parts.append(optim.LambdaLR(optimizer, lambda t: 1 / (2 - t)))
    schedule = optim.SequentialLR(optimizer, [optim.ChainedScheduler(parts)], milestones=[])

    @tg.jit
    def step():
        x.grad = x.detach() * 2.0
        schedule.step()
        optimizer.step()

    step()
    before = x.tolist(), settings(optimizer), schedule.state_dict()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            step()
        assert (x.tolist(), settings(optimizer), schedule.state_dict()) == before
        assert [part.last_epoch for part in parts] == [1, 1, 1]


def test_cycles_beyond_the_range_of_powers_of_two():
    """The 1100th cycle is 2¹⁰⁹⁹ times lower than the first, or in the other modes as high as ever."""
    for mode, top in (("triangular", 0.2), ("exp_range", 0.2), ("triangular2", 0.1)):
        optimizer = sgd()
        schedule = optim.CyclicLR(optimizer, 0.1, 0.2, 1, mode=mode, cycle_momentum=False)
        schedule.step(2 * 1100 + 1)
        assert optimizer.lr == top


WRONG = [
    (lambda o: optim.StepLR(o, 0), "StepLR: step_size=0; it must be an integer of at least 1"),
    (lambda o: optim.StepLR(o, 2, gamma=-1), "StepLR: gamma=-1"),
    (lambda o: optim.StepLR(o, 2, last_epoch=-2), "StepLR: last_epoch=-2; it must be an integer of at least -1"),
    (lambda o: optim.StepLR(o, 2, last_epoch="3"), "StepLR: last_epoch='3'; it must be an integer"),
    (lambda o: optim.CosineAnnealingWarmRestarts(o, 2, last_epoch=None), "WarmRestarts: last_epoch=None; it must"),
    (lambda o: optim.SequentialLR(o, 3, [1]), "SequentialLR: schedulers=3; it must be a list"),
    (lambda o: optim.MultiStepLR(o, [1, "2"]), r"MultiStepLR: milestones\[1\]='2'; it must be an integer"),
    (lambda o: optim.MultiStepLR(o, [1, -2]), r"MultiStepLR: milestones\[1\]=-2"),
    (lambda o: optim.ExponentialLR(o, math.nan), "ExponentialLR: gamma=nan"),
    (lambda o: optim.PolynomialLR(o, 0), "PolynomialLR: total_iters=0"),
    (lambda o: optim.LinearLR(o, 0.0), "LinearLR: start_factor=0.0; it must be above 0 and at most 1"),
    (lambda o: optim.LinearLR(o, 0.5, 2), r"LinearLR: end_factor=2; it must be in \[0, 1\]"),
    (lambda o: optim.ConstantLR(o, 2), "ConstantLR: factor=2"),
    (lambda o: optim.CosineAnnealingLR(o, T_max=-1), "CosineAnnealingLR: T_max=-1"),
    (lambda o: optim.CosineAnnealingWarmRestarts(o, 3, 0), "CosineAnnealingWarmRestarts: T_mult=0"),
    (lambda o: optim.OneCycleLR(o, 0.1), "OneCycleLR: total_steps is missing. Give it, or both epochs and steps_per"),
    (lambda o: optim.OneCycleLR(o, 0.1, 0), "OneCycleLR: total_steps=0; .*, or None"),
    (lambda o: optim.OneCycleLR(o, 0.1, 9, pct_start=2), "OneCycleLR: pct_start=2"),
    (lambda o: optim.OneCycleLR(o, 0.1, 9, anneal_strategy="up"), "anneal_strategy='up'; it must be 'cos' or 'linear'"),
    (lambda o: optim.OneCycleLR(o, [0.1, 0.1], 9), r"max_lr=\[0.1, 0.1\]; .* one for each of 1 group"),
    (lambda o: optim.CyclicLR(o, 0.1, 0.2, 0), "CyclicLR: step_size_up=0; it must be finite and above 0"),
    (lambda o: optim.CyclicLR(o, 0.1, 0.2, mode="up"), "CyclicLR: mode='up'"),
    (lambda o: optim.CyclicLR(o, 0.1, 0.2, scale_fn=3), "CyclicLR: scale_fn is a int; it must be a function"),
    (lambda o: optim.CyclicLR(o, 0.1, 0.2, base_momentum=2), r"CyclicLR: base_momentum\[0\]=2; it must be in \[0, 1\]"),
    (lambda o: optim.CyclicLR(plain(), 0.1, 0.2), "CyclicLR: cycle_momentum=True, and Adagrad has neither momentum"),
    (lambda o: optim.LambdaLR(o, 0.5), "LambdaLR: lr_lambda is a float; it must be a function"),
    (lambda o: optim.LambdaLR(o, [math.sqrt] * 2), r"LambdaLR: 2 lr_lambdas; .* 1 group"),
    (lambda o: optim.ReduceLROnPlateau(o, factor=1.0), r"ReduceLROnPlateau: factor=1.0; it must be in \[0, 1\)"),
    (lambda o: optim.ReduceLROnPlateau(o, mode="less"), "ReduceLROnPlateau: mode='less'"),
    (lambda o: optim.SWALR(o, -1), r"SWALR: swa_lr\[0\]=-1"),
    (lambda o: optim.SWALR(o, 0.1, anneal_strategy="up"), "SWALR: anneal_strategy='up'"),
    (
        lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)], [3]),
        r"1 schedulers and milestones=\[3\]; .* one milestone",
    ),
    (lambda o: optim.SequentialLR(o, [optim.ReduceLROnPlateau(o)], []), r"schedulers\[0\] is ReduceLROnPlateau"),
    (lambda o: optim.SequentialLR(o, [optim.StepLR(sgd(), 1)], []), r"schedulers\[0\] is of another optimizer"),
    (lambda o: optim.SequentialLR(o, [3], []), r"SequentialLR: schedulers\[0\] is a int; it must be a schedule"),
    (lambda o: optim.ChainedScheduler([]), "ChainedScheduler: there are no schedulers"),
    (lambda o: optim.StepLR(None, 1), "StepLR: optimizer is a NoneType; it must be an optimizer"),
    (lambda o: run(optim.OneCycleLR(o, 0.1, 3), 5), "OneCycleLR: step 4 of 3"),
    (lambda o: optim.StepLR(o, 1).step(1.5), r"StepLR\.step: epoch=1.5; it must be an integer"),
]


def plain():
    return optim.Adagrad([tg.zeros(1, requires_grad=True)])


@pytest.mark.parametrize("make, message", WRONG, ids=[message[:30] for _, message in WRONG])
def test_wrong_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make(sgd())

"""Schedules: their formulas, warm-up, saving."""

from __future__ import annotations

import math

import pytest

import tinygrad_cv as tg
from tinygrad_cv import optim

pytestmark = pytest.mark.quick


def sgd(lr=1.0):
    return optim.SGD([tg.zeros(1, requires_grad=True)], lr=lr)


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


def test_warm_up_then_the_other_schedule_from_its_beginning():
    optimizer = sgd()
    rates = run(optim.LinearWarmup(optim.StepLR(optimizer, 2, gamma=0.5), steps=4, start_factor=0.2), 9)
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0, 0.5, 0.5, 0.25])
    assert optimizer.lr == pytest.approx(0.25)


@pytest.mark.parametrize("make", [lambda o: optim.StepLR(o, 2), lambda o: optim.LinearWarmup(optim.StepLR(o, 2), 3)])
def test_saved_and_loaded(make):
    optimizer = sgd(0.3)
    schedule = make(optimizer)
    run(schedule, 4)
    other_optimizer = sgd(0.3)
    other = make(other_optimizer)
    other_optimizer.load_state_dict(optimizer.state_dict())
    other.load_state_dict(schedule.state_dict())
    assert other.last_epoch == 4 and run(other, 5) == run(schedule, 5)


def test_another_kind_of_schedule_is_refused():
    with pytest.raises(ValueError, match="Make the same schedule as was saved"):
        optim.StepLR(sgd(), 2).load_state_dict(optim.CosineAnnealingLR(sgd(), 2).state_dict())


def test_a_second_schedule_begins_at_the_first_rate():
    optimizer = sgd(0.8)
    run(optim.StepLR(optimizer, 1, gamma=0.5), 2)
    assert optim.StepLR(optimizer, 5).get_last_lr() == [0.8]

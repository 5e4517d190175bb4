"""Whole training steps: a jitted step does to parameters, gradients, buffers and the rest what eager code does."""

from __future__ import annotations

import copy
import gc

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import functional as F
from tinygrad_cv import nn, optim

any_python = pytest.mark.any_python
pytestmark = pytest.mark.usefixtures("on_numpy")

RNG = np.random.default_rng(0)
BATCHES = [(RNG.normal(size=(8, 1, 8, 8)).astype(np.float32), RNG.integers(0, 10, 8)) for _ in range(5)]


def network(*more):
    tg.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        *more,
        nn.Linear(64, 10),
    )


OPTIMIZERS = {
    "SGD": lambda params: optim.SGD(params, lr=0.1),
    "SGD, everything": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, dampening=0.2, weight_decay=1e-2),
    "SGD, Nesterov": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda params: optim.Adam(params, lr=0.01, weight_decay=1e-2),
    "AdamW": lambda params: optim.AdamW(params, lr=0.01, weight_decay=0.1),
}


def trained(jit, make, batches=BATCHES, model=None, clip=False, schedule=None):
    """Losses, model, optimizer and generator after some steps from the same beginning."""
    model = model or network()
    opt = make(model)
    plan = schedule(opt) if schedule else None
    rates = []

    def step(x, y):
        loss = F.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        if clip:
            optim.clip_grad_norm_(model, 0.5)
        opt.step()
        if plan:
            plan.step()
        return loss

    run = tg.jit(step) if jit else step
    losses = []
    for x, y in batches:
        losses.append(run(tg.tensor(x), tg.tensor(y)).item())
        rates.append(opt.lr)
    if jit:
        assert run.explain().count("traced because") == 1, run.explain()
    return losses, rates, model, opt


def assert_same(eager, jitted):
    assert eager[:2] == jitted[:2]
    for (name, p), (_, q) in zip(eager[2].named_parameters(), jitted[2].named_parameters(), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy(), name)
        np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy(), name)
    for (name, p), (_, q) in zip(eager[2].named_buffers(), jitted[2].named_buffers(), strict=True):
        np.testing.assert_array_equal(p.numpy(), q.numpy(), name)
    old, new = eager[3].state_dict()["state"], jitted[3].state_dict()["state"]
    assert old.keys() == new.keys()
    for name, slots in old.items():
        for key, value in slots.items():
            np.testing.assert_array_equal(value, new[name][key], f"{key} of {name}")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_of_every_optimizer_are_those_of_eager_code(name):
    make = OPTIMIZERS[name]
    assert_same(trained(False, make), trained(True, make))


SCHEDULES = {
    "cosine": lambda opt: optim.CosineAnnealingLR(opt, T_max=5),
    "steps": lambda opt: optim.StepLR(opt, step_size=2, gamma=0.5),
    "milestones": lambda opt: optim.MultiStepLR(opt, milestones=[1, 3]),
    "warmup": lambda opt: optim.SequentialLR(
        opt, [optim.LinearLR(opt, total_iters=3), optim.CosineAnnealingLR(opt, T_max=5)], milestones=[3]
    ),
    "chained": lambda opt: optim.ChainedScheduler([optim.ConstantLR(opt, 0.5, 2), optim.ExponentialLR(opt, 0.9)]),
    "one cycle": lambda opt: optim.OneCycleLR(opt, max_lr=0.1, total_steps=6),
    "function": lambda opt: optim.LambdaLR(opt, lambda t: 0.9**t),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("optimizer", ["SGD, everything", "AdamW"])
def test_a_schedule_in_a_step_goes_on_at_each_call(name, optimizer):
    make, schedule = OPTIMIZERS[optimizer], SCHEDULES[name]
    assert_same(trained(False, make, schedule=schedule), trained(True, make, schedule=schedule))


def test_a_schedule_may_step_before_between_and_after_updates():
    def run(jit):
        p = tg.tensor([1.0, -2.0], requires_grad=True)
        opt = optim.SGD([p], lr=1.0)
        plan = optim.StepLR(opt, step_size=1, gamma=0.5)

        def step(x):
            plan.step()
            for _ in range(2):
                opt.zero_grad()
                ((p * x) ** 2).sum().backward()
                opt.step()
                plan.step()
            return p * 1.0

        f = tg.jit(step) if jit else step
        return [(f(tg.tensor([0.1, 0.2])).tolist(), opt.lr, plan.last_epoch) for _ in range(3)]

    assert run(True) == run(False)


@any_python
def test_clipped_gradients():
    make = OPTIMIZERS["SGD, everything"]
    assert_same(trained(False, make, clip=True), trained(True, make, clip=True))


@any_python
def test_dropout_draws_what_it_draws_in_eager_code():
    def run(jit):
        tg.manual_seed(7)
        result = trained(jit, OPTIMIZERS["SGD"], model=network(nn.Dropout(0.4)))
        return result, tg.rand(3).tolist()

    (eager, after), (jitted, after_jit) = run(False), run(True)
    assert_same(eager, jitted)
    assert after == after_jit


@any_python
def test_a_changed_learning_rate_takes_effect_without_another_trace():
    def run(jit):
        p = tg.tensor([1.0, -2.0], requires_grad=True)
        opt = optim.AdamW([p], lr=0.1)

        def step():
            opt.zero_grad()
            (p * p).sum().backward()
            opt.step()

        f = tg.jit(step) if jit else step
        seen = []
        for lr in (0.1, 0.05, 3.0, 0.0):
            opt.lr = lr
            f()
            seen.append(p.tolist())
        return seen, f.explain().count("traced because") if jit else 1

    assert run(True) == run(False)


@any_python
@pytest.mark.parametrize("make, key", [(optim.SGD, "momentum"), (optim.Adam, "betas"), (optim.RMSprop, "momentum")])
def test_changed_momentum_takes_effect_without_another_trace(make, key):
    values = {"momentum": (0.9, 0.5, 0.1), "betas": ((0.9, 0.99), (0.5, 0.9), (0.0, 0.9))}[key]

    def run(jit):
        p = tg.tensor([1.0, -2.0], requires_grad=True)
        opt = make([p], lr=0.1, **{key: values[0]})

        def step():
            opt.zero_grad()
            (p * p).sum().backward()
            opt.step()

        f = tg.jit(step) if jit else step
        seen = []
        for value in values:
            opt.param_groups[0][key] = value
            f()
            seen.append(p.tolist())
        return seen, f.explain().count("traced because") if jit else 1

    assert run(True) == run(False)


@any_python
def test_a_momentum_of_zero_is_traced_anew():
    """No buffer is kept for it: the one from before stays as it was."""

    def run(jit):
        p = tg.tensor([1.0, -2.0], requires_grad=True)
        opt = optim.SGD([p], lr=0.1, momentum=0.9)

        def step():
            opt.zero_grad()
            (p * p).sum().backward()
            opt.step()

        f = tg.jit(step) if jit else step
        seen = []
        for momentum in (0.9, 0.0, 0.5, 0.0):
            opt.param_groups[0]["momentum"] = momentum
            f()
            seen += [p.tolist(), opt.state["0"]["momentum_buffer"].tolist()]
        return seen, f.explain().count("traced because") if jit else 2

    assert run(True) == run(False)


@any_python
def test_groups_have_rates_of_their_own():
    def run(jit):
        a, b = (tg.tensor([v], requires_grad=True) for v in (1.0, 2.0))
        opt = optim.SGD([{"params": [a], "lr": 0.1}, {"params": [b], "lr": 0.01, "momentum": 0.9}])

        def step(x):
            opt.zero_grad()
            (a * b * x).sum().backward()
            opt.step()

        f = tg.jit(step) if jit else step
        for i in range(4):
            opt.param_groups[1]["lr"] = 0.01 * i
            f(tg.tensor([1.5]))
        return a.item(), b.item()

    assert run(True) == run(False)


@any_python
def test_another_setting_is_traced_anew():
    p = tg.tensor([1.0], requires_grad=True)
    opt = optim.SGD([p], lr=1.0)

    @tg.jit
    def step():
        p.grad = tg.ones(1)
        opt.step()

    step()
    assert p.item() == 0.0
    opt.param_groups[0]["weight_decay"] = 1.0
    step()
    assert p.item() == -1.0
    step()
    assert p.item() == -1.0
    assert "['weight_decay'] was 0.0, now 1.0" in step.explain()


@any_python
def test_eager_code_before_between_and_after_sees_the_same_values():
    def run(jit):
        model = network()
        opt = optim.SGD(model, lr=0.1, momentum=0.9)

        def step(x, y):
            loss = F.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            return loss

        f = tg.jit(step) if jit else step
        losses = []
        for i, (x, y) in enumerate(BATCHES):
            losses.append((step if i % 2 else f)(tg.tensor(x), y).item())
            model.eval()
            losses.append(model(tg.tensor(x)).sum().item())
            model.train()
        return losses, model, opt

    eager, jitted = run(False), run(True)
    assert_same((eager[0], None, *eager[1:]), (jitted[0], None, *jitted[1:]))


@any_python
def test_training_mode_and_back_uses_the_traces_that_are_there():
    model = network(nn.Dropout(0.5))
    forward = tg.jit(model)
    x = tg.tensor(BATCHES[0][0])
    with tg.no_grad():
        seen = []
        for mode in (True, False, True, False):
            model.train(mode)
            seen.append(forward(x))
        model.eval()
        np.testing.assert_array_equal(seen[3].numpy(), model(x).numpy())
    assert forward.explain().count("traced because") == 2
    assert "training was True, now False" in forward.explain()


@any_python
def test_gradients_add_up_over_calls():
    def run(jit):
        w = tg.tensor([1.0, 2.0], requires_grad=True)

        def add(x):
            (w * x).sum().backward()

        f = tg.jit(add) if jit else add
        seen = []
        for i in range(4):
            f(tg.tensor([1.0, float(i)]))
            seen.append(w.grad.tolist())
            if i == 1:
                w.grad = None
        return seen

    assert run(True) == run(False) == [[1.0, 0.0], [2.0, 1.0], [1.0, 2.0], [2.0, 5.0]]


@any_python
def test_a_gradient_that_was_read_and_left_is_still_there():
    w = tg.tensor([3.0], requires_grad=True)

    @tg.jit
    def f():
        w.grad = w.grad * 2.0
        return w.grad

    w.grad = tg.tensor([1.0])
    assert [f().item() for _ in range(3)] == [2.0, 4.0, 8.0]
    assert w.grad.item() == 8.0
    w.grad = None
    with pytest.raises(TypeError):
        f()
    assert w.grad is None


@any_python
def test_zero_grad_leaves_none_or_zeros():
    w = tg.tensor([3.0], requires_grad=True)
    opt = optim.SGD([w], lr=0.0)

    @tg.jit
    def f(set_to_none):
        (w * w).sum().backward()
        opt.zero_grad(set_to_none)

    f(True)
    assert w.grad is None
    f(False)
    assert w.grad.tolist() == [0.0]


@any_python
def test_gradients_of_arguments_are_left_on_them():
    @tg.jit
    def f(x):
        (x * x).sum().backward()

    for value in (1.0, 2.0):
        x = tg.tensor([value], requires_grad=True)
        f(x)
        assert x.grad.tolist() == [2 * value]
        f(x)
        assert x.grad.tolist() == [4 * value]


@any_python
def test_arguments_can_be_assigned_to():
    @tg.jit
    def f(x, y):
        x.assign(x + y)
        return x * 2.0

    a, b = tg.tensor([1.0]), tg.tensor([10.0])
    assert [f(a, b).item(), f(a, b).item()] == [22.0, 42.0]
    assert a.item() == 21.0
    assert f(b, b).item() == 40.0  # one tensor twice: another trace
    assert b.item() == 20.0


@any_python
def test_a_tensor_that_is_closed_over_and_an_argument_is_one_tensor():
    w = tg.tensor([1.0])

    @tg.jit
    def f(x):
        w.assign(w + 1.0)
        return x * 1.0

    assert f(tg.tensor([5.0])).item() == 5.0
    assert f(w).item() == 3.0
    assert f(tg.tensor([7.0])).item() == 7.0
    assert f(w).item() == 5.0


@any_python
def test_tensors_made_in_the_function_are_made_anew():
    """But one that it keeps is state: here as the optimizer keeps its momentum."""
    store = {"state": {}}

    class Sum(optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, lr=1.0)

        def update(self, group, todo):
            for _, g, slots in todo:
                if "sum" not in slots:
                    slots["sum"] = tg.zeros(1)
                slots["sum"].assign(slots["sum"] + g)

    w = tg.tensor([1.0], requires_grad=True)
    opt = Sum([w])

    @tg.jit
    def f(x):
        fresh = tg.zeros(1)
        fresh.assign(fresh + x)
        opt.zero_grad()
        (w * x).sum().backward()
        opt.step()
        return fresh

    assert [f(tg.tensor([v])).item() for v in (1.0, 2.0, 3.0)] == [1.0, 2.0, 3.0]
    assert opt.state["0"]["sum"].item() == 6.0
    assert store == {"state": {}}


@any_python
def test_loaded_optimizer_state_is_used():
    def run(jit):
        w = tg.tensor([1.0], requires_grad=True)
        opt = optim.SGD([w], lr=0.1, momentum=0.9)

        def step():
            opt.zero_grad()
            (w * w).sum().backward()
            opt.step()
            return w * 1.0

        f = tg.jit(step) if jit else step
        f()
        saved = copy.deepcopy(opt.state_dict())
        seen = [f().item(), f().item()]
        opt.load_state_dict(saved)
        return [*seen, f().item(), f().item()]

    assert run(True) == run(False)


@any_python
def test_loaded_weights_are_used():
    a, b = network(), network()
    forward = tg.jit(a)
    x = tg.tensor(BATCHES[0][0])
    a.eval(), b.eval()
    with tg.no_grad():
        forward(x)
        for p in b.parameters():
            p.assign(p * 0.5)
        a.load_state_dict(b.state_dict())
        np.testing.assert_array_equal(forward(x).numpy(), b(x).numpy())


@any_python
def test_a_model_of_another_dtype_is_traced_anew():
    model = nn.Linear(3, 2)
    forward = tg.jit(model)
    with tg.no_grad():
        forward(tg.ones(1, 3))
        model.to("float64")
        assert forward(tg.ones(1, 3, dtype="float64")).dtype == np.float64


@any_python
def test_checkpoints_in_a_step():
    def run(jit):
        tg.manual_seed(1)
        model, drop = network(), nn.Dropout(0.3)
        opt = optim.SGD(model, lr=0.1)

        def step(x, y):
            head = tg.checkpoint(lambda x: drop(model[:3](x)), x)
            loss = F.cross_entropy(model[3:](head), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            return loss

        f = tg.jit(step) if jit else step
        return [f(tg.tensor(x), y).item() for x, y in BATCHES], None, model, opt

    assert_same(run(False), run(True))


@any_python
def test_hooks_on_parameters_and_results():
    def run(jit):
        w = tg.tensor([1.0, 2.0], requires_grad=True)
        w.register_hook(lambda g: g * 10.0)

        def f(x):
            y = w * x
            y.register_hook(lambda g: g + 1.0)
            y.sum().backward()

        g = tg.jit(f) if jit else f
        g(tg.tensor([1.0, 1.0]))
        first = w.grad.tolist()
        w.grad = None
        w.register_hook(lambda g: -g)
        g(tg.tensor([1.0, 1.0]))
        return first, w.grad.tolist()

    assert run(True) == run(False)


@any_python
def test_nothing_is_left_for_the_garbage_collector():
    model = network()
    opt = optim.SGD(model, lr=0.1, momentum=0.9)

    @tg.jit
    def step(x, y):
        loss = F.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss

    x, y = BATCHES[0]
    step(x, y)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            step(x, y)
        assert gc.collect() == 0
    finally:
        gc.enable()

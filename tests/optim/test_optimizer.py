"""Optimizers: how parameters are given, state by name, checkpoints, errors."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import CheckpointError, nn, optim

pytestmark = pytest.mark.quick


def model():
    return nn.Sequential({"first": nn.Linear(3, 3), "second": nn.Linear(3, 3)})


def set_gradients(net, seed=0):
    rng = np.random.default_rng(seed)
    for p in net.parameters():
        p.grad = tg.tensor(rng.normal(size=p.shape).astype(np.float32))


def stepped(optimizer, net, count=3):
    for seed in range(count):
        set_gradients(net, seed)
        optimizer.step()
    return optimizer


def names(optimizer):
    return [name for group in optimizer.param_groups for name in group["names"]]


PATHS = ["first.weight", "first.bias", "second.weight", "second.bias"]


def test_parameters_are_given_as_module_named_or_plain():
    net = model()
    assert names(optim.SGD(net)) == PATHS
    assert names(optim.SGD(net.named_parameters())) == PATHS
    assert names(optim.SGD(net.parameters())) == ["0", "1", "2", "3"]
    assert names(optim.SGD(list(net.parameters()))) == ["0", "1", "2", "3"]
    assert names(optim.SGD(net.first.weight)) == ["0"]
    groups = [{"params": net.first.named_parameters(prefix="a")}, {"params": net.second, "lr": 3.0}]
    optimizer = optim.SGD(groups, lr=1.0)
    assert names(optimizer) == ["a.weight", "a.bias", "weight", "bias"]
    assert [group["lr"] for group in optimizer.param_groups] == [1.0, 3.0]
    groups = [{"params": net.first.parameters()}, {"params": net.second.parameters()}]
    assert names(optim.SGD(groups)) == ["0", "1", "2", "3"]


def test_lr_is_read_and_set_for_all_groups():
    net = model()
    optimizer = optim.SGD([{"params": net.first}, {"params": net.second.parameters(), "lr": 3.0}], lr=1.0)
    assert optimizer.lr == 1.0
    optimizer.lr = 0.5
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]
    with pytest.raises(ValueError, match="lr=-1"):
        optimizer.lr = -1


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, momentum=0.9), optim.Adam], ids=["SGD", "Adam"])
def test_state_follows_names_when_parameters_are_reordered(make):
    """conventions.md: optimizer state after parameters were reordered."""
    net, other = model(), model()
    other.load_state_dict(net.state_dict())
    first = stepped(make(net), net)
    other.load_state_dict(net.state_dict())
    second = make(list(other.named_parameters())[::-1])
    second.load_state_dict(first.state_dict())
    assert names(second) == PATHS[::-1]
    stepped(first, net), stepped(second, other)
    for (name, p), q in zip(net.named_parameters(), other.parameters(), strict=True):
        assert (p == q).all(), name


def test_every_problem_of_a_checkpoint_is_listed_and_nothing_changes():
    net = model()
    optimizer = stepped(optim.SGD(net, lr=0.1, momentum=0.9), net)
    before = optimizer.state_dict()
    state = copy.deepcopy(before)
    group = state["param_groups"][0]
    group["names"] = ["first.weight", "first.bias", "second.weight", "head.bias"]
    group["lr"] = 5.0
    state["state"]["head.bias"] = state["state"].pop("second.bias")
    state["state"]["first.weight"]["momentum_buffer"] = np.zeros((2, 3))
    state["state"]["first.bias"] = {"exp_avg": np.zeros(3)}
    state["state"]["ghost"] = {}
    with pytest.raises(CheckpointError) as caught:
        optimizer.load_state_dict(state)
    for line in (
        "missing parameter second.bias",
        "unexpected parameter head.bias",
        "momentum_buffer of first.weight has shape (2, 3), the optimizer needs (3, 3)",
        "state of first.bias holds ['exp_avg'], not ['momentum_buffer']",
        "unexpected state of ghost",
        "5 problem(s)",
    ):
        assert line in str(caught.value)
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"] and optimizer.lr == 0.1
    for name, slots in before["state"].items():
        np.testing.assert_array_equal(after["state"][name]["momentum_buffer"], slots["momentum_buffer"])


def test_a_checkpoint_of_another_optimizer_or_grouping_is_refused():
    net = model()
    with pytest.raises(CheckpointError, match="saved with the settings"):
        optim.SGD(net).load_state_dict(optim.Adam(net).state_dict())
    with pytest.raises(CheckpointError, match="1 parameter groups were saved, the optimizer has 2"):
        optim.SGD([{"params": net.first}, {"params": net.second.parameters()}]).load_state_dict(
            optim.SGD(net).state_dict()
        )
    named = list(net.named_parameters())
    one, two = ([{"params": named[:i]}, {"params": named[i:]}] for i in (1, 2))
    with pytest.raises(CheckpointError, match=r"parameter first\.bias was in group 1, and is in group 0"):
        optim.SGD(two).load_state_dict(optim.SGD(one).state_dict())


def test_the_state_dict_holds_copies():
    net = model()
    optimizer = stepped(optim.SGD(net, momentum=0.9), net)
    state = optimizer.state_dict()
    state["state"]["first.bias"]["momentum_buffer"][:] = 7
    state["param_groups"][0]["names"].clear()
    assert (optimizer.state["first.bias"]["momentum_buffer"] != 7).all() and names(optimizer) == PATHS


def test_pickled_together_with_its_model():
    net = model()
    optimizer = stepped(optim.Adam(net), net)
    other, twin = pickle.loads(pickle.dumps((net, optimizer)))
    assert twin.param_groups[0]["params"][0] is other.first.weight
    stepped(optimizer, net), stepped(twin, other)
    assert all((p == q).all() for p, q in zip(net.parameters(), other.parameters(), strict=True))


def test_adam_counts_once_for_parameters_that_move_together():
    net = model()
    adam = stepped(optim.Adam(net), net, 2)
    assert len({id(slots["step"]) for slots in adam.state.values()}) == 1
    set_gradients(net)
    net.first.bias.grad = None
    adam.step()
    assert [adam.state[name]["step"].item() for name in PATHS] == [3, 2, 3, 3]
    other = optim.Adam(net)
    other.load_state_dict(adam.state_dict())
    assert len({id(slots["step"]) for slots in other.state.values()}) == 2


def test_zero_grad():
    net = model()
    optimizer = optim.SGD(net)
    set_gradients(net)
    optimizer.zero_grad(set_to_none=False)
    assert all((p.grad == 0).all() for p in net.parameters())
    optimizer.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_updates_are_not_recorded_and_leave_old_graphs_alone():
    net = nn.Linear(2, 1, bias=False)
    x = tg.tensor([[1.0, 2.0]], requires_grad=True)
    y = net(x)
    before = net.weight.detach().clone()
    set_gradients(net)
    optim.SGD(net, lr=1.0).step()
    assert net.weight.is_leaf and net.weight.requires_grad and (net.weight != before).any()
    y.backward()
    assert (x.grad == before).all()


def test_training_reduces_a_loss():
    tg.manual_seed(0)
    x = tg.tensor(np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32))
    wanted = tg.tensor(np.random.default_rng(1).normal(size=(32, 3)).astype(np.float32))
    for make in (
        lambda p: optim.SGD(p, 0.1, momentum=0.9),
        lambda p: optim.Adam(p, 0.02),
        lambda p: optim.AdamW(p, 0.02),
    ):
        net, losses = model(), []
        optimizer = make(net)
        for _ in range(30):
            optimizer.zero_grad()
            loss = ((net(x) - wanted) ** 2).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < 0.9 * losses[0]


NET = model()
ODD = tg.ones(2)

WRONG = [
    (lambda: optim.SGD(NET, lr=-0.1), ValueError, "SGD: lr=-0.1; it must be finite and not negative"),
    (lambda: optim.SGD(NET, lr=float("nan")), ValueError, "lr=nan"),
    (lambda: optim.SGD(NET, momentum=-1), ValueError, "momentum=-1"),
    (lambda: optim.SGD(NET, weight_decay=-1), ValueError, "weight_decay=-1"),
    (lambda: optim.SGD(NET, nesterov=True), ValueError, "nesterov=True with momentum=0.0"),
    (lambda: optim.SGD(NET, momentum=0.9, dampening=0.1, nesterov=True), ValueError, "dampening=0.1"),
    (lambda: optim.Adam(NET, betas=(1.0, 0.9)), ValueError, r"Adam: betas\[0\]=1.0; it must be in \[0, 1\)"),
    (lambda: optim.AdamW(NET, betas=(0.9, -0.1)), ValueError, r"AdamW: betas\[1\]=-0.1"),
    (lambda: optim.Adam(NET, eps=-1e-8), ValueError, "eps=-1e-08"),
    (lambda: optim.Adam(NET, lr=tg.tensor(0.1)), ValueError, "Adam: lr is a tensor; it must be a number"),
    (lambda: optim.Adam(NET, betas=0.9), ValueError, "betas=0.9; it must be two numbers"),
    (lambda: optim.Adam(NET, amsgrad=1), ValueError, "amsgrad=1; it must be True or False"),
    (lambda: optim.NAdam(NET, momentum_decay=-1), ValueError, "NAdam: momentum_decay=-1"),
    (lambda: optim.Adagrad(NET, lr_decay=-1), ValueError, "Adagrad: lr_decay=-1"),
    (lambda: optim.Adagrad(NET, initial_accumulator_value=-1), ValueError, "initial_accumulator_value=-1"),
    (lambda: optim.Adadelta(NET, rho=1.1), ValueError, r"Adadelta: rho=1.1; it must be in \[0, 1\]"),
    (lambda: optim.RMSprop(NET, alpha=-1), ValueError, "RMSprop: alpha=-1"),
    (lambda: optim.Rprop(NET, etas=(1.2, 0.5)), ValueError, r"Rprop: etas=\(1.2, 0.5\); it must be a number in"),
    (lambda: optim.Rprop(NET, step_sizes=(2, 1)), ValueError, r"step_sizes=\(2, 1\)"),
    (lambda: optim.LARS(NET, trust_coefficient=-1), ValueError, "trust_coefficient=-1; .*, or None"),
    (lambda: optim.Muon(NET), ValueError, r"Muon: parameter 'first.bias' of shape \(3,\); it takes matrices.*AdamW"),
    (lambda: optim.Muon([NET.first.weight], adjust_lr_fn="mine"), ValueError, "adjust_lr_fn='mine'; .*'original'"),
    (lambda: optim.Muon([NET.first.weight], ns_steps=100), ValueError, r"ns_steps=100; .*\[0, 100\)"),
    (lambda: optim.SGD([]), ValueError, "there are no parameters"),
    (lambda: optim.SGD(nn.ReLU()), ValueError, "there are no parameters"),
    (lambda: optim.SGD([NET.first.bias, NET.first.bias]), ValueError, "parameter '1' is given twice, first as '0'"),
    (
        lambda: optim.SGD([{"params": NET.first}, {"params": NET.named_parameters()}]),
        ValueError,
        r"parameter 'first\.weight' is given twice, first as 'weight'",
    ),
    (
        lambda: optim.SGD([{"params": NET.first}, {"params": NET.second}]),
        ValueError,
        "two parameters are named 'weight'",
    ),
    (lambda: optim.SGD([ODD]), ValueError, r"'0' of shape \(2,\) does not require grad"),
    (lambda: optim.SGD([NET.first.bias * 2]), ValueError, "is the result of an operation"),
    (lambda: optim.SGD([{"params": NET, "betas": 1}]), ValueError, r"unknown setting\(s\) \['betas'\]"),
    (lambda: optim.SGD([{"lr": 1.0}]), ValueError, "it needs 'params'"),
    (lambda: optim.SGD([{"params": NET, "lr": -1.0}]), ValueError, "lr=-1.0"),
    (lambda: optim.SGD([np.ones(2)]), TypeError, "parameter '0' is a ndarray"),
    (lambda: optim.SGD("weights"), TypeError, "given as str"),
    (lambda: optim.SGD(3), TypeError, "given as int"),
    (lambda: optim.StepLR(optim.SGD(NET), 0), ValueError, "step_size=0"),
    (lambda: optim.CosineAnnealingLR(optim.SGD(NET), T_max=-1), ValueError, "T_max=-1"),
]


@pytest.mark.parametrize("make, error, message", WRONG, ids=[message[:30] for _, _, message in WRONG])
def test_wrong_arguments(make, error, message):
    """conventions.md: negative lr, duplicate parameters."""
    with pytest.raises(error, match=message):
        make()


PYTORCHS = ("foreach", "fused", "capturable", "differentiable")


@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Adamax", "Rprop"]
)
def test_arguments_of_pytorchs_that_mean_nothing_here(name):
    make = getattr(optim, name)
    taken = [key for key in PYTORCHS if key in inspect.signature(make).parameters]
    assert {"foreach", "differentiable"} <= set(taken)
    make(NET, **dict.fromkeys(taken, False), maximize=True)
    for key in taken:
        with pytest.raises(ValueError, match=rf"{name}: {key}=True; .*\. Leave it out\."):
            make(NET, **{key: True})


def test_a_closure_is_called_with_gradients_on_and_its_loss_returned():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    with tg.no_grad():
        assert optimizer.step(closure).item() == 5.0
    assert x.tolist() == [0.0, 0.0] and optimizer.step() is None


def test_a_group_may_be_added_later():
    net = model()
    optimizer = stepped(optim.Adam(net.first.named_parameters(), lr=1), net, 2)
    optimizer.add_param_group({"params": net.second.named_parameters(prefix="second"), "lr": 2, "betas": [0.5, 0.9]})
    stepped(optimizer, net, 1)
    assert [(group["lr"], group["betas"]) for group in optimizer.param_groups] == [(1, (0.9, 0.999)), (2, (0.5, 0.9))]
    assert [slots["step"].item() for slots in optimizer.state.values()] == [3, 3, 1, 1]
    with pytest.raises(ValueError, match=r"parameter 'bias' is given twice, first as 'second\.bias'"):
        optimizer.add_param_group({"params": [("bias", net.second.bias)]})
    assert len(optimizer.param_groups) == 2


def test_repr():
    assert repr(optim.SGD(model(), lr=0.1)) == (
        "SGD(4 parameters in 1 group(s), lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, "
        "maximize=False)"
    )


@pytest.mark.parametrize(
    "name, words",
    [
        ("SparseAdam", "gradients are dense here: use Adam"),
        ("AveragedModel", r"use tg\.nn\.AveragedModel"),
        ("Adamw", r"the nearest name is .*AdamW"),
        ("nothing_of_the_kind", "has no attribute 'nothing_of_the_kind'"),
    ],
)
def test_names_that_are_not_here(name, words):
    with pytest.raises(AttributeError, match=words):
        getattr(optim, name)

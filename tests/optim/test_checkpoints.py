"""State that cannot be right is refused, with a message, and nothing has changed."""

import copy
import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn, optim

any_python = pytest.mark.any_python

OPTIMIZERS = {
    "SGD": lambda m: optim.SGD(m, lr=0.1),
    "momentum": lambda m: optim.SGD(m, lr=0.1, momentum=0.9, nesterov=True),
    "dampening": lambda m: optim.SGD(m, lr=0.1, momentum=0.9, dampening=0.5),
    "Adam": lambda m: optim.Adam(m, lr=0.1),
    "AdamW": lambda m: optim.AdamW(m, lr=0.1, amsgrad=True),
    "NAdam": lambda m: optim.NAdam(m, lr=0.1),
    "RAdam": lambda m: optim.RAdam(m, lr=0.1),
    "Adamax": lambda m: optim.Adamax(m, lr=0.1),
    "Adagrad": lambda m: optim.Adagrad(m, lr=0.1),
    "Adadelta": lambda m: optim.Adadelta(m, lr=0.1),
    "Adafactor": lambda m: optim.Adafactor(m, lr=0.1),
    "ASGD": lambda m: optim.ASGD(m, lr=0.1, t0=1),
    "RMSprop": lambda m: optim.RMSprop(m, lr=0.1, momentum=0.9, centered=True),
    "Rprop": lambda m: optim.Rprop(m, lr=0.1),
    "Lion": lambda m: optim.Lion(m, lr=0.1),
    "LARS": lambda m: optim.LARS(m, lr=0.1),
    "LBFGS": lambda m: optim.LBFGS(m, lr=0.1, max_iter=3),
    "Muon": lambda m: optim.Muon([("weight", m.weight)], lr=0.1),
}
SCHEDULES = {
    "StepLR": lambda o: optim.StepLR(o, 2),
    "MultiStepLR": lambda o: optim.MultiStepLR(o, [2, 4]),
    "CosineAnnealingLR": lambda o: optim.CosineAnnealingLR(o, 8),
    "SequentialLR": lambda o: optim.SequentialLR(o, [optim.LinearLR(o, total_iters=3), optim.StepLR(o, 2)], [3]),
    "ChainedScheduler": lambda o: optim.ChainedScheduler([optim.ConstantLR(o), optim.ExponentialLR(o, 0.9)]),
    "PolynomialLR": lambda o: optim.PolynomialLR(o, 5),
    "LambdaLR": lambda o: optim.LambdaLR(o, lambda t: 0.5**t),
    "CosineAnnealingWarmRestarts": lambda o: optim.CosineAnnealingWarmRestarts(o, 8),
    "OneCycleLR": lambda o: optim.OneCycleLR(o, 0.1, 8),
    "CyclicLR": lambda o: optim.CyclicLR(o, 0.01, 0.1, 4),
    "ReduceLROnPlateau": lambda o: optim.ReduceLROnPlateau(o),
    "SWALR": lambda o: optim.SWALR(o, 0.01),
}
JUNK = [
    -1,
    -0.5,
    float("nan"),
    float("inf"),
    "x",
    None,
    [],
    {},
    1j,
    b"1",
    np.zeros(7),
    np.array("x"),
    [float("nan")] * 2,
    True,
]


def trained(make):
    tg.manual_seed(0)
    model = nn.Linear(2, 3)
    optimizer = make(model)
    for _ in range(3):

        def closure():
            optimizer.zero_grad()
            loss = model(tg.ones(1, 2)).square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)
    return optimizer


def leaves(state, path=()):
    """Paths of everything in a state: values, and the containers that hold them."""
    items = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, list | tuple) else ()
    for key, value in items:
        yield (*path, key)
        yield from leaves(value, (*path, key))


def put(state, path, junk):
    *outer, last = path
    place = state
    for key in outer:
        if isinstance(place[key], tuple):
            place[key] = list(place[key])
        place = place[key]
    place[last] = junk


def same(a, b):
    return str(a) == str(b) if not isinstance(a, dict) else a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)


def can_be_right(path, junk):
    key = [key for key in path if isinstance(key, str)][-1]
    switches = ("nesterov", "maximize", "amsgrad", "centered", "decoupled_weight_decay")
    vectors = ("d", "prev_flat_grad", "old_dirs", "old_stps")
    nones = ("trust_coefficient", "adjust_lr_fn", "line_search_fn")
    numbers = ("dampening", "momentum_buffer", "exp_avg", "mu_product", "prev", "grad_avg", "ns_coefficients", *vectors)
    numbers += ("t0", "ax", "beta2_decay")
    if path[-2:] == ("eps", 0):  # of Adafactor: the dtype's
        return junk is None
    return junk == {} or key in numbers or (junk is True and key in switches) or (junk is None and key in nones)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_junk_at_every_place_of_an_optimizers_state(name):
    optimizer = trained(OPTIMIZERS[name])
    whole = optimizer.state_dict()
    before = copy.deepcopy(whole)
    for path in leaves(whole):
        for junk in JUNK:
            state = copy.deepcopy(whole)
            put(state, path, junk)
            try:
                optimizer.load_state_dict(state)
            except tg.CheckpointError as error:
                assert "Nothing was loaded" in str(error) and type(optimizer).__name__ in str(error)
                assert same(optimizer.state_dict(), before), path
            else:  # it can be right: an empty state, a number in another range, a switch that is on
                assert can_be_right(path, junk), (path, junk)
                loaded = optimizer.state_dict()
                assert np.isfinite([loaded["param_groups"][0]["lr"]]).all()
                optimizer.load_state_dict(before)


@any_python
@pytest.mark.parametrize("name", SCHEDULES)
def test_junk_at_every_place_of_a_schedules_state(name):
    schedule = SCHEDULES[name](optim.SGD(nn.Linear(2, 3), lr=0.1))
    schedule.step(*[1.0] * (name == "ReduceLROnPlateau"))
    whole = copy.deepcopy(schedule.state_dict())
    lr = schedule.get_last_lr()
    for path in leaves(whole):
        for junk in JUNK:
            if path[-1] in ("cycle_momentum", "three_phase") and junk is True:
                continue
            if path == ("best",) and type(junk) in (int, float) and not math.isnan(junk):
                continue
            if isinstance(junk, list) and not junk and path == ("milestones",) and name == "MultiStepLR":
                continue
            state = copy.deepcopy(whole)
            put(state, path, junk)
            with pytest.raises(tg.CheckpointError, match="Nothing was loaded"):
                schedule.load_state_dict(state)
            assert same(schedule.state_dict(), whole) and schedule.get_last_lr() == lr


@any_python
@pytest.mark.parametrize("key", ["lr", "momentum", "weight_decay", "dampening"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), "x", None, [0.1], 1j])
def test_settings_that_are_no_numbers_are_refused_from_the_start(key, value):
    with pytest.raises(ValueError, match=f"SGD: {key}="):
        optim.SGD(nn.Linear(2, 3), **{key: value})


@any_python
@pytest.mark.parametrize(
    "state",
    [
        {},
        {"state": {}},
        {"state": {}, "param_groups": [{"params": [0, 1], "lr": 0.1}]},  # PyTorch's
        {"state": {}, "param_groups": {}},
        {"state": [], "param_groups": []},
        {"state": {"weight": 1}, "param_groups": []},
        [],
        None,
    ],
)
def test_what_is_no_state(state):
    optimizer = optim.Adam(nn.Linear(2, 3))
    with pytest.raises(tg.CheckpointError, match="load_state_dict into Adam"):
        optimizer.load_state_dict(state)


@any_python
@pytest.mark.parametrize("what", ["module", "optimizer", "schedule"])
def test_a_path_says_how_to_read_it(what, tmp_path):
    model = nn.Linear(2, 3)
    optimizer = optim.SGD(model)
    target = {"module": model, "optimizer": optimizer, "schedule": optim.StepLR(optimizer, 2)}[what]
    for path in ("weights.safetensors", tmp_path / "weights.npz"):
        with pytest.raises(tg.CheckpointError, match=r"got the path .*tg\.load\(path\).*models\.load"):
            target.load_state_dict(path)


@any_python
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_that_went_through_other_containers_loads(name):
    """lists for tuples as JSON makes them, arrays of no dimension as npz makes them"""
    optimizer = trained(OPTIMIZERS[name])
    state = optimizer.state_dict()
    other = trained(OPTIMIZERS[name])
    for group in state["param_groups"]:
        for key, value in group.items():
            group[key] = list(value) if isinstance(value, tuple) else np.array(value) if np.isscalar(value) else value
    for slots in state["state"].values():
        slots.update({key: array.tolist() for key, array in slots.items()})
    other.load_state_dict(state)
    for name, slots in other.state_dict()["state"].items():
        for key, array in slots.items():
            np.testing.assert_array_equal(array, optimizer.state_dict()["state"][name][key])
    assert other.lr == 0.1 and type(other.lr) is float


@any_python
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("running_var", [1.0, -1.0], "running_var has the value -1.0; it must not be negative"),
        ("num_batches_tracked", np.int64(-1), "it must not be negative"),
        ("num_batches_tracked", np.uint64(2**63), "too large for int64"),
        ("weight", np.array([1e300, 1.0]), "too large for float32"),
        ("weight", [1.0, [2.0]], "weight: "),
        ("weight", np.array(["1", "2"]), "dtype"),
        ("weight", [1j, 2j], "dtype"),
        ("weight", [None, None], "dtype"),
    ],
)
def test_weights_that_cannot_be_right(name, value, words):
    norm = nn.BatchNorm2d(2)
    with pytest.raises(tg.CheckpointError, match="1 problem") as caught:
        norm.load_state_dict({**norm.state_dict(), name: value})
    assert words in str(caught.value)
    assert norm.weight.tolist() == [1, 1] and norm.running_var.tolist() == [1, 1]


@any_python
@pytest.mark.parametrize(
    ("make", "key", "value", "words"),
    [
        ("Adam", "exp_avg_sq", -1, "made of squares"),
        ("AdamW", "step", 1.5, "whole number of at least 0"),
        ("Adam", "step", -1, "whole number of at least 0"),
        ("dampening", "started", 2, "must be 0 or 1"),
        ("momentum", "momentum_buffer", float("nan"), "NaN, infinite or too large"),
        ("Adam", "exp_avg", 1e300, "NaN, infinite or too large"),
    ],
)
def test_one_number_of_a_state_that_cannot_be_right(make, key, value, words):
    optimizer = trained(OPTIMIZERS[make])
    before, state = optimizer.state_dict(), optimizer.state_dict()
    array = state["state"]["weight"][key].astype(np.float64)
    array.flat[0] = value
    state["state"]["weight"][key] = array
    with pytest.raises(tg.CheckpointError, match=f"1 problem.*\n  {key} of weight .*{words}"):
        optimizer.load_state_dict(state)
    assert same(optimizer.state_dict(), before)

"""What users of PyTorch type first: it works, or the message says what to use."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn
from tinygrad_cv.frontend.vocabulary import MODULE_REMEDIES, OTHER_NAMES, REMEDIES

pytestmark = pytest.mark.any_python

X = np.float32([[1, 2, 4], [3, 0.5, 0.25]])
SAY_WHAT = re.compile(
    r"has no '\w+': (use |everything is on|a dtype is|arrays are|images are|dtypes are|gradients of|"
    r"it is not|print|the nearest)"
)


@pytest.mark.parametrize("room, ours", [("Tensor", tg.ones(2, 3)), ("nn.functional", F), ("nn", nn), ("", tg)])
def test_every_name_of_pytorch_is_answered(room, ours):
    theirs = pytest.importorskip("torch")
    for part in filter(None, room.split(".")):
        theirs = getattr(theirs, part)
    names = [name for name in dir(theirs) if name[0] != "_" and name not in dir(ours)]
    assert names
    for name in names:
        if hasattr(ours, name):  # rooms that are loaded when they are asked for
            continue
        with pytest.raises(AttributeError) as caught:
            getattr(ours, name)
        message = str(caught.value)
        assert SAY_WHAT.search(message) and len(message) < 250, message
        for method in re.findall(r"\bx\.(\w+)", message):
            assert hasattr(tg.Tensor, method), message
        for function in re.findall(r"\btg\.(\w+)", message):
            assert hasattr(tg, function), message
        for function in re.findall(r"\bF\.(\w+)", message):
            assert function in F.__all__, message


def test_every_attribute_of_pytorchs_modules_is_answered():
    torch = pytest.importorskip("torch")
    layer = nn.Linear(2, 3)
    names = [name for name in dir(torch.nn.Module) if name[0] != "_" and name not in dir(layer)]
    assert set(names) == MODULE_REMEDIES.keys()
    for name in names:
        assert not hasattr(layer, name)
        with pytest.raises(AttributeError, match=f"'Linear' object has no attribute '{name}': \\w+"):
            getattr(layer, name)


@pytest.mark.parametrize(
    "get, message",
    [
        (lambda x: x.cuda, "everything is on the CPU"),
        (lambda x: x.view_as, r"use x\.reshape\(other\.shape\)"),
        (lambda x: x.add_, r"use x \+= v, within no_grad\(\)"),
        (lambda x: x.relu_, r"x = x\.relu\(\.\.\.\), or x\.assign"),
        (lambda x: tg.randm, "the nearest name is rand or randn"),
        (lambda x: F.relu5, "the nearest name is relu or rrelu or relu6"),
        (lambda x: tg.conv2d, r"use tg\.functional\.conv2d"),
        (lambda x: tg.exp, r"use x\.exp, of the tensor"),
        (lambda x: tg.float32, r"use np\.float32"),
        (lambda x: x.unique, r"np\.unique\(x\.numpy\(\)\), which has no derivative"),
        (lambda x: x.kron, r"np\.kron\(x\), which stays in the graph"),
        (lambda x: x.det, r"np\.linalg\.det\(x\.numpy\(\)\), which has no derivative"),
        (lambda x: tg.hstack, r"np\.hstack\(x\), which stays in the graph"),
        (lambda x: nn.LSTM, "not offered; compose it"),
    ],
)
def test_remedies(get, message):
    with pytest.raises(AttributeError, match=message):
        get(tg.tensor(X))


def test_no_remedy_for_what_is_here():
    """A remedy for a name that exists in another room says where."""
    rooms = {"x": tg.Tensor, "tg": tg, "F": F, "nn": nn, "tg.optim": tg.optim, "nn.init": nn.init}
    rooms |= {"tg.models": tg.models, "tg.data": tg.data, "tg.check": tg.check, "tg.viz": tg.viz}
    for name, remedy in REMEDIES.items():
        there = [
            room for room, owner in rooms.items() if name in dir(owner) and not inspect.ismodule(getattr(owner, name))
        ]
        said = re.findall(rf"([\w.]+)\.{name}\b", remedy.replace("tg.functional", "F"))
        assert not there or set(there) & set(said), f"{name} is in {', '.join(sorted(there))}; its remedy is: {remedy}"


def test_names_that_python_and_numpy_look_for_are_plain_errors():
    x = tg.tensor(X)
    assert not hasattr(x, "__array_interface__") and not hasattr(F, "__wrapped__")
    assert getattr(x, "_repr_html_", None) is None
    np.testing.assert_array_equal(copy.deepcopy(x).numpy(), pickle.loads(pickle.dumps(x)).numpy())


def test_a_name_that_is_nobodys_gets_the_plain_message():
    with pytest.raises(AttributeError) as caught:
        tg.tensor(X).meen  # noqa: B018
    assert str(caught.value) == "'Tensor' object has no attribute 'meen'" and caught.value.name == "meen"


def test_names_that_are_only_answered_are_not_listed():
    x = tg.tensor(X)
    for listed in (dir(x), dir(tg.Tensor), dir(nn.Parameter), [name for name, _ in inspect.getmembers(tg.Tensor)]):
        assert "sum" in listed and "__add__" in listed and not {"cuda", "acosh", "relu_"} & set(listed)
    assert not hasattr(x, "cuda") and not hasattr(tg.Tensor, "cuda") and getattr(x, "device", None) is None


def test_subclasses_may_have_such_attributes():
    class Placed(tg.Tensor):
        numel = 6

        def __init__(self, data):
            super().__init__(data)
            self.device = "cpu"

        def cuda(self):
            return self

    x = Placed(X)
    assert x.device == "cpu" and x.numel == 6 and x.cuda() is x and {"device", "numel", "cuda"} <= set(dir(x))
    with pytest.raises(AttributeError, match="leave it out"):
        x.cpu  # noqa: B018


# ---------------------------------------------------------------- arguments


def parameters(method):
    return [p.name for p in inspect.signature(method).parameters.values() if p.kind is not p.VAR_POSITIONAL]


METHODS = [
    (name, other, own)
    for name, method in inspect.getmembers(tg.Tensor, inspect.isfunction)
    if name[0] != "_" and name not in ("iota", "argmax_kept", "slice")  # which formulas use, not users
    for other, own in OTHER_NAMES
    if own in (named := parameters(method)) and other not in named
]
VALUES = {
    "axis": 1,
    "keepdims": True,
    "ddof": 1,
    "start": 0,
    "end": 1,
    "low": 1.0,
    "high": 2.0,
    "first": 0,
    "second": 1,
    "shift": 1,
    "offset": 1,
    "axes": (1, 0),
    "axis1": 1,
    "axis2": 0,
    "method": "lower",
}
NEEDED = {"topk": {"k": 1}, "split": {"sections": 1}, "repeat": {"repeats": 2}}
NEEDED |= {"chunk": {"chunks": 2}, "quantile": {"q": 0.3}, "roll": {"shift": 1}}
NEEDED |= {"take_along_axis": {"index": np.array([[0], [1]])}}


def test_every_reduction_is_among_them():
    reductions = {
        "sum",
        "mean",
        "var",
        "std",
        "max",
        "min",
        "argmax",
        "argmin",
        "any",
        "all",
        "prod",
        "norm",
        "logsumexp",
    }
    for pair in (("dim", "axis"), ("keepdim", "keepdims")):
        assert reductions <= {name for name, *names in METHODS if tuple(names) == pair}


@pytest.mark.parametrize("name, other, own", METHODS)
def test_other_names_of_arguments(name, other, own):
    more, value = NEEDED.get(name, {}), VALUES[own]
    x = tg.tensor(X[:, None] if name == "squeeze" else X)
    pairs = {"first": "second", "second": "first", "axis1": "axis2", "axis2": "axis1"}
    if own in pairs:
        more = {pairs[own]: 1 - value}
    call = getattr(x, name)
    more = {key: value for key, value in more.items() if key != own}
    ours, expected = call(**{**more, other: value}), call(**{**more, own: value})
    for a, b in zip(*([y] if isinstance(y, tg.Tensor) else y for y in (ours, expected)), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.raises(TypeError, match=f"{own} and {other} name the same argument"):
        call(**{**more, other: value, own: value})


def test_functions_take_dim_too():
    x = tg.tensor(X)
    assert tg.concatenate([x, x], dim=1).shape == (2, 6) and tg.stack([x, x], dim=2).shape == (2, 3, 2)


def test_size_is_a_number_and_can_be_called():
    x = tg.tensor(X)
    assert x.size == 6 and x.size() == (2, 3) and x.size(-1) == x.size(1) == 3 and x.size // 2 == 3
    assert type(pickle.loads(pickle.dumps(x.size))) is int and type(copy.deepcopy(x.size)) is int
    assert x.view(3, 2).shape == x.view(3, -1).shape == (3, 2)
    assert tg.jit(lambda x: x.view(x.size(0), -1) * x.size)(x).shape == (2, 3)


# ---------------------------------------------------------------- forms of call


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda x: x.pad(1),
            tg.ShapeError,
            r"pad of \(1, 1, 2, 3\) by 1.*Use \.pad\(\(\(0, 0\), \(0, 0\), \(1, 1\), \(1, 1\)\)\)",
        ),
        (lambda x: x.pad((1, 1)), tg.ShapeError, r"one \(low, high\) for each axis"),
        (lambda x: x.pad((1, 1, 1, 1)), tg.ShapeError, r"one \(low, high\) for each axis"),
        (lambda x: x.transpose(1, 2), tg.ShapeError, r"Use \.swapaxes\(1, 2\)"),
        (lambda x: x.gather(1, np.zeros((1, 1))), TypeError, r"take_along_axis\(index, axis\)"),
        (lambda x: nn.Sequential([nn.ReLU(), nn.ReLU()]), TypeError, r"Sequential of a list.*Sequential\(\*layers\)"),
        (lambda x: nn.Sequential(iter([nn.ReLU()])), TypeError, r"Sequential\(\*layers\)"),
        (lambda x: nn.ModuleList(nn.ReLU(), nn.ReLU()), TypeError, r"ModuleList\(\[a, b\]\)"),
        (lambda x: nn.ModuleList(nn.ReLU()), TypeError, r"ModuleList\(\[a, b\]\)"),
    ],
)
def test_calls_that_do_not_fit_say_which_would(call, error, message):
    with pytest.raises(error, match=message):
        call(tg.tensor(X[None, None]))

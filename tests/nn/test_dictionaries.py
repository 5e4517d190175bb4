"""ModuleDict, ParameterDict and ParameterList beside dict, list and PyTorch's."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn

pytestmark = pytest.mark.any_python


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")


def modules():
    return nn.ModuleDict({"b": nn.Linear(2, 3), "a": nn.ReLU()})


@pytest.mark.parametrize("kind", ["ModuleDict", "ParameterDict"])
def test_dictionaries_work_as_a_dict(kind):
    parameters = [nn.Parameter(tg.ones(n)) for n in (1, 2, 3)]
    values = [nn.ReLU(), nn.Tanh(), nn.Identity()] if kind == "ModuleDict" else parameters
    held, plain = getattr(nn, kind)({"y": values[0], "x": values[1]}), {"y": values[0], "x": values[1]}

    def same():
        assert list(held) == list(held.keys()) == list(plain) and list(reversed(held)) == list(reversed(plain))
        assert all(a is b for a, b in zip(held.values(), plain.values(), strict=True)) and len(held) == len(plain)
        assert all(held[key] is value for key, value in plain.items()) and [k for k, _ in held.items()] == list(plain)

    same()
    for change in (
        lambda d: d.__setitem__("z", values[2]),
        lambda d: d.__setitem__("y", values[2]),
        lambda d: d.update([("w", values[0]), ("x", values[0])]),
        lambda d: d.update(getattr(nn, kind)({"v": values[1]})) if d is held else d.update({"v": values[1]}),
        lambda d: d.__delitem__("x"),
    ):
        change(held), change(plain)
        same()
    assert held.pop("y") is plain.pop("y") and "y" not in held and "z" in held and 3 not in held
    same()
    held.clear(), plain.clear()
    same()


def test_what_only_parameter_dictionaries_have():
    p, q = nn.Parameter(tg.ones(2)), nn.Parameter(tg.zeros(3))
    held = nn.ParameterDict({"p": p})
    assert held.get("p") is p and held.get("q") is None and held.get("q", 3) == 3
    assert held.setdefault("q", q) is q and held.setdefault("q", p) is q
    both = nn.ParameterDict({"r": p}) | held
    assert list(both) == ["r", "p", "q"] and list({"s": q} | held) == ["s", "p", "q"] and list(held) == ["p", "q"]
    held |= {"p": q}
    assert held["p"] is q and held.popitem()[1] is q and list(held.copy()) == ["p"]
    assert list(held.fromkeys(["a", "b"], p).values()) == [p, p]
    with pytest.raises(KeyError, match="empty ParameterDict"):
        nn.ParameterDict().popitem()


def test_parameter_lists_work_as_a_list():
    values = [nn.Parameter(tg.ones(n)) for n in (1, 2, 3, 4)]
    held = nn.ParameterList(values[:2])
    held.append(values[2]).extend(values[3:])
    assert [a is b for a, b in zip(held, values, strict=True)] == [True] * 4 and held[-1] is values[3]
    assert type(held[1:3]) is nn.ParameterList and held[1:3][0] is values[1] and len(held[1:3]) == 2
    held[-2] = values[0]
    held += [values[1]]
    assert [p.size for p in held] == [1, 2, 1, 4, 2] and len(held) == 5
    with pytest.raises(IndexError, match=r"ParameterList\[5\]: it holds 5 values"):
        held[5]
    with pytest.raises(TypeError, match="ParameterList of type Parameter: it takes a list"):
        nn.ParameterList(values[0])


def test_tensors_become_parameters_and_other_values_stay():
    held = nn.ParameterDict({"t": tg.ones(2), "n": 3})
    assert isinstance(held["t"], nn.Parameter) and held["n"] == 3 and [k for k, _ in held.named_parameters()] == ["t"]
    held["t"] = None
    assert held["t"] is None and not list(held.parameters())
    values = nn.ParameterList([tg.ones(2), "text"])
    assert isinstance(values[0], nn.Parameter) and values[1] == "text"


def test_names_and_states_are_pytorchs(torch):
    def net(nn, array):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.heads = nn.ModuleDict(OrderedDict(b=nn.Linear(2, 3), a=nn.Linear(3, 1)))
                self.scales = nn.ParameterDict(OrderedDict(z=array(np.ones(2, "f")), y=array(np.ones(3, "f"))))
                self.shifts = nn.ParameterList([array(np.ones(n, "f")) for n in (1, 2)])

        return Net()

    ours, theirs = net(nn, tg.tensor), net(torch.nn, torch.tensor)
    names = [name for name, _ in theirs.named_parameters()]
    assert [name for name, _ in ours.named_parameters()] == names == list(ours.state_dict())
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict({key: torch.from_numpy(value) for key, value in ours.state_dict().items()})


def test_a_compiled_step_trains_what_they_hold():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleDict({"one": nn.Linear(2, 2), "two": nn.Linear(2, 2)})
            self.scales = nn.ParameterList([tg.ones(2), tg.ones(2)])

        def forward(self, x):
            for layer, scale in zip(self.layers.values(), self.scales, strict=True):
                x = layer(x) * scale
            return x

    model = Net()
    step = tg.jit(lambda x: model(x).square().sum())
    x = tg.ones(3, 2)
    before = step(x).item()
    with tg.no_grad():
        model.scales[1].assign(2 * model.scales[1])
    assert step(x).item() == pytest.approx(4 * before)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: modules()["c"], KeyError, "ModuleDict has no 'c'; it has 'b', 'a'."),
        (lambda: modules().pop("training"), KeyError, "ModuleDict has no 'training'"),
        (lambda: nn.ModuleDict({"a": nn.ReLU}), TypeError, "call it: ReLU(...)"),
        (lambda: nn.ModuleDict({"a.b": nn.ReLU()}), ValueError, "without dots"),
        (lambda: nn.ModuleDict({"items": nn.ReLU()}), ValueError, "'items' is taken by the class"),
        (lambda: nn.ParameterDict({1: tg.ones(2)}), ValueError, "the name 1 must be a string"),
        (lambda: nn.ParameterDict({"training": tg.ones(2)}), ValueError, "'training' is taken by the class"),
        (lambda: nn.ParameterDict(3), TypeError, "ParameterDict of type int: it takes a dict, or pairs"),
        (lambda: nn.ModuleDict(["ab"]), ValueError, "ModuleDict: 'ab' is no pair of a name and a value"),
        (lambda: nn.ParameterList(3), TypeError, "ParameterList of type int: it takes a list of tensors"),
        (lambda: modules()(1), NotImplementedError, "ModuleDict has no forward()"),
    ],
)
def test_what_is_refused(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


def test_printing():
    assert repr(nn.ParameterDict({"w": tg.ones(2, 3), "n": 1})) == "ParameterDict(w: (2, 3), n: 1)"
    assert repr(nn.ParameterList([tg.ones(2)])) == "ParameterList(0: (2,))"
    assert repr(modules()).splitlines()[1] == "  (b): Linear(in_features=2, out_features=3, bias=True)"

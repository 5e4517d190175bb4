"""Sequential and ModuleList as lists of modules."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn

pytestmark = pytest.mark.quick


def row(n=4):
    return nn.Sequential(*(nn.Linear(2, 2) for _ in range(n)))


def keys(model):
    return [name for name, _ in model.named_children()]


def test_places_slices_and_length():
    model = row()
    assert len(model) == 4 and model[0] is next(iter(model)) and model[-1] is list(model)[3]
    assert [m is n for m, n in zip(model[1:3], list(model)[1:3], strict=True)] == [True, True]
    assert keys(model[1:3]) == ["1", "2"] and type(model[1:3]) is nn.Sequential
    assert [*model[::2]] == [model[0], model[2]]


def test_append_extend_replace_and_delete():
    model = row(2)
    last = nn.ReLU()
    assert model.append(last) is model and model[2] is last
    model.extend([nn.Tanh(), nn.Identity()])
    assert keys(model) == ["0", "1", "2", "3", "4"]
    del model[0]
    assert keys(model) == ["0", "1", "2", "3"] and model[1] is last
    model[1] = nn.Sigmoid()
    assert [type(m).__name__ for m in model] == ["Linear", "Sigmoid", "Tanh", "Identity"]


def test_append_to_a_slice_keeps_what_it_holds():
    part = row()[1:3].append(nn.ReLU())
    assert [type(m).__name__ for m in part] == ["Linear", "Linear", "ReLU"]


def test_names_by_ordered_dict():
    model = nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 1, 1), act=nn.ReLU()))
    assert keys(model) == ["conv", "act"] and model.conv is model[0]
    model.append(nn.Tanh())
    assert keys(model) == ["conv", "act", "2"]
    del model[0]
    assert keys(model) == ["act", "2"]


def test_the_same_module_twice_runs_twice():
    class Double(nn.Module):
        def forward(self, x):
            return x * 2

    twice = Double()
    model = nn.Sequential(twice, twice)
    assert len(model) == 2 and model(tg.tensor(1.0)).item() == 4.0


def test_module_list_belongs_to_its_holder():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])

    net = Net()
    assert [name for name, _ in net.named_parameters()][::2] == ["layers.0.weight", "layers.1.weight"]
    assert type(net.layers[:1]) is nn.ModuleList and len(net.layers) == 2


def test_what_is_no_module_is_refused_by_name():
    with pytest.raises(TypeError, match=r"'1' is .*ReLU.*; call it: ReLU\(\.\.\.\)"):
        nn.Sequential(nn.Linear(2, 2), nn.ReLU)
    with pytest.raises(TypeError, match=r"not a Module; subclass nn\.Module"):
        nn.Sequential(lambda x: x)
    with pytest.raises(ValueError, match="'forward' is taken"):
        nn.Sequential({"forward": nn.ReLU()})
    with pytest.raises(ValueError, match="without dots"):
        nn.Sequential({"a.b": nn.ReLU()})
    with pytest.raises(IndexError, match="it holds 4 modules"):
        row()[4]

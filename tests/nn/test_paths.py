"""The path of the module that an operation belongs to, in error messages and on the graph's nodes."""

from __future__ import annotations

import pytest

import tinygrad_cv as tg
from tinygrad_cv import ShapeError, nn
from tinygrad_cv.core.context import current

pytestmark = pytest.mark.any_python


class Spy(nn.Module):
    """Notes the path under which it runs."""

    def __init__(self, paths=None):
        super().__init__()
        self.paths = [] if paths is None else paths

    def forward(self, x):
        self.paths.append(current().scope.path)
        return x


class Net(nn.Module):
    def __init__(self, spy):
        super().__init__()
        self.features = nn.Sequential(nn.Identity(), spy)
        self.blocks = nn.ModuleList([nn.Identity(), Spy(spy.paths)])

    def forward(self, x):
        for block in self.blocks:  # the list itself is not called
            x = block(x)
        return self.features(x)


def test_a_linear_layer_after_flatten_names_its_path_and_the_features_it_would_need():
    """conventions.md: Linear after Flatten with the wrong number of features."""
    model = nn.Sequential(
        {"features": nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), "flatten": nn.Flatten(), "fc": nn.Linear(100, 10)}
    )
    with pytest.raises(ShapeError, match=r"Sequential\.fc/linear") as caught:
        model(tg.ones(2, 1, 8, 8))
    assert "100" in str(caught.value) and "in_features=144" in str(caught.value)


def test_an_error_in_a_nested_layer_names_the_whole_path():
    model = nn.Sequential({"features": nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3))})
    with pytest.raises(ShapeError, match=r"\(in Sequential\.features\.1\).* num_features=4"):
        model(tg.ones(2, 4, 8, 8))


def test_a_module_bears_the_name_by_which_its_caller_holds_it():
    spy = Spy()
    net = Net(spy)
    net(tg.ones(1))
    assert spy.paths == ["Net.blocks.1", "Net.features.1"]
    net(tg.ones(1))  # the second time from memory
    assert spy.paths[2:] == spy.paths[:2]


def test_a_module_that_is_held_twice_bears_its_first_path():
    spy = Spy()
    net = Net(spy)
    net.blocks = nn.ModuleList([spy])
    net(tg.ones(1))
    assert spy.paths == ["Net.features.1", "Net.features.1"]


def test_a_slice_does_not_rename_what_it_holds():
    spy = Spy()
    model = nn.Sequential(nn.Identity(), nn.Identity(), spy)
    model[2:](tg.ones(1))
    model(tg.ones(1))
    assert spy.paths == ["Sequential.2", "Sequential.2"]


def test_a_module_called_by_itself_bears_its_own_name():
    spy = Spy()
    spy(tg.ones(1))
    nn.Sequential(nn.Sequential(spy))[0][0](tg.ones(1))
    assert spy.paths == ["Spy", "0"]


def test_a_module_that_its_caller_does_not_hold_bears_its_class_name():
    spy = Spy()

    class Outer(nn.Module):
        def forward(self, x):
            return spy(x)

    Outer()(tg.ones(1))
    assert spy.paths == ["Outer.Spy"]


def test_a_module_that_was_moved_is_found_again():
    spy = Spy()
    net = Net(spy)
    net(tg.ones(1))
    net.blocks = nn.ModuleList([net.blocks[1], nn.Identity()])
    net(tg.ones(1))
    assert spy.paths[2:] == ["Net.blocks.0", "Net.features.1"]


def test_nodes_know_their_module():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    assert model(tg.ones(1, 2)).node.scope.path == "Sequential.1/relu"


def test_the_scope_is_left_behind_after_an_error():
    with pytest.raises(ShapeError):
        nn.Sequential(nn.Linear(2, 2))(tg.ones(1, 3))
    assert current().scope is None
    spy = Spy()
    spy(tg.ones(1))
    assert spy.paths == ["Spy"]

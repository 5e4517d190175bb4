"""What is found below a module, with all options and by path, is what PyTorch finds."""

from __future__ import annotations

import itertools

import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn


def network(library):
    """A module that is shared, a parameter that is shared, a module within another, and buffers."""
    n = library.nn
    shared = n.Linear(2, 2)
    model = n.Sequential(shared, n.Sequential(n.BatchNorm1d(2), shared), n.Linear(2, 2))
    model[2].bias = shared.bias
    model.register_parameter("scale", n.Parameter(library.ones(2)))
    model.register_parameter("unused", None)
    model.register_module("last", n.ReLU())
    model.register_buffer("count", library.zeros(()))
    return model


@pytest.fixture(scope="module")
def pair():
    return network(tg), network(pytest.importorskip("torch"))


SWITCHES = [dict(zip(("recurse", "remove_duplicate"), x)) for x in itertools.product((True, False), repeat=2)]  # noqa: B905


@pytest.mark.parametrize("options", SWITCHES, ids=str)
@pytest.mark.parametrize("method", ["named_parameters", "named_buffers"])
@pytest.mark.parametrize("prefix", ["", "net"])
def test_tensors(pair, method, prefix, options):
    ours, theirs = ({key for key, _ in getattr(model, method)(prefix=prefix, **options)} for model in pair)
    assert ours == theirs and theirs


@pytest.mark.parametrize("remove_duplicate", [True, False])
def test_modules(pair, remove_duplicate):
    ours, theirs = (
        [(key, type(m).__name__) for key, m in model.named_modules(prefix="net", remove_duplicate=remove_duplicate)]
        for model in pair
    )
    assert ours == theirs
    ours, theirs = (len(list(model.modules(remove_duplicate))) for model in pair)
    assert ours == theirs == (6 if remove_duplicate else 7)


@pytest.mark.parametrize("recurse", [True, False])
def test_without_paths(pair, recurse):
    for method in ("parameters", "buffers"):
        ours, theirs = (len(list(getattr(model, method)(recurse=recurse))) for model in pair)
        assert ours == theirs > 0


def test_by_path(pair):
    for model in pair:
        assert model.get_submodule("") is model and model.get_submodule("1.1") is model[0]
        assert model.get_parameter("1.0.weight") is model[1][0].weight and model.get_buffer("count") is model.count
        for method, target in (
            ("get_submodule", "1.7"),
            ("get_submodule", "1.0.weight"),
            ("get_parameter", "count"),
            ("get_parameter", "unused"),
            ("get_buffer", "scale"),
            ("get_buffer", "5.x"),
        ):
            with pytest.raises(AttributeError):
                getattr(model, method)(target)
    with pytest.raises(AttributeError, match=r"target='1.0.w'; BatchNorm1d has no parameter 'w'. It has w"):
        pair[0].get_parameter("1.0.w")


def test_put_at_a_path():
    """As PyTorch does it: in place of one, or a new one of a module that is there; otherwise nothing changes."""
    ours = network(tg)
    for model in (ours, network(pytest.importorskip("torch"))):
        kind = type(model[1][0])
        for target, strict in (("1.0", True), ("1.0", False), ("1.new", False)):
            model.set_submodule(target, other := kind(3), strict=strict)
            assert model.get_submodule(target) is other
        before = [name for name, _ in model.named_modules()]
        for target, strict in (("1.7", True), ("9.0", False), ("1.0.weight.x", False), ("", False)):
            with pytest.raises((AttributeError, ValueError)):
                model.set_submodule(target, kind(3), strict=strict)
        assert [name for name, _ in model.named_modules()] == before
    with pytest.raises(ValueError, match="'forward' is taken by the class"):
        ours.set_submodule("1.forward", nn.ReLU())


@pytest.mark.any_python
def test_what_is_no_parameter():
    layer = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=r"Linear.register_parameter: param of 'x' is of type Tensor"):
        layer.register_parameter("x", tg.ones(2))
    with pytest.raises(ValueError, match="assign=True; values are copied"):
        layer.load_state_dict(layer.state_dict(), assign=True)

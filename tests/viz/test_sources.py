"""Where values come from: inputs without gradient, comparisons, and names of what a function reads."""

import functools

import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn

NET = nn.Linear(3, 2)


def kinds(view):
    return {node.name: node.kind for node in view.nodes if node.kind in ("parameter", "leaf", "input")}


def loss_of(x):
    return NET(x).sum()


class Step:
    def __init__(self):
        self.net = NET

    def run(self, x):
        return self.net(x).sum()

    def __call__(self, x):
        return self.run(x)


def closure():
    net = NET
    return lambda x: net(x).sum()


def nested():
    nets = {"a": [NET]}

    def inner(x):
        return nets["a"][0](x)

    return lambda x: inner(x).sum()


READERS = {
    "closure": closure(),
    "global": loss_of,
    "nested": nested(),
    "method": Step().run,
    "object": Step(),
    "partial": functools.partial(lambda net, x: net(x).sum(), NET),
    "default": lambda x, net=NET: net(x).sum(),
    "inside": lambda x: (lambda z: NET(z))(x).sum(),
    "module": NET,
}


@pytest.mark.parametrize("part", ["forward", "backward", "both"])
@pytest.mark.parametrize("name", READERS)
def test_parameters_of_modules_that_a_function_reads_have_their_names(name, part):
    view = tg.graph(READERS[name], tg.ones(4, 3), part=part)
    if part != "backward":
        assert kinds(view)["weight"] == kinds(view)["bias"] == "parameter"
        assert "leaf" not in kinds(view).values()
    if part != "forward":
        assert {"dweight", "dbias"} <= {node.name for node in view.nodes if node.kind == "output"}


def test_two_modules_that_a_function_reads_are_told_apart_and_names_given_stay():
    a, b, w = nn.Linear(3, 3), nn.Linear(3, 2, bias=False), tg.ones(2, requires_grad=True)
    f = lambda x: b(a(x)) * w  # noqa: E731
    assert set(kinds(tg.graph(f, tg.ones(1, 3)))) == {"x", "a.weight", "a.bias", "b.weight", "w"}
    assert set(kinds(tg.graph(f, tg.ones(1, 3), names={"v": w}))) == {"x", "a.weight", "a.bias", "b.weight", "v"}


def feeds(view, target):
    return [view.nodes[edge.source] for edge in view.edges if edge.target == target.number]


@pytest.mark.parametrize("part", ["forward", "both"])
@pytest.mark.parametrize("f", [F.relu, F.leaky_relu, F.elu, F.softplus], ids=lambda f: f.__name__)
def test_an_activation_shows_its_comparison(f, part):
    view = tg.graph(lambda x: f(x).sum(), tg.randn(2, 3), part=part)
    select = next(node for node in view.nodes if node.op == "where")
    condition, *_ = feeds(view, select)
    assert condition.kind == "op" and condition.dtype == "bool" and condition.function == f.__name__
    assert any(node.name == "x" for node in feeds(view, condition))


CALLS = {
    "labels": lambda x, y: F.cross_entropy(x, y),
    "mask": lambda x, y: (y > 1).where(x[:, 0], 0),
    "index": lambda x, y: x * y.reshape(2, 1).astype("float32"),
    "equal": lambda x, y: (y == 1).astype("float32").reshape(2, 1) * x,
}


@pytest.mark.parametrize("part", ["forward", "both"])
@pytest.mark.parametrize("name", CALLS)
def test_an_input_without_gradient_is_drawn(name, part):
    view = tg.graph(lambda x, y: CALLS[name](x, y).sum(), tg.randn(2, 3), tg.tensor([1, 2]), part=part)
    (y,) = [node for node in view.nodes if node.name == "y"]
    assert (y.kind, y.shape, y.dtype) == ("input", (2,), "int64")
    ends, reached = {y.number}, True
    while reached:  # what was computed from it leads to the output
        reached = {edge.target for edge in view.edges if edge.source in ends} - ends
        ends |= reached
    assert any(view.nodes[n].kind == "output" for n in ends)
    assert all(edge.source < edge.target for edge in view.edges)


def test_buffers_in_evaluation_are_drawn():
    view = tg.graph(nn.BatchNorm1d(3).eval(), tg.randn(4, 3))
    assert {"running_mean", "running_var"} <= set(kinds(view))


def test_what_a_detached_value_was_computed_from_is_not_drawn():
    view = tg.graph(lambda x: x - (x * 2.0).detach(), tg.ones(3))
    assert [node.op for node in view.nodes if node.kind == "op"] == ["sub"]


# names= after the fact


VIEWS = {
    "same": lambda x: x,
    "windows": lambda x: nn.Conv2d(1, 2, 3)(x),
    "reshape": lambda x: x.reshape(2, 16),
    "transpose": lambda x: x.permute(3, 2, 1, 0),
    "expand": lambda x: x.expand(3, 2, 1, 4, 4),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_named_input_without_gradient_is_drawn_as_it_is(name):
    x = tg.randn(2, 1, 4, 4)
    given = VIEWS[name](x)
    y = given * tg.ones(1, requires_grad=True) if given.node is None else given
    view = tg.graph(y, names={"x": x})
    (node,) = [node for node in view.nodes if node.name == "x"]
    assert (node.kind, node.shape) == ("input", (2, 1, 4, 4))


def test_a_name_that_is_not_found_is_warned_of():
    x, w = tg.randn(2, 1, 4, 4), tg.ones(2, requires_grad=True)
    other, net = tg.ones(2, requires_grad=True), nn.Linear(2, 2)
    y = nn.Conv2d(1, 2, 3, padding=1)(x).sum((0, 2, 3)) * w
    with pytest.warns(UserWarning, match=r"graph: names: 'x' is not in the graph: it requires no gradient"):
        tg.graph(y, names={"x": x, "w": w})
    with pytest.warns(UserWarning, match=r"'other' is not in the graph: the target was not computed from it"):
        tg.graph(y, names={"other": other})
    with pytest.warns(UserWarning, match=r"'net' is not in the graph: the target was not computed from its parameters"):
        tg.graph(y, names={"net": net})
    with pytest.warns(UserWarning) as caught:
        tg.graph(y, names={"other": other})
    assert caught[0].filename == __file__


def test_locals_are_not_warned_of(recwarn):
    x, w, other = tg.randn(2, 1, 4, 4), tg.ones(2, requires_grad=True), tg.ones(2)
    y = w * 2.0
    view = tg.graph(y, names=locals())
    assert not recwarn.list and x is not other and "w" in kinds(view)

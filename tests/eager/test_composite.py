"""Calls that compiled code runs: values, derivatives, drawings, changes in place and errors are those of plain code.

Graphs run on NumPy here, by the rules of eager code, so that everything must be equal bit for bit.
"""

from __future__ import annotations

import weakref
from contextlib import nullcontext

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.eager.forced import forced
from tinygrad_cv import functional as F
from tinygrad_cv import nn, optim
from tinygrad_cv.eager import entries

pytestmark = pytest.mark.any_python


def images(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return tg.tensor(rng.normal(size=shape).astype(np.float32), requires_grad=True)


def native():
    """The calls by compiled code, by the function's name."""
    return {entry.function.__name__: entry.native for entry in entries.entries.values() if entry.native}


def both(run):
    """What a function gives in plain eager code, and with all calls compiled that can be."""
    plain = run()
    with forced("numpy"):
        return plain, run()


def block():
    """A network in which each composed function has its own way: statistics, random numbers, conditions."""
    tg.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(36, 5),
    )


def test_a_network_learns_the_same():
    def run():
        net = block()
        sgd = optim.SGD(net, lr=0.1, momentum=0.9)
        seen = []
        for step in range(3):
            x = images(3, 2, 6, 6, seed=step)
            loss = F.cross_entropy(net(x), [0, 4, 2])
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            seen += [loss.tolist(), x.grad.tolist()]
        ran = native()
        return seen, {name: t.tolist() for name, t in net.state_dict().items()}, tg.rand(2).tolist(), ran

    (*plain, none), (*composite, ran) = both(run)
    assert composite == plain
    assert not none and ran == {
        "conv2d": 3,
        "batch_norm": 3,
        "relu": 3,
        "max_pool2d": 3,
        "dropout": 3,
        "linear": 3,
        "cross_entropy": 3,
    }


def test_derivatives_of_second_order_are_those_of_the_operations():
    def run():
        net, x = block(), images(3, 2, 6, 6)
        loss = F.cross_entropy(net(x), [0, 4, 2])
        first = tg.grad(loss, [x, *net.parameters()], create_graph=True)
        second = tg.grad(sum((g * g).sum() for g in first), [x, *net.parameters()], allow_unused=True)
        return [None if g is None else g.tolist() for g in (*first, *second)]

    plain, composite = both(run)
    assert composite == plain


@pytest.mark.parametrize("freed", [False, True])
def test_drawings_show_the_operations(freed):
    def run():
        net, x = block(), images(3, 2, 6, 6)
        loss = F.cross_entropy(net(x), [0, 4, 2])
        loss.backward(retain_graph=not freed)
        return tg.graph(loss, net, names={"x": x}).text(), tg.graph(loss).json()

    plain, composite = both(run)
    assert composite == plain and "windows" in plain[0]


def test_a_pass_that_is_drawn_shows_the_derivatives_of_the_operations():
    def run():
        x = images(2, 2, 6, 6)
        y = F.gelu(F.conv2d(x, images(3, 2, 3, 3, seed=1))).sum()
        return tg.graph(y, part="both").text()

    plain, composite = both(run)
    assert composite == plain


def test_the_tape_can_be_walked_by_hand():
    with forced("numpy"):
        y = F.conv2d(images(1, 1, 4, 4), images(2, 1, 3, 3, seed=1), images(2, seed=2))
        names = []
        node = y.node
        while node is not None and node.parents:
            names.append((node.name, node.scope.path))
            node = node.parents[0]
    assert names == [("add", "conv2d"), ("contract", "conv2d"), ("windows", "conv2d")]


def test_nodes_come_between_those_before_and_after():
    with forced("numpy"):
        x = images(1, 1, 4, 4)
        before = x * 2.0
        y = F.gelu(before)
        after = y * 3.0
        count = len(tg.graph(after).nodes)
    serials, node = [], after.node
    while node.parents:
        serials.append(node.serial)
        node = next(parent for parent in node.parents if parent is not None)
    assert count > 6 and serials == sorted(set(serials), reverse=True)
    assert after.node.serial > y.node.serial > before.node.serial


@pytest.mark.parametrize("function", [F.relu, F.sigmoid, F.softplus, lambda x: F.avg_pool2d(x, 2)])
@pytest.mark.parametrize("of", ["input", "output", "view"])
def test_a_change_in_place_after_the_call_is_an_error_where_an_operation_saved_the_array(function, of):
    def run():
        whole = tg.tensor(np.linspace(-2, 2, 32, dtype=np.float32).reshape(2, 1, 4, 4))
        x = whole[:1].detach()
        x.requires_grad_()
        y = function(x)
        with tg.no_grad():
            changed = {"input": x, "output": y, "view": whole}[of]
            changed[...] = 7.0
        try:
            y.sum().backward()
        except tg.GraphError as error:
            return str(error)
        return x.grad.tolist()

    plain, composite = both(run)
    assert composite == plain


def test_hooks_and_kept_gradients_of_results():
    def run():
        x, seen = images(2, 2, 6, 6), []
        y = F.relu(F.conv2d(x, images(3, 2, 3, 3, seed=1)))
        y.retain_grad()
        y.register_hook(lambda g: seen.append(g.tolist()) or g * 2.0)
        z = F.max_pool2d(y, 2)
        z.sum().backward()
        return x.grad.tolist(), y.grad.tolist(), seen

    plain, composite = both(run)
    assert composite == plain


def test_gradients_of_some_arguments():
    def run():
        x, w, b = images(2, 2, 6, 6), images(3, 2, 3, 3, seed=1), images(3, seed=2)
        y = F.conv2d(x, w, b).sum()
        return [tg.grad(y, one, retain_graph=True).tolist() for one in (x, w, b)]

    plain, composite = both(run)
    assert composite == plain


@pytest.mark.parametrize("recorded", [True, False])
def test_a_search_for_nan_names_the_operation(recorded):
    def run():
        x = tg.tensor([[4.0, 0.0]], requires_grad=True)
        with tg.detect_anomaly() if recorded else nullcontext():
            y = F.pairwise_distance(x, x * 1.0, eps=0.0).sqrt().sum()
        with pytest.raises(tg.GraphError) as caught, tg.detect_anomaly():
            y.backward()
        return str(caught.value).partition(", at ")[0]

    plain, composite = both(run)
    assert composite == plain and plain.startswith("backward pass: the derivative of ")


def test_errors_are_those_of_plain_code():
    def run():
        x, messages = images(2, 3), []
        y = F.cross_entropy(x, [0, 2])
        y.backward()
        for call in (
            y.backward,
            lambda: F.cross_entropy(x, [0, 3]),
            lambda: F.embedding([0, 2], x),
            lambda: F.linear(x, tg.ones(2, 4)),
            lambda: y.requires_grad_(False),
        ):
            with pytest.raises((tg.GraphError, tg.ShapeError, ValueError, IndexError)) as caught:
                call()
            messages.append(str(caught.value))
        return messages

    plain, composite = both(run)
    assert composite == plain


def test_views_stay_views_and_arguments_themselves():
    with forced("numpy"):
        x = tg.ones(2, 3, 4, 4)
        assert F.dropout(x, 0.0) is x
        y = F.pixel_unshuffle(tg.ones(1, 1, 1, 1), 1)
        assert not native() and y.shape == (1, 1, 1, 1)


def test_random_numbers_and_statistics_are_drawn_and_taken_once():
    def run():
        tg.manual_seed(1)
        mean, var = tg.zeros(2), tg.ones(2)
        x = images(4, 2)
        y = F.dropout(F.batch_norm(x, mean, var, training=True), 0.5)
        first = tg.grad(y.sum(), x, create_graph=True)  # opens both
        return y.tolist(), first.tolist(), mean.tolist(), var.tolist(), tg.default_generator.state.tolist()

    plain, composite = both(run)
    assert composite == plain


def test_a_checkpoint_of_compiled_calls():
    def run():
        x, w = images(2, 2, 6, 6), images(3, 2, 3, 3, seed=1)
        y = tg.checkpoint(lambda x, w: F.relu(F.conv2d(x, w)), x, w)
        first = tg.grad((y * y).sum(), [x, w], create_graph=True)
        sum((g * g).sum() for g in first).backward()
        return x.grad.tolist(), w.grad.tolist()

    plain, composite = both(run)
    assert composite == plain


def test_a_checkpoint_takes_statistics_once_after_the_same_call_was_recorded():
    def run():
        mean, var = tg.zeros(2), tg.ones(2)

        def normalized(x):
            return F.batch_norm(x, mean, var, training=True)

        x = images(4, 2)
        (normalized(x) + tg.checkpoint(normalized, x)).sum().backward()
        return x.grad.tolist(), mean.tolist(), var.tolist()

    plain, composite = both(run)
    assert composite == plain


def test_a_freed_graph_that_was_drawn_is_still_freed():
    def run():
        x = images(2, 2, 6, 6)
        y = F.gelu(x)
        y.backward(tg.ones_like(y))
        count = len(tg.graph(y).nodes)
        with pytest.raises(tg.GraphError, match="that an earlier backward has freed") as caught:
            tg.grad(y, x, tg.ones_like(y))
        return count, str(caught.value)

    plain, composite = both(run)
    assert composite == plain


def test_a_graph_keeps_the_arguments_and_dies_with_its_result():
    with forced("numpy"):
        x = images(1, 1, 4, 4)
        inner = x * 1.0
        array = weakref.ref(inner.value)
        y = F.relu(inner)
        del inner
        assert array() is not None
        y.sum().backward()
        assert array() is None
        y = F.relu(x * 1.0)
        node = weakref.ref(y.node)
        del y
        assert node() is None


def test_memory_of_other_libraries_is_left_to_numpy():
    with forced("numpy"):
        array = np.ones((2, 3), np.float32)
        x = tg.from_dlpack(array)
        x.requires_grad_()
        y = F.relu(x)
        assert not native()
        array[...] = -1.0
        F.relu(tg.ones(2, 3))
        assert native() == {"relu": 1}
        del x, y


def test_a_jitted_function_records_operations():
    with forced("numpy"):
        x = images(2, 2, 6, 6)
        jitted = tg.jit(lambda x: F.relu(x).sum())
        jitted(F.relu(x)).backward()
        assert native() == {"relu": 1} and "where" in jitted.graph(x).text()
        np.testing.assert_array_equal(x.grad, x.value > 0)

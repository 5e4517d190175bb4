"""no_grad and its kin: right in threads, in asyncio tasks, and through exceptions. Scopes name places."""

import asyncio
import threading

import pytest

import tinygrad_cv as tg
from tinygrad_cv.core.context import current, location, scope, scoped, using

pytestmark = pytest.mark.quick


def records():
    x = tg.ones(1, requires_grad=True)
    return (x * 2.0).requires_grad


def test_no_grad_and_enable_grad_nest():
    assert records() and tg.is_grad_enabled()
    with tg.no_grad():
        assert not records() and not tg.is_grad_enabled()
        with tg.enable_grad():
            assert records()
            with tg.no_grad():
                assert not records()
        assert not records()
    assert records()


def test_no_grad_as_a_decorator():
    @tg.no_grad()
    def function():
        return records()

    assert not function() and not function() and records()


def test_no_grad_ends_with_an_exception():
    with pytest.raises(ZeroDivisionError), tg.no_grad():
        1 / 0  # noqa: B018
    assert records()
    with pytest.raises(tg.ShapeError), tg.no_grad(), tg.enable_grad():
        tg.ones(2) + tg.ones(3)
    assert records()


def test_each_of_8_threads_sees_its_own():
    """conventions.md: no_grad in 8 threads"""
    barrier = threading.Barrier(8)
    found = {}

    def work(i):
        if i % 2:
            with tg.no_grad():
                barrier.wait()
                found[i] = records()
                barrier.wait()
        else:
            barrier.wait()
            found[i] = records()
            barrier.wait()

    with tg.no_grad():  # not inherited by new threads
        threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {i: i % 2 == 0 for i in range(8)}


def test_backward_in_threads():
    """Graphs of different threads do not meet, though they share a leaf's value."""
    gradients = [None] * 8

    def work(i):
        x = tg.tensor([float(i)], requires_grad=True)
        for _ in range(50):
            x.grad = None
            (x * x * x).sum().backward()
        gradients[i] = x.grad.item()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gradients == [3.0 * i * i for i in range(8)]


def test_each_asyncio_task_sees_its_own():
    """conventions.md: in asyncio tasks"""

    async def quiet():
        with tg.no_grad():
            await asyncio.sleep(0.001)
            return records()

    async def loud():
        seen = []
        for _ in range(3):
            await asyncio.sleep(0.0005)
            seen.append(records())
        return all(seen)

    async def all_of_them():
        return await asyncio.gather(*(quiet() if i % 2 else loud() for i in range(6)))

    assert asyncio.run(all_of_them()) == [True, False] * 3


def test_recorded_under_no_grad_is_not_recorded_at_all():
    x = tg.ones(2, requires_grad=True)
    with tg.no_grad():
        y = x * 2.0
    assert y.node is None
    with tg.no_grad():
        (x * x).requires_grad_()  # a leaf of its own
        z = tg.ones(1, requires_grad=True)
    assert z.requires_grad and (z * 2.0).requires_grad


def test_backward_works_under_no_grad():
    x = tg.ones(2, requires_grad=True)
    y = (x * x).sum()
    with tg.no_grad():
        y.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_backward_does_not_change_the_context():
    x = tg.ones(2, requires_grad=True)
    before = current()
    (x * x).sum().backward(create_graph=True)
    with pytest.raises(tg.GraphError):
        (x * x).backward()
    assert current() == before


def test_hooks_run_without_recording_unless_a_graph_is_made():
    x = tg.ones(2, requires_grad=True)
    seen = []
    y = x * 2.0
    y.register_hook(lambda g: seen.append(tg.is_grad_enabled()))
    y.sum().backward(retain_graph=True)
    y.sum().backward(create_graph=True)
    assert seen == [False, True]


def test_scopes_name_places():
    with scope("features", "module"), scope("0", "module"), scope("conv2d", "function"):
        assert current().scope.path == "features.0/conv2d"
        assert location() == " (in features.0/conv2d)"
        x = tg.ones(1, requires_grad=True) * 2.0
    assert current().scope is None and location() == ""
    assert x.node.scope.path == "features.0/conv2d"
    assert [part.name for part in x.node.scope.chain()] == ["features", "0", "conv2d"]


def test_scoped_functions_are_scopes():
    @scoped
    def outer(x):
        """Twice the inner one."""
        return inner(x) * 2.0

    @scoped
    def inner(x):
        return x + 1.0

    y = outer(tg.ones(1, requires_grad=True))
    assert y.node.scope.path == "outer" and y.node.parents[0].scope.path == "outer.inner"
    assert outer.__name__ == "outer" and outer.__doc__ == "Twice the inner one."


def test_errors_name_the_place():
    with scope("head", "module"), pytest.raises(tg.ShapeError, match=r"\(in head\)"):
        tg.ones(2) + tg.ones(3)


def test_another_interpreter_sees_each_primitive():
    seen = []

    def spy(primitive, values, params):
        seen.append(primitive.name)
        return primitive.eval(*values, **params)

    x = tg.ones(2, requires_grad=True)
    with using(interpret=spy):
        y = (x * x).sum()
        assert seen == ["mul", "sum", "reshape"]
        y.backward()
    assert seen[3:5] == ["reshape", "expand"] and seen[-1] == "add"
    assert x.grad.tolist() == [2.0, 2.0]

"""State of the host that a trace would freeze is an error; a function that is traced again and again says why, once."""

from __future__ import annotations

import datetime
import gc
import io
import itertools
import os
import random
import time
import types
import uuid
import warnings

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import TraceError, data, nn

pytestmark = [pytest.mark.usefixtures("on_numpy"), pytest.mark.quick]


def batches():
    while True:
        yield 1.0


def loader():
    images = np.arange(8, dtype=np.float32).reshape(8, 1)
    return data.DataLoader(images, np.arange(8), batch_size=2)


# What makes the state, and what takes from it.
HIDDEN = {
    "random": (lambda: None, lambda _: random.random()),
    "random.gauss": (lambda: None, lambda _: random.gauss(0.0, 1.0)),
    "random.choice": (lambda: None, lambda _: random.choice([1.0, 2.0])),
    "Random": (lambda: random.Random(0), lambda r: r.random()),
    "SystemRandom": (random.SystemRandom, lambda r: r.random()),
    "np.random.beta": (lambda: None, lambda _: float(np.random.beta(0.4, 0.4))),
    "np.random.permutation": (lambda: None, lambda _: float(np.random.permutation(3)[0])),
    "Generator": (lambda: np.random.default_rng(0), lambda r: float(r.random())),
    "Generator without seed": (lambda: None, lambda _: float(np.random.default_rng().random())),
    "RandomState": (lambda: np.random.RandomState(0), lambda r: float(r.rand())),
    "PCG64": (lambda: np.random.PCG64(0), lambda r: float(r.random_raw() % 7)),
    "in an object": (lambda: types.SimpleNamespace(rng=np.random.default_rng(0)), lambda o: float(o.rng.random())),
    "in a dict": (lambda: {"rng": np.random.default_rng(0)}, lambda d: float(d["rng"].random())),
    "list's iterator": (lambda: iter([1.0, 2.0]), next),
    "tuple's iterator": (lambda: iter((1.0, 2.0)), next),
    "range's iterator": (lambda: iter(range(3)), next),
    "dict's iterator": (lambda: iter({1.0: 2.0, 2.0: 1.0}), next),
    "array's iterator": (lambda: np.ones(3).flat, lambda i: float(next(i))),
    "zip": (lambda: zip([1.0], [2.0], strict=True), lambda i: next(i)[0]),
    "map": (lambda: map(float, [1, 2]), next),
    "enumerate": (lambda: enumerate([1.0]), lambda i: next(i)[1]),
    "count": (lambda: itertools.count(), next),
    "cycle": (lambda: itertools.cycle([1.0, 2.0]), next),
    "chain": (lambda: itertools.chain([1.0], [2.0]), next),
    "generator": (batches, next),
    "generator expression": (lambda: (float(i) for i in range(3)), next),
    "iterator in a list": (lambda: [itertools.cycle([1.0])], lambda c: next(c[0])),
    "loader": (lambda: iter(loader()), lambda i: next(i)[0]),
    "text": (lambda: io.StringIO("1\n2\n"), lambda f: float(f.readline())),
    "bytes": (lambda: io.BytesIO(b"12"), lambda f: float(f.read(1))),
    "file": (lambda: open(__file__), lambda f: float(len(f.readline()))),  # noqa: SIM115
    "time": (lambda: None, lambda _: time.time() % 7),
    "perf_counter": (lambda: None, lambda _: time.perf_counter() % 7),
    "time_ns": (lambda: None, lambda _: time.time_ns() % 7),
    "now": (lambda: None, lambda _: datetime.datetime.now().second),
    "today": (lambda: None, lambda _: datetime.date.today().day),
    "urandom": (lambda: None, lambda _: float(os.urandom(1)[0])),
    "uuid": (lambda: None, lambda _: float(uuid.uuid4().int % 7)),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_would_be_frozen_is_an_error_that_names_the_line(name):
    make, take = HIDDEN[name]
    held = make()
    states = random.getstate(), np.random.get_state()[1].tolist()
    f = tg.jit(lambda x: x * tg.asarray(take(held)))
    with pytest.raises(TraceError, match=r"the function .*, at .*test_jit_hidden\.py:\d+.*(Draw|Take) .*argument"):
        f(tg.ones(1))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states
    if isinstance(held, io.IOBase):
        held.close()


def test_what_is_made_within_or_left_alone_is_none():
    rng, log, lines = np.random.default_rng(0), io.StringIO(), []

    @tg.jit
    def f(x):
        own = np.random.default_rng(0).random()
        for i, (a, b) in enumerate(zip([1.0, 2.0], iter([3.0, 4.0]), strict=True)):
            x = x + a * b * i
        print("traced")
        return x * float(own) + (1.0 if rng is None else 0.0) + len(lines)

    assert f(tg.ones(1)).tolist() == f.function(tg.ones(1)).tolist() == f(tg.ones(1)).tolist()
    assert log.getvalue() == ""
    x = tg.jit(lambda: tg.rand(3))
    assert x().tolist() != x().tolist()


def test_the_remedy_is_right():
    step = tg.jit(lambda x, weight: x * weight)
    rng = np.random.default_rng(0)
    assert step(tg.ones(1), rng.random(1, np.float32)).item() != step(tg.ones(1), rng.random(1, np.float32)).item()


COUNT = 0


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls, self.log = 0, []


def counted(net, x):
    net.calls += 1
    return x * net.calls


def logged(net, x):
    net.log.append(1.0)
    return x * len(net.log)


def globally(net, x):
    global COUNT
    COUNT += 1
    return x * COUNT


@pytest.mark.parametrize(("function", "what"), [(counted, "calls"), (logged, "log"), (globally, "COUNT")])
def test_a_function_that_is_traced_at_each_call_warns_once(function, what):
    net = Net()
    f = tg.jit(lambda x: function(net, x))
    with pytest.warns(RuntimeWarning) as said:
        for _ in range(12):
            f(tg.ones(1))
    (message,) = [str(w.message) for w in said]
    assert what in message and "at each call" in message and "test_jit_hidden.py:" in message and "tensor" in message


def test_a_float_that_is_another_at_each_call_warns_once():
    f = tg.jit(lambda x, rate: x * rate)
    with pytest.warns(RuntimeWarning, match=r"arguments are .*, and were .*as a tensor") as said:
        for i in range(80):
            f(tg.ones(1), 0.5 + i)
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        g = tg.jit(lambda x: x * 2.0)
        for n in range(1, 12):
            for _ in range(2):
                g(tg.ones(n))


def test_a_clock_that_times_the_garbage_collector_is_not_the_functions():
    times = []

    def watch(phase, info):
        times.append(time.perf_counter())

    @tg.jit
    def f(x):
        gc.collect()
        return x * 2.0

    gc.callbacks.append(watch)
    try:
        assert f(tg.tensor([1.0])).tolist() == [2.0]
    finally:
        gc.callbacks.remove(watch)
    assert times

"""State of the host that a trace would freeze is an error; a function that is traced again and again says why, once."""

from __future__ import annotations

import copy
import datetime
import functools
import gc
import io
import itertools
import math
import operator
import os
import random
import sys
import time
import types
import uuid
import warnings

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import TraceError, data, nn
from tinygrad_cv import functional as F

pytestmark = [pytest.mark.usefixtures("on_numpy"), pytest.mark.any_python]


def batches():
    while True:
        yield 1.0


def loader():
    images = np.arange(8, dtype=np.float32).reshape(8, 1)
    return data.DataLoader(data.TensorDataset(images, np.arange(8)), batch_size=2)


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


# Ways to come to a clock: what is set up, and an expression that asks.
ROUTES = {
    "module": ("", "time.time()"),
    "another name": ("tick = time.perf_counter", "tick()"),
    "bound method of a class": ("now = datetime.datetime.now", "now().second"),
    "class": ("D = datetime.date", "D.today().day"),
    "module handed on": ("def h(m): return m.time()", "h(time)"),
    "module under another name": ("def h():\n m = time\n return m.monotonic()", "h()"),
    "module in a list": ("c = [time]", "c[0].time()"),
    "module in an argument's default": ("def h(m=time): return m.time()", "h()"),
    "module by getattr": ("", "getattr(time, 'ti' + 'me')()"),
    "module in a module": ("m = types.ModuleType('m_of_mine'); m.clock = time", "m.clock.time()"),
    "module's dict": ("m = types.ModuleType('m_of_mine'); m.clock = time", "m.__dict__['cl' + 'ock'].time()"),
    "module by vars": ("m = types.ModuleType('m_of_mine'); m.clock = time", "vars(m)['cl' + 'ock'].time()"),
    "module that a library holds": ("", "threading._time()"),
    "library's module handed on": ("def h(m): return m._time()", "h(threading)"),
    "sys.modules": ("", "sys.modules['time'].time()"),
    "sys.modules under another name": ("from sys import modules as m", "m['ti' + 'me'].time()"),
    "globals": ("", "globals()['ti' + 'me'].time()"),
    "eval": ("", "eval('ti' + 'me.time()')"),
    "import within": ("def h():\n import time as t\n return t.time()", "h()"),
    "from-import within": ("def h():\n from time import time as t\n return t()", "h()"),
    "__import__": ("", "__import__('time').time()"),
    "import_module": ("import importlib", "importlib.import_module('time').time()"),
    "partial": ("h = functools.partial(lambda: time.time())", "h()"),
    "wrapped": (
        "def deco(g):\n @functools.wraps(g)\n def w(): return g()\n return w\nh = deco(time.time)",
        "h()",
    ),
    "attribute": ("c = types.SimpleNamespace(clock=time.time)", "c.clock()"),
    "attribute by getattr": ("c = types.SimpleNamespace(clock=time.time)", "getattr(c, 'cl' + 'ock')()"),
    "class's attribute": ("class C: clock = staticmethod(time.time)\nc = C()", "c.clock()"),
    "property": ("class C:\n @property\n def now(self): return time.time()\nc = C()", "c.now"),
    "init": ("class C:\n def __init__(self): self.t = time.time()", "C().t"),
    "operator": ("class C:\n def __add__(self, o): return time.time()\nc = C()", "c + 1"),
    "iterable": ("class C:\n def __iter__(self): return iter([time.time()])\nc = C()", "sum(c)"),
    "closure": ("def make(t):\n def h(): return t()\n return h\nh = make(time.time)", "h()"),
    "dict": ("c = {'clock': time.time}", "c['clock']()"),
    "layer": ("class N(nn.Module):\n def forward(self, x): return x * time.time()\nn = N()", "n(tg.ones(1))"),
    "hook": ("n = nn.Flatten()\nn.register_forward_hook(lambda m, a, y: y * time.time())", "n(tg.ones(1, 1)).sum()"),
    "jitted": ("h = tg.jit(lambda x: x * time.time())", "h(tg.ones(1))"),
    "without gradients": ("@tg.no_grad()\ndef h(): return time.time()", "h()"),
    "random bytes in a library": ("import secrets", "secrets.randbelow(7)"),
    "random bytes in a class": ("import random\nc = random.SystemRandom", "c().random()"),
    "random bytes for a seed": ("r = np.random.SeedSequence", "float(r().entropy % 7)"),
}


@pytest.mark.parametrize("name", ROUTES)
def test_clocks_are_found_wherever_code_comes_to_them(name):
    setup, asked = ROUTES[name]
    source = f"""
import datetime, functools, sys, threading, time, types
import numpy as np
import tinygrad_cv as tg
from tinygrad_cv import nn
{setup}
def f(x): return x * ({asked})
"""
    scope = {"__name__": "a_script_of_mine"}
    exec(compile(source, "a_script_of_mine.py", "exec"), scope)
    with pytest.raises(TraceError, match=r"the function (calls|asks).*, at (a_script_of_mine\.py|<string>):\d+"):
        tg.jit(scope["f"])(tg.ones(1))


def test_a_function_that_leads_to_no_clock_is_not_watched(monkeypatch):
    """Watching is slow."""
    monkeypatch.setattr(sys, "setprofile", None)  # to call it would fail
    model, table = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU()), {"scale": [2.0]}
    opt = tg.optim.SGD(model, lr=0.1, momentum=0.9)

    @tg.jit
    def step(x):
        loss = functools.reduce(operator.add, [F.relu(model(x)).sum() * s for s in table["scale"]])
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss * math.pi + np.exp(loss) + len(table) + copy.copy(table)["scale"][0]

    step(tg.ones(4, 2))


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

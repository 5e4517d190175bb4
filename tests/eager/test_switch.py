"""The switch: who runs which call, what is compiled behind, and what compiled code computes."""

from __future__ import annotations

import math
import os
import signal
import threading

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.eager.forced import forced
from tinygrad_cv import functional as F
from tinygrad_cv.core import context
from tinygrad_cv.eager import builder, calls, entries
from tinygrad_cv.eager.signature import signature

pytestmark = pytest.mark.any_python


def images(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return tg.tensor(rng.normal(size=shape).astype(np.float32), requires_grad=True)


@pytest.fixture
def switched_on(monkeypatch):
    """With no signature known yet, and small arguments large enough."""
    monkeypatch.setattr(entries, "entries", {})
    monkeypatch.setattr(entries, "refusals", {})
    monkeypatch.setattr(entries, "WORTH", 0)
    with tg.set_eager_compile(True):
        yield
        builder.settle()


def counts():
    return [(entry.native, entry.plain) for entry in entries.entries.values()]


def test_the_switch_is_off_and_holds_for_a_block_or_for_good():
    assert context.runner() is None
    with tg.set_eager_compile(True):
        assert context.runner() is calls.run
        with tg.set_eager_compile(False):
            assert context.runner() is None
        assert context.runner() is calls.run
    assert context.runner() is None
    tg.set_eager_compile(True)
    assert context.runner() is calls.run
    tg.set_eager_compile(False)
    assert context.runner() is None


@pytest.mark.parametrize("mode", [1, "off", None, np.ones(1)])
def test_the_switch_is_true_or_false(mode):
    with pytest.raises(TypeError, match=r"set_eager_compile: mode=.*it must be True or False"):
        tg.set_eager_compile(mode)
    assert context.runner() is None


def test_without_llvmlite_it_says_so(monkeypatch):
    monkeypatch.setattr("tinygrad_cv.eager.switch.available", lambda: False)
    with pytest.raises(RuntimeError, match="set_eager_compile: compiled code needs llvmlite: pip install llvmlite"):
        tg.set_eager_compile(True)
    tg.set_eager_compile(False)


def test_numpy_runs_the_calls_until_compiled_code_is_there(switched_on, monkeypatch):
    may, known = threading.Event(), entries.Composition
    monkeypatch.setattr(entries, "Composition", lambda *call: may.wait(60) and known(*call))
    x = images(3, 4)
    first = [F.gelu(x) for _ in range(4)]
    assert counts() == [(0, 4)] and "not compiled yet" in tg.explain_eager_compile()
    may.set()
    builder.settle()
    after = F.gelu(x)
    assert counts() == [(1, 4)]
    assert tg.explain_eager_compile() == ("gelu(float32[3, 4]): 1 call by compiled code, 4 by NumPy; compiled")
    np.testing.assert_allclose(after.value, first[0].value, rtol=1e-6, atol=1e-7)


def test_one_call_compiles_nothing(switched_on):
    F.gelu(images(3, 4))
    builder.settle()
    assert counts() == [(0, 1)] and "not compiled yet" in tg.explain_eager_compile()


def test_small_arguments_are_worth_it_after_more_calls(switched_on, monkeypatch):
    monkeypatch.setattr(entries, "WORTH", 1 << 12)
    assert tg.explain_eager_compile() == "no composed function was called with the switch on"
    x = images(4, 64)
    for _ in range(7):
        F.gelu(x)
        builder.settle()
    assert counts() == [(0, 7)]
    F.gelu(x)
    builder.settle()
    F.gelu(x)
    assert counts() == [(1, 8)]


def test_a_function_that_can_never_be_compiled_is_left_alone(switched_on, monkeypatch):
    monkeypatch.setattr(entries, "REFUSED", 2)
    for n in (8, 9, 10):
        for _ in range(2):
            F.one_hot(np.arange(n))
            F.dropout(images(n), 0.5 if n == 8 else 0.0)
            builder.settle()
    assert [entry.shapes for entry in entries.entries.values()] == [
        "int64[8]",
        "float32[8]",
        "int64[9]",
        "float32[9]",
        "float32[10]",
    ]


def test_what_cannot_be_compiled_is_left_to_numpy_and_says_why(switched_on):
    for _ in range(3):
        F.one_hot(np.arange(8))
        F.dropout(images(3, 4), 0.5, generator=tg.Generator(1))
        builder.settle()
    assert counts() == [(0, 3)]
    assert tg.explain_eager_compile().startswith(
        "one_hot(int64[8]): 0 calls by compiled code, 3 by NumPy; left to NumPy: "
    )


def test_each_signature_is_a_compilation_of_its_own(switched_on):
    x = images(4, 4)
    for _ in range(3):
        F.softplus(x)
        F.softplus(x.detach())
        F.softplus(x, 1)
        F.softplus(x, 1.0)
        F.softplus(x, beta=1.0)
        with tg.no_grad():
            F.softplus(x)
        F.softplus(images(2, 8))
        F.softplus(x.astype("float64"))
        builder.settle()
    assert counts() == [(1, 2)] * 8


def test_signatures_tell_arguments_apart_that_are_equal():
    def key(*args, **kwargs):
        return signature(F.softplus, context.current(), args, kwargs)

    given = [(True,), (1,), (1.0,), (0.0,), (-0.0,), ((1, 2),), ([1, 2],), (1, 2), ("1",), (None,), ()]
    keys = [key(*args) for args in given]
    assert len({*keys}) == len(given) and keys == [key(*args) for args in given]
    assert key(math.nan) == key(math.nan)
    assert key(beta=1) != key(1) != key(threshold=1) and key(beta=1, threshold=2) != key(threshold=1, beta=2)
    assert key(tg.Generator(1)) is key((1.0,)) is key(np.float32(1)) is None


def test_the_signatures_used_last_are_known(switched_on, monkeypatch):
    monkeypatch.setattr(entries, "MOST", 2)
    for n in (8, 9, 8, 10, 8):
        F.gelu(images(n))
    assert [entry.shapes for entry in entries.entries.values()] == ["float32[8]", "float32[10]"]


def test_compiled_code_that_was_used_last_is_kept_within_a_bound(switched_on, monkeypatch):
    def call(n):
        for _ in range(2):
            F.gelu(images(n, 1 << 16))
            builder.settle()
        return [entry.shapes for entry in entries.entries.values()]

    call(1)
    each = entries.entries.copy().popitem()[1].composition.nbytes
    assert each >= 2 * (2 << 18)  # two spare results of values and of gradients
    monkeypatch.setattr(entries, "LARGEST", 4 * each)
    assert call(2) == ["float32[1, 65536]", "float32[2, 65536]"]  # 1 and 2 times
    assert call(1) == ["float32[1, 65536]", "float32[2, 65536]"]
    assert call(2) == ["float32[1, 65536]", "float32[2, 65536]"]
    assert call(3) == ["float32[3, 65536]"]


def test_values_and_gradients_agree_with_numpy():
    def run():
        tg.manual_seed(2)
        x, w, b = images(3, 4, 9, 9), images(6, 4, 3, 3, seed=1), images(6, seed=2)
        mean, var, ones = tg.zeros(6), tg.ones(6), images(6, seed=3)
        y = F.batch_norm(F.conv2d(x, w, b, padding=1), mean, var, ones, b, training=True)
        y = F.dropout(F.max_pool2d(F.relu(y), 2), 0.25)
        loss = F.cross_entropy(F.linear(y.reshape(3, -1), images(5, 96, seed=4)), [1, 4, 0])
        loss.backward()
        return [t.value for t in (y, loss, x.grad, w.grad, b.grad, ones.grad, mean, var)]

    plain = run()
    with forced("native"):
        compiled = run()
        assert {entry.native for entry in entries.entries.values()} == {1} and len(entries.entries) == 7
    for a, b in zip(compiled, plain, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)
    assert ((compiled[0] == 0) == (plain[0] == 0)).all()  # dropout draws the same numbers


def test_threads_share_compiled_code():
    with forced("native"):
        x = images(16, 8, 8, 8)
        expected = F.gelu(x).value
        results = []
        threads = [
            threading.Thread(target=lambda: results.extend(F.gelu(x).value for _ in range(20))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 80 and all((result == expected).all() for result in results)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # Python 3.12 and newer: there are threads
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_compiles_what_its_parent_had_not(switched_on, monkeypatch):
    started, may, known = threading.Event(), threading.Event(), entries.Composition

    def slow(*call):
        started.set()
        may.wait(60)
        return known(*call)

    monkeypatch.setattr(entries, "Composition", slow)
    x = images(3, 4)
    for _ in range(2):
        F.gelu(x)
    started.wait(60)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        try:
            may.set()
            for _ in range(2):
                F.silu(x)
            builder.settle()
            F.gelu(x), F.silu(x)
            os._exit(0 if counts() == [(1, 2), (1, 2)] else 2)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    may.set()
    builder.settle()
    F.gelu(x)
    assert counts() == [(1, 2)]

"""Jitted functions as users run them, on native code."""

from __future__ import annotations

import gc
import math
import threading

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import functional as F
from tinygrad_cv import nn, optim

pytest.importorskip("llvmlite")
quick = pytest.mark.quick


def test_a_hundred_steps_train_as_eager_ones_do():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 256)
    images = rng.normal(size=(256, 1, 8, 8)).astype(np.float32)
    images[np.arange(256), 0, labels, labels] += 4.0

    def run(jit):
        tg.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(128, 4),
        )
        opt = optim.SGD(model, lr=0.05, momentum=0.9)
        schedule = optim.CosineAnnealingLR(opt, T_max=100)

        def step(x, y):
            loss = F.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            schedule.step()
            return loss

        step = tg.jit(step) if jit else step
        losses = []
        for i in range(100):
            at = slice(32 * (i % 8), 32 * (i % 8) + 32)
            losses.append(step(images[at] if jit else tg.tensor(images[at]), labels[at]).item())
        model.eval()
        forward = tg.jit(model) if jit else model
        with tg.no_grad():
            right = (forward(tg.tensor(images)).numpy().argmax(1) == labels).mean()
        return losses, right

    (eager, right), (compiled, right_too) = run(False), run(True)
    np.testing.assert_allclose(compiled[:10], eager[:10], rtol=1e-4)
    assert right_too == pytest.approx(right, abs=0.01) and right > 0.95


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, 1e-40, 3e38, -3e38, math.inf, -math.inf, math.nan, 88.8, -104.0]
FUNCTIONS = {
    "relu": F.relu,
    "gelu": F.gelu,
    "sigmoid": F.sigmoid,
    "softplus": F.softplus,
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "sqrt": lambda x: x.sqrt(),
    "abs": abs,
    "clip": lambda x: x.clip(-1.0, 1.0),
    "maximum": lambda x: x.maximum(0.0),
    "reciprocal": lambda x: 1.0 / x,
    "where": lambda x: tg.where(x > 0, x.sqrt(), x),
    "square": lambda x: x * x,
    "max": lambda x: x.max(),
    "first max": lambda x: x.max(ties="first"),
    "logsumexp": lambda x: x.logsumexp(),
    "layer_norm": lambda x: F.layer_norm(x, len(SPECIAL)),
}


@quick
def test_derivatives_at_special_values_are_those_of_eager_code():
    x = tg.tensor(np.array(SPECIAL, np.float32))

    def f(x):
        return {name: tg.vjp(g, x, tg.ones_like(g(x))) for name, g in FUNCTIONS.items()}

    eager, compiled = f(x), tg.jit(f)(x)
    for name in FUNCTIONS:
        for a, b in zip(eager[name], compiled[name], strict=True):
            np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=2e-6, atol=1e-44, err_msg=name)


@quick
def test_results_share_no_memory_with_each_other_or_with_the_arguments():
    def twice_and_itself(x):
        y = x * 2.0
        return y, x, y

    f = tg.jit(twice_and_itself)
    x, z = tg.ones(64), tg.zeros(64)
    a, b = f(x), f(z)
    assert [t.numpy()[0] for t in (*a, *b)] == [2.0, 1.0, 2.0, 0.0, 0.0, 0.0]
    arrays = [t.numpy() for t in (*a, *b, x, z)]
    assert not any(np.shares_memory(p, q) for i, p in enumerate(arrays) for q in arrays[:i])


@quick
def test_several_python_threads():
    w = tg.tensor(np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32))
    f = tg.jit(lambda x: (x @ w).relu().sum(1))
    wrong = []

    def work(i):
        x = tg.tensor(np.full((16, 32), i, np.float32))
        with tg.no_grad():
            expected = (x @ w).relu().sum(1).numpy()
            for _ in range(50):
                if not np.allclose(f(x).numpy(), expected, rtol=1e-5):
                    wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@quick
def test_a_check_that_fails_runs_the_function_as_it_is_written():
    f = tg.jit(lambda x, y: F.cross_entropy(x, y))
    x = tg.tensor([[1.0, 2.0], [0.5, -1.0]])
    assert f(x, [0, 1]).item() == pytest.approx(F.cross_entropy(x, [0, 1]).item())
    good, bad = tg.tensor([1, 0]), tg.tensor([1, 2])
    assert f(x, good).item() == pytest.approx(F.cross_entropy(x, good).item(), rel=1e-6)
    with pytest.raises(IndexError, match="class number 2 with 2 classes"):
        f(x, bad)


@quick
def test_the_number_of_threads():
    before = tg.get_num_threads()
    try:
        tg.set_num_threads(1)
        assert tg.get_num_threads() == 1
        assert tg.jit(lambda x: x + 1.0)(tg.ones(3)).tolist() == [2.0, 2.0, 2.0]
    finally:
        tg.set_num_threads(before)


def test_long_steps_are_cut_into_more_parts_than_threads_and_compute_the_same(monkeypatch):
    from tinygrad_cv.compiler import program  # which needs llvmlite
    from tinygrad_cv.compiler.runtime import threads

    parts = []
    call = threads.KernelCall
    monkeypatch.setattr(program.threads, "KernelCall", lambda *args: parts.append(args[2]) or call(*args))
    tg.manual_seed(1)
    model, x, labels = tg.models.lenet5(), tg.randn(37, 1, 28, 28), tg.randint(0, 10, 37)

    def gradients(x):
        return tg.grad(F.cross_entropy(model(x), labels), list(model.parameters()))

    monkeypatch.setattr(program, "SHARE", 1 << 40)
    whole = [g.numpy() for g in tg.jit(gradients)(x)]
    assert set(parts) <= {1, tg.get_num_threads()}
    monkeypatch.setattr(program, "SHARE", 1 << 10)
    parts.clear()
    cut = [g.numpy() for g in tg.jit(gradients)(x)]
    assert max(parts) == program.SHARES * tg.get_num_threads()
    for a, b in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(a, b)


@quick
@pytest.mark.parametrize("enabled", [True, False])
def test_the_garbage_collector_is_as_before(enabled, tmp_path, monkeypatch):
    monkeypatch.setenv("TGCV_CACHE_DIR", str(tmp_path))
    (gc.enable if enabled else gc.disable)()
    within = []

    def traced(x):
        within.append(gc.isenabled())
        return x * 3.0 if len(x) == 2 else float(x)

    f = tg.jit(traced)
    try:
        assert f(tg.ones(2)).tolist() == [3.0, 3.0]
        assert gc.isenabled() == enabled
        with pytest.raises(tg.TraceError):
            f(tg.ones(1))
        assert gc.isenabled() == enabled
        assert within == [False, False]
    finally:
        gc.enable()


def test_the_address_of_an_array_is_that_of_its_elements():
    from tinygrad_cv.compiler.addresses import address  # which needs llvmlite

    for array in (np.zeros(3), np.arange(12.0).reshape(3, 4)[1:, 2:], np.float32(1) + np.zeros((), np.float32)):
        array = np.asarray(array)
        assert address(array) == array.ctypes.data

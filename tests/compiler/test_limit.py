"""tg.jit(memory=...): a call needs no more than that, and computes the same."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import compiler, nn, optim
from tinygrad_cv.compiler.options import Options


def stepping(memory=None, layers=6, side=32):
    """A training step of some layers, and what it has learned after two of them."""
    tg.manual_seed(0)
    blocks = [nn.Sequential(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()) for _ in range(layers)]
    model = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), *blocks, nn.Dropout(0.2), nn.Conv2d(16, 4, 1))
    opt = optim.Adam(model, lr=0.01)

    @tg.jit(memory=memory)
    def step(x):
        opt.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        opt.step()
        return loss

    x = tg.randn(16, 3, side, side)
    losses = [step(x).item() for _ in range(2)]
    return step, losses, [np.array(array) for array in model.state_dict().values()]


@pytest.fixture(scope="module")
def free():
    return stepping()


@pytest.fixture(scope="module")
def least():
    """The least that the error names."""
    with pytest.raises(MemoryError) as error:
        stepping("1 kB")
    found = re.fullmatch(
        r"jit of stepping\.<locals>\.step: memory=1,000 bytes, but a call needs ([\d,]+) at least, .*", str(error.value)
    )
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_call_needs_no_more_and_computes_the_same(free, least, share):
    """At the least, too."""
    step, losses, numbers = free
    peak = step.memory().peak
    assert least < 0.8 * peak
    limit = int(least + share * (peak - least))
    less, again, same = stepping(limit)
    assert less.memory().peak <= limit
    assert losses == again
    for found, right in zip(same, numbers, strict=True):
        np.testing.assert_array_equal(found, right)
    if share == 1.0:
        assert less.memory() == step.memory()  # row by row: it was less than that anyway


def test_it_computes_no_more_again_than_it_must(free, least):
    peaks = [stepping(int(least + share * (free[0].memory().peak - least)))[0] for share in (0.2, 0.8)]
    little, more = (sum(row.flops + 8 * row.bytes for row in step.kernels()) for step in peaks)
    assert more < little


def test_a_chain_that_stores_too_much_at_once_is_cut():
    """Each image goes through all of it by itself; then all images through one half, and through the other."""

    def f(x, *weights):
        for w in weights:
            x = F.relu(x @ w)
        return x.square().sum()

    arguments = [tg.randn(8, 256, 64), *[tg.randn(64, 64) for _ in range(6)]]
    long = tg.jit(f)
    before = long.memory(*arguments)
    short = tg.jit(f, memory=before.peak - before.arena // 4)
    after = short.memory(*arguments)
    assert after.steps > before.steps and not after.recomputed
    assert short(*arguments).item() == long(*arguments).item()


@pytest.mark.parametrize(
    ("memory", "nbytes"),
    [
        (None, None),
        (5, 5),
        ("5 B", 5),
        ("12kB", 12_000),
        (" 1.5 MiB ", 3 << 19),
        ("2 GB", 2 * 10**9),
        ("1 GiB", 1 << 30),
    ],
)
def test_texts_are_numbers_of_bytes(memory, nbytes):
    assert Options.of("default", memory).memory == nbytes


@pytest.mark.parametrize("memory", ["512", "MB", "-5 MB", "5 mb", "5 Mbit", "1e3 MB", "", 0, -5, True, 5.0, [1]])
def test_others_are_errors(memory):
    with pytest.raises(ValueError, match=rf"jit: memory={re.escape(repr(memory))}; it must be a number of bytes"):
        tg.jit(F.relu, memory=memory)


def test_it_is_kept_in_a_pickle():
    assert pickle.loads(pickle.dumps(tg.jit(F.relu, memory="5 MB"))).options == Options("default", 5_000_000)


def test_without_native_code_there_is_no_limit_to_keep_to(monkeypatch):
    monkeypatch.setattr(compiler, "available", lambda: False)
    with pytest.raises(RuntimeError, match="memory=5 bytes: NumPy runs this function"):
        tg.jit(F.relu, memory=5)(tg.ones(3))

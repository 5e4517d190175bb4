"""step.memory(): the peak, and what holds it."""

from __future__ import annotations

import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import compiler, nn, optim
from tinygrad_cv.compiler.memory import MemoryPlan, MemoryRow

pytest.importorskip("llvmlite")

WIDE = 1 << 16  # elements: parameters that are written over the present ones


def stepping(model, *given):
    """A training step that was called once."""
    opt = optim.SGD(model, lr=0.1, momentum=0.9)

    @tg.jit
    def step(*xs):
        opt.zero_grad()
        loss = model(*xs).square().mean()
        loss.backward()
        opt.step()
        return loss

    step(*given)  # later steps have gradients and momenta from the start
    step(*given)
    return step


def test_a_row_lasts_from_the_first_to_the_last_step_that_uses_its_part_of_the_arena():
    """As the calls of the image say, which the native code is run by."""
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3))
    step = stepping(model, tg.randn(2, 3, 12, 12))
    image = step._traces.in_order_of_use()[-1].program.image
    uses = {}
    for number, one in enumerate(image.steps):
        for buffer in (b for chain in one.chains for call in chain.calls for b in call.buffers):
            while image.buffers[buffer].kind == "part":
                buffer = image.buffers[buffer].whole
            if image.buffers[buffer].kind == "arena":
                uses.setdefault(buffer, []).append(number)
    plan = step.memory()
    assert len(plan) > 10
    assert sorted((row.first, row.last) for row in plan) == sorted((min(at), max(at)) for at in uses.values())
    assert plan.arena == image.arena >= max(plan.live) == sum(row.bytes for row in plan.held())
    assert all(row.first <= plan.step <= row.last for row in plan.held())


def test_state_is_counted_once():
    """Parameters and momenta are written over, and a gradient takes the place of the last one."""
    model = nn.Linear(WIDE, 1, bias=False)
    plan = stepping(model, tg.ones(1, WIDE)).memory()
    state = 4 * WIDE
    assert plan.outside["inputs"] - 3 * state < 100  # weights, momentum and x; the learning rate
    assert plan.outside["outputs"] - state < 100  # a gradient; the loss
    assert plan.arena < 2 * state  # the gradient until the end, and nearly nothing else
    assert plan.peak == sum(plan.outside.values()) + plan.arena


def test_it_names_the_module_that_holds_most():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Conv2d(2, 64, 1), nn.ReLU(), nn.Conv2d(64, 1, 1))
    plan = stepping(model, tg.ones(2, 1, 32, 32)).memory()
    most = next(iter(plan.by_scope()))
    assert "1/conv2d" in most or "2/relu" in most  # what ReLU reads or writes; with 64 channels
    assert most in str(plan).splitlines()[2] and most in plan._repr_html_()
    assert sum(plan.by_scope().values()) == max(plan.live)


def test_small_values_are_one_line():
    rows = [MemoryRow(size, 0, 1, "float32[...]", ("add",), "") for size in (9 << 20, *[1 << 10] * 7)]
    lines = str(MemoryPlan.of(rows, {}, 10 << 20, 2)).splitlines()
    assert len(lines) == 4
    assert lines[-1].split() == ["0.01", "7", "smaller", "values"]


def test_without_native_code_nothing_is_planned(monkeypatch):
    monkeypatch.setattr(compiler, "available", lambda: False)
    f = tg.jit(F.relu)
    with pytest.raises(RuntimeError, match=r"memory\(\): NumPy runs this function"):
        f.memory(tg.ones(3))

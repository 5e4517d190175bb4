"""What is computed a second time, instead of being kept: less memory, the same bits, little time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.thresholds import BEYOND, crossed
from tinygrad_cv import nn, optim
from tinygrad_cv.compiler import pipeline, planned
from tinygrad_cv.compiler.kernels import KernelTable
from tinygrad_cv.compiler.memory import MemoryPlan
from tinygrad_cv.compiler.schedule.cut import cuts
from tinygrad_cv.compiler.schedule.repeat import renamed
from tinygrad_cv.compiler.schedule.storage import Again, first
from tinygrad_cv.compiler.verify import VerificationError, verify_plan

EVERYTHING = {"CACHE": 0, "PARTS": BEYOND, "PRICE": BEYOND, "SHARE": 1}  # in small programs, too, at any cost
CHEAP = {"CACHE": 0}


@contextmanager
def recomputing(**numbers):
    with crossed({f"compiler.schedule.recompute.{name}": value for name, value in numbers.items()}):
        yield


@contextmanager
def keeping():
    """Without the pass."""
    with pytest.MonkeyPatch.context() as patch, crossed({"compiler.schedule.recompute.CACHE": BEYOND}):
        patch.setattr(pipeline, "recompute", lambda plan: plan)
        yield


def network():
    """Blocks with a skip connection, batch normalization, dropout, and concatenation."""

    class Block(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.one = nn.Conv2d(channels, channels, 3, padding=1)
            self.norm = nn.BatchNorm2d(channels)
            self.other = nn.Conv2d(channels, channels, 3, padding=1)
            self.dropout = nn.Dropout(0.3)

        def forward(self, x):
            h = F.relu(self.norm(self.one(x)))
            return F.relu(self.dropout(self.other(h)) + x)

    class Joined(nn.Module):
        def forward(self, x):
            return tg.concatenate([x, F.gelu(x)], 1)

    blocks = [Block(16) for _ in range(3)]
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), *blocks, Joined(), nn.MaxPool2d(2), nn.Conv2d(32, 4, 1))


def trained(side=12, times=3):
    """What a compiled step says, and all numbers after some of them."""
    tg.manual_seed(0)
    model = network()
    opt = optim.SGD(model, lr=0.05, momentum=0.9)
    images, targets = tg.randn(4, 3, side, side), tg.randn(4, 4, side // 2, side // 2)

    @tg.jit
    def step(x, y):
        opt.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        opt.step()
        return loss

    losses = [step(images, targets).item() for _ in range(times)]
    numbers = [np.array(array) for array in model.state_dict().values()]
    return step, losses, [*numbers, *(p.grad.numpy() for p in model.parameters())]


def test_it_saves_memory_and_changes_no_bit():
    """Of forward, backward and updates, with random numbers that are drawn a second time."""
    with keeping():
        kept, losses, numbers = trained()
    with recomputing(**EVERYTHING):
        step, again, same = trained()
    assert losses == again
    for found, right in zip(same, numbers, strict=True):
        np.testing.assert_array_equal(found, right)
    plan: MemoryPlan = step.memory()
    ops = {op for row in plan.recomputed for op in row.ops}
    assert ops >= {"contract", "where"}
    assert plan.arena < 0.9 * kept.memory().arena
    assert not kept.memory().recomputed


def test_only_what_is_cheap_is_computed_again():
    with keeping():
        kept, _, _ = trained(side=24)
    with recomputing(**CHEAP):
        step, _, _ = trained(side=24)
    with recomputing(CACHE=0, PRICE=1):  # less than moving a byte
        dear, _, _ = trained(side=24)
    before, after = kept.memory(), step.memory()
    assert after.recomputed and not dear.memory().recomputed
    assert max(after.live) < max(before.live)
    tables: list[KernelTable] = [kept.kernels(), step.kernels()]
    flops, more = (sum(row.flops + 8 * row.bytes for row in table) for table in tables)
    assert flops < more < (1 + 1 / 25) * flops  # as it is said


def test_it_says_what_is_computed_again():
    with recomputing(**EVERYTHING):
        step, _, _ = trained(times=1)
    plan = step.memory()
    size = sum(row.bytes for row in plan.recomputed) / 2**20
    assert f"computed a second time: {len(plan.recomputed)} values, {size:.2f} MiB" in str(plan)
    assert any(row.again for row in plan.held(plan.recomputed[0].first))


def test_what_is_used_late_alone_is_computed_late_and_once():
    """The noise of a layer whose gradient needs nothing else is not drawn before the layers in between."""

    def f(x, w):
        large = (x @ w).exp()  # 256 x 1024
        h = large.sum(1)
        for _ in range(6):
            h = (h[:, None] @ h[None, :] * 1e-3).sum(1)
        return h.sum() + ((x @ w.T).exp() * large.sum()).sum()

    arguments = tg.ones(256, 1024), tg.ones(1024, 1024)
    with recomputing(**CHEAP):
        step = tg.jit(f)
        plan = step.memory(*arguments)
        again, number = plan.recomputed, len(step.kernels())
    with keeping():
        step = tg.jit(f)
        kept = step.memory(*arguments)
        assert number == len(step.kernels())
    assert not again
    assert max(plan.live) <= max(kept.live)


def test_every_cut_of_a_chain_is_a_plan():
    plan = replace(repeated_plan(), handed=set())
    found = [cut for at in range(len(plan.steps)) for cut, _ in cuts(plan, at)]
    assert found
    for cut in found:
        assert len(cut.steps) == len(plan.steps) + 1
        verify_plan(cut)


def repeated_plan():
    with recomputing(**EVERYTHING):
        step, _, _ = trained(times=1)
        plan = planned(step._traces.in_order_of_use()[-1].recording.graph)
    verify_plan(plan)
    return plan


def test_the_verifier_finds_what_is_computed_otherwise_the_second_time():
    plan = repeated_plan()
    before: set = set()  # stored in earlier steps
    stored = {value for kernel in plan.kernels for value in kernel.writes}
    for step in plan.steps:
        for chain in step.chains:
            for number, kernel in enumerate(chain):
                copies = any(isinstance(value, Again) and value.first in stored for value in kernel.writes)
                for read in kernel.reads if copies else ():
                    for other in before - {read}:
                        if plan.layouts[other] == plan.layouts[read] and first(other) is not first(read):
                            chain[number] = renamed(kernel, {read: other})
                            with pytest.raises(VerificationError, match="in another way the second time"):
                                verify_plan(plan)
                            return
        before.update(value for chain in step.chains for kernel in chain for value in kernel.writes)
    pytest.fail("nothing to break")

"""A compiled step that is interrupted has done all of its work, or none of it."""

from __future__ import annotations

import dis
import os
import sys
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import tinygrad_cv as tg
from tinygrad_cv import functional as F
from tinygrad_cv import nn, optim
from tinygrad_cv.ir.rewrite.updates import LARGE

PACKAGE = str(Path(tg.__file__).parent)


class Counting(nn.Module):
    """In every step each parameter falls by 1, and so does the buffer."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        for i in range(4):
            setattr(self, f"w{i}", nn.Parameter(tg.zeros(shape)))
        self.register_buffer("buffer", tg.zeros(shape))

    def forward(self, x: Any) -> Any:
        self.buffer.assign(self.buffer - 1.0)
        return sum(w.sum() for w in self.parameters()) + 0.0 * F.dropout(F.layer_norm(x, (4,))).sum()


def training(shape: tuple[int, ...]) -> tuple[Any, Any]:
    """A jitted step; and a function that says for each part of the state how often it was taken."""
    model = Counting(shape)
    sgd = optim.SGD(model, lr=1.0, momentum=0.0)
    schedule = optim.StepLR(sgd, step_size=10**9)
    generator = tg.manual_seed(0)

    @tg.jit
    def step(x: Any) -> Any:
        loss = model(x)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        schedule.step()
        return loss

    def counts() -> set[float]:
        tensors = (*model.parameters(), model.buffer)
        drawn = int(generator.state.numpy()[1]) // DRAWN
        taken = {-float(number) for tensor in tensors for number in (tensor.numpy().min(), tensor.numpy().max())}
        return {drawn, schedule.last_epoch, *taken}

    return step, counts


DRAWN = 4  # the counter's steps for a mask of eight


def interrupted(function: Any, x: Any, place: int) -> bool:
    """Call it, with Ctrl-C at this one of all places in the library's code; whether it came that far.

    Python looks for signals behind calls and where functions and rounds of loops begin.
    """
    count = 0
    last: dict[FrameType, str] = {}

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            count += last.get(frame, "").startswith(("CALL", "RESUME", "JUMP"))
            last[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            if count == place:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(x)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("scale", [1.0, 1e30], ids=["compiled", "as written, where a condition does not hold"])
@pytest.mark.parametrize("shape", [(), (LARGE // 4,)], ids=["small", "large, so that values are written over"])
def test_ctrl_c_anywhere_leaves_a_whole_step_or_none(scale, shape):
    step, counts = training(shape)
    x = scale * tg.tensor([[1.0, 2.0, 3.0, 4.0]] * 2)
    step(x)
    assert counts() == {1}
    done, place = 1.0, 0
    outcomes, seen = {0: 0.0}, set()  # how many steps were taken, by place; and of those that were interrupted
    stride = 1 if os.environ.get("TGCV_LONG") else 2 if scale == 1.0 else 29  # eager code has more places

    def look(place):
        """Whether there is such a place. A step that is interrupted there has done everything or nothing."""
        nonlocal done
        came = interrupted(step, x, place)
        found = counts()
        assert len(found) == 1, f"at place {place}: {sorted(found)}"
        outcomes[place], done = min(found) - done, min(found)
        if came:
            seen.add(outcomes[place])
        return came

    while look(place := place + stride):
        pass
    assert place > 300
    for first, other in pairwise(sorted(outcomes)):  # where a step comes to be done, every place
        if outcomes[first] != outcomes[other]:
            for between in range(first + 1, other):
                look(between)
    assert seen == {0.0, 1.0}

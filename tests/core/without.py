"""A program that uses what stands on the floor of Python, and prints what it saw as JSON; ``test_floor.py`` runs it."""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
import types
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import functional as F
from tinygrad_cv import nn, optim
from tinygrad_cv.core import locks
from tinygrad_cv.viz.source import source

SCALE = 2.0
settings = types.ModuleType("settings")
settings.inner = types.ModuleType("settings.inner")  # type: ignore[attr-defined]
settings.inner.rate = 2.0  # type: ignore[attr-defined]
sys.modules["imported_settings"] = settings
ORDER = zip([1.0, 2.0], [3.0, 4.0], strict=True)


def trained(compiled: bool) -> list[list[float]]:
    """The parameters of a small net after three steps."""
    tg.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3)).to(np.float64)
    x, labels = tg.randn(4, 1, 6, 6, dtype=np.float64), tg.tensor([0, 2, 1, 0])
    opt = optim.SGD(net, lr=0.1, momentum=0.9)

    def step() -> Any:
        loss = F.cross_entropy(net(x), labels)
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss

    step = tg.jit(step) if compiled else step
    losses = [step().item() for _ in range(3)]
    return [losses, *(p.numpy().ravel().tolist() for p in net.parameters())]


def scaled(x: Any) -> Any:
    """A global variable, and one of a module in a module."""
    return x * SCALE * settings.inner.rate


def of_a_library(x: Any) -> Any:
    """An attribute of a module in a module of the standard library."""
    return x * os.path.tgcv_rate  # type: ignore[attr-defined]


def importing(x: Any) -> Any:
    """An attribute of a module that the function imports itself."""
    from imported_settings import inner as own  # type: ignore[import-not-found]

    return x * own.rate


def is_seen(f: Any, holder: Any, name: str) -> bool:
    """Whether a call reckons with another value."""
    setattr(holder, name, 2.0)
    jitted = tg.jit(f)
    before = jitted(tg.ones(1)).item()
    setattr(holder, name, 10.0)
    return bool(jitted(tg.ones(1)).item() == 5.0 * before)


def refused(f: Any) -> str:
    """What the error of a trace says; nothing where there is none."""
    try:
        tg.jit(f)(tg.ones(1))
    except tg.TraceError as error:
        return str(error)
    return ""


def formula(x: Any, w: Any) -> Any:
    """With a variable that a derivation can speak of."""
    centred = x - x.mean()
    return (centred.exp() * centred * w).sum()


def derived() -> tuple[bool, bool]:
    """Whether derived gradients are those of the tape; whether the derivation speaks of the formula's variable."""
    x, w = (tg.randn(*shape, dtype=np.float64, requires_grad=True) for shape in ((3, 4), (4,)))
    formula(x, w).backward()
    derivation = tg.derive(formula, (x, w))
    world: dict[str, Any] = {}
    exec(derivation.source(), world)
    found = world["backward"](1.0, x.numpy(), w.numpy())
    right = all(np.allclose(a, b.grad.numpy(), rtol=1e-12) for a, b in zip(found, (x, w), strict=True))
    return right, "centred" in str(derivation)


def sources() -> list[str]:
    """The text of a lambda alone in its line, and of one of two that differ in their instructions only."""
    found = []
    alone = lambda x: x + 1  # noqa: E731
    _, second = lambda x: +x, lambda x: -x
    for f in (alone, second):
        with suppress(LookupError):
            written = source(f)
            found.append(written.text(written.tree))
    return found


def large_outputs() -> bool:
    """Whether outputs that are held keep their values while others are made."""
    f = tg.jit(lambda x: x + 1.0)
    held = [f(tg.full((1 << 16,), float(i))) for i in range(6)]
    return all((y.numpy() == i + 1.0).all() for i, y in enumerate(held))


def freed() -> bool:
    """Whether a lock that another thread held is free after what a forked child does first."""
    held = locks.lock()
    thread = threading.Thread(target=held.acquire)
    thread.start()
    thread.join()
    locks._in_child()
    return bool(held.acquire(blocking=False))


def of_the_compiler() -> dict[str, bool]:
    """Which of the compiler's places are in use."""
    from llvmlite.binding import ffi

    from tinygrad_cv.compiler import addresses, program
    from tinygrad_cv.compiler.runtime import objects

    name = "LLVMPY_TargetMachineEmitToMemory"
    return {
        "pointers": addresses.address is addresses.pointer,
        "refcounts": program.COUNTS,
        "waited for": ffi.lib._lock in locks._waited_for,
        "unlocked": objects._unlocked(name) is not getattr(ffi.lib, name),
    }


def main() -> None:
    """Everything once."""
    seen = {
        "a global": is_seen(scaled, sys.modules[__name__], "SCALE"),
        "a module's": is_seen(scaled, settings.inner, "rate"),  # type: ignore[attr-defined]
        "a library's": is_seen(of_a_library, os.path, "tgcv_rate"),
        "an import's": is_seen(importing, settings.inner, "rate"),  # type: ignore[attr-defined]
    }
    right, named = derived()
    eager, jitted = trained(False), trained(True)
    found = {
        "trains": all(np.allclose(a, b, rtol=1e-9) for a, b in zip(eager, jitted, strict=True)),
        "seen": seen,
        "random": refused(lambda x: x * random.random()),
        "iterator": refused(lambda x: x * next(ORDER)[0]),
        "clock": refused(lambda x: x * time.time()),
        "derives": right,
        "named": named,
        "source": sources(),
        "freed": freed(),
        "in use": of_the_compiler() if find_spec("llvmlite") else None,
        "outputs": large_outputs(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()

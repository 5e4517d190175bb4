"""Many random networks: ``python -m tests.compiler.networks --networks 300 --seed 0``.

Each is trained for five steps, eagerly, compiled and in PyTorch: layers, losses, optimizers, one to three threads, two
dtypes. All losses, what it has learned, and what it predicts afterwards are compared with a run in float64, and may lie
as far from it as moved roundings do (``tests/compiler/rounding.py``); no tolerance is set by hand.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.compiler.architectures import STEPS, Array, Network, generate
from tests.compiler.rounding import OTHERS, TIMES, Leeway, Stirred
from tests.thresholds import crossed
from tinygrad_cv import nn, optim
from tinygrad_cv.core.context import eager, using
from tinygrad_cv.frontend.random import Generator, default_generator

JUDGED = 1e-2  # an array of whose size more may be wrong is not judged
Results = list[Array]  # the losses, what is predicted, and the state dict in the order of its names


def train(network: Network, compiled: bool = False, interpret: Any = eager) -> Results:
    """By this library; ``interpret`` computes all that comes after the first parameters."""
    model = network.model()
    criterion = network.criterion(nn, tg.tensor)
    opt = getattr(optim, network.optimizer[0])(model.parameters(), **network.optimizer[1])

    def step(x: Any, y: Any) -> Any:
        opt.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        if network.clip is not None:
            optim.clip_grad_norm_(model.parameters(), network.clip)
        opt.step()
        return loss

    run = tg.jit(step) if compiled else step
    batches = network.batches()
    with using(interpret=interpret):
        losses = [run(tg.tensor(x), y if y.dtype.kind == "i" else tg.tensor(y)).numpy() for x, y in batches]
        model.eval()
        with tg.no_grad():
            predicted = (tg.jit(model) if compiled else model)(tg.tensor(batches[0][0])).numpy()
    return [*losses, predicted, *(np.array(value) for _, value in sorted(model.state_dict().items()))]


def names(network: Network) -> list[str]:
    """What the results are."""
    return [*(f"loss {i}" for i in range(STEPS)), "predictions", *sorted(network.model().state_dict())]


def train_torch(network: Network, torch: Any) -> Results:
    """By PyTorch in float64, with the same first parameters, and the same draws of dropout.

    In float32 it rounds where this library does not, in the norms that gradients are clipped by for instance.
    """
    ours = network.model()  # before the layers of PyTorch: from here on both draw the same numbers
    library = counterparts(torch, network.dtype)
    model = torch.nn.Sequential(*(layer.build(library) for layer in network.layers)).double()
    model.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in ours.state_dict().items()})
    wide = replace(network, dtype="float64")
    criterion = wide.criterion(torch.nn, torch.from_numpy)
    opt = getattr(torch.optim, network.optimizer[0])(model.parameters(), **network.optimizer[1])
    losses = []
    for x, y in wide.batches():
        opt.zero_grad()
        loss = criterion(model(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        if network.clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), network.clip)
        opt.step()
        losses.append(loss.detach().numpy())
    model.eval()
    with torch.no_grad():
        predicted = model(torch.from_numpy(wide.batches()[0][0])).numpy()
    return [*losses, predicted, *(value.numpy() for _, value in sorted(model.state_dict().items()))]


def counterparts(torch: Any, dtype: str) -> Any:
    """PyTorch's layers by our names; what draws at random draws our numbers."""

    class Dropout(torch.nn.Module):
        def __init__(self, p: float):
            super().__init__()
            self.p = p

        def forward(self, x: Any) -> Any:
            if not self.training or self.p == 0.0:
                return x
            shape = (*x.shape[:2], *(1 for _ in x.shape[2:])) if isinstance(self, Dropout2d) else tuple(x.shape)
            u = default_generator.uniform(shape, dtype).numpy()
            return torch.where(torch.from_numpy(u < self.p), 0.0, x * (1.0 / (1.0 - self.p)))

    class Dropout2d(Dropout):
        pass

    class GlobalAvgPool2d(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean((2, 3))

    ours = {kind.__name__: kind for kind in (Dropout, Dropout2d, GlobalAvgPool2d)}
    return type("layers", (), {**vars(torch.nn), **ours})


def exact(network: Network) -> Results:
    """In float64, with the draws of the network's own dtype; that of float64 has nothing more exact."""

    def uniform(shape: Any, dtype: Any) -> Any:
        drawn = network.dtype if dtype == np.float64 else dtype  # first parameters are those of float32 anyway
        return Generator.uniform(default_generator, shape, drawn).astype(dtype)

    default_generator.uniform = uniform  # type: ignore[method-assign]
    try:
        return train(replace(network, dtype="float64"))
    finally:
        del default_generator.uniform  # type: ignore[method-assign]


def leeway(network: Network, others: bool = False) -> Leeway:
    """How far right results may lie from the exact ones; ``others`` have formulas of their own."""

    def again(seed: int) -> Results:
        return train(network, interpret=Stirred(seed, differences=others))

    return Leeway(again, exact(network), np.dtype(network.dtype), TIMES * OTHERS if others else TIMES)


def complaints(network: Network, runs: dict[str, Results], judge: Leeway) -> Iterator[str]:
    """What differs from what is right, by who computed it; compiled code also from eager code in its dtypes."""
    called = names(network)
    for who, found in runs.items():
        wrong = list(judge.exceeded(found))
        if wrong and who == "PyTorch":
            judge = leeway(network, others=True)
            wrong = list(judge.exceeded(found))
        for i, distance in wrong:
            yield f"{who}: {called[i]} differs by {distance:.3g}, more than {judge.allowed[i]:.3g}"
    for name, x, y in zip(called, runs["compiled"], runs["eager"], strict=True):
        if x.dtype != y.dtype:
            yield f"compiled: {name} is {x.dtype}, not {y.dtype}"


def everybody(network: Network, torch: Any = None) -> dict[str, Results]:
    """What all have learned."""
    runs = {"eager": train(network), "compiled": compiled(network)}
    if torch is not None:
        with suppress(ValueError):  # it refuses to normalize a group of one number
            runs["PyTorch"] = train_torch(network, torch)
    return runs


def compiled(network: Network) -> Results:
    """Trained by native code, with the network's threads and thresholds."""
    threads = tg.get_num_threads()
    tg.set_num_threads(network.threads)
    elsewhere: AbstractContextManager[None] = crossed(dict(network.thresholds)) if network.thresholds else nullcontext()
    try:
        with elsewhere:
            return train(network, compiled=True)
    finally:
        tg.set_num_threads(threads)


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 if a network went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.compiler.networks", description=__doc__)
    parser.add_argument("--networks", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0, help="of the first network; the next ones follow")
    options = parser.parse_args(arguments)
    try:
        import torch

        torch.set_num_threads(1)  # arrays are small
    except ImportError:
        torch = None  # type: ignore[assignment]
    start, wrong, judged = time.perf_counter(), 0, 0.0
    seeds = range(options.seed, options.seed + options.networks)
    for network in map(generate, seeds):
        share = 0.0
        try:
            judge = leeway(network)
            found = list(complaints(network, everybody(network, torch), judge))
            share = judge.judged(JUDGED)
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"]
        judged += share
        if found:
            wrong += 1
            print(network, *found, sep="\n    ", flush=True)
    print(
        f"seeds {seeds.start} to {seeds.stop - 1}, {len(seeds)} networks in {time.perf_counter() - start:.0f} s, "
        f"{wrong} wrong, {judged / max(len(seeds), 1):.1%} of all results judged to {JUDGED:.0%} of their size"
    )
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

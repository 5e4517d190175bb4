"""Many random networks: ``python -m tests.compiler.networks --networks 300 --seed 0``.

Each is trained for five steps, eagerly and compiled: layers, losses, optimizers, one to three threads, two dtypes. All
losses, what it has learned, and what it predicts afterwards must agree. In float64 PyTorch is asked too, where it has
the layers and nothing is drawn at random.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv import nn, optim

Array = np.ndarray
Shape = tuple[int, ...]
STEPS, CLASSES = 5, 4
TOLERANCE = {"float32": 5e-3, "float64": 1e-6}  # of losses and weights, relative to the largest of an array
MORE = 8  # times eager code's own rounding errors
RESIDUAL = "Residual"


@dataclass(frozen=True)
class Layer:
    """A layer by its name in ``nn``; ``RESIDUAL`` adds what its layers make to what they are given."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()
    inner: tuple[Layer, ...] = ()

    def build(self, library: Any) -> Any:
        """The layer in this library, or in one that has layers of the same names."""
        if self.name == RESIDUAL:
            return residual(library, library.Sequential(*(layer.build(library) for layer in self.inner)))
        return getattr(library, self.name)(*self.args, **dict(self.kwargs))

    def __str__(self) -> str:
        words = [*map(repr, self.args), *(f"{key}={value!r}" for key, value in self.kwargs), *map(str, self.inner)]
        return f"{self.name}({', '.join(words)})"


def residual(library: Any, layers: Any) -> Any:
    class Residual(library.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = layers

        def forward(self, x: Any) -> Any:
            return x + self.layers(x)

    return Residual()


@dataclass(frozen=True)
class Network:
    """What is trained, on what, and how."""

    seed: int
    layers: tuple[Layer, ...]
    shape: Shape
    dtype: str
    loss: tuple[str, dict[str, Any]]
    optimizer: tuple[str, dict[str, Any]]
    threads: int

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.dtype}{list(self.shape)}, {self.threads} threads", *map(str, self.layers)]
        return "\n  ".join([*lines, *(f"{name} {kwargs}" for name, kwargs in (self.loss, self.optimizer))])

    @property
    def random(self) -> bool:
        return any(layer.name.startswith("Dropout") for layer in self.layers)

    def model(self) -> nn.Module:
        tg.manual_seed(self.seed)
        return nn.Sequential(*(layer.build(nn) for layer in self.layers)).to(self.dtype)

    def batches(self) -> list[tuple[Array, Array]]:
        rng = np.random.default_rng(self.seed)
        name = self.loss[0]
        found = []
        for _ in range(STEPS):
            x = rng.normal(size=self.shape).astype(np.float32).astype(self.dtype)
            y: Array = rng.integers(0, CLASSES, self.shape[0])
            if name not in ("CrossEntropyLoss", "NLLLoss"):
                y = rng.random((self.shape[0], CLASSES)).astype(np.float32).astype(self.dtype)
            found.append((x, y))
        return found


def layers_for(rng: np.random.Generator, shape: Shape) -> Layer:
    """A layer that takes arrays of a shape."""

    def one(*options: Any) -> Any:
        return options[int(rng.integers(len(options)))]

    c = shape[1]
    wide = int(rng.integers(1, 9))
    plain: list[Callable[[], Layer]] = [
        lambda: Layer(one("ReLU", "ReLU6", "Sigmoid", "Tanh", "SiLU", "GELU", "ELU", "Softplus", "LeakyReLU")),
        lambda: Layer("Softmax", (1,)),
        lambda: Layer("LayerNorm", (shape[-1],)),
    ]
    if len(shape) == 2:
        dense = [lambda: Layer("Linear", (c, int(rng.integers(2, 20)))), lambda: Layer("BatchNorm1d", (c,))]
        return one(*plain, *dense, *dense, lambda: Layer("Dropout", (0.3,)))()
    k = int(rng.integers(1, 4))
    groups = one(*(g for g in (1, 2, 3, c) if c % g == 0))
    stride = (("stride", int(rng.integers(1, 3))), ("padding", int(rng.integers(0, k))))
    conv = lambda: Layer(  # noqa: E731
        "Conv2d", (c, wide * groups, k), (*stride, ("groups", groups), ("bias", one(True, False)))
    )
    norm = lambda: one(  # noqa: E731
        Layer("BatchNorm2d", (c,)), Layer("GroupNorm", (groups, c)), Layer("InstanceNorm2d", (c,))
    )
    images = [
        lambda: Layer("ConvTranspose2d", (c, wide, k + 1), (("stride", one(1, 2)), ("padding", one(0, 1)))),
        lambda: Layer("MaxPool2d", (one(2, 3),), (("stride", one(1, 2)), ("padding", one(0, 1)))),
        lambda: Layer("AvgPool2d", (one(2, 3),), (("stride", one(1, 2)), ("ceil_mode", one(True, False)))),
        lambda: Layer(one("AdaptiveAvgPool2d", "AdaptiveMaxPool2d"), (one(1, 2, 3, (3, 2)),)),
        lambda: Layer(RESIDUAL, (), (), (Layer("Conv2d", (c, c, 3), (("padding", 1),)), norm(), Layer("Tanh"))),
        lambda: Layer("Dropout2d", (0.2,)),
    ]
    return one(*plain, conv, conv, conv, norm, norm, norm, *images)()


def generate(seed: int) -> Network:
    """A network that runs."""
    rng = np.random.default_rng(seed)
    batch = int(rng.choice([1, 2, 3, 5, 8, 16]))
    shape: Shape = (batch, *map(int, rng.integers([1, 4, 4], [7, 13, 13])))
    first, layers = shape, []
    for _ in range(int(rng.integers(2, 9))):
        layer = layers_for(rng, shape)
        try:
            made = layer.build(nn)(tg.zeros(shape))
        except ValueError:  # too small for the layer, or one number to normalize
            continue
        if 0 < made.size < 20_000:
            layers.append(layer)
            shape = made.shape
        if len(shape) == 4 and rng.random() < 0.15:
            layers.append(Layer("Flatten"))
            shape = (shape[0], int(np.prod(shape[1:])))
    if len(shape) == 4:
        layers.append(Layer("Flatten"))
    layers.append(Layer("Linear", (int(np.prod(shape[1:])), CLASSES)))
    name = str(
        rng.choice(["CrossEntropyLoss", "CrossEntropyLoss", "MSELoss", "L1Loss", "BCEWithLogitsLoss", "NLLLoss"])
    )
    smooth = {"label_smoothing": 0.1} if name == "CrossEntropyLoss" and rng.random() < 0.3 else {}
    if name == "NLLLoss":
        layers.append(Layer("LogSoftmax", (1,)))
    optimizers: list[tuple[str, dict[str, Any]]] = [
        ("SGD", {"lr": 0.05}),
        ("SGD", {"lr": 0.03, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}),
        ("Adam", {"lr": 0.01, "eps": 1e-2}),  # a smaller epsilon makes steps of rounding errors
        ("AdamW", {"lr": 0.01, "eps": 1e-2, "weight_decay": 0.1}),
    ]
    optimizer = optimizers[int(rng.integers(len(optimizers)))]
    dtype = str(rng.choice(["float32", "float64"]))
    return Network(seed, tuple(layers), first, dtype, (name, smooth), optimizer, int(rng.integers(1, 4)))


def train(network: Network, compiled: bool) -> list[Array]:
    """The losses, what has been learned, and what is predicted then."""
    model = network.model()
    criterion = getattr(nn, network.loss[0])(**network.loss[1])
    opt = getattr(optim, network.optimizer[0])(model.parameters(), **network.optimizer[1])

    def step(x: Any, y: Any) -> Any:
        opt.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        opt.step()
        return loss

    run = tg.jit(step) if compiled else step
    batches = network.batches()
    losses = [run(tg.tensor(x), y if y.dtype.kind == "i" else tg.tensor(y)).numpy() for x, y in batches]
    model.eval()
    with tg.no_grad():
        predicted = (tg.jit(model) if compiled else model)(tg.tensor(batches[0][0])).numpy()
    learned = [np.array(value) for _, value in sorted(model.state_dict().items())]
    return [np.stack(losses), predicted, *learned]


def train_torch(network: Network, torch: Any) -> list[Array]:
    """The same by PyTorch."""
    model = torch.nn.Sequential(*(layer.build(torch.nn) for layer in network.layers)).double()
    ours = network.model().state_dict()
    model.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in ours.items()})
    criterion = getattr(torch.nn, network.loss[0])(**network.loss[1])
    opt = getattr(torch.optim, network.optimizer[0])(model.parameters(), **network.optimizer[1])
    losses = []
    for x, y in network.batches():
        opt.zero_grad()
        loss = criterion(model(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        opt.step()
        losses.append(loss.detach().numpy())
    model.eval()
    with torch.no_grad():
        predicted = model(torch.from_numpy(network.batches()[0][0])).numpy()
    return [np.stack(losses), predicted, *(value.numpy() for _, value in sorted(model.state_dict().items()))]


def complaints(network: Network, torch: Any = None) -> Iterator[str]:
    """What differs."""
    threads = tg.get_num_threads()
    tg.set_num_threads(network.threads)
    try:
        eager, found = train(network, False), train(network, True)
    finally:
        tg.set_num_threads(threads)
    tolerance = TOLERANCE[network.dtype]
    wrong = list(differences("compiled", found, eager, [tolerance] * len(eager)))
    if wrong and network.dtype == "float32" and not network.random:
        # normalizing two numbers, twice perhaps, leaves rounding errors alone: then eager code errs as well
        exact = train(replace(network, dtype="float64"), False)
        allowed = [max(tolerance, MORE * largest(x - y)) for x, y in zip(eager, exact, strict=True)]
        wrong = list(differences("compiled", found, exact, allowed, np.float64))
    yield from wrong
    if torch is not None and network.dtype == "float64" and not network.random:
        yield from differences("PyTorch", train_torch(network, torch), eager, [tolerance] * len(eager))


def largest(x: Array) -> float:
    """The largest magnitude of what is finite."""
    return float(np.abs(x[np.isfinite(x)]).max(initial=0.0))


def differences(
    who: str, found: list[Array], expected: list[Array], tolerances: list[float], dtype: Any = None
) -> Iterator[str]:
    """What differs by more than its tolerance, relative to the largest element of an array, or to 1."""
    for i, (x, y, tolerance) in enumerate(zip(found, expected, tolerances, strict=True)):
        what = ("losses", "predictions")[i] if i < 2 else f"state {i - 2}"
        scale = max(1.0, largest(y))
        if x.shape != y.shape or (dtype is None and x.dtype != y.dtype):
            yield f"{who}: {what} are {x.dtype}{x.shape}, not {y.dtype}{y.shape}"
        elif not np.allclose(x, y, rtol=0, atol=tolerance * scale, equal_nan=True):
            yield f"{who}: {what} differ by {largest(x - y):.3g} at a scale of {scale:.3g}"


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 if a network went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.compiler.networks", description=__doc__)
    parser.add_argument("--networks", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0, help="of the first network; the next ones follow")
    options = parser.parse_args(arguments)
    try:
        import torch
    except ImportError:
        torch = None  # type: ignore[assignment]
    start, wrong = time.perf_counter(), 0
    for seed in range(options.seed, options.seed + options.networks):
        network = generate(seed)
        if found := list(complaints(network, torch)):
            wrong += 1
            print(network, *found, sep="\n    ", flush=True)
    print(f"{options.networks} networks in {time.perf_counter() - start:.0f} s, {wrong} wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

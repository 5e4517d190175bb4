"""Random networks: layers that fit on one another, a loss, an optimizer, threads, a dtype.

Sizes are small, so that many networks can be trained. What large ones would come to, the compiler's other ways, is
reached by other thresholds: in every other network, half of them are moved beyond or below all sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.thresholds import COMPILED, drawn
from tinygrad_cv import nn

Array = np.ndarray
Shape = tuple[int, ...]
Settings = tuple[tuple[str, Any], ...]
STEPS, CLASSES = 5, 4
LARGEST = 6_000  # elements between two layers
RESIDUAL = "Residual"
BY_CLASS = ("CrossEntropyLoss", "NLLLoss")  # whose targets are numbers of classes


@dataclass(frozen=True)
class Layer:
    """A layer by its name in ``nn``; ``RESIDUAL`` adds what its layers make to what they are given."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Settings = ()
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
    """What is trained, on what, and how.

    Attributes:
        loss: its name, and its settings; ``True`` for a weight for each class.
        optimizer: its name, and its settings.
        clip: the largest norm of all gradients together, if they are clipped.
        thresholds: other values of the compiler's, see ``tests/thresholds.py``.
    """

    seed: int
    layers: tuple[Layer, ...]
    shape: Shape
    dtype: str
    loss: tuple[str, dict[str, Any]]
    optimizer: tuple[str, dict[str, Any]]
    threads: int
    clip: float | None = None
    thresholds: Settings = ()

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {self.dtype}{list(self.shape)}, {self.threads} threads", *map(str, self.layers)]
        lines += [f"{name} {kwargs}" for name, kwargs in (self.loss, self.optimizer)]
        lines += [f"clip {self.clip}"] * (self.clip is not None)
        return "\n  ".join([*lines, *(f"{name} = {value}" for name, value in self.thresholds)])

    def model(self) -> nn.Module:
        """With its first parameters, which are those of float32."""
        tg.manual_seed(self.seed)
        return nn.Sequential(*(layer.build(nn) for layer in self.layers)).to(self.dtype)

    def batches(self) -> list[tuple[Array, Array]]:
        rng = np.random.default_rng(self.seed)
        found = []
        for _ in range(STEPS):
            x = rng.normal(size=self.shape).astype(np.float32).astype(self.dtype)
            y: Array = rng.integers(0, CLASSES, self.shape[0])
            y[0] = 0  # no batch in which every label is ignored
            if self.loss[0] not in BY_CLASS:
                y = rng.random((self.shape[0], CLASSES)).astype(np.float32).astype(self.dtype)
            found.append((x, y))
        return found

    def criterion(self, library: Any, tensor: Callable[[Array], Any]) -> Any:
        """The loss in a library, whose tensors are made by a function."""
        weights = np.random.default_rng(self.seed + 1).uniform(0.5, 2.0, CLASSES).astype(np.float32)
        name, settings = self.loss
        made = {k: tensor(weights.astype(self.dtype)) if v is True else v for k, v in settings.items()}
        return getattr(library, name)(**made)


class Draw:
    """The generator's choices."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)

    def one(self, *options: Any) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def some(self, **settings: tuple[Any, ...]) -> Settings:
        """Each setting now and then, with one of its values."""
        return tuple((name, self.one(*values)) for name, values in settings.items() if self.rng.random() < 0.35)

    def activation(self) -> Layer:
        return self.one(
            Layer(self.one("ReLU", "ReLU6", "Sigmoid", "Tanh", "SiLU")),
            Layer("GELU", (self.one("none", "tanh"),)),
            Layer("LeakyReLU", (self.one(0.01, 0.3),)),
            Layer("ELU", (self.one(1.0, 1.5),)),
            Layer("Softplus", (self.one(1.0, 2.0),)),
        )

    def batch_norm(self, name: str, c: int) -> Layer:
        options = self.some(momentum=(0.3, None), affine=(False,), track_running_stats=(False,), eps=(1e-3,))
        return Layer(name, (c,), options)

    def anywhere(self, shape: Shape) -> Layer:
        last = shape[int(self.rng.integers(1, len(shape))) :] or shape[-1:]
        return self.one(
            self.activation(),
            self.activation(),
            Layer("Softmax", (self.one(1, -1),)),
            Layer("LayerNorm", (last,), self.some(bias=(False,), eps=(1e-3,))),
            Layer("Dropout", (self.one(0.0, 0.3, 0.5),)),
        )

    def dense(self, shape: Shape) -> Layer:
        c = shape[1]
        return self.one(
            self.anywhere(shape),
            self.activation(),
            Layer("Linear", (c, self.one(1, 2, 7, 8, 10, 16, 17, 33, 64)), self.some(bias=(False,))),
            self.batch_norm("BatchNorm1d", c),
            Layer(RESIDUAL, (), (), (Layer("Linear", (c, 9)), self.activation(), Layer("Linear", (9, c)))),
        )

    def image(self, shape: Shape) -> Layer:
        c = shape[1]
        groups = self.one(*(g for g in (1, 1, 2, 3, c) if c % g == 0))
        convolution = self.convolution(c, groups)
        norm = self.one(
            self.batch_norm("BatchNorm2d", c),
            Layer("GroupNorm", (groups, c), self.some(affine=(False,), eps=(1e-3,))),
            Layer("InstanceNorm2d", (c,), self.some(affine=(True,), track_running_stats=(True,))),
        )
        transposed = self.some(stride=(2, 3), padding=(1,), dilation=(2,), bias=(False,))
        pooled = self.some(stride=(1, 2, 3), padding=(1,), ceil_mode=(True,))
        return self.one(
            self.anywhere(shape),
            self.activation(),
            convolution,
            convolution,
            norm,
            norm,
            Layer("ConvTranspose2d", (c, self.one(1, 2, 5, 8), self.one(2, 3, (3, 2))), transposed),
            Layer("MaxPool2d", (self.one(2, 3, (3, 2)),), (*pooled, *self.some(dilation=(2,)))),
            Layer("AvgPool2d", (self.one(2, 3),), (*pooled, *self.some(count_include_pad=(False,)))),
            Layer(self.one("AdaptiveAvgPool2d", "AdaptiveMaxPool2d"), (self.one(1, 2, 3, (3, 2)),)),
            Layer(RESIDUAL, (), (), (Layer("Conv2d", (c, c, 3), (("padding", 1),)), norm, self.activation())),
            self.one(Layer("Dropout2d", (0.2,)), Layer("GlobalAvgPool2d"), Layer("Flatten")),
        )

    def convolution(self, c: int, groups: int) -> Layer:
        k = self.one(1, 2, 3, 3, 5, (3, 2))
        settings = self.some(stride=(1, 2, (2, 1)), padding=(1, 2), dilation=(2,), bias=(False,))
        if self.rng.random() < 0.1:
            k, settings = 3, (("padding", "same"),)
        return Layer("Conv2d", (c, groups * self.one(1, 2, 3, 4, 8, 16), k), (*settings, ("groups", groups)))

    def loss(self) -> tuple[str, dict[str, Any]]:
        name = self.one(*BY_CLASS, "CrossEntropyLoss", "MSELoss", "L1Loss", "BCEWithLogitsLoss")
        settings: dict[str, Settings] = {
            "CrossEntropyLoss": self.some(label_smoothing=(0.1,), weight=(True,), ignore_index=(2,)),
            "NLLLoss": self.some(weight=(True,)),
            "BCEWithLogitsLoss": self.some(weight=(True,), pos_weight=(True,)),
        }
        return name, dict(settings.get(name, ()))

    def optimizer(self) -> tuple[str, dict[str, Any]]:
        return self.one(
            ("SGD", {"lr": 0.05}),
            ("SGD", {"lr": 0.03, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3}),
            ("Adam", {"lr": 0.01, "eps": 1e-2}),  # a smaller epsilon makes steps of rounding errors
            ("AdamW", {"lr": 0.01, "eps": 1e-2, "weight_decay": 0.1}),
        )


def generate(seed: int) -> Network:
    """The random network with that number."""
    draw = Draw(seed)
    batch = draw.one(1, 2, 3, 5, 8, 16, 33)
    shape: Shape = (batch, *map(int, draw.rng.integers([1, 3, 3], [7, 13, 13])))
    first, layers = shape, []
    for _ in range(int(draw.rng.integers(2, 7))):
        layer = draw.image(shape) if len(shape) == 4 else draw.dense(shape)
        try:
            made = layer.build(nn)(tg.zeros(shape))
        except ValueError:  # too small for the layer, or one number to normalize
            continue
        # The maximum of a window with nothing in it is not finite, and has no gradient to compare.
        if 0 < made.size <= LARGEST and np.isfinite(made.numpy()).all():
            layers.append(layer)
            shape = made.shape
    if len(shape) == 4:
        layers.append(Layer("Flatten"))
        shape = (batch, int(np.prod(shape[1:])))
    layers.append(Layer("Linear", (shape[1], CLASSES)))
    loss = draw.loss()
    if loss[0] == "NLLLoss":
        layers.append(Layer("LogSoftmax", (1,)))
    dtype, threads, clip = draw.one("float32", "float64"), draw.one(1, 2, 3), draw.one(None, None, 1.0)
    if shape[1] > 32:  # plain descent diverges: nothing but amplified rounding errors would be compared
        clip = 1.0
    thresholds = tuple(drawn(COMPILED, seed).items()) if seed % 2 else ()
    return Network(seed, tuple(layers), first, dtype, loss, draw.optimizer(), threads, clip, thresholds)

"""The layers that the networks need, on JAX, as `torch.nn` names them: a module is its structure, its arrays are given.

`bind` gives a module arrays, by PyTorch's names and in PyTorch's shapes, for the next call; so a function that binds
and calls is pure, as JAX wants it. In channels_last, images are N x H x W x C and kernels H x W x I x O.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.workloads import EPSILON, UPDATE

KERNEL = (2, 3, 1, 0)  # o i h w -> h w i o
Arrayed = dict[str, Any]  # arrays by name, of NumPy or of JAX


class Module:
    """The base: calling it is `forward`, attributes that are modules are its children."""

    training = True

    def __init__(self) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}  # of a layer's own arrays
        self.arrays: Arrayed = {}

    def __call__(self, x: Any) -> Any:
        return self.forward(x)

    def forward(self, x: Any) -> Any:
        """The function that the module is."""
        raise NotImplementedError

    def layers(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """The module and all below it, each with the prefix of its arrays' names."""
        yield prefix, self
        for name, child in vars(self).items():
            if isinstance(child, Module):
                yield from child.layers(f"{prefix}{name}.")

    def bind(self, arrays: Arrayed) -> None:
        """Have these arrays be the module's own and those of all below it."""
        for prefix, layer in self.layers():
            layer.arrays = {name: arrays[prefix + name] for name in layer.shapes}

    def bound(self, suffixes: tuple[str, ...]) -> Arrayed:
        """The arrays whose names end so; after a call, running statistics are the new ones."""
        return {
            prefix + name: value
            for prefix, layer in self.layers()
            for name, value in layer.arrays.items()
            if name.endswith(suffixes)
        }


class Sequential(Module):
    """One layer after another."""

    def __init__(self, *layers: Module) -> None:
        super().__init__()
        for number, layer in enumerate(layers):
            setattr(self, str(number), layer)
        self._sequence = layers

    def forward(self, x: Any) -> Any:
        for layer in self._sequence:
            x = layer(x)
        return x


class Conv2d(Module):
    """Cross-correlation without bias."""

    def __init__(
        self, channels: int, width: int, size: int, stride: int = 1, padding: int = 0, groups: int = 1,
        bias: bool = False, *, last: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        layout = ("NHWC", "HWIO", "NHWC") if last else ("NCHW", "OIHW", "NCHW")
        self.shapes = {"weight": (width, channels // groups, size, size)}
        self._convolve = partial(
            lax.conv_general_dilated,
            window_strides=(stride, stride),
            padding=[(padding, padding)] * 2,
            dimension_numbers=layout,
            feature_group_count=groups,
        )

    def forward(self, x: Any) -> Any:
        return self._convolve(x, self.arrays["weight"])


class BatchNorm2d(Module):
    """By the batch's statistics in training, by the running ones otherwise."""

    def __init__(self, width: int, *, last: bool) -> None:
        super().__init__()
        self.shapes = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (width,))
        self._axes = (0, 1, 2) if last else (0, 2, 3)
        self._shape = (width,) if last else (width, 1, 1)

    def forward(self, x: Any) -> Any:
        mean, variance = self.arrays["running_mean"], self.arrays["running_var"]
        if self.training:
            mean, variance = x.mean(self._axes), x.var(self._axes)
            count = x.size // mean.size
            for name, value in (("running_mean", mean), ("running_var", variance * (count / (count - 1)))):
                self.arrays[name] = (1 - UPDATE) * self.arrays[name] + UPDATE * value
        scale = lax.rsqrt(variance + EPSILON) * self.arrays["weight"]
        return (x - mean.reshape(self._shape)) * scale.reshape(self._shape) + self.arrays["bias"].reshape(self._shape)


class Linear(Module):
    """x Wᵀ + b."""

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.shapes = {"weight": (width, features), "bias": (width,)}

    def forward(self, x: Any) -> Any:
        return x @ self.arrays["weight"].T + self.arrays["bias"]


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, x: Any) -> Any:
        return jax.nn.relu(x)


class MaxPool2d(Module):
    """The maximum of each window; windows do not overlap."""

    def __init__(self, size: int, *, last: bool) -> None:
        super().__init__()
        self._window = (1, size, size, 1) if last else (1, 1, size, size)

    def forward(self, x: Any) -> Any:
        return lax.reduce_window(x, -jnp.inf, lax.max, self._window, self._window, "VALID")


class AdaptiveAvgPool2d(Module):
    """The mean of each channel."""

    def __init__(self, size: int, *, last: bool) -> None:
        super().__init__()
        assert size == 1
        self._axes = (1, 2) if last else (2, 3)

    def forward(self, x: Any) -> Any:
        return x.mean(self._axes, keepdims=True)


class Flatten(Module):
    """One row a sample, its elements in the order C, H, W."""

    def __init__(self, *, last: bool) -> None:
        super().__init__()
        self._last = last

    def forward(self, x: Any) -> Any:
        x = x.transpose(0, 3, 1, 2) if self._last else x  # n h w c -> n c h w
        return x.reshape(len(x), -1)


def layers(last: bool) -> SimpleNamespace:
    """What `networks` expects of `nn`, for one layout."""
    placed = (Conv2d, BatchNorm2d, MaxPool2d, AdaptiveAvgPool2d, Flatten)
    return SimpleNamespace(
        Module=Module,
        Sequential=Sequential,
        Linear=Linear,
        ReLU=ReLU,
        **{layer.__name__: partial(layer, last=last) for layer in placed},
    )


def to_jax(array: np.ndarray, last: bool, axes: tuple[int, ...] = (0, 2, 3, 1)) -> jax.Array:
    """An array as PyTorch has it; in channels_last, with the axes of images (or of kernels) in their new order."""
    return jnp.asarray(array.transpose(axes) if last and array.ndim == 4 else array)


def to_numpy(array: Any, last: bool, axes: tuple[int, ...] = (0, 2, 3, 1)) -> np.ndarray:
    """The inverse of `to_jax`."""
    return np.asarray(array).transpose(np.argsort(axes)) if last and array.ndim == 4 else np.asarray(array)

"""Single functions, measured alone, forward and backward: a row each, written once for all frameworks.

A row makes a module of a framework, of its `nn` or its `functional`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

IMAGE = (64, 56, 56)
BATCH = 8
TOKENS = (784, 192)
SHORT = {1: (64, 2048), 2: IMAGE, 3: (16, 24, 24, 24)}  # by spatial axes


@dataclass(frozen=True)
class Row:
    """A function with its arguments.

    Attributes:
        make: from a framework to a module of one input.
        image: the shape of the input, without the batch.
        output: the shape of the result, without the batch.
    """

    title: str
    make: Callable[[Any], Any]
    image: tuple[int, ...]
    output: tuple[int, ...]
    steps: int = 20
    batch: int = BATCH


def layer(name: str, *args: Any, **options: Any) -> Callable[[Any], Any]:
    """A layer of `nn`."""
    return lambda framework: getattr(framework.nn, name)(*args, **options)


def function(name: str, *args: Any, **options: Any) -> Callable[[Any], Any]:
    """A function of `functional`, of the input and these arguments."""

    def make(framework: Any) -> Any:
        found = getattr(framework.functional, name)  # here, so that a trace need not look through the framework
        return module(framework, lambda own, x: found(x, *args, **options))

    return make


def module(
    framework: Any,
    forward: Callable[[Any, Any], Any],
    parameters: Mapping[str, np.ndarray] | None = None,
    buffers: Mapping[str, np.ndarray] | None = None,
) -> Any:
    """A function of the module and its input as a module. The gradient to its parameters is measured as well."""

    class Applied(framework.nn.Module):  # type: ignore[misc]
        """The function."""

        def forward(self, x: Any) -> Any:
            return forward(self, x)

    made = Applied()
    for name, value in (parameters or {}).items():
        setattr(made, name, framework.nn.Parameter(framework.tensor(value)))
    for name, value in (buffers or {}).items():
        made.register_buffer(name, framework.tensor(value))
    return made


# ---------------------------------------------------------------- pooling


def _pooled(image: Sequence[int], factor: int) -> tuple[int, ...]:
    return (image[0], *(n // factor for n in image[1:]))


def _unpool(axes: int) -> Callable[[Any], Any]:
    """Unpooling to twice the size: each element goes to a random place of its window."""

    def make(framework: Any) -> Any:
        small = _pooled(SHORT[axes], 2)
        sizes = SHORT[axes][1:]
        corners = np.meshgrid(*(2 * np.arange(n) for n in small[1:]), indexing="ij")
        rng = np.random.default_rng(3)
        places = [corner + rng.integers(0, 2, (BATCH, *small)) for corner in corners]
        indices = np.ravel_multi_index(tuple(places), sizes)
        unpool = getattr(framework.functional, f"max_unpool{axes}d")
        return module(framework, lambda own, x: unpool(x, own.indices, 2), buffers={"indices": indices})

    return make


def _fractional(axes: int) -> Callable[[Any], Any]:
    """Fractional max pooling to half the size, at places that are given."""

    def make(framework: Any) -> Any:
        channels, *half = _pooled(SHORT[axes], 2)
        samples = np.random.default_rng(4).random((BATCH, channels, axes))
        pool = partial(getattr(framework.functional, f"fractional_max_pool{axes}d"), kernel_size=2, output_size=half)
        return module(framework, lambda own, x: pool(x, _random_samples=own.samples), buffers={"samples": samples})

    return make


def _pooling() -> dict[str, Row]:
    rows = {}
    for axes, image in SHORT.items():
        half, small = _pooled(image, 2), (image[0], *(7,) * axes)
        for name, title, make, output in (
            ("max_pool{}d", "max pool 3, stride 2", layer(f"MaxPool{axes}d", 3, 2, 1), half),
            ("max_pool{}d_even", "max pool 2", layer(f"MaxPool{axes}d", 2), half),
            ("avg_pool{}d", "average pool 3, stride 2", layer(f"AvgPool{axes}d", 3, 2, 1), half),
            ("lp_pool{}d", "Lp pool 2", layer(f"LPPool{axes}d", 2.0, 2), half),
            ("adaptive_avg_pool{}d", "adaptive average pool to 7", layer(f"AdaptiveAvgPool{axes}d", 7), small),
            ("adaptive_max_pool{}d", "adaptive max pool to 7", layer(f"AdaptiveMaxPool{axes}d", 7), small),
            ("global_avg_pool{}d", "global average", layer(f"AdaptiveAvgPool{axes}d", 1), (image[0], *(1,) * axes)),
            ("global_max_pool{}d", "global maximum", layer(f"AdaptiveMaxPool{axes}d", 1), (image[0], *(1,) * axes)),
        ):
            rows[name.format(axes)] = Row(f"{title}, {axes}-d", make, image, output)
        many = (image[0], *(15,) * axes)
        for kind, title in (("max", "maximum"), ("avg", "average")):
            pool = layer(f"Adaptive{kind.title()}Pool{axes}d", 15)
            rows[f"adaptive_{kind}_pool{axes}d_many"] = Row(f"adaptive {title} to 15, {axes}-d", pool, image, many)
        rows[f"max_unpool{axes}d"] = Row(f"max unpool 2, {axes}-d", _unpool(axes), half, image)
    for axes in (2, 3):
        image = SHORT[axes]
        title = f"fractional max pool 2, {axes}-d"
        rows[f"fractional_max_pool{axes}d"] = Row(title, _fractional(axes), image, _pooled(image, 2))
    return rows


# ---------------------------------------------------------------- normalization


def _normalization() -> dict[str, Row]:
    rows = {}
    for axes, image in SHORT.items():
        for name, title, make in (
            ("batch_norm{}d", "batch norm", layer(f"BatchNorm{axes}d", image[0])),
            ("instance_norm{}d", "instance norm", layer(f"InstanceNorm{axes}d", image[0], affine=True)),
        ):
            rows[name.format(axes)] = Row(f"{title}, {axes}-d", make, image, image)
    for name, title, make in (
        ("group_norm", "group norm, 8 groups", layer("GroupNorm", 8, IMAGE[0])),
        ("layer_norm", "layer norm over C, H, W", layer("LayerNorm", list(IMAGE))),
        ("local_response_norm", "local response norm, 5", layer("LocalResponseNorm", 5)),
        ("normalize", "vectors of length 1 along C", function("normalize", dim=1)),
    ):
        rows[name] = Row(title, make, IMAGE, IMAGE)
    rows["layer_norm_tokens"] = Row("layer norm of N x T x D", layer("LayerNorm", 192), TOKENS, TOKENS)
    rows["rms_norm_tokens"] = Row("RMS norm of N x T x D", layer("RMSNorm", 192), TOKENS, TOKENS)
    return rows


# ---------------------------------------------------------------- activation


def _activation() -> dict[str, Row]:
    rows = {}
    for name in ("relu", "sigmoid", "tanh", "hardshrink", "elu", "silu", "gelu", "softplus"):
        rows[name] = Row(name, function(name), IMAGE, IMAGE)
    rows["glu"] = Row("GLU, halves of C", function("glu", dim=1), IMAGE, (IMAGE[0] // 2, *IMAGE[1:]))
    rows["glu_tokens"] = Row("GLU, halves of D", function("glu"), TOKENS, (TOKENS[0], TOKENS[1] // 2))
    for name in ("softmax", "log_softmax"):
        make = function(name, dim=-1)
        rows[f"{name}_tokens"] = Row(f"{name} of rows of 192", make, TOKENS, TOKENS)
        rows[f"{name}_long"] = Row(f"{name} of rows of 4096", make, (64, 4096), (64, 4096))
        rows[f"{name}_short"] = Row(f"{name} of rows of 10", make, (8192, 10), (8192, 10))
        rows[f"{name}_channels"] = Row(f"{name} along C", function(name, dim=1), IMAGE, IMAGE)
    return rows


# ---------------------------------------------------------------- resampling


def _grid_sample(mode: str, padding_mode: str) -> Callable[[Any], Any]:
    """Sampling near the points of the image itself; how far from them is a parameter."""

    def make(framework: Any) -> Any:
        side = np.linspace(-1, 1, IMAGE[1])
        grid = np.stack(np.broadcast_arrays(side, side[:, None]), -1)  # x, y
        points = np.broadcast_to(grid, (BATCH, *grid.shape)).copy()
        sample = partial(framework.functional.grid_sample, mode=mode, padding_mode=padding_mode, align_corners=False)
        return module(
            framework,
            lambda own, x: sample(x, own.points + own.shift),
            parameters={"shift": np.zeros_like(points)},
            buffers={"points": points},
        )

    return make


def _resampling() -> dict[str, Row]:
    rows = {}
    images = {1: (64, 1024), 2: (64, 28, 28), 3: (16, 12, 12, 12)}
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}
    for axes, image in images.items():
        double = (image[0], *(2 * n for n in image[1:]))
        for name, mode, options in (
            ("nearest", "nearest", {}),
            ("nearest_exact", "nearest-exact", {}),
            ("linear", linear[axes], {"align_corners": False}),
            ("linear_corners", linear[axes], {"align_corners": True}),
            ("area", "area", {}),
        ):
            title = f"interpolate {mode}{', align_corners' if options.get('align_corners') else ''}, {axes}-d, twice"
            make = function("interpolate", scale_factor=2, mode=mode, **options)
            rows[f"interpolate_{name}{axes}d"] = Row(title, make, image, double)
    bicubic = function("interpolate", scale_factor=2, mode="bicubic", align_corners=False)
    rows["interpolate_bicubic2d"] = Row("interpolate bicubic, 2-d, twice", bicubic, images[2], (64, 56, 56))
    for name, mode, old, new in (
        ("nearest", "nearest", IMAGE, (64, 100, 100)),
        ("bilinear", "bilinear", IMAGE, (64, 100, 100)),
        ("bicubic", "bicubic", IMAGE, (64, 100, 100)),
        ("smaller", "bilinear", (64, 100, 100), IMAGE),
        ("pictures", "bilinear", (3, 224, 224), (3, 100, 100)),
        ("area", "area", (64, 57, 57), (64, 25, 25)),
        ("linear", "linear", (64, 1024), (64, 1500)),
        ("trilinear", "trilinear", (16, 20, 20, 20), (16, 31, 31, 31)),
    ):
        options = {} if mode in ("nearest", "area") else {"align_corners": False}
        make = function("interpolate", size=new[1:], mode=mode, **options)
        rows[f"interpolate_uneven_{name}"] = Row(
            f"interpolate {mode}, {old[0]} channels, {old[1]} to {new[1]}", make, old, new
        )
    for mode in ("bilinear", "bicubic"):
        smaller = function("interpolate", size=(24, 24), mode=mode, align_corners=False, antialias=True)
        rows[f"interpolate_{mode}_antialias"] = Row(
            f"interpolate {mode}, antialias, 56 to 24", smaller, IMAGE, (64, 24, 24)
        )
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding_mode in ("zeros", "border", "reflection"):
            rows[f"grid_sample_{mode}_{padding_mode}"] = Row(
                f"grid sample {mode}, {padding_mode}", _grid_sample(mode, padding_mode), IMAGE, IMAGE, steps=5
            )
    three = (3, *IMAGE[1:])
    rows["grid_sample_pictures"] = Row(
        "grid sample bilinear, zeros, 3 channels", _grid_sample("bilinear", "zeros"), three, three
    )
    for name, title, make, image, output in (
        ("pixel_shuffle", "pixel shuffle 2", function("pixel_shuffle", 2), (64, 28, 28), (16, 56, 56)),
        ("pixel_unshuffle", "pixel unshuffle 2", function("pixel_unshuffle", 2), (16, 56, 56), (64, 28, 28)),
        ("channel_shuffle", "channel shuffle, 4 groups", function("channel_shuffle", 4), IMAGE, IMAGE),
        ("unfold", "unfold 3", function("unfold", 3, padding=1), (16, 56, 56), (144, 3136)),
        ("fold", "fold 3", function("fold", (56, 56), 3, padding=1), (144, 3136), (16, 56, 56)),
    ):
        rows[name] = Row(title, make, image, output)
    for mode in ("constant", "reflect", "replicate", "circular"):
        rows[f"pad_{mode}"] = Row(f"pad {mode} by 2", function("pad", (2, 2, 2, 2), mode=mode), IMAGE, (64, 60, 60))
    return rows


# ---------------------------------------------------------------- others


def _ctc(framework: Any) -> Any:
    """The loss of each example, of random labels that a path of half the length fits."""
    labels = np.random.default_rng(5).integers(1, 30, (BATCH, 20))
    F = framework.functional

    def loss(own: Any, x: Any) -> Any:
        scores = F.log_softmax(x, -1).permute(1, 0, 2)  # n t c -> t n c
        return F.ctc_loss(scores, own.labels, (80,) * BATCH, (20,) * BATCH, reduction="none")

    return module(framework, loss, buffers={"labels": labels})


def _strided(framework: Any) -> Any:
    """A convolution of volumes with stride 2; its weights are a parameter."""
    weight = np.random.default_rng(6).normal(size=(32, SHORT[3][0], 3, 3, 3)) / 20
    convolve = partial(framework.functional.conv3d, stride=2, padding=1)
    return module(framework, lambda own, x: convolve(x, own.weight), parameters={"weight": weight})


def _others() -> dict[str, Row]:
    volume = SHORT[3]
    return {
        "ctc": Row("CTC, 80 steps, 20 of 30 labels", _ctc, (80, 30), ()),
        "conv3d_strided": Row("convolution 3, stride 2, 3-d", _strided, volume, (32, *_pooled(volume, 2)[1:])),
    }


FUNCTIONS: dict[str, Row] = {**_pooling(), **_normalization(), **_activation(), **_resampling(), **_others()}

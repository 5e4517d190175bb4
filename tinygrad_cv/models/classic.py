"""The classic convolutional network, of any depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from .. import nn
from ..core.errors import ShapeError
from .catalog import network

Norm = Literal["batch", "layer", "instance", "group", "none"]
NORMS: tuple[Norm, ...] = get_args(Norm)


@network(channels=None, side=None)
def convnet(
    in_channels: int = 1,
    image_size: int = 28,
    channels: Sequence[int] = (16, 32, 64),
    hidden: Sequence[int] = (128,),
    num_classes: int = 10,
    norm: Norm = "batch",
    kernel_size: int = 3,
    pool: int = 2,
    groups: int = 4,
    dropout: float = 0.0,
) -> nn.Sequential:
    """[Conv, Norm, ReLU, Pool] x len(channels), flatten, [FC, ReLU] x len(hidden), FC.

    N x C x H x H -> features N x channels[-1] x H' x H' -> flatten -> classifier N x num_classes. Convolutions preserve
    H (odd kernels, P = (K - 1)/2); each pooling divides it: H' = floor(H / pool).

    Args:
        image_size: H.
        channels: the number of filters of each convolution.
        hidden: the number of features of each fully connected layer but the last.
        norm: "batch", "layer" (over C, H, W), "instance", "group" (in ``groups`` groups) or "none".
        pool: K and S of the max pooling; 1 for none.
        dropout: p before each fully connected layer; 0 for none.

    Raises:
        ValueError: an unknown norm.
        ShapeError: an even kernel, or an image too small for all poolings.

    >>> import tinygrad_cv as tg
    >>> tg.models.convnet(3, 32, channels=(8, 16, 32), hidden=(), norm="group")(tg.ones(2, 3, 32, 32)).shape
    (2, 10)
    """
    if norm not in NORMS:
        raise ValueError(f"convnet: norm={norm!r}; it must be one of {', '.join(map(repr, NORMS))}.")
    if kernel_size % 2 == 0:
        raise ShapeError(
            f"convnet: kernel_size={kernel_size}; it must be odd, so that P = (K - 1)/2 preserves H and W."
        )
    if pool < 1:
        raise ShapeError(f"convnet: pool={pool}; it must be at least 1.")
    if image_size // pool ** len(channels) < 1:
        raise ShapeError(
            f"convnet: image_size={image_size} with {len(channels)} poolings by {pool}: nothing is left of the "
            "image. Use fewer channels, a smaller pool or larger images."
        )
    layers: list[nn.Module] = []
    c, size = in_channels, image_size
    for filters in channels:
        bias = norm not in ("batch", "instance")  # these subtract the mean of each channel, and with it the bias
        layers.append(nn.Conv2d(c, filters, kernel_size, padding=kernel_size // 2, bias=bias))
        if norm != "none":
            layers.append(normalization(norm, filters, size, groups))
        layers.append(nn.ReLU())
        if pool > 1:
            layers.append(nn.MaxPool2d(pool))
        c, size = filters, size // pool
    head: list[nn.Module] = []
    features = c * size * size
    for width in (*hidden, num_classes):
        if dropout:
            head.append(nn.Dropout(dropout))
        head += [nn.Linear(features, width), nn.ReLU()]
        features = width
    body, classifier = nn.Sequential(*layers), nn.Sequential(*head[:-1])
    return nn.Sequential({"features": body, "flatten": nn.Flatten(), "classifier": classifier})


def normalization(norm: Norm, channels: int, size: int, groups: int = 4) -> nn.Module:
    """The layer of a normalization of maps channels x size x size."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm == "layer":
        return nn.LayerNorm((channels, size, size))
    if norm == "instance":
        return nn.InstanceNorm2d(channels, affine=True)
    return nn.GroupNorm(groups, channels)

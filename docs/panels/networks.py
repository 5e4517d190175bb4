"""Networks of the panels: LeNet's layers, with fewer filters, so that a phone trains them."""

from __future__ import annotations

from collections.abc import Callable

from tinygrad_cv import Tensor, nn

MEAN, STD = 0.286, 0.353  # of Fashion-MNIST's pixels, between 0 and 1
FILTERS = 8, 16


def lenet(classes: int, norm: Callable[[int], nn.Module] | None = None) -> nn.Sequential:
    """[Conv, norm, ReLU, Pool] x 2, FC: N x 1 x 28 x 28 -> 8 x 14 x 14 -> 16 x 7 x 7 -> classes."""
    layers: dict[str, nn.Module] = {}
    channels = 1
    for number, filters in enumerate(FILTERS, 1):
        layers[f"conv{number}"] = nn.Conv2d(channels, filters, 5, padding=2)
        if norm is not None:
            layers[f"norm{number}"] = norm(filters)
        layers[f"relu{number}"] = nn.ReLU()
        layers[f"pool{number}"] = nn.MaxPool2d(2)
        channels = filters
    return nn.Sequential({**layers, "flatten": nn.Flatten(), "fc": nn.Linear(channels * 7 * 7, classes)})


def prepared(images: Tensor) -> Tensor:
    """Pixels, 0 to 255, as numbers near zero."""
    return (images.astype("float32") / 255 - MEAN) / STD

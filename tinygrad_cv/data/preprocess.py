"""From stored bytes to the numbers that a network takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def normalize(images: NDArray[np.uint8], mean: ArrayLike = 0.0, std: ArrayLike = 1.0) -> NDArray[np.float32]:
    """Scale uint8 images to float32: y = (x / 255 - mean) / std.

    With the default mean and std, y is in [0, 1]. The training images of the whole Fashion-MNIST have mean 0.286
    and std 0.353, those of MNIST 0.1307 and 0.3081.

    Args:
        images: N x C x H x W, uint8.
        mean: one number, or one for each of the C channels, in units of x / 255.
        std: likewise, above 0.

    Returns:
        A new float32 array, N x C x H x W.

    Raises:
        TypeError: the images are not uint8.
        ValueError: the images are not N x C x H x W, a std is not above 0, or mean or std fits neither one nor C.

    >>> normalize(np.full((1, 1, 1, 2), 255, np.uint8), mean=0.5, std=0.25)
    array([[[[2., 2.]]]], dtype=float32)
    """
    if images.dtype != np.uint8:
        raise TypeError(
            f"normalize: the images are {images.dtype}; normalize divides by 255 and so takes uint8 only. "
            "If they were normalized before, leave it at that."
        )
    if images.ndim != 4:
        raise ValueError(f"normalize: the images have shape {images.shape}; it must be N x C x H x W. Reshape them.")
    center, scale = _per_channel("mean", mean, images.shape[1]), _per_channel("std", std, images.shape[1])
    if not np.all(scale > 0):
        raise ValueError(f"normalize: std is {scale.ravel().tolist()}; it divides, so it must be above 0.")
    result = images.astype(np.float32)  # in place from here on: a data set may fill much of the memory
    result /= 255
    result -= center
    result /= scale
    return result


def _per_channel(name: str, value: ArrayLike, channels: int) -> NDArray[np.float32]:
    array = np.asarray(value, np.float32)
    if array.shape not in ((), (1,), (channels,)):
        raise ValueError(
            f"normalize: {name} has shape {array.shape} for images of {channels} channels; "
            f"give one number, or {channels} in a sequence."
        )
    return array.reshape(-1, 1, 1)  # c -> c 1 1

"""Preprocessing: from stored images to the input of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.annotations import explaining
from .datasets import channels_first
from .readers import ImageReader
from .transforms.functional import center_crop, resize

MODES = {1: "L", 3: "RGB"}  # of images with so many channels, as ImageReader gives them


@explaining
def normalize(
    images: np.ndarray, mean: ArrayLike = 0.0, std: ArrayLike = 1.0, scale: float | None = None
) -> NDArray[np.float32]:
    """Scale images to float32: y = (x / scale - mean) / std, with scale 255 for uint8.

    With the default mean and std, y is in [0, 1]. The training images of the whole Fashion-MNIST have mean 0.286
    and std 0.353, those of MNIST 0.1307 and 0.3081.

    Args:
        images: N x C x H x W, uint8; with a scale also of other types.
        mean: one number, or one for each of the C channels, in units of x / scale.
        std: likewise, above 0.
        scale: the value of white, above 0.

    Returns:
        A new float32 array, N x C x H x W.

    Raises:
        TypeError: the images are not uint8, and no scale was given.
        ValueError: the images are not N x C x H x W, a std is not above 0, or mean or std fits neither one nor C.

    >>> normalize(np.full((1, 1, 1, 2), 255, np.uint8), mean=0.5, std=0.25)
    array([[[[2., 2.]]]], dtype=float32)
    """
    if images.dtype != np.uint8 and scale is None:
        raise TypeError(
            f"normalize: the images are {images.dtype}; normalize divides by 255 and so takes uint8 only. "
            "If they are normalized already, use them as they are; for other values give the scale, such as 1."
        )
    if scale is not None and not scale > 0:
        raise ValueError(f"normalize: scale is {scale}; it divides, so it must be above 0.")
    if images.ndim != 4:
        raise ValueError(f"normalize: the images have shape {images.shape}; it must be N x C x H x W. Reshape them.")
    center, deviation = _per_channel("mean", mean, images.shape[1]), _per_channel("std", std, images.shape[1])
    if not np.all(deviation > 0):
        raise ValueError(f"normalize: std is {deviation.ravel().tolist()}; it divides, so it must be above 0.")
    result = images.astype(np.float32)  # in place from here on: a data set may fill much of the memory
    result /= np.float32(255 if scale is None else scale)
    result -= center
    result /= deviation
    return result


@dataclass(frozen=True)
class Preparation:
    """The preprocessing of a network's images: channels and padding, then y = (x / scale - mean) / std.

    The scale is 255 for uint8, and 1 for other types. Called with images N x H x W, N x C x H x W or N x H x W x C, it
    returns float32, N x C x H x W. Grey images are repeated for all channels; images smaller than H x W are padded
    with black. :meth:`read` reads an image file as the images were read with which the network was trained.

    Attributes:
        mean, std: one number, or one for each channel of the result; std above 0.
        dtype: of the images that it takes, by NumPy's name.
        channels, height, width: C, H, W of the result.
        shape: C, H, W of the images that it takes; None where it is not known.
        resize: the shorter side to which files are resized, before H x W of ``shape`` are cut out of the middle; None
            where they are taken as they are.

    Raises:
        TypeError: when called, the images have another type.
        ValueError: likewise, they have more channels, or are larger.

    >>> prepare = Preparation(mean=0.5, std=0.5, dtype="uint8", channels=3, height=2, width=2)
    >>> prepare(np.full((5, 1, 1), 255, np.uint8))[0, 0].tolist()
    [[1.0, -1.0], [-1.0, -1.0]]
    """

    mean: float | Sequence[float]
    std: float | Sequence[float]
    dtype: str
    channels: int
    height: int
    width: int
    shape: Sequence[int] | None = None
    resize: int | None = None

    @property
    def black(self) -> float | tuple[float, ...]:
        """What becomes of 0: one number, or one for each channel."""
        values = -np.asarray(self.mean, np.float64) / np.asarray(self.std, np.float64)
        return float(values) if not values.ndim else tuple(values.tolist())

    def __call__(self, images: ArrayLike) -> NDArray[np.float32]:
        array = np.asarray(images)
        if array.dtype != self.dtype:
            raise TypeError(
                f"prepare: the images are {array.dtype}; the network was trained on {self.dtype}, whose values have "
                f"another range. Give them as {self.dtype}."
            )
        if array.ndim not in (3, 4):
            raise ValueError(f"prepare: the images have shape {array.shape}; it must be N x H x W or N x C x H x W.")
        fitted = fit_images(channels_first(array), self.channels, (self.height, self.width))
        return normalize(fitted, self.mean, self.std, 255 if self.dtype == "uint8" else 1)

    def read(self, path: str | PathLike[str]) -> NDArray[np.uint8]:
        """The image in a file, C x H x W: read by an ImageReader, in color or grey, then resized and cut.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is no image, or not of the size of those that the network was trained on; or these were no
                images of 1 or 3 channels.
        """
        channels = self.channels if self.shape is None else self.shape[0]
        if channels not in MODES or self.dtype != "uint8":
            raise ValueError(
                f"prepare.read: the network was trained on images of {channels} channels and {self.dtype}, which no "
                "image file gives. Call prepare with arrays of these."
            )
        image = self.resized(ImageReader(MODES[channels])(path))
        if self.shape is not None and image.shape != tuple(self.shape):
            (_, h, w), (_, height, width) = image.shape, self.shape
            raise ValueError(
                f"prepare.read: {path} is {w} x {h} pixels, and the network was trained on images of {width} x "
                f"{height} as they are. Resize it, or cut that out of it."
            )
        return image

    def resized(self, image: np.ndarray) -> np.ndarray:
        """An image C x H x W of any size as those with which the network was trained, if these were resized."""
        if self.resize is None or self.shape is None:
            return image
        return center_crop(resize(image, self.resize), self.shape[1:])

    def shown(self, images: ArrayLike) -> NDArray[np.float32]:
        """What the network sees, from 0, black, to 1: the inverse of the call, N x C x H x W, with its padding."""
        mean, std = (np.asarray(value, np.float32).reshape(-1, 1, 1) for value in (self.mean, self.std))
        array = np.asarray(images) * std + mean
        return array.clip(0, 1)


@explaining
def preparation(
    images: np.ndarray, channels: int | None = None, side: int | None = None, resize: int | None = None
) -> Preparation:
    """The preparation that gives images N x C x H x W mean 0 and variance 1, and makes them square.

    Args:
        channels: that the network takes; by default the images' own.
        side: H and W that the network takes; by default the longer of the images' own.
        resize: the shorter side to which they were resized before they were cut, if they were.

    Raises:
        ValueError: the values are too large for float32.

    >>> preparation(np.array([[[[0, 255]]]], np.uint8))
    Preparation(mean=0.5, std=0.5, dtype='uint8', channels=1, height=2, width=2, shape=(1, 1, 2), resize=None)
    """
    scale = 255 if images.dtype == np.uint8 else 1
    mean, std = (float(part(images, dtype=np.float64)) / scale for part in (np.mean, np.std))
    if not abs(mean) + std < np.finfo(np.float32).max / 1e3:
        raise ValueError(
            f"preparation: the images have mean {mean:g} and deviation {std:g}; their squares overflow float32. "
            "Divide them by their largest value."
        )
    h, w = images.shape[2:]
    # Where all values are equal, std is 0: divide by 1.
    side = side or max(h, w)
    return Preparation(
        mean, std or 1.0, images.dtype.name, channels or images.shape[1], side, side, images.shape[1:], resize
    )


def fit_images(images: np.ndarray, channels: int, size: tuple[int, int]) -> np.ndarray:
    """Repeat grey images for all channels, and pad with black to the size H x W that a network takes.

    Raises:
        ValueError: the images have another number of channels and are not grey, or they are larger.

    >>> fit_images(np.zeros((5, 1, 28, 28), np.float32), 3, (32, 32)).shape
    (5, 3, 32, 32)
    """
    _, c, h, w = images.shape
    if c not in (1, channels):
        raise ValueError(
            f"the network takes images of {channels} channels, these have {c}. Use convnet, which takes any."
        )
    if h > size[0] or w > size[1]:
        raise ValueError(
            f"the network takes images of {size[0]} x {size[1]}, these are {h} x {w}. Use convnet, which takes any."
        )
    if c != channels:
        images = np.repeat(images, channels, 1)
    top, left = (size[0] - h) // 2, (size[1] - w) // 2
    border = ((0, 0), (0, 0), (top, size[0] - h - top), (left, size[1] - w - left))
    return np.pad(images, border) if (h, w) != size else images


def _per_channel(name: str, value: ArrayLike, channels: int) -> NDArray[np.float32]:
    array = np.asarray(value, np.float32)
    if array.shape not in ((), (1,), (channels,)):
        raise ValueError(
            f"normalize: {name} has shape {array.shape} for images of {channels} channels; "
            f"give one number, or {channels} in a sequence."
        )
    return array.reshape(-1, 1, 1)  # c -> c 1 1

"""Images in the forms that torchvision takes and gives, for tests that hold ours against it."""

from __future__ import annotations

from typing import Any

import numpy as np


def pillow(image: np.ndarray) -> Any:
    """C x H x W bytes, grey or RGB, as an image of Pillow's."""
    from PIL import Image

    return Image.fromarray(image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0)))


def array(image: Any) -> np.ndarray:
    """An image of Pillow's, or a tensor, as C x H x W."""
    values = np.asarray(image)
    if not hasattr(image, "getbands"):
        return values
    return values[None] if values.ndim == 2 else values.transpose(2, 0, 1)


def images() -> dict[str, np.ndarray]:
    """Bytes: noise of all levels, of black and white, of middle greys; a scene of slopes and edges; in grey."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (3, 37, 53), np.uint8)
    y, x = np.mgrid[:37, :53]
    scene = np.stack([x * 255 // 52, y * 255 // 36, ((x // 9 + y // 7) % 2) * 255]).astype(np.uint8)
    return {
        "noise": noise,
        "black and white": rng.integers(0, 2, (3, 37, 53), np.uint8) * np.uint8(255),
        "middle greys": np.clip(128 + 20 * rng.standard_normal((3, 37, 53)), 0, 255).astype(np.uint8),
        "scene": scene,
        "grey": noise[:1],
    }


IMAGES = images()


def floats(image: np.ndarray) -> np.ndarray:
    """Bytes as float32 in 0..1."""
    return image.astype(np.float32) / 255


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference of two images, which must have one shape and dtype."""
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())

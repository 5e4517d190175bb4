"""Max and average pooling of one image, with windows of 2 x 2 and 4 x 4."""

from __future__ import annotations

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import Tensor

from .exports import Export

SIZES = 2, 4


def exports() -> list[Export]:
    return [Export("pooling", tg.jit(pooling), (np.zeros((1, 1, 28, 28), np.float32),))]


def pooling(image: Tensor) -> dict[str, Tensor]:
    kinds = {"max": F.max_pool2d, "average": F.avg_pool2d}
    return {f"{name}{size}": pool(image, size) for name, pool in kinds.items() for size in SIZES}

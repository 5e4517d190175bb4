"""Random erasing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import arguments
from .crop import SMALLEST, TRIES, draw_rectangle
from .fill import fill_of
from .functional.values import erase
from .transform import Params, RandomApplyTransform, below


class RandomErasing(RandomApplyTransform):
    """Set a rectangle of random area and shape to a value, with probability p (Zhong et al., 2017). Masks stay.

    Its area is uniform between ``scale`` times the image's, the logarithm of its height / width uniform between those
    of ``ratio``, and all places equally likely. If in ten draws none is smaller than the image, the image stays.

    Args:
        value: one number, one for each channel, or "random" for a normal number for each pixel (of float images).
        inplace: overwrite the image.

    Raises:
        TypeError, ValueError: a wrong argument; when called, it does not fit the image.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float | Sequence[float] | str = 0.0,
        inplace: bool = False,
    ):
        super().__init__(p)
        self.scale = arguments.interval("RandomErasing", "scale", scale, 0, 1)
        self.ratio = arguments.interval("RandomErasing", "ratio", ratio, SMALLEST)
        if isinstance(value, str):
            self.value: Any = arguments.one_of("RandomErasing", "value", value, ("random",))
        elif np.ndim(value):
            self.value = arguments.numbers("RandomErasing", "value", value, (1, 2, 3, 4))
        else:
            self.value = arguments.number("RandomErasing", "value", value)
        self.inplace = bool(inplace)

    def make_params(self, image: np.ndarray, rng: np.random.Generator) -> Params:
        """The rectangle and its values; no rectangle if none was found."""
        c, h, w = image.shape
        if self.value == "random" and image.dtype == np.uint8:
            raise TypeError(
                'RandomErasing: value is "random", normal numbers of mean 0 and deviation 1, and the image is uint8. '
                "Use ToDtype(np.float32, scale=True) first."
            )
        for _ in range(TRIES):
            height, width = draw_rectangle(h * w, self.scale, self.ratio, rng)
            if height < h and width < w:
                i, j = below(h - height + 1, rng), below(w - width + 1, rng)
                noise = self.value == "random"
                v = rng.standard_normal((c, height, width), np.float32) if noise else self._values(image)
                return {"i": i, "j": j, "h": height, "w": width, "v": v}
        return {}

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The image with its rectangle."""
        return erase(image, **params, inplace=self.inplace) if params else image

    def _values(self, image: np.ndarray) -> np.ndarray:
        return fill_of("RandomErasing", image, self.value, "value").reshape(-1, 1, 1)

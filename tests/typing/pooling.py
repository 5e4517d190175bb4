"""Maxima, and maxima with their places: which of the two is known from return_indices."""

import tinygrad_cv as tg
import tinygrad_cv.functional as F

x = tg.randn(1, 2, 6, 6)
reveal_type(F.max_pool2d(x, 2))  # Tensor
reveal_type(F.max_pool2d(x, 2, return_indices=True))  # tuple[Tensor, Tensor]
reveal_type(F.max_pool2d(x, 2, return_indices=x.ndim > 4))  # Tensor | tuple[Tensor, Tensor]
reveal_type(F.adaptive_max_pool2d(x, 2))  # Tensor
reveal_type(F.adaptive_max_pool2d(x, 2, True))  # tuple[Tensor, Tensor]
reveal_type(F.fractional_max_pool2d(x, 2, 3))  # Tensor
reveal_type(F.fractional_max_pool2d(x, 2, output_ratio=0.5, return_indices=True))  # tuple[Tensor, Tensor]

y, places = F.max_pool2d(x, 2, return_indices=True)
reveal_type(F.max_unpool2d(y, places, 2))  # Tensor

"""The operators, one family a file. Importing them registers them."""

from . import (  # noqa: F401
    activation,
    arrangement,
    constants,
    convolution,
    elementwise,
    indexing,
    normalization,
    pooling,
    products,
    reduction,
    softmax,
)

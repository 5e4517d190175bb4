"""The operators, one family a file. Importing them registers them."""

from . import (  # noqa: F401
    activation,
    arrangement,
    constants,
    convolution,
    elementwise,
    indexing,
    loss,
    normalization,
    pooling,
    products,
    rearrangement,
    reduction,
    softmax,
)

"""The operators, one family a file. Importing them registers them."""

from . import (  # noqa: F401
    activation,
    arrangement,
    constants,
    control,
    convolution,
    elementwise,
    gradient,
    indexing,
    loss,
    normalization,
    pooling,
    products,
    quantization,
    rearrangement,
    recurrent,
    reduction,
    resizing,
    sampling,
    softmax,
    text,
)

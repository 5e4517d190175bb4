"""What a panel asks to be compiled for the browser."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinygrad_cv.tracing.api import Jitted


class Export(NamedTuple):
    """The name of the files, a jitted function, and arguments of the right shapes and dtypes."""

    name: str
    function: Jitted
    arguments: tuple[np.ndarray, ...]

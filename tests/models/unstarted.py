"""Networks whose parameters need no values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn
from tinygrad_cv.frontend import tensor


@contextmanager
def unstarted() -> Iterator[None]:
    """Parameters are the zeros that they are made from, not drawn, not copied: memory that nobody touches is free."""
    copied = tensor.to_array

    def taken(data: Any, dtype: Any = None) -> Any:
        return data.value if isinstance(data, tg.Tensor) and dtype is None else copied(data, dtype)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensor, "to_array", taken)
        for name in [name for name in vars(nn.init) if name.endswith("_") and name[0] != "_"]:
            patch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)
        yield

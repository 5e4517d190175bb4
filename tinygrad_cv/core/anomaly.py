"""The first NaN or infinity of a forward or backward pass: which operation made it, in which module, on which line."""

from __future__ import annotations

from typing import Any

import numpy as np

from .context import current, using
from .errors import GraphError
from .position import describe, user_line
from .primitive import Primitive


def detect_anomaly() -> Any:
    """Inside, the first NaN or infinity raises, forward or backward, and names the op, its module and the user's line.

    >>> import tinygrad_cv as tg
    >>> with tg.detect_anomaly():
    ...     tg.zeros(1).log()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tinygrad_cv.core.errors.GraphError: forward pass: log, at ...
    """
    return using(anomaly=True, sources=True)


def check_forward(primitive: Primitive, values: list[Any], value: Any) -> None:
    """Raise where the first NaN or infinity appears in the forward pass."""
    if primitive.family in ("movement", "window") or _finite(value) or not all(map(_finite, values)):
        return
    scope = current().scope
    raise GraphError(
        f"forward pass: {primitive.name}{f' in {scope.path}' if scope else ''}, at {user_line()}, "
        f"made {_census(value)} from finite inputs of shapes {', '.join(str(v.shape) for v in values)}."
    )


def check_backward(node: Any, g: Any, share: Any) -> None:
    """Raise where the first NaN or infinity appears in the backward pass."""
    if _finite(g._value) and not _finite(share._value):
        raise GraphError(
            f"backward pass: the derivative of {describe(node)} made {_census(share._value)} "
            f"of a finite cotangent of shape {g._value.shape}."
        )


def _finite(value: Any) -> bool:
    return not isinstance(value, np.ndarray) or value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _census(value: np.ndarray) -> str:
    nan, inf = int(np.isnan(value).sum()), int(np.isinf(value).sum())
    return " and ".join(f"{n} {what}" for n, what in ((nan, "NaN"), (inf, "infinite value(s)")) if n)

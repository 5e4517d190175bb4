"""Find the operation, module and source line that made the first NaN or infinity, forward or backward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .context import Context, current, using
from .errors import GraphError
from .position import describe, user_line
from .primitive import Primitive

if TYPE_CHECKING:
    from contextlib import _GeneratorContextManager

    from .tape import Node
    from .variable import Variable


def detect_anomaly() -> _GeneratorContextManager[Context]:
    """Raise at the first NaN or infinity, forward or backward, naming the operation, its module and the source line.

    >>> import tinygrad_cv as tg
    >>> with tg.detect_anomaly():
    ...     tg.zeros(1).log()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    tinygrad_cv.core.errors.GraphError: forward pass: log, at ...
    """
    return using(anomaly=True, sources=True)


def check_forward(primitive: Primitive, values: list[Any], value: Any) -> None:
    """Raise if an operation of the forward pass made the first NaN or infinity."""
    if primitive.family in ("movement", "window") or _finite(value) or not all(map(_finite, values)):
        return
    scope = current().scope
    raise GraphError(
        f"forward pass: {primitive.name}{f' in {scope.path}' if scope else ''}, at {user_line()}, "
        f"made {_census(value)} from finite inputs of shapes {', '.join(str(v.shape) for v in values)}."
    )


def check_backward(node: Node, g: Variable, share: Variable) -> None:
    """Raise if a derivative made the first NaN or infinity of the backward pass."""
    if _finite(g._value) and not _finite(share._value):
        raise GraphError(
            f"backward pass: the derivative of {describe(node)} made {_census(share._value)} "
            f"from a finite cotangent of shape {g._value.shape}."
        )


def _finite(value: Any) -> bool:
    return not isinstance(value, np.ndarray) or value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _census(value: np.ndarray) -> str:
    nan, inf = int(np.isnan(value).sum()), int(np.isinf(value).sum())
    return " and ".join(f"{n} {what}" for n, what in ((nan, "NaN"), (inf, "infinite value(s)")) if n)

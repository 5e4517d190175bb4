"""NumPy arrays as arguments of a jitted function."""

from __future__ import annotations

from ..core.errors import TraceError
from ..core.position import user_line
from .tensor import Tensor


class GivenArray(Tensor):
    """The tensor that represents a caller's array. Changing it in place raises, since the array would not change.

    In eager code functions convert an array to a tensor of their own; so does :func:`asarray` for this class.
    """

    __slots__ = ()

    def _check_owned(self, caller: str) -> None:
        raise TraceError(
            f"{caller} inside a jitted function, on an array argument, at {user_line()}: a compiled call does not "
            "change its caller's arrays. Compute a new tensor (t = t + v), or pass a tensor: "
            "tg.tensor(...) once, and keep it."
        )

"""What an array is inside of a jitted function that was called with it."""

from __future__ import annotations

from ..core.errors import TraceError
from ..core.tape import user_line
from .tensor import Tensor


class GivenArray(Tensor):
    """The numbers of an array of the caller's, as a tensor. A change in place is refused: the array would not change.

    In eager code every function makes a tensor of its own from an array; so does :func:`asarray` of this one.
    """

    __slots__ = ()

    def _check_owned(self, caller: str) -> None:
        raise TraceError(
            f"{caller} inside a jitted function, of an array that it was called with, at {user_line()}: a compiled "
            "call changes no array of its caller's. Compute a new tensor (t = t + v), or pass a tensor: "
            "tg.tensor(...) once, and keep it."
        )

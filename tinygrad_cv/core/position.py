"""Where an operation is in the user's program, for error messages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    from .tape import Node


def describe(node: Node) -> str:
    """A node's name, module and source line, for messages."""
    where = f" in {node.scope.path}" if node.scope else ""
    line = f", at {node.source}" if node.source else ""
    return f"{node.name}{where}{line}"


def user_line() -> str | None:
    """File and line of the innermost caller outside this package."""
    frame, _ = user_frame()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else None


def user_frame() -> tuple[FrameType | None, int]:
    """The innermost caller outside this package, and the ``stacklevel`` by which one who calls this warns of it."""
    frame: FrameType | None = sys._getframe(1)
    package, level = __name__.partition(".")[0], 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    return frame, level

"""What is wrong with an error: it comes from inside, or does not say what the caller did wrong."""

from __future__ import annotations

import dis
import re
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import tinygrad_cv

PACKAGE = str(Path(tinygrad_cv.__file__).parent)
RAISE = dis.opmap["RAISE_VARARGS"]


def complaint(call: Callable[[], Any], name: str, parameters: Iterable[str]) -> str:
    """Why the error that the call raises is a bad one; empty if it is good, or if there is none.

    A good one is raised by a ``raise`` statement of the package; its message has the name of what was called, and one
    of its parameters. An error of the operating system names the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
    except Exception as error:
        if isinstance(error, OSError) and error.filename is not None:
            return ""
        kind, message = type(error).__name__, str(error)
        file, line, raised = _origin(error.__traceback__)
        where = f"{Path(file).name}:{line}"
        if not (raised and file.startswith(PACKAGE)):
            return f"{kind} from inside, at {where}: {message}"
        if name not in message:
            return f"{kind} does not name {name} ({where}): {message}"
        if not any(re.search(rf"\b{word}\b", message) for word in parameters):
            return f"{kind} names no parameter ({where}): {message}"
    return ""


def _origin(trace: TracebackType | None) -> tuple[str, int, bool]:
    """File and line where an error came up, and whether a ``raise`` statement did it."""
    assert trace is not None
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return code.co_filename, trace.tb_lineno, code.co_code[trace.tb_lasti] == RAISE

"""Docstrings are plain text with code in backticks: what else means something to reStructuredText is escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

CODE = re.compile(r"(``.+?``)")


def escaped(line: str) -> str:
    r"""
    >>> escaped("|x| of ``x_`` * x")
    '\\|x\\| of ``x_`` \\* x'
    """
    parts = CODE.split(line)
    parts[::2] = [re.sub(r"([\\*|`_])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def as_plain_text(lines: list[str]) -> list[str]:
    """The lines with all marks escaped, but for those of examples and of blocks after ``::``."""
    result: list[str] = []
    example, block = False, None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if block is not None and line.strip() and indent <= block:
            block = None
        if line.lstrip().startswith(">>>"):
            if not example and result and result[-1].strip() and block is None:
                result.append("")
            example = True
        elif not line.strip():
            example = False
        result.append(line if example or block is not None else escaped(line))
        if line.rstrip().endswith("::") and block is None and not example:
            block = indent
    return result


def process(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    lines[:] = as_plain_text(lines)


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("autodoc-process-docstring", process, priority=100)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}

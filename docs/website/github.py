"""Pages are written for two readers: GitHub spells formulas in ways of its own, which MyST is told here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def spelled_for_myst(text: str) -> str:
    """``$`x`$`` becomes ``$x$``, and a fence of ``math`` a directive.

    >>> spelled_for_myst("of $`x^2`$")
    'of $x^2$'
    """
    text = re.sub(r"\$`([^`\n]+)`\$", r"$\1$", text)
    return re.sub(r"^```math$", "```{math}", text, flags=re.M)


def read(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = spelled_for_myst(source[0])


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""What the scripts that write a page have in common: writing it, and ``--check``: is it up to date?"""

from __future__ import annotations

from collections.abc import Callable
from operator import eq
from pathlib import Path

from tinygrad_cv.files import write_text


def command(
    page: Path,
    make: Callable[[bool], str],
    arguments: list[str],
    usage: str | None,
    alike: Callable[[str, str], bool] = eq,
) -> int:
    """Write the page, or with ``--check`` compare it; the exit code.

    Args:
        make: the page's text; whether to draw its pictures too.
        alike: whether two texts say the same, where digits depend on the machine.
    """
    if arguments not in ([], ["--check"]):
        print(usage)
        return 2
    text = make(not arguments)
    if not arguments:
        write_text(page, text)
        return 0
    fresh = page.exists() and alike(page.read_text(encoding="utf-8"), text)
    print(f"{page.name} is {'up to date' if fresh else f'out of date: run python docs/make_{page.stem}.py'}.")
    return 0 if fresh else 1

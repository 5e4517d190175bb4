"""Libraries that data alone needs, asked for where they are used."""

from __future__ import annotations

from typing import Any


def pillow() -> Any:
    """Pillow's module ``Image``.

    Raises:
        ModuleNotFoundError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("images are read and transformed by Pillow: pip install pillow") from error
    return Image

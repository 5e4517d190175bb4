"""Text, which is known and has no gradient: arrays of Python's strings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..errors import OnnxError
from ..registry import Strings, Text, operator


@operator("StringNormalizer", since=10)
def string_normalizer(
    x: Text, *, case_change_action: str, is_case_sensitive: bool, locale: str | None = None, stopwords: Strings = ()
) -> np.ndarray:
    """Words without stop words, in lower or upper case; one empty word if none is left. x: C, or 1 x C.

    Case is Python's, whatever the locale.
    """
    cases: dict[str, Callable[[str], str]] = {"NONE": str, "LOWER": str.lower, "UPPER": str.upper}
    if case_change_action not in cases:
        raise OnnxError(f"case_change_action={case_change_action!r}: it must be one of {', '.join(cases)}.")
    if x.ndim not in (1, 2) or (x.ndim == 2 and x.shape[0] != 1):
        raise OnnxError(f"input of shape {x.shape}: it must be C or 1 x C.")
    folded = str if is_case_sensitive else str.lower
    stop = set(map(folded, stopwords))
    words = [cases[case_change_action](word) for word in x.reshape(-1) if folded(word) not in stop] or [""]
    return np.array(words, object).reshape((1,) * (x.ndim - 1) + (-1,))

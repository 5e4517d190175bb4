"""Arguments of transforms: read, and refused in the name of the transform that they were given to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

LARGEST = 2**31 - 1  # a size above is a mistake, and a number of bytes could overflow


@contextmanager
def reporting(owner: str) -> Iterator[None]:
    """Put the owner's name before the errors of what it calls."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{owner}: {error}") from error


def number(owner: str, name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """The value as a float, if it is a finite number from ``low`` to ``high``.

    Raises:
        TypeError: it is not a number.
        ValueError: it is out of range.
    """
    if not _is_number(value):
        raise TypeError(f"{owner}: {name} is {value!r}; it must be a number.")
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{owner}: {name} is {value}; it must be {_between(low, high)}.")
    return float(value)


def whole(owner: str, name: str, value: Any, low: int = 0, high: int = LARGEST) -> int:
    """The value as an int, if it is an integer from ``low`` to ``high``.

    Raises:
        TypeError: it is not an integer.
        ValueError: it is out of range.
    """
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        raise TypeError(f"{owner}: {name} is {value!r}; it must be an integer.")
    if not low <= value <= high:
        raise ValueError(f"{owner}: {name} is {value}; it must be {_between(low, high)}.")
    return int(value)


def probability(owner: str, value: Any) -> float:
    """p, if it is in [0, 1]."""
    return number(owner, "p", value, 0, 1)


def numbers(owner: str, name: str, value: Any, lengths: tuple[int, ...]) -> tuple[float, ...]:
    """A sequence of finite numbers as floats, if it has one of these lengths.

    Raises:
        TypeError: it is not a sequence of numbers.
        ValueError: it has another length, or a number is not finite.
    """
    if not _is_sequence(value) or not all(map(_is_number, value)):
        raise TypeError(f"{owner}: {name} is {value!r}; it must be a sequence of {_either(lengths)} numbers.")
    if len(value) not in lengths:
        raise ValueError(f"{owner}: {name} has {len(value)} numbers, {value!r}; it must have {_either(lengths)}.")
    return tuple(number(owner, name, part) for part in value)


def array(owner: str, name: str, value: Any) -> np.ndarray:
    """The value as an array of numbers.

    Raises:
        TypeError: it is something else.
    """
    try:
        given = np.asarray(value)
    except ValueError:  # rows of unequal lengths
        given = np.array(None)
    if given.dtype.kind not in "buif":
        raise TypeError(f"{owner}: {name} is {value!r}; it must be numbers.")
    return given


def held(owner: str, name: str, values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """The values in a dtype, without their fractions where it is one of integers.

    Raises:
        ValueError: the dtype does not hold one.
    """
    if dtype.kind in "iu" and values.size:
        info, least, most = np.iinfo(dtype), values.min(), values.max()
        if not (info.min <= least and most <= info.max):
            raise ValueError(
                f"{owner}: {name} is {least if least < info.min else most}; {dtype} holds {info.min} to {info.max}. "
                "Give it in the image's own units."
            )
    return values.astype(dtype)


def pair(owner: str, name: str, value: Any) -> tuple[float, float]:
    """Two finite numbers, in any order."""
    a, b = numbers(owner, name, value, (2,))
    return a, b


def interval(owner: str, name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
    """(least, most), if both are in range and in this order.

    Raises:
        TypeError: it is not a pair of numbers.
        ValueError: one is out of range, or the first is the larger.
    """
    a, b = pair(owner, name, value)
    if not low <= a <= b <= high:
        raise ValueError(f"{owner}: {name} is {(a, b)}; it must be (least, most), both {_between(low, high)}.")
    return a, b


def angles(owner: str, name: str, value: Any, lengths: tuple[int, ...] = (2,)) -> tuple[float, ...]:
    """One number d as (-d, d), or a sequence (least, most) or, for shears, (least, most, least, most)."""
    if _is_number(value):
        most = number(owner, name, value, 0)
        return -most, most
    given = numbers(owner, name, value, lengths)
    if any(given[i] > given[i + 1] for i in range(0, len(given), 2)):
        raise ValueError(f"{owner}: {name} is {given}; it must be (least, most), or one number d for (-d, d).")
    return given


def factors(owner: str, name: str, value: Any, center: float, low: float, high: float) -> tuple[float, float] | None:
    """One number d as (center - d, center + d), cut at ``low`` if the center is 1; a pair; None if nothing changes."""
    if value is None:
        return None
    if _is_number(value):
        most = number(owner, name, value, 0, high - center)
        given = (max(low, center - most), center + most)
    else:
        given = interval(owner, name, value, low, high)
    return None if given == (center, center) else given


def size(owner: str, name: str, value: Any) -> tuple[int, int]:
    """(H, W), from one integer for both, or a sequence of one or two."""
    given = tuple(value) if _is_sequence(value) else (value,)
    if len(given) not in (1, 2):
        raise ValueError(f"{owner}: {name} is {value!r}; it must be an integer, or the two of (height, width).")
    h, w = (whole(owner, name, part, 1) for part in (given * 2 if len(given) == 1 else given))
    return h, w


def borders(owner: str, name: str, value: Any) -> tuple[int, int, int, int]:
    """Padding (left, top, right, bottom), from one integer, (left and right, top and bottom), or all four."""
    given = tuple(value) if _is_sequence(value) else (value,)
    if len(given) not in (1, 2, 4):
        raise ValueError(
            f"{owner}: {name} is {value!r}; it must be an integer, (left and right, top and bottom) or "
            "(left, top, right, bottom)."
        )
    left, top, right, bottom = (whole(owner, name, part) for part in given * (4 // len(given)))
    return left, top, right, bottom


def one_of(owner: str, name: str, value: Any, choices: Sequence[str]) -> str:
    """The value, if it is one of the choices.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{owner}: {name} is {value!r}; it must be one of {', '.join(map(repr, choices))}.")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, (str, bytes)) and np.ndim(value) > 0


def _either(lengths: tuple[int, ...]) -> str:
    return " or ".join(map(str, lengths))


def _between(low: float, high: float) -> str:
    if low == -math.inf and high == math.inf:
        return "finite"
    return f"at least {low:g}" if high in (math.inf, LARGEST) else f"from {low:g} to {high:g}"

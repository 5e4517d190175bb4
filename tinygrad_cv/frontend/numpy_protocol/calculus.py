"""NumPy's differences, sums under curves, interpolation, convolutions and polynomials."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ...core.errors import ShapeError
from ..forward import Tensor
from ..movement import axes_of, axis_of, concatenate, stack, whole
from ..promotion import common_dtype, floating, together
from .operands import alike, as_tensor, filled, like_of, once, tensors
from .selection import searchsorted


def along(axis: int, *part: int | None) -> tuple[slice, ...]:
    """An index of a slice along one axis."""
    return (*(slice(None),) * axis, slice(*part))


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Tensor:
    """Differences of neighbours, n times over, of a with what is before and after it."""
    ends = [x for x in (prepend, append) if x is not np._NoValue]
    a, *ends = tensors("np.diff", a, *ends)
    axis = axis_of("diff", axis, a.ndim)
    if (n := whole("np.diff", "n", n)) < 0:
        raise ValueError(f"np.diff: n={n}; it must not be negative.")
    if ends:
        side = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
        parts = [x.expand(side) if x.ndim == 0 else x for x in ends]
        a = concatenate([*parts[: prepend is not np._NoValue], a, *parts[prepend is not np._NoValue :]], axis)
    for _ in range(n):
        after, before = a[along(axis, 1, None)], a[along(axis, None, -1)]
        a = after - before if a.dtype.kind != "b" else after != before
    return a


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Tensor:
    """Differences of neighbours among all elements, with what is put before and after them."""
    like = like_of((ary, to_end, to_begin))
    x = as_tensor(ary, like).reshape(-1)
    middle = x[1:] - x[:-1]
    ends = [None if e is None else as_tensor(e, like).reshape(-1).astype(middle.dtype) for e in (to_begin, to_end)]
    parts = [part for part in (ends[0], middle, ends[1]) if part is not None]
    return concatenate(parts) if len(parts) > 1 else middle


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Central differences inside, one-sided ones of first or second order at the ends, along each axis."""
    f, *given = tensors("np.gradient", f, *varargs)
    f = floating(f)
    axes = axes_of("gradient", axis, f.ndim)
    spacings = given or [f._new(np.ones((), f.dtype))]
    if len(spacings) == 1 and spacings[0].ndim == 0:
        spacings = spacings * len(axes)
    if len(spacings) != len(axes) or edge_order not in (1, 2):
        raise ShapeError(
            f"np.gradient with {len(varargs)} spacings, edge_order={edge_order}: one spacing for each of {len(axes)} "
            "axes, or one number for all; edges of order 1 or 2."
        )
    found = tuple(_slopes(f, _steps(f, h, a), a, edge_order) for h, a in zip(spacings, axes, strict=True))
    return found[0] if len(found) == 1 else found


def _steps(f: Tensor, h: Tensor, axis: int) -> Tensor:
    """The distances of neighbours along an axis, of the shape of f there."""
    n = f.shape[axis]
    if h.ndim and h.shape != (n,):
        raise ShapeError(
            f"np.gradient: coordinates of shape {h.shape} along an axis of size {n}: one for each element."
        )
    steps = h[1:] - h[:-1] if h.ndim else h.reshape(1).expand(max(n - 1, 0))
    return common_dtype("np.gradient", f, steps)[1].reshape([-1 if i == axis else 1 for i in range(f.ndim)])


def _slopes(f: Tensor, h: Tensor, axis: int, edge_order: int) -> Tensor:
    n = f.shape[axis]
    if n < edge_order + 1:
        raise ShapeError(f"np.gradient along axis {axis} of size {n}: it takes at least {edge_order + 1} elements.")
    cut = lambda x, *part: x[along(axis, *part)]  # noqa: E731
    rises = (cut(f, 1, None) - cut(f, None, -1)) / h  # between neighbours
    before, after, width = cut(rises, None, -1), cut(rises, 1, None), cut(h, None, -1) + cut(h, 1, None)
    inside = (cut(h, 1, None) * before + cut(h, None, -1) * after) / width
    if edge_order == 1:
        return concatenate([cut(rises, None, 1), inside, cut(rises, -1, None)], axis)
    bend = (after - before) / width
    first = cut(rises, None, 1) - cut(bend, None, 1) * cut(h, None, 1)
    last = cut(rises, -1, None) + cut(bend, -1, None) * cut(h, -1, None)
    return concatenate([first, inside, last], axis)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    """The area under straight lines between the points."""
    y, *rest = tensors("np.trapezoid", y, dx if x is None else x)
    y = floating(y)
    axis = axis_of("trapezoid", axis, y.ndim)
    width = rest[0]
    if x is not None:
        width = diff(width, axis=axis if width.ndim > 1 else -1)
        if width.ndim == 1:
            width = width.reshape([-1 if i == axis else 1 for i in range(y.ndim)])
    return (width * (y[along(axis, 1, None)] + y[along(axis, None, -1)]) * 0.5).sum(axis)


def unwrap(p: Tensor, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Tensor:
    """Jumps of more than half a period taken out, by multiples of it, which are constant."""
    p = floating(p)
    axis = axis_of("unwrap", axis, p.ndim)
    half = period / 2
    steps = diff(p.detach(), axis=axis)
    wrapped = (steps + half) % period - half
    wrapped = ((wrapped == -half) & (steps > 0)).where(half, wrapped)
    excess = (abs(steps) < (half if discont is None else discont)).where(0.0, wrapped - steps)
    return p + excess.cumsum(axis).pad([(int(i == axis), 0) for i in range(p.ndim)])


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Tensor:
    """Straight lines between points (xp, fp), xp rising; beyond them ``left`` and ``right``, or the outermost fp."""
    x, xp, fp = (floating(item) for item in alike("interp", x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ShapeError(f"np.interp of points of shapes {xp.shape} and {fp.shape}: one axis each, equal, not empty.")
    n = xp.size
    if n > 1:
        i = (searchsorted(xp, x, "right") - 1).clip(0, n - 2)
        start = fp[i]
        y = start + (fp[i + 1] - start) / (xp[i + 1] - xp[i]) * (x - xp[i])
    else:
        y = fp[0].expand(x.shape)
    y = (x < xp[0]).where(fp[0] if left is None else left, y)
    y = (x == xp[-1]).where(fp[-1], y)
    return (x > xp[-1]).where(fp[-1] if right is None else right, y)


# ---------------------------------------------------------------- convolutions


def convolve(a: Any, v: Any, mode: str = "full") -> Tensor:
    """y[k] = Σ a[i] v[k - i], the whole of it, the middle, or where both overlap all over."""
    a, v = alike("convolve", a, v)
    if a.ndim > 1 or v.ndim > 1 or not a.size or not v.size:
        raise ShapeError(f"np.convolve of shapes {a.shape} and {v.shape}: each must have one axis and an element.")
    a, v = a.reshape(-1), v.reshape(-1)
    if v.size > a.size:
        a, v = v, a
    k = v.size
    pads = {"full": (k - 1, k - 1), "same": (k // 2, (k - 1) // 2), "valid": (0, 0)}
    if mode not in pads:
        raise ValueError(f"np.convolve: mode={mode!r}; it must be 'full', 'same' or 'valid'.")
    return a.pad((pads[mode],)).windows((k,), (1,), (1,)) @ v.flip()


def correlate(a: Any, v: Any, mode: str = "valid") -> Tensor:
    """y[k] = Σ a[i + k] v[i]"""
    a, v = alike("correlate", a, v)
    return convolve(a, v.reshape(-1).flip(), mode)


# ---------------------------------------------------------------- polynomials, the highest power first


def polyval(p: Any, x: Any) -> Tensor:
    """By Horner's rule."""
    p, x = alike("polyval", p, x)
    y = p[:1].sum().expand(x.shape)
    for i in range(1, p.shape[0]):
        y = y * x + p[i]
    return y


def _aligned(op: str, a1: Any, a2: Any) -> list[Tensor]:
    a, b = (x.reshape(-1) for x in alike(op, a1, a2))
    n = max(a.size, b.size)
    return [x.pad(((n - x.size, 0),)) for x in (a, b)]


def polyadd(a1: Any, a2: Any) -> Tensor:
    a, b = _aligned("polyadd", a1, a2)
    return a + b


def polysub(a1: Any, a2: Any) -> Tensor:
    a, b = _aligned("polysub", a1, a2)
    return a - b


def polyder(p: Tensor, m: int = 1) -> Tensor:
    """The m-th derivative."""
    if m < 0:
        raise ValueError(f"np.polyder: m={m}; it must not be negative.")
    for _ in range(m):
        p = p[:-1] * np.arange(p.size - 1, 0, -1).astype(p.dtype)
    return p


def polyint(p: Any, m: int = 1, k: Any = None) -> Tensor:
    """The m-th integral, with the constants k."""
    like = like_of((p, k))
    p = floating(as_tensor(p, like))
    constants = as_tensor(0 if k is None else k, like).reshape(-1).astype(p.dtype)
    if m < 0 or constants.size not in (1, m):
        raise ShapeError(
            f"np.polyint: m={m} with {constants.size} constants: m must not be negative, one constant each."
        )
    for i in range(m):
        grown = p / np.arange(p.size, 0, -1).astype(p.dtype)
        p = concatenate([grown, constants[i % constants.size].reshape(1)])
    return p


def poly(seq_of_zeros: Tensor) -> Tensor:
    """The coefficients of the product of x - r, r the zeros that are given."""
    if seq_of_zeros.ndim > 1:
        raise NotImplementedError("a matrix, which needs eigenvalues,")
    r = floating(seq_of_zeros).reshape(-1)
    one = r._new(np.ones(1, r.dtype))
    return reduce(convolve, [concatenate([one, -r[i].reshape(1)]) for i in range(r.size)], one)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Powers of x as columns, falling, or rising."""
    n = x.size if N is None else N
    powers = [filled(x, 1)]
    for _ in range(n - 1):
        powers.append(powers[-1] * x)
    powers = powers[:n]
    return stack(powers if increasing else powers[::-1], -1) if n else x.reshape(-1, 1)[:, :0]


# ---------------------------------------------------------------- evenly spaced


def ends(op: str, dtype: Any, *items: Any) -> list[Tensor]:
    """Where a row of numbers begins and ends, in the float dtype that is asked for."""
    wide = dtype is not None and np.dtype(dtype).kind == "f"
    return [x.astype(dtype) if wide else floating(x) for x in alike(op, *items)]


def in_dtype(y: Tensor, dtype: Any) -> Tensor:
    """In the dtype that is asked for; integers are rounded down."""
    return y if dtype is None else (y.floor() if np.dtype(dtype).kind in "iu" else y).astype(dtype)


def _between(name: str, shape: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """np.linspace and its kin: from t = 0 to 1, both ends exact."""

    def call(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Tensor:
        a, b = together(name, *ends(name, dtype, start, stop))
        if num < 0:
            raise ShapeError(f"np.{name}: num={num}; it must not be negative.")
        t = np.arange(num) / max(num - 1 if endpoint else num, 1)
        y = shape(a, b, a._new(t.astype(a.dtype)).reshape(num, *(1,) * a.ndim))
        return in_dtype(y, dtype).moveaxis(0, axis)

    return call


def _straight(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    return (t == 1.0).where(b, a + (b - a) * t)


def _geometric(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    return (t == 1.0).where(b, a * (b / a) ** t)


def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Tensor:
    start, stop, base = together("logspace", *ends("logspace", dtype, start, stop, base))
    y = base ** _between("logspace", _straight)(start, stop, num, endpoint)
    return in_dtype(y, dtype).moveaxis(0, axis)


FUNCTIONS: dict[str, Any] = {
    **once(
        {
            "diff": diff,
            "ediff1d": ediff1d,
            "gradient": gradient,
            **dict.fromkeys(("trapezoid", "trapz"), trapezoid),
            "unwrap": unwrap,
            "interp": interp,
            "convolve": convolve,
            "correlate": correlate,
            "polyval": polyval,
            "polyadd": polyadd,
            "polysub": polysub,
            "polyder": polyder,
            "polyint": polyint,
            "poly": poly,
            "vander": vander,
            "linspace": _between("linspace", _straight),
            "geomspace": _between("geomspace", _geometric),
            "logspace": logspace,
        }
    )
}

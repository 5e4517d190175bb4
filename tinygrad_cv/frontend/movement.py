"""Tensor methods that move elements: shapes, axes, padding, windows."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

from ..core.annotations import explaining
from ..core.context import location
from ..core.errors import AxisError, DTypeError, ShapeError
from ..core.fitting import fitted
from ..core.tape import apply
from ..core.variable import Variable
from ..ops import movement, windows
from .forward import Tensor
from .promotion import common_dtype, expand, given

if TYPE_CHECKING:
    from .typing import Axis, Shape, TensorLike

MOST = 2**48  # elements of a tensor


def axes_of(op: str, axis: Axis, ndim: int, scalar: bool = False) -> tuple[int, ...]:
    """Distinct axes as a tuple of non-negative numbers; None means all.

    With ``scalar``, axes 0 and -1 of a 0-d tensor are accepted, and mean no axis, as in NumPy and PyTorch.
    """
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    if scalar and not ndim and len(axes) == 1 and whole(op, "axis", axes[0]) in (0, -1):
        return ()
    found = tuple([axis_of(op, a, ndim) for a in axes])
    if len(found) > 1 and len(set(found)) != len(found):
        raise ShapeError(f"{op}: axis {axis} names an axis twice{location()}.")
    return found


def whole(op: str, name: str, value: Any) -> int:
    """An argument that counts, as an int."""
    try:
        return operator.index(value)
    except TypeError:
        raise DTypeError(f"{op}: {name} {value!r}{location()}; it must be an integer.") from None


def axis_of(op: str, axis: SupportsIndex, ndim: int) -> int:
    """One axis as a non-negative number."""
    number = whole(op, "axis", axis)
    if not -ndim <= number < ndim:
        rule = f"use {-ndim} to {ndim - 1}" if ndim else "it has no axis"
        raise AxisError(f"{op}: axis {number} of a tensor with {ndim} axes{location()}; {rule}.")
    return number % ndim


def shape_of(op: str, args: Sequence[Shape]) -> tuple[int, ...]:
    """A shape given as one tuple or as several numbers."""
    sizes: Sequence[Any] = args[0] if len(args) == 1 and isinstance(args[0], (tuple, list)) else args
    try:
        return tuple(map(operator.index, sizes))
    except TypeError:
        raise DTypeError(f"{op}: {tuple(sizes)}{location()}; it takes integers, or one tuple of them.") from None


def sizes_of(op: str, args: Sequence[Shape]) -> tuple[int, ...]:
    """The shape of a new tensor, with no negative size."""
    shape = shape_of(op, args)
    if min(shape, default=0) < 0:
        raise ShapeError(f"{op}: a size of the shape {shape} is negative.")
    if math.prod(shape) > MOST:
        raise ShapeError(f"{op}: the shape {shape} has more elements than any memory holds.")
    return shape


class MovementMethods(Variable):
    """Shapes and axes; NumPy names."""

    __slots__ = ()

    def reshape(self: Tensor, *shape: Shape) -> Tensor:
        """The same elements in another shape; one size may be -1, which is computed from the others."""
        wanted = shape_of("reshape", shape)
        old = self._value.shape
        total = math.prod(old)
        if wanted.count(-1) == 1:
            known = math.prod(n for n in wanted if n != -1)
            missing = total // known if known else 0
            wanted = tuple(missing if n == -1 else n for n in wanted)
        if math.prod(wanted) != total or min(wanted, default=0) < 0:
            raise ShapeError(
                f"reshape of {old} to {tuple(shape_of('reshape', shape))}{location()}: {total} elements do not fit; "
                "the product of the sizes must stay the same."
            )
        return self if wanted == old else apply(movement.reshape, self, shape=wanted)

    view = reshape

    def flatten(self: Tensor, start: int = 0, end: int = -1) -> Tensor:
        """Axes ``start`` to ``end`` as one: ``flatten()`` gives D, ``flatten(1)`` N x D."""
        shape = self._value.shape
        if not shape:
            return self.reshape(1)
        first, last = axis_of("flatten", start, len(shape)), axis_of("flatten", end, len(shape))
        if first > last:
            raise ShapeError(
                f"flatten of {shape}{location()}: start={start}, end={end}; the first axis comes after the last."
            )
        return self.reshape(*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])

    def ravel(self: Tensor) -> Tensor:
        """All elements in one axis."""
        return self.reshape(-1)

    def permute(self: Tensor, *axes: Shape) -> Tensor:
        """The axes in another order."""
        order = axes_of("permute", shape_of("permute", axes), self._value.ndim)
        if len(order) != self._value.ndim:
            raise ShapeError(f"permute: {order} does not order the {self._value.ndim} axes of {self._value.shape}.")
        return self if order == tuple(range(len(order))) else apply(movement.permute, self, axes=order)

    def transpose(self: Tensor, *axes: Shape) -> Tensor:
        """The axes in another order, by default reversed."""
        if len(axes) == 2 and self._value.ndim != 2:
            raise ShapeError(
                f"transpose{axes} of a tensor with {self._value.ndim} axes{location()}: it takes an order of all axes. "
                f"Use .swapaxes{axes} to exchange two."
            )
        return self.permute(*axes) if axes else self.permute(*reversed(range(self._value.ndim)))

    @property
    def T(self: Tensor) -> Tensor:  # noqa: N802 (NumPy's name)
        """The axes in reverse order."""
        return self.transpose()

    @property
    def mT(self: Tensor) -> Tensor:  # noqa: N802 (NumPy's name)
        """The last two axes exchanged."""
        return self.swapaxes(-1, -2)

    def swapaxes(self: Tensor, first: int, second: int) -> Tensor:
        """Two axes exchanged."""
        axes = list(range(self._value.ndim))
        i, j = axis_of("swapaxes", first, len(axes)), axis_of("swapaxes", second, len(axes))
        axes[i], axes[j] = axes[j], axes[i]
        return self.permute(*axes)

    def moveaxis(self: Tensor, source: Axis, destination: Axis) -> Tensor:
        """Axes moved to other places, as ``numpy.moveaxis`` does."""
        ndim = self._value.ndim
        froms, tos = axes_of("moveaxis", source, ndim), axes_of("moveaxis", destination, ndim)
        if len(froms) != len(tos):
            raise ShapeError(
                f"moveaxis: source={source}, destination={destination}{location()}; there must be as many of both."
            )
        order = [axis for axis in range(ndim) if axis not in froms]
        for to, axis in sorted(zip(tos, froms, strict=True)):
            order.insert(to, axis)
        return self.permute(*order)

    def squeeze(self: Tensor, axis: Axis = None) -> Tensor:
        """Remove axes of size 1."""
        shape = self._value.shape
        axes = (
            [i for i, n in enumerate(shape) if n == 1]
            if axis is None
            else axes_of("squeeze", axis, len(shape), scalar=True)
        )
        for i in axes:
            if shape[i] != 1:
                raise ShapeError(f"squeeze: axis {i} of {shape} has size {shape[i]}, not 1.")
        return self.reshape(tuple(n for i, n in enumerate(shape) if i not in axes))

    def expand_dims(self: Tensor, axis: int | Sequence[int]) -> Tensor:
        """Insert axes of size 1."""
        axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
        ndim = self._value.ndim + len(axes)
        places = axes_of("expand_dims", axes, ndim)
        old = iter(self._value.shape)
        return self.reshape(tuple(1 if i in places else next(old) for i in range(ndim)))

    unsqueeze = expand_dims

    def expand(self: Tensor, *shape: Shape) -> Tensor:
        """Broadcast to a shape, without a copy; -1 keeps a size."""
        wanted, old = shape_of("expand", shape), self._value.shape
        lead = len(wanted) - len(old)
        wanted = tuple(old[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(wanted))
        if math.prod(wanted) > MOST:
            raise ShapeError(f"expand: the shape {wanted} has more elements than any memory holds.")
        if min((lead, *wanted)) < 0 or any(n not in (1, wanted[i + lead]) for i, n in enumerate(old)):
            raise ShapeError(
                f"expand of {old} to {wanted}{location()}: only axes of size 1 and new leading axes can be repeated."
            )
        return expand(self, wanted)

    broadcast_to = expand

    def flip(self: Tensor, axis: Axis = None) -> Tensor:
        """Reverse the order of elements along axes."""
        axes = axes_of("flip", axis, self._value.ndim, scalar=True)
        return apply(movement.flip, self, axis=axes) if axes else self

    def pad(
        self: Tensor, width: Sequence[Sequence[int]], value: float = 0.0, interior: Sequence[int] | None = None
    ) -> Tensor:
        """Add ``(low, high)`` elements of ``value`` to each axis; ``interior`` inserts elements between neighbours."""
        ndim = self._value.ndim
        try:
            pairs = tuple((operator.index(low), operator.index(high)) for low, high in width)
        except (TypeError, ValueError):
            border = f"({width}, {width})" if isinstance(width, int) else "(low, high)"
            images = ", ".join(["(0, 0)"] * max(ndim - 2, 0) + [border] * min(ndim, 2))
            raise ShapeError(
                f"pad of {self._value.shape} by {width!r}{location()}: it takes one (low, high) for each axis. Use "
                f".pad(({images})) for a border around the last two."
            ) from None
        gaps = tuple(interior or (0,) * ndim)
        if len(pairs) != ndim or len(gaps) != ndim or min((n for p in (*pairs, gaps) for n in p), default=0) < 0:
            raise ShapeError(
                f"pad of {self._value.shape} by {pairs}: it takes one (low, high) of sizes >= 0 for each axis."
            )
        if not any(map(any, (*pairs, gaps))):
            return self.clone()
        if self._value.dtype.kind != "f":
            fitted("pad", value, self._value.dtype)
        return apply(movement.pad, self, width=pairs, interior=gaps, value=value)

    def slice(self: Tensor, start: Sequence[int], stop: Sequence[int], step: Sequence[int] | None = None) -> Tensor:
        """Elements start, start + step, ... before stop, on every axis; steps are positive, places in the tensor."""
        start, stop, shape = tuple(start), tuple(stop), self._value.shape
        steps = tuple(step) if step is not None else (1,) * len(shape)
        fits = len(start) == len(stop) == len(steps) == len(shape)
        if not fits or not all(
            0 <= a <= b <= n and s > 0 for a, b, s, n in zip(start, stop, steps, shape, strict=True)
        ):
            raise ShapeError(
                f"slice of {shape} from {start} to {stop} by {steps}{location()}: for each axis, "
                "0 <= start <= stop <= size and step > 0."
            )
        return apply(movement.slice_, self, start=start, stop=stop, step=steps)

    def windows(self: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> Tensor:
        """Sliding windows over the last axes: (..., H, W) to (..., H', W', Kh, Kw), a view."""
        kernel, stride, dilation = tuple(kernel), tuple(stride), tuple(dilation)
        if (
            not len(kernel) == len(stride) == len(dilation) <= self._value.ndim
            or min((1, *kernel, *stride, *dilation)) < 1
        ):
            raise ShapeError(
                f"windows of {self._value.shape}, kernel {kernel}, stride {stride}, dilation {dilation}{location()}: "
                "one of each for every windowed axis, all at least 1."
            )
        return apply(windows.windows, self, kernel=kernel, stride=stride, dilation=dilation)

    def fold(self: Tensor, stride: Sequence[int], dilation: Sequence[int], size: Sequence[int]) -> Tensor:
        """Sum overlapping windows: (..., H', W', Kh, Kw) to (..., H, W); the adjoint of :meth:`windows`."""
        stride, dilation, size, shape = tuple(stride), tuple(dilation), tuple(size), self._value.shape
        lead = len(shape) - 2 * len(size)
        fits = len(stride) == len(dilation) == len(size) and lead >= 0 and min((1, *stride, *dilation)) > 0
        sides = zip(size, shape[lead : lead + len(size)], shape[lead + len(size) :], stride, dilation, strict=False)
        if not fits or any(count and s * (count - 1) + d * (k - 1) >= n for n, count, k, s, d in sides):
            raise ShapeError(
                f"fold of {shape} into {size}, stride {stride}, dilation {dilation}{location()}: one of each for every "
                "windowed axis, and stride (windows - 1) + dilation (kernel - 1) < size."
            )
        return apply(windows.fold, self, stride=stride, dilation=dilation, size=size)

    def split(self: Tensor, sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
        """Equal parts, or parts that end at the given places, as ``numpy.split`` does."""
        axis = axis_of("split", axis, self._value.ndim)
        size = self._value.shape[axis]
        if not isinstance(sections, Iterable) or isinstance(sections, str):
            sections = whole("split", "sections", sections)
            if sections < 1 or size % sections:
                raise ShapeError(
                    f"split of axis {axis} with size {size} into {sections} parts: it does not divide evenly."
                )
            ends = list(range(size // sections, size, size // sections)) if size else [0] * (sections - 1)
        else:
            places = [whole("split", "place", end) for end in sections]
            ends = [min(max(end + size if end < 0 else end, 0), size) for end in places]
        parts = []
        for low, high in zip([0, *ends], [*ends, size], strict=True):
            start, stop = [0] * self._value.ndim, list(self._value.shape)
            start[axis], stop[axis] = low, max(low, high)
            parts.append(self.slice(start, stop))
        return parts

    def repeat(self: Tensor, repeats: int, axis: int) -> Tensor:
        """Repeat each element along an axis, as ``numpy.repeat`` does."""
        if not self._value.shape:
            return self.reshape(1).repeat(repeats, axis)
        axis = axis_of("repeat", axis, self._value.ndim)
        if repeats < 0:
            raise ShapeError(f"repeat: repeats is {repeats}; it must not be negative.")
        if repeats == 1:
            return self.clone()
        shape = self._value.shape
        wide = self.expand_dims(axis + 1).expand(*shape[: axis + 1], repeats, *shape[axis + 1 :])
        return wide.reshape(*shape[:axis], shape[axis] * repeats, *shape[axis + 1 :])


@explaining
def concatenate(tensors: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Join tensors along an axis that they have.

    Raises:
        ShapeError: the other axes differ, or there is nothing to join.

    >>> import tinygrad_cv as tg
    >>> tg.concatenate([tg.zeros(2, 3), tg.ones(2, 1)], axis=1).shape
    (2, 4)
    """
    xs = _tensors("concatenate", tensors)
    axis = axis_of("concatenate", axis, xs[0].ndim)
    first = xs[0].shape
    for tensor in xs[1:]:
        if tensor.ndim != len(first) or any(
            n != m for i, (n, m) in enumerate(zip(first, tensor.shape, strict=True)) if i != axis
        ):
            raise ShapeError(
                f"concatenate along axis {axis} of shapes {', '.join(str(t.shape) for t in xs)}{location()}: "
                "all other axes must be equal."
            )
    return xs[0].clone() if len(xs) == 1 else apply(movement.concatenate, *xs, axis=axis)


@explaining
def stack(tensors: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Join tensors of one shape along a new axis."""
    xs = _tensors("stack", tensors)
    if len({tensor.shape for tensor in xs}) > 1:
        raise ShapeError(f"stack of shapes {', '.join(str(t.shape) for t in xs)}: all must be equal.")
    return concatenate([tensor.expand_dims(axis) for tensor in xs], axis_of("stack", axis, xs[0].ndim + 1))


def _tensors(op: str, items: Sequence[TensorLike]) -> list[Tensor]:
    like = next((item for item in items if isinstance(item, Tensor)), None)
    if like is None:
        raise ShapeError(f"{op} takes a sequence with at least one tensor.")
    return common_dtype(op, *(given(op, item, like) for item in items))

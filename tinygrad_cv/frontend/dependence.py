"""Which rows and columns of an image each element of a result depends on, followed through the primitives.

Beside a value of some shape go facts about its elements, an array K x shape for each spatial axis. All facts combine by
the minimum, so a rule says only where an element comes from: the rules follow the families of docs/primitives.md, and
layers need none. Facts that are equal along an axis are held once (their stride there is 0).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..ops.windows import places, windows

NONE = np.iinfo(np.int64).max // 4  # no dependence: above all positions
Facts = list[np.ndarray]  # one array for each spatial axis


def positions(shape: Sequence[int]) -> Facts:
    """Facts of an image N x C x spatial axes about itself: a first row, and the negative of the last, for each axis."""
    return [_along(np.stack([np.arange(n), -np.arange(n)]), axis, shape) for axis, n in _spatial(shape)]


def members(shape: Sequence[int]) -> Facts:
    """Facts of an image about itself: for each axis, whether (0) or not (NONE) an element depends on row 0, 1, ..."""
    return [_along(np.where(np.eye(n, dtype=bool), 0, NONE), axis, shape) for axis, n in _spatial(shape)]


def extent(facts: Facts) -> tuple[int, ...]:
    """From facts that began as `positions`: the most rows, columns ... that lie between the first and the last."""
    found = [_compact(fact) for fact in facts]
    return tuple(int(np.where(f[0] < NONE, 1 - f[1] - f[0], 0).max(initial=0)) for f in found)


def unused(facts: Facts) -> tuple[int, ...]:
    """From facts that began as `members`: how many rows, columns ... no element depends on."""
    return tuple(int((_compact(fact).reshape(len(fact), -1).min(1) == NONE).sum()) for fact in facts)


class Dependence:
    """Facts beside arrays, for as long as these live.

    Args:
        outward: a border continues the positions beyond the image, by the step between the outermost two; otherwise
            nothing there depends on it.
    """

    def __init__(self, outward: bool = False) -> None:
        self.outward = outward
        self._known: dict[int, tuple[weakref.ref[np.ndarray], Facts]] = {}

    def begin(self, array: np.ndarray, facts: Facts) -> None:
        """From here on, follow what depends on this array, and nothing else."""
        self._known.clear()
        self._add(array, facts)

    def end(self) -> None:
        """Follow nothing any more."""
        self._known.clear()

    def of(self, array: np.ndarray) -> Facts | None:
        """The facts of an array, if it depends on the one that `begin` was given."""
        return self._known[id(array)][1] if id(array) in self._known else None

    def follow(self, primitive: Primitive, values: Sequence[np.ndarray], params: dict[str, Any], y: np.ndarray) -> None:
        """Note the facts of the result of a primitive."""
        inputs = [self.of(value) for value in values]
        known = next((facts for facts in inputs if facts is not None), None)
        if known is not None:
            each = [[None if facts is None else facts[axis] for facts in inputs] for axis in range(len(known))]
            self._add(y, [self._rule(primitive, facts, values, params, y.shape) for facts in each])

    def _add(self, array: np.ndarray, facts: Facts) -> None:
        known, key = self._known, id(array)

        def forget(reference: Any) -> None:
            if key in known and known[key][0] is reference:
                del known[key]

        known[key] = weakref.ref(array, forget), facts

    def _rule(
        self,
        primitive: Primitive,
        facts: Sequence[np.ndarray | None],
        values: Sequence[np.ndarray],
        params: dict[str, Any],
        shape: tuple[int, ...],
    ) -> np.ndarray:
        """The facts of a result along one spatial axis."""
        name = primitive.name
        if name == "pad":
            return _padded(_only(facts), **params, outward=self.outward)
        if name == "contract":
            return _contracted(facts, shape, **params)
        if name == "gather":
            return _gathered(facts, values[1], shape)
        if name == "concatenate":
            return _concatenated(facts, [value.shape for value in values], **params)
        if name in RULES:
            return _widened(RULES[name](_only(facts), **params), shape)
        if primitive.family == "elementwise":
            return _widened(_least([_compact(fact) for fact in facts if fact is not None]), shape)
        return _widened(_least([_kept(f, range(1, f.ndim)).reshape(-1) for f in facts if f is not None]), shape)


def _spatial(shape: Sequence[int]) -> list[tuple[int, int]]:
    return list(enumerate(shape))[2:]


def _along(facts: np.ndarray, axis: int, shape: Sequence[int]) -> np.ndarray:
    """Facts K x n about the positions along an axis, for all elements of a shape."""
    return _widened(facts.reshape(len(facts), *(n if i == axis else 1 for i, n in enumerate(shape))), shape)


def _only(facts: Sequence[np.ndarray | None]) -> np.ndarray:
    (fact,) = facts
    assert fact is not None
    return fact


def _compact(facts: np.ndarray) -> np.ndarray:
    """With size 1 along the axes where all facts are equal."""
    return facts[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in facts.strides)]


def _widened(facts: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Repeated to K x shape, without memory; missing leading axes are added as in broadcasting."""
    own = facts.shape[1:]
    return np.broadcast_to(facts.reshape(len(facts), *(1,) * (len(shape) - len(own)), *own), (len(facts), *shape))


def _least(facts: Sequence[np.ndarray]) -> np.ndarray:
    least = facts[0]
    for other in facts[1:]:
        least = np.minimum(least, other)
    return least


def _kept(facts: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """The minimum over axes, which stay with size 1."""
    return _compact(facts).min(tuple(axes), keepdims=True)


def _reshaped(facts: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Only axes that are merged or split with one along which facts differ are written out."""
    own, dense = facts.shape[1:], _compact(facts).shape[1:]
    before: list[int] = []
    after: list[int] = []
    for old, new in _groups(own, shape):
        equal = all(dense[axis] == 1 for axis in old)
        before += [1 if equal else own[axis] for axis in old]
        after += [1 if equal else shape[axis] for axis in new]
    return _widened(np.broadcast_to(_compact(facts), (len(facts), *before)).reshape(len(facts), *after), shape)


def _groups(old: Sequence[int], new: Sequence[int]) -> Iterator[tuple[range, range]]:
    """The shortest runs of axes that a reshape maps onto each other: those that hold equally many elements.

    >>> [(list(old), list(new)) for old, new in _groups((2, 3, 4, 5), (6, 4, 5, 1))]
    [([0, 1], [0]), ([2], [1]), ([3], [2, 3])]
    """
    i = j = 0
    while i < len(old) or j < len(new):
        start, other = i, j
        left, right = 1, 1
        while (i, j) == (start, other) or left != right:
            if j == len(new) or (i < len(old) and left <= right):
                left, i = left * old[i], i + 1
            else:
                right, j = right * new[j], j + 1
        if 0 in old or i == len(old) or j == len(new):  # what is left has one element, or none are there
            i, j = len(old), len(new)
        yield range(start, i), range(other, j)


def _folded(facts: np.ndarray, stride: tuple[int, ...], dilation: tuple[int, ...], size: Sequence[int]) -> np.ndarray:
    axes = len(size)
    lead = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in facts.strides[: -2 * axes])
    dense = facts[lead]
    result = np.full((*dense.shape[: -2 * axes], *size), NONE)
    for tap, place in places(dense.shape[-axes:], dense.shape[-2 * axes : -axes], stride, dilation):
        chosen: Any = (Ellipsis, *tap)
        np.minimum(result[place], dense[chosen], out=result[place])
    return result


RULES: dict[str, Callable[..., np.ndarray]] = {
    "reshape": _reshaped,
    "permute": lambda facts, axes: facts.transpose(0, *(axis + 1 for axis in axes)),
    "expand": lambda facts, shape: facts,
    "slice": lambda facts, start, stop, step: facts[(slice(None), *map(slice, start, stop, step))],
    "flip": lambda facts, axis: np.flip(facts, tuple(i + 1 for i in axis)),
    "windows": windows.eval,
    "fold": _folded,
    "sum": lambda facts, axis: _kept(facts, [i + 1 for i in axis]),
    "max": lambda facts, axis, ties: _kept(facts, [i + 1 for i in axis]),
    "argmax": lambda facts, axis, dtype: _kept(facts, [i + 1 for i in axis]),
    "cumsum": lambda facts, axis: np.minimum.accumulate(facts, axis + 1),
}


def _padded(
    facts: np.ndarray, width: Sequence[tuple[int, int]], interior: Sequence[int], value: float, outward: bool
) -> np.ndarray:
    for axis, ((low, high), gap) in enumerate(zip(width, interior, strict=True), 1):
        if not (low or high or gap):
            continue
        dense = _compact(facts)
        size = facts.shape[axis]
        place = np.arange(-low, (size - 1) * (gap + 1) + 1 + high)  # in units of the result
        shape = (*facts.shape[1:axis], len(place), *facts.shape[axis + 1 :])
        if dense.shape[axis] == size:
            near = np.clip(place // (gap + 1), 0, size - 1)
            result = dense.take(near, axis)
            beyond = place - near * (gap + 1)  # 0 where the element is one of x
            steps = np.diff(dense, axis=axis) if outward and not gap and size > 1 else np.zeros_like(dense)
            steps = steps.take(np.clip(near, 0, steps.shape[axis] - 1), axis)
            along = beyond.reshape([-1 if i == axis else 1 for i in range(facts.ndim)])
            inside = (result < NONE) & (np.abs(steps) < NONE // 2)
            result = np.where(inside, result + along * steps, NONE)
            dense = result if outward and not gap else np.where(along == 0, result, NONE)
        facts = _widened(dense, shape)
    return facts


def _contracted(facts: Sequence[np.ndarray | None], shape: tuple[int, ...], spec: str) -> np.ndarray:
    terms, _, result = spec.partition("->")
    parts = []
    for letters, fact in zip(terms.split(","), facts, strict=True):
        if fact is not None:
            left = [letter for letter in letters if letter in result]
            part = _kept(fact, [i for i, letter in enumerate(letters, 1) if letter not in result])
            part = part.reshape(len(part), *(part.shape[1 + letters.index(letter)] for letter in left))
            part = part.transpose(0, *(1 + left.index(letter) for letter in result if letter in left))
            own = iter(part.shape[1:])
            parts.append(part.reshape(len(part), *(next(own) if letter in left else 1 for letter in result)))
    return _widened(_least(parts), shape)


def _gathered(facts: Sequence[np.ndarray | None], index: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    source, chosen = facts
    parts = [] if source is None else [source.take(index, 1)]
    if chosen is not None:
        parts.append(chosen.reshape(*chosen.shape, *(1,) * (len(shape) - index.ndim)))
    return _widened(_least(parts), shape)


def _concatenated(facts: Sequence[np.ndarray | None], shapes: Sequence[tuple[int, ...]], axis: int) -> np.ndarray:
    count = next(len(fact) for fact in facts if fact is not None)
    parts = [
        np.broadcast_to(np.int64(NONE), (count, *shape)) if fact is None else fact
        for fact, shape in zip(facts, shapes, strict=True)
    ]
    dense = [_compact(part) for part in parts]
    whole = (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])
    if all(part.shape[axis + 1] == 1 and np.array_equal(part, dense[0]) for part in dense):
        return _widened(dense[0], whole)
    common = np.broadcast_shapes(*((*part.shape[: axis + 1], 1, *part.shape[axis + 2 :]) for part in dense))
    filled = [
        np.broadcast_to(part, (*common[: axis + 1], shape[axis], *common[axis + 2 :]))
        for part, shape in zip(dense, shapes, strict=True)
    ]
    return _widened(np.concatenate(filled, axis + 1), whole)

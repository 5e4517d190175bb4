"""A row: everything that the tests know of one primitive. What drives them is in ``table.py``.

A row says how a user calls the primitive, what its value is, what it keeps for its gradients, on which shapes and
parameters and numbers it is tried, and what its derivative is: a formula, an adjoint, an exact function.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.primitives.draws import Draw, Shape, whole
from tests.primitives.formulas import Cell
from tinygrad_cv.core.primitive import PRIMITIVES, Primitive

Array = np.ndarray
Numbers = Sequence[float] | np.ndarray

SEED = 20
KINDS = ("0-d", "1-d or 2-d", "size 1", "no element", "3-d or more")
FIRST = -1  # repeat along the first axis that is longer than 1
NAN = float("nan")


@dataclass(frozen=True)
class Case:
    """One call.

    Attributes:
        shapes: of the inputs.
        params: the parameters.
        repeat: the axis along which inputs are repeated by a stride of 0; None where repeated numbers would be ties.
    """

    shapes: tuple[Shape, ...]
    params: dict[str, Any] = field(default_factory=dict)
    repeat: int | None = FIRST

    @property
    def kind(self) -> str:
        """The kind of its shapes, one of ``KINDS``."""
        if any(0 in shape for shape in self.shapes):
            return "no element"
        if () in self.shapes:
            return "0-d"
        if any(sum(n > 1 for n in shape) > 2 for shape in self.shapes):
            return "3-d or more"
        return "size 1" if any(1 in shape for shape in self.shapes) else "1-d or 2-d"

    def __str__(self) -> str:
        params = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.kind}: {', '.join(map(str, self.shapes))}" + (f"; {params}" if params else "")


@dataclass(frozen=True)
class Function:
    """An exact function of one variable, by mpmath.

    Attributes:
        of: its value at a number that is not 0; complex or NaN outside of its domain.
        at: its values at -inf, -0, +0 and +inf, as C99 (annex F) has them; None where ``of`` says it.
        parity: -1 for an odd one, 1 for an even one: then half of the numbers are enough.
    """

    of: Callable[[Any], Any]
    at: tuple[float | None, ...]
    parity: int = 0
    at_nan: float = NAN


@dataclass(frozen=True)
class Pinned:
    """A call where differences have nothing to say, at a tie or beside an infinity, and its gradients by convention.

    Attributes:
        factors: what the cotangent is multiplied by, for each input; None where an input has no gradient.
    """

    why: str
    inputs: tuple[Any, ...]
    factors: tuple[Numbers | None, ...]
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Use:
    """A call as a user writes it, in which ``tg.gradcheck`` must notice wrong derivatives.

    Parameters are all different: strides, axes and borders that a wrong VJP might mistake for one another.
    """

    call: Callable[..., Any]
    draws: tuple[Callable[[np.random.Generator], Array], ...]


def use(call: Callable[..., Any], *draws: Callable[[np.random.Generator], Array]) -> Use:
    """A use; see ``of`` in draws.py."""
    return Use(call, draws)


@dataclass(frozen=True)
class Row:
    """One primitive.

    Attributes:
        name: the primitive's.
        call: (*tensors, **params) -> tensor, as a user writes it.
        oracle: (*arrays, **params) -> the value, by loops over places and Python's own arithmetic.
        keeps: for each input: the names of the values kept when its gradient alone is wanted.
        cases: what is tried.
        draws: one for each input; the last one serves all further inputs.
        smooth: the same where ``draws`` meet kinks and jumps, which differences must not.
        integers: the same with small whole numbers, so that sums and products are exact.
        linear: the inputs in which it is linear while the others are held, or linear near a point.
        formula: the value as formulas of sympy, each on a part of the domain.
        exact, slope: of one input, the function and its derivative.
        ulps: units in the last place by which values in float32 and float64 may err; None where they may not.
        compiled: the same of native code, where it differs: as tinygrad_cv/compiler/llvm/math.py states.
        pinned: gradients by convention.
        uses: how a user comes to it.
        large: calls so large that they are computed in other ways.
        equivalent: of an input, the text of a VJP that is the same function as the right one: why.
    """

    name: str
    call: Callable[..., Any]
    oracle: Callable[..., Any]
    keeps: tuple[str, ...]
    cases: tuple[Case, ...]
    draws: tuple[Draw, ...] = ()
    smooth: tuple[Draw, ...] = ()
    integers: tuple[Draw, ...] = (whole,)
    linear: tuple[int, ...] = ()
    formula: tuple[Cell, ...] = ()
    exact: Function | None = None
    slope: Function | None = None
    ulps: tuple[float, float] | None = None
    compiled: tuple[float, float] | None = None
    pinned: tuple[Pinned, ...] = ()
    uses: tuple[Use, ...] = ()
    large: tuple[Case, ...] = ()
    equivalent: Mapping[tuple[int, str], str] = field(default_factory=dict)

    @property
    def primitive(self) -> Primitive:
        return PRIMITIVES[self.name]

    def inputs(self, case: Case, seed: int = SEED, dtype: Any = np.float64) -> list[Array]:
        """Numbers at which values are compared, ties and jumps among them."""
        drawn = _drawn(self.draws, case, seed)
        return [x.astype(dtype) if x.dtype.kind == "f" else x for x in drawn]

    def smooth_inputs(self, case: Case, seed: int = SEED) -> list[Array]:
        """Numbers at which it is smooth, in float64."""
        return _drawn(self.smooth or self.draws, case, seed)

    def whole_inputs(self, case: Case, seed: int = SEED) -> list[Array]:
        """Small whole numbers, in float64."""
        return _drawn(self.integers, case, seed)

    def __repr__(self) -> str:
        return self.name


def _drawn(draws: tuple[Draw, ...], case: Case, seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    endless = itertools.chain(draws, itertools.repeat(draws[-1])) if draws else iter(draws)
    return [draw(rng, shape) for draw, shape in zip(endless, case.shapes, strict=False)]

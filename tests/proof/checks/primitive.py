"""All checks of one primitive, the quick and decisive ones first."""

from __future__ import annotations

from collections.abc import Iterator

from tests.primitives.row import SEED
from tests.primitives.table import ROWS
from tests.proof.checks import adjoint, jacobian, large, precision, symbolic
from tests.proof.outcome import Outcome
from tinygrad_cv.core.primitive import Primitive
from tinygrad_cv.ops import PRIMITIVES


def checks(name: str, part: bool = False, seed: int = SEED) -> Iterator[Outcome]:
    """As formulas, as exact adjoints, as Jacobians, in float32, of large arrays.

    The VJPs are those that the table has at this moment.

    Args:
        name: the primitive.
        part: three of the memory layouts, and one of large arrays.
        seed: of inputs and cotangents.
    """
    yield from symbolic.outcomes(name, seed)
    yield from adjoint.outcomes(name, seed)
    yield from jacobian.outcomes(name, part, seed)
    yield from precision.outcomes(name, seed)
    yield from large.outcomes(name, part, seed)


def missing(only: str | None = None) -> Iterator[Outcome]:
    """The primitives without a row, and what rows lack."""
    for name, primitive in PRIMITIVES.items():
        if only in (None, name):
            for check, what in _missing(name, primitive):
                yield Outcome(name, check, "", what)


def _missing(name: str, primitive: Primitive) -> Iterator[tuple[str, str]]:
    row = ROWS.get(name)
    if row is None:
        yield "jacobian", f"no row for {name}: add one to ROWS in a file of tests/primitives"
        return
    if not row.formula and any(vjp is not None and i not in row.linear for i, vjp in enumerate(primitive.vjps)):
        yield "symbolic", f"the row of {name} has no formula, and is not linear"
    if primitive.family == "elementwise" and len(primitive.inputs) == 1:
        if row.exact is None:
            yield "special values", f"the row of {name} has no exact function"
        if (row.slope is None) == primitive.differentiable:
            yield "special values", f"one of {name} and its row has no derivative"
    if primitive.differentiable and not row.uses:
        yield "mutation", f"the row of {name} has no use"

"""All checks of one primitive, the quick and decisive ones first."""

from __future__ import annotations

from collections.abc import Iterator

from tests.proof.calls.cases import ROWS
from tests.proof.calls.row import SEED
from tests.proof.outcome import Outcome
from tests.proof.primitives import adjoint, jacobian, large, precision, symbolic
from tests.proof.primitives.definitions import DEFINITIONS
from tinygrad_cv.ops import PRIMITIVES


def checks(name: str, part: bool = False, seed: int = SEED) -> Iterator[Outcome]:
    """As formulas, as exact adjoints, as Jacobians, in float32, of large arrays.

    The VJPs are those that the table has at this moment.

    Args:
        name: the primitive.
        part: three memory layouts instead of seven, and one of large arrays.
        seed: of inputs and cotangents.
    """
    yield from symbolic.outcomes(name, seed)
    yield from adjoint.outcomes(name, seed)
    yield from jacobian.outcomes(name, part, seed)
    yield from precision.outcomes(name, seed)
    yield from large.outcomes(name, part, seed)


def missing(only: str | None = None) -> Iterator[Outcome]:
    """The primitives of which nothing is tried, and the VJPs that neither a formula nor an adjoint proves."""
    for name, primitive in PRIMITIVES.items():
        if only not in (None, name):
            continue
        proved = ROWS[name].linear if name in ROWS else ()
        if name not in ROWS:
            yield Outcome(name, "jacobian", "", f"no row for {name}: add one in tests/proof/calls/cases.py")
        if name not in DEFINITIONS and any(vjp is not None and i not in proved for i, vjp in enumerate(primitive.vjps)):
            where = "tests/proof/primitives/definitions.py"
            yield Outcome(name, "symbolic", "", f"no definition of {name}: add one in {where}")

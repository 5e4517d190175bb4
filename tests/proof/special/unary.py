"""The unary primitives as exact functions, their derivatives, and by how much computed values may differ."""

from __future__ import annotations

import mpmath
import numpy as np

from tests.proof.special.exact import INF, NAN, Function
from tinygrad_cv.core.primitive import Primitive
from tinygrad_cv.ops import PRIMITIVES

F4, F8 = np.dtype(np.float32), np.dtype(np.float64)


def unary() -> list[Primitive]:
    """The elementwise primitives of one input."""
    return [p for p in PRIMITIVES.values() if p.family == "elementwise" and len(p.inputs) == 1]


_ONE = Function(lambda x: mpmath.mpf(1), (1.0, 1.0, 1.0, 1.0), 1, at_nan=1.0)
_COS = Function(mpmath.cos, (NAN, 1.0, 1.0, NAN), 1)
_EXP = Function(mpmath.exp, (0.0, 1.0, 1.0, INF))
_SAME = Function(lambda x: x, (-INF, -0.0, 0.0, INF), -1)

# the function, and its derivative; exactly 0 and infinite where a formula divides by zeros with signs
FUNCTIONS: dict[str, tuple[Function, Function | None]] = {
    "neg": (
        Function(lambda x: -x, (INF, 0.0, -0.0, -INF), -1),
        Function(lambda x: mpmath.mpf(-1), (-1.0, -1.0, -1.0, -1.0), 1, at_nan=-1.0),
    ),
    "square": (
        Function(lambda x: x * x, (INF, 0.0, 0.0, INF), 1),
        Function(lambda x: 2 * x, (-INF, -0.0, 0.0, INF), -1),
    ),
    "sqrt": (
        Function(mpmath.sqrt, (NAN, -0.0, 0.0, INF)),
        Function(lambda x: 1 / (2 * mpmath.sqrt(x)), (NAN, -INF, INF, 0.0)),
    ),
    "exp": (_EXP, _EXP),
    "log": (
        Function(mpmath.log, (NAN, -INF, -INF, INF)),
        Function(lambda x: 1 / x, (-0.0, -INF, INF, 0.0), -1),  # of the formula: below 0 as well
    ),
    "sin": (Function(mpmath.sin, (NAN, -0.0, 0.0, NAN), -1), _COS),
    "cos": (_COS, Function(lambda x: -mpmath.sin(x), (NAN, 0.0, -0.0, NAN), -1)),
    "tanh": (
        Function(mpmath.tanh, (-1.0, -0.0, 0.0, 1.0), -1),
        Function(lambda x: mpmath.sech(x) ** 2, (0.0, 1.0, 1.0, 0.0), 1),
    ),
    "erf": (
        Function(mpmath.erf, (-1.0, -0.0, 0.0, 1.0), -1),
        Function(lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x), (0.0, None, None, 0.0), 1),
    ),
    "floor": (Function(mpmath.floor, (-INF, -0.0, 0.0, INF)), None),
    "cast": (_SAME, _ONE),
}

# Units in the last place by which a function may err. Compiled: as tinygrad_cv/compiler/llvm/math.py states.
# NumPy's own: 4, as the tests of the compiled functions allow them. NumPy has no erf; ours is computed in float64, to a
# relative error of 4.5e-16, as tests/ops/test_special_values.py states.
COMPILED = {
    F4: {"exp": 0.8, "log": 0.9, "sin": 0.6, "cos": 0.6, "tanh": 0.6, "erf": 0.6},
    F8: {"exp": 0.8, "log": 0.9, "sin": 1.0, "cos": 1.0, "tanh": 1.0, "erf": 1.2},
}
EAGER = {
    F4: {"exp": 4.0, "log": 4.0, "sin": 4.0, "cos": 4.0, "tanh": 4.0, "erf": 0.51},
    F8: {"exp": 4.0, "log": 4.0, "sin": 4.0, "cos": 4.0, "tanh": 4.0, "erf": 4.06},
}

"""Mutants that are no mistakes, but the same function in other words: each with the reason. They run all the same."""

from __future__ import annotations

from tests.proof.mutation.mutants import Mutant

EVEN = "the function of it is even"
BROADCASTS = "where repeats what is too small, as expand does"
WHOLE = "a cut of the whole is the whole"
STATISTICS = "as itself it goes into running statistics only"
TIES_BEFORE = "where a = b the tie has been decided before"

REASONS: dict[tuple[str, int, str], str] = {
    ("sin", 0, "lambda g, x: g.times((-x).cos())"): EVEN,
    ("tanh", 0, "lambda g, y: g.times(1.0 - (-y).square())"): EVEN,
    ("erf", 0, "lambda g, x: g.times(2.0 / math.sqrt(math.pi) * (-(-x).square()).exp())"): EVEN,
    ("maximum", 0, "lambda g, a, b: (a == b).where(0.5 * g, (a <= b).where(0.0, g))"): TIES_BEFORE,
    ("maximum", 1, "lambda g, a, b: (a == b).where(0.5 * g, (b <= a).where(0.0, g))"): TIES_BEFORE,
    ("max", 0, "return chosen.where(g, 0.0)"): BROADCASTS,
    ("max", 0, "return chosen.where(share, 0.0)"): BROADCASTS,
    ("fold", 0, "return w.slice((0,) * w.ndim, w_shape)"): WHOLE,
    ("fold", 0, "return w if w.shape == w_shape[::-1] else w.slice((0,) * w.ndim, w_shape)"): (
        f"{WHOLE}; shapes that differ by more windows than are wanted are not each other reversed"
    ),
    ("slice", 0, "used = start[i] + (n - 1) * step[i] + 1 if n else stop[i]"): "no element: start is stop",
    ("contract", 1, "lambda g, a, spec: a.contract(g, transposed(spec, 2))"): "every operand but 0 is the second",
    ("times", 0, "lambda g, y, b: g.times(((y == 0.0) & (b - b != 0.0)).where(0.0, b))"): (
        "beside an infinity or NaN in b, y is 0 where a is, and only there"
    ),
}


# of composed functions, see detaching.py
REASONS_FOR_DETACHING: dict[tuple[str, str], str] = {
    ("centre", "return (mu.detach() + rest, d - rest)"): STATISTICS,
    ("normalize", "return (y if bias is None else y + bias, mu.detach(), var)"): STATISTICS,
    ("normalize", "return (y if bias is None else y + bias, mu, var.detach())"): STATISTICS,
    ("inverse_deviation", "if var.detach().known_finite():"): "it is only asked for its value",
    ("inverse_deviation", "return (d, 1.0 / (var + eps).sqrt(), var.detach())"): STATISTICS,
    ("inverse_deviation", "return (d, 1.0 / (var + eps / unit / unit).sqrt(), var.detach() * unit * unit)"): STATISTICS,
}


def reason(mutant: Mutant) -> str:
    """Why a mutant is right; empty where it is wrong."""
    return REASONS.get((mutant.primitive, mutant.index, mutant.change), "")

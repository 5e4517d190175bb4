"""The whole proof: what is run, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.primitives.table import ROWS
from tests.proof import composites, normalization, table
from tests.proof.checks import conventions, large, primitive
from tests.proof.mutation import detaching, gradchecks, judging
from tests.proof.outcome import Outcome
from tests.proof.special import patterns
from tinygrad_cv import functional as F
from tinygrad_cv.ops import PRIMITIVES

MEANINGS = {
    "symbolic": "on each part of the domain the VJP, called with formulas, is g ∂y/∂x of the definition, by sympy; the "
    "definition is the primitive's own value, to four units in the last place",
    "adjoint": "the matrix of the VJP is the transpose of the matrix of the map: on a whole basis, on whole numbers in "
    "float64, compared with `==`; at ties of `max`, the derivatives nearby",
    "jacobian": "the full Jacobian of orders 1 and 2, in ten memory layouts of inputs and cotangents (C, Fortran, "
    "transposed, channels last, reversed, every other element, inside of a border, read-only, not aligned, repeated by "
    "a stride of 0) and five kinds of shape (no axis, one or two, axes of size 1, no element, three axes and more), "
    "against differences of order six: of "
    "values in extended precision, of gradients in float64; where there is no VJP, that the value is constant",
    "float32": "the gradient in float32 is that in float64, up to rounding",
    "large": "arrays that are computed by blocks, by taps, by pieces, collapsed or fused: ⟨f(x + u) - f(x), v⟩ is "
    "⟨u, vjp(v)⟩ exactly, with random whole numbers; of what is not linear, the gradient is that of small pieces",
    "special values": "values and gradients at infinities, NaN, zeros and over all exponents",
    "mutation": "wrong VJPs, made from the right ones by one change each, are found by the checks of other columns; "
    "functions in which one value is detached, by `gradcheck`",
    "gradcheck": "the same mutants, each inside of a random function as a user writes one, are called wrong by "
    "`gradcheck`, and blamed on their primitive; or raise; or are wrong only where differences have nothing to say",
    "no false alarm": "random right functions are called correct by `gradcheck`",
    "order 1 to 4": "derivatives against differences of the order below, by `gradcheck`, with random cotangents",
    "large means": "normalization in float32 of rows m + i/1000 with m up to 10⁶, of equal elements, and of numbers "
    "up to 5 · 10³⁷, against rational arithmetic: at most 2 · 10⁻⁷ off",
}

INTRODUCTION = """\
# The proof of the derivatives

This page is written by `python -m tests.proof`. {count:,} checks, {wrong} wrong, seed {seed}.

Every derivative of the library is the VJP of a primitive, or composed of them. A number in the tables is how many
checks of a kind were made; *largest error* is the largest one seen as a share of what rounding allows there, 0 where a
check is exact.

{meanings}

VJPs consist of primitives themselves, and order 2 shows that no path through them is cut: so what is proved of each as
a formula or as an adjoint holds at every order. Which subgradient is taken at ties is a convention; the checks prove
that one.
"""


class Section(NamedTuple):
    """One table.

    Attributes:
        title, subject, columns: of the table.
        checks: (name of one subject or None, short form, seed) -> the outcomes; they are computed as they are taken.
    """

    title: str
    subject: str
    columns: tuple[str, ...]
    checks: Callable[[str | None, bool, int], Iterator[Outcome]]

    def text(self, outcomes: list[Outcome]) -> str:
        """As a terminal shows it, problems below."""
        return "\n".join([table.text(self._table(outcomes)), *table.problems(outcomes)])

    def markdown(self, outcomes: list[Outcome]) -> str:
        """As the page shows it."""
        wrong = [f"- {problem}" for problem in table.problems(outcomes)]
        lines = [f"## {self.title}", "", table.markdown(self._table(outcomes)), *([""] if wrong else []), *wrong]
        return "\n".join(lines) + "\n"

    def _table(self, outcomes: list[Outcome]) -> list[table.Row]:
        return table.table(outcomes, self.columns, self.subject)


def _primitives(only: str | None, part: bool, seed: int) -> Iterator[Outcome]:
    yield from primitive.missing(only)
    for name in ROWS if only is None else [only] if only in ROWS else []:
        yield from primitive.checks(name, part, seed)
        yield from conventions.outcomes(name)
    yield from patterns.outcomes(part, only)
    yield from judging.outcomes(part, only)


def _composites(only: str | None, part: bool, seed: int) -> Iterator[Outcome]:
    yield from composites.outcomes(part, seed, only)
    if only in (None, "conv2d"):
        yield from large.convolution(seed)
    yield from (outcome for outcome in normalization.outcomes(seed) if only in (None, outcome.subject))
    if only is None and not part:
        yield from detaching.outcomes()


def _checker(only: str | None, part: bool, seed: int) -> Iterator[Outcome]:
    yield from gradchecks.outcomes(part, only)
    if only is None:
        yield from gradchecks.false_alarms(part)


SECTIONS = (
    Section(
        "Primitives",
        "primitive",
        ("symbolic", "adjoint", "jacobian", "float32", "large", "special values", "mutation"),
        _primitives,
    ),
    Section(
        "Composites",
        "composite",
        ("order 1", "order 2", "order 3", "order 4", "large", "large means", "mutation"),
        _composites,
    ),
    Section("The gradient checker", "given to it", ("gradcheck", "no false alarm"), _checker),
)


def subjects() -> set[str]:
    """What can be asked for by name."""
    return {*PRIMITIVES, *F.__all__}


def page(results: list[tuple[Section, list[Outcome]]], seed: int) -> str:
    """docs/proof.md."""
    checks = [outcome for _, outcomes in results for outcome in outcomes]
    made = {"order 1 to 4" if outcome.check.startswith("order") else outcome.check for outcome in checks}
    meanings = [["check", "what is shown"], *([name, text] for name, text in MEANINGS.items() if name in made)]
    introduction = INTRODUCTION.format(
        count=len(checks),
        wrong=sum(not outcome.holds for outcome in checks),
        seed=seed,
        meanings=table.markdown(meanings),
    )
    return "\n".join([introduction, *(section.markdown(outcomes) for section, outcomes in results)])

"""Terms as a line of text, in the letters of mathematics; equations as a table."""

from __future__ import annotations

from collections.abc import Sequence

from . import terms as t
from .grammar import ATOM, CHOICE, POWER, RELATION, SUM, Notation, Written

LATIN = (
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega".split()  # noqa: SIM905
)
GREEK = dict(zip(LATIN, "αβγδεζηθκλμνξπρστφχψω", strict=True))
WIDE = 72  # characters of a formula: after a longer one its shape follows directly
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
RELATIONS = {"=": "==", **{symbol: symbol for symbol in ("≠", "<", "≤", "and", "or")}}


class Text(Notation):
    """Mathematics in Unicode: ``1/4 · Σ_{n,d} x²``."""

    dot, matmul = " · ", " @ "
    relations = RELATIONS
    parentheses, brackets = ("(", ")"), ("[", "]")

    def name(self, symbol: t.Symbol) -> str:
        """Greek letters as such: ``dgamma`` is dγ."""
        if symbol.of and symbol.name == f"d{symbol.of}":
            return f"d{self.name(t.Symbol(symbol.of))}"
        stem, mark, rest = symbol.name.partition("_")
        return GREEK.get(stem, stem) + mark + rest

    def index(self, letters: str) -> str:
        return f"index_{letters}"

    def number(self, text: str) -> Written:
        return text, SUM if text.startswith("-") else ATOM

    def ratio(self, number: str, divisor: str) -> str:
        return f"{number}/{divisor}"

    def quotient(self, above: str, below: Sequence[str]) -> str:
        return f"{above} / {below[0]}" if len(below) == 1 else f"{above} / ({self.dot.join(below)})"

    def power(self, base: str, exponent: t.Term) -> str:
        text = self.write(exponent, ATOM)
        return base + (text.translate(RAISED) if text.isdecimal() else f"^{text}")

    def root(self, arg: t.Term) -> Written:
        return f"√{self.write(arg, ATOM)}", POWER

    def call(self, name: str, args: Sequence[str], detail: str) -> str:
        return f"{name}({'; '.join(filter(None, [', '.join(args), detail]))})"

    def over(self, name: str, letters: str) -> str:
        places = ",".join(letters)
        return f"{name}_{{{places}}}" if len(letters) > 1 else f"{name}_{places}" if places else name

    def negation(self, body: str) -> str:
        return f"not {body}"

    def choice(self, condition: t.Term, then: t.Term, otherwise: t.Term) -> Written:
        a, b = self.write(then, SUM), self.write(otherwise, SUM)
        return f"{a} where {self.write(condition, RELATION)}, else {b}", CHOICE

    def transposed(self, body: str) -> Written:
        return f"{body}ᵀ", ATOM

    def element(self, array: str, letters: str) -> str:
        return f"{array}[{','.join(letters)}]"


def table(rows: Sequence[tuple[str, str, str, tuple[int, ...]]], notes: Sequence[str]) -> str:
    """Equations under the headings of their parts, each with its shape at the end; then the notes.

    Args:
        rows: part, left side, right side and shape.
    """
    left = max(len(row[1]) for row in rows)
    right = min(max(len(row[2]) for row in rows), WIDE)
    lines: list[str] = []
    part = ""
    for here, symbol, term, sizes in rows:
        if here != part:
            lines.append(here)
            part = here
        lines.append(f"  {symbol:<{left}} = {term:<{right}}   {shape(sizes)}")
    return "\n".join([*lines, *(["", *notes] if notes else [])])


def shape(sizes: tuple[int, ...]) -> str:
    """``2×3``, or the word for no axes."""
    return "×".join(map(str, sizes)) or "scalar"

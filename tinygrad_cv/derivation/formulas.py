"""Terms as a line of text, in the letters of mathematics."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from . import terms as t

LATIN = (
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi omega".split()  # noqa: SIM905
)
GREEK = dict(zip(LATIN, "αβγδεζηθκλμνξπρστφχψω", strict=True))
WIDE = 72  # of a formula: after a longer one its shape follows directly
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
CHOICE, RELATION, SUM, PRODUCT, POWER, ATOM = range(6)  # how strongly the parts of a text hold together


def name(symbol: t.Symbol) -> str:
    """A name with Greek letters as such: ``dgamma`` is dγ."""
    if symbol.of and symbol.name == f"d{symbol.of}":
        return f"d{name(t.Symbol(symbol.of))}"
    stem, mark, rest = symbol.name.partition("_")
    return GREEK.get(stem, stem) + mark + rest


def write(term: t.Term, least: int = CHOICE) -> str:
    """The text of a term, in parentheses where it holds together less than it must."""
    text, strength = _written(term)
    return text if strength >= least else f"({text})"


Written = tuple[str, int]


def last_strength(factor: t.Term, last: bool) -> int:
    """What a factor needs to be written without parentheses: a sum over axes reaches to the end of its product."""
    return PRODUCT if last and isinstance(factor, t.Over) else POWER


def signed(parts: Sequence[tuple[int, str]]) -> str:
    """A sum: ``a - b``, and no plus before the first."""
    text = "".join((" + " if sign > 0 else " - ") + part for sign, part in parts)
    return text.removeprefix(" + ") if parts[0][0] > 0 else "-" + text.removeprefix(" - ")


@singledispatch
def _written(term: t.Term) -> Written:
    raise TypeError(type(term).__name__)


@_written.register
def _(term: t.Symbol) -> Written:
    return name(term), ATOM


@_written.register
def _(term: t.Index) -> Written:
    return f"index_{term.letters}", ATOM


@_written.register
def _(term: t.Number) -> Written:
    return term.text, ATOM if term.text[0] != "-" else SUM


@_written.register
def _(term: t.Sum) -> Written:
    return signed([(sign, write(part, PRODUCT)) for sign, part in term.parts]), SUM


@_written.register
def _(term: t.Product) -> Written:
    number, divisor = term.numbers
    last = len(term.above) - 1 if not term.below else -1
    above = [write(factor, last_strength(factor, i == last)) for i, factor in enumerate(term.above)]
    below = [write(factor, POWER) for factor in term.below]
    sign = "-" if term.sign < 0 else ""
    if below and divisor:
        below.insert(0, divisor)
    lead = f"{number or 1}/{divisor}" if divisor and not below else number
    if lead and above:
        above.insert(0, lead)
    text = " · ".join(above) or lead or "1"
    if below:
        text += f" / {below[0]}" if len(below) == 1 else f" / ({' · '.join(below)})"
    return sign + text, SUM if sign else PRODUCT


@_written.register
def _(term: t.Power) -> Written:
    exponent = write(term.exponent, ATOM)
    whole = exponent.isdecimal()
    return f"{write(term.base, ATOM)}{exponent.translate(RAISED) if whole else f'^{exponent}'}", POWER


@_written.register
def _(term: t.Call) -> Written:
    args = [write(arg) for arg in term.args]
    if term.name == "sqrt":
        return f"√{write(term.args[0], ATOM)}", POWER
    return f"{term.name}({'; '.join(filter(None, [', '.join(args), term.detail]))})", ATOM


@_written.register
def _(term: t.Part) -> Written:
    return f"{write(term.body, ATOM)}[{', '.join(map(write, term.index))}]", ATOM


@_written.register
def _(term: t.Over) -> Written:
    places = ",".join(term.letters)
    sign = f"{term.name}_{{{places}}}" if len(places) > 1 else f"{term.name}_{places}" if places else term.name
    return f"{sign} {write(term.body, POWER)}", PRODUCT


@_written.register
def _(term: t.Relation) -> Written:
    symbol = "==" if term.symbol == "=" else term.symbol
    return f"{write(term.left, SUM)} {symbol} {write(term.right, SUM)}", RELATION


@_written.register
def _(term: t.Not) -> Written:
    return f"not {write(term.body, ATOM)}", RELATION


@_written.register
def _(term: t.Choice) -> Written:
    return (
        f"{write(term.then, SUM)} where {write(term.condition, RELATION)}, else {write(term.otherwise, SUM)}",
        CHOICE,
    )


@_written.register
def _(term: t.Transposed) -> Written:
    return f"{write(term.body, ATOM)}ᵀ", ATOM


@_written.register
def _(term: t.Matrices) -> Written:
    sides = (term.left, term.right)
    pair = [write(side, ATOM) + ("ᵀ" if turned else "") for side, turned in zip(sides, term.transposed, strict=True)]
    return " @ ".join(pair), PRODUCT


@_written.register
def _(term: t.Contraction) -> Written:
    left, right = (
        f"{write(side, ATOM)}[{','.join(places)}]"
        for side, places in zip((term.left, term.right), term.letters, strict=True)
    )
    sign = f"Σ_{{{','.join(term.over)}}} " if term.over else ""
    return f"{sign}{left} · {right}", PRODUCT


def table(rows: Sequence[tuple[str, str, str, tuple[int, ...]]], notes: Sequence[str]) -> str:
    """Equations below the names of their parts, with the shapes at their ends; notes behind."""
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

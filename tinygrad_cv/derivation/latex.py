"""Terms as LaTeX."""

from __future__ import annotations

import re
from functools import singledispatch

from . import terms as t
from .formulas import ATOM, CHOICE, GREEK, POWER, PRODUCT, RELATION, SUM, Written, last_strength, signed

COMMANDS = {letter: f"\\{word}" for word, letter in GREEK.items()}
OVER = {"Σ": r"\sum", "max": r"\max", "argmax": r"\arg\max"}
FUNCTIONS = {"exp", "log", "sin", "cos", "tanh"}
RELATIONS = {"=": "=", "≠": r"\ne", "<": "<", "≤": r"\le", "and": r"\wedge", "or": r"\vee"}


def name(symbol: t.Symbol) -> str:
    """A name: Greek letters, one italic letter, or a word upright; a number behind it is an index."""
    if symbol.of and symbol.name == f"d{symbol.of}":
        return f"d{name(t.Symbol(symbol.of))}"
    matched = re.fullmatch(r"(.*?)_?(\d*)", symbol.name)
    assert matched is not None
    word, index = matched.groups()
    if not word:
        return _word(symbol.name)
    if word.endswith("hat") and word != "hat":
        return f"\\hat{{{name(t.Symbol(word[:-3]))}}}" + (f"_{{{index}}}" if index else "")
    found = f"\\{word}" if word in GREEK else COMMANDS.get(word) or (word if len(word) == 1 else _word(word))
    return f"{found}_{{{index}}}" if index else found


def _word(text: str) -> str:
    escaped = text.replace("_", r"\_")
    return f"\\mathrm{{{escaped}}}"


def write(term: t.Term, least: int = CHOICE) -> str:
    """The LaTeX of a term, in parentheses where it holds together less than it must."""
    text, strength = _written(term)
    return text if strength >= least else f"\\left({text}\\right)"


@singledispatch
def _written(term: t.Term) -> Written:
    raise TypeError(type(term).__name__)


@_written.register
def _(term: t.Symbol) -> Written:
    return name(term), ATOM


@_written.register
def _(term: t.Index) -> Written:
    return f"\\mathrm{{index}}_{{{term.letters}}}", ATOM


@_written.register
def _(term: t.Number) -> Written:
    text = term.text.replace("∞", r"\infty ")
    if re.fullmatch(r"[a-z]+", text):
        return f"\\mathrm{{{text}}}", ATOM
    if found := re.fullmatch(r"([\d.]+)e([+-]?)0*(\d+)", text):
        digits, sign, exponent = found.groups()
        power = f"10^{{{sign.replace('+', '')}{exponent}}}"
        return (power, POWER) if digits == "1" else (f"{digits} \\cdot {power}", PRODUCT)
    return text, SUM if text[0] == "-" else ATOM


@_written.register
def _(term: t.Sum) -> Written:
    return signed([(sign, write(part, PRODUCT)) for sign, part in term.parts]), SUM


@_written.register
def _(term: t.Product) -> Written:
    number, divisor = (_written(t.Number(text))[0] if text else "" for text in term.numbers)
    sign = "-" if term.sign < 0 else ""
    if not term.below:
        lead = f"\\frac{{{number or 1}}}{{{divisor}}}" if divisor else number
        last = len(term.above) - 1
        factors = [write(factor, last_strength(factor, i == last)) for i, factor in enumerate(term.above)]
        return sign + r" \cdot ".join(filter(None, [lead, *factors])), SUM if sign else PRODUCT
    above, below = ([write(factor, POWER) for factor in side] for side in (term.above, term.below))
    top = r" \cdot ".join(filter(None, [number, *above])) or "1"
    bottom = r" \cdot ".join(filter(None, [divisor, *below]))
    return f"{sign}\\frac{{{top}}}{{{bottom}}}", SUM if sign else PRODUCT


@_written.register
def _(term: t.Power) -> Written:
    return f"{{{write(term.base, ATOM)}}}^{{{write(term.exponent)}}}", POWER


@_written.register
def _(term: t.Call) -> Written:
    if term.name == "sqrt":
        return f"\\sqrt{{{write(term.args[0])}}}", ATOM
    head = f"\\{term.name}" if term.name in FUNCTIONS else _word(term.name)
    detail = f"\\text{{{term.detail}}}".replace("×", r"$\times$").replace("→", r"$\to$") if term.detail else ""
    args = r",\, ".join([*map(write, term.args), *filter(None, [detail])])
    return f"{head}\\left({args}\\right)", ATOM


@_written.register
def _(term: t.Part) -> Written:
    return f"{write(term.body, ATOM)}\\left[{', '.join(map(write, term.index))}\\right]", ATOM


@_written.register
def _(term: t.Over) -> Written:
    head = OVER[term.name]
    places = f"_{{{','.join(term.letters)}}}" if term.letters else ""
    return f"{head}{places} {write(term.body, POWER)}", PRODUCT


@_written.register
def _(term: t.Relation) -> Written:
    return f"{write(term.left, SUM)} {RELATIONS[term.symbol]} {write(term.right, SUM)}", RELATION


@_written.register
def _(term: t.Not) -> Written:
    return f"\\neg {write(term.body, ATOM)}", RELATION


@_written.register
def _(term: t.Choice) -> Written:
    cases = rf"{write(term.then)} & {write(term.condition)} \\ {write(term.otherwise)} & \text{{otherwise}}"
    return f"\\begin{{cases}} {cases} \\end{{cases}}", ATOM


@_written.register
def _(term: t.Transposed) -> Written:
    return f"{{{write(term.body, ATOM)}}}^{{\\top}}", POWER


@_written.register
def _(term: t.Matrices) -> Written:
    sides = (term.left, term.right)
    pair = [
        f"{{{write(side, ATOM)}}}^{{\\top}}" if turned else write(side, ATOM)
        for side, turned in zip(sides, term.transposed, strict=True)
    ]
    return r" \, ".join(pair), PRODUCT


@_written.register
def _(term: t.Contraction) -> Written:
    left, right = (
        f"{{{write(side, ATOM)}}}_{{{places}}}"
        for side, places in zip((term.left, term.right), term.letters, strict=True)
    )
    sign = f"\\sum_{{{','.join(term.over)}}} " if term.over else ""
    return f"{sign}{left} \\cdot {right}", PRODUCT


def shape(sizes: tuple[int, ...]) -> str:
    """A shape, as written at an equation's end."""
    return r" \times ".join(map(str, sizes)) or r"\text{scalar}"

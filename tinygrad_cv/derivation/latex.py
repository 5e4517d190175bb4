"""Terms as LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import terms as t
from .formulas import GREEK
from .grammar import ATOM, POWER, PRODUCT, SUM, Notation, Written

COMMANDS = {letter: f"\\{word}" for word, letter in GREEK.items()}
OVER = {"Σ": r"\sum", "max": r"\max", "argmax": r"\arg\max"}
FUNCTIONS = {"exp", "log", "sin", "cos", "tanh"}
RELATIONS = {"=": "=", "≠": r"\ne", "<": "<", "≤": r"\le", "and": r"\wedge", "or": r"\vee"}


class Latex(Notation):
    """Mathematics as LaTeX typesets it: quotients are fractions, and choices are cases."""

    dot, matmul = r" \cdot ", r" \, "
    relations = RELATIONS
    parentheses, brackets = (r"\left(", r"\right)"), (r"\left[", r"\right]")

    def name(self, symbol: t.Symbol) -> str:
        """Greek letters, one italic letter, or an upright word; a number at the end is an index."""
        if symbol.of and symbol.name == f"d{symbol.of}":
            return f"d{self.name(t.Symbol(symbol.of))}"
        matched = re.fullmatch(r"(.*?)_?(\d*)", symbol.name)
        assert matched is not None
        word, index = matched.groups()
        if not word:
            return _word(symbol.name)
        if word.endswith("hat") and word != "hat":
            return f"\\hat{{{self.name(t.Symbol(word[:-3]))}}}" + (f"_{{{index}}}" if index else "")
        found = f"\\{word}" if word in GREEK else COMMANDS.get(word) or (word if len(word) == 1 else _word(word))
        return f"{found}_{{{index}}}" if index else found

    def index(self, letters: str) -> str:
        return f"{_word('index')}_{{{letters}}}"

    def number(self, text: str) -> Written:
        text = text.replace("∞", r"\infty ")
        if re.fullmatch(r"[a-z]+", text):
            return _word(text), ATOM
        if found := re.fullmatch(r"([\d.]+)e([+-]?)0*(\d+)", text):
            digits, sign, exponent = found.groups()
            power = f"10^{{{sign.replace('+', '')}{exponent}}}"
            return (power, POWER) if digits == "1" else (f"{digits} \\cdot {power}", PRODUCT)
        return text, SUM if text.startswith("-") else ATOM

    def ratio(self, number: str, divisor: str) -> str:
        return f"\\frac{{{number}}}{{{divisor}}}"

    def quotient(self, above: str, below: Sequence[str]) -> str:
        return f"\\frac{{{above}}}{{{self.dot.join(below)}}}"

    def power(self, base: str, exponent: t.Term) -> str:
        return f"{{{base}}}^{{{self.write(exponent)}}}"

    def root(self, arg: t.Term) -> Written:
        return f"\\sqrt{{{self.write(arg)}}}", ATOM

    def call(self, name: str, args: Sequence[str], detail: str) -> str:
        head = f"\\{name}" if name in FUNCTIONS else _word(name)
        if detail:
            detail = f"\\text{{{detail}}}".replace("×", r"$\times$").replace("→", r"$\to$")
        inside = r",\, ".join(filter(None, [*args, detail]))
        return f"{head}\\left({inside}\\right)"

    def over(self, name: str, letters: str) -> str:
        return OVER[name] + (f"_{{{','.join(letters)}}}" if letters else "")

    def negation(self, body: str) -> str:
        return f"\\neg {body}"

    def choice(self, condition: t.Term, then: t.Term, otherwise: t.Term) -> Written:
        rows = rf"{self.write(then)} & {self.write(condition)} \\ {self.write(otherwise)} & \text{{otherwise}}"
        return f"\\begin{{cases}} {rows} \\end{{cases}}", ATOM

    def transposed(self, body: str) -> Written:
        return f"{{{body}}}^{{\\top}}", POWER

    def element(self, array: str, letters: str) -> str:
        return f"{{{array}}}_{{{letters}}}"


def shape(sizes: tuple[int, ...]) -> str:
    """A shape, as written at an equation's end."""
    return r" \times ".join(map(str, sizes)) or r"\text{scalar}"


def _word(text: str) -> str:
    escaped = text.replace("_", r"\_")
    return f"\\mathrm{{{escaped}}}"

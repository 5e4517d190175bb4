"""The grammar of terms: how they nest, and where parentheses are needed. Text and LaTeX spell it.

Each kind of term binds as strongly as one of the levels below, and says how strongly its parts must bind; a part that
binds more weakly is put in parentheses.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from . import terms as t

CHOICE, RELATION, SUM, PRODUCT, POWER, ATOM = range(6)  # from the weakest to the strongest
Written = tuple[str, int]  # a text, and how strongly it binds


class Notation(ABC):
    """Writes terms. Its subclasses spell names, numbers, signs and brackets."""

    dot: str  # between factors
    matmul: str  # between matrices
    relations: Mapping[str, str]
    parentheses: tuple[str, str]
    brackets: tuple[str, str]

    def write(self, term: t.Term, least: int = CHOICE) -> str:
        """A term, in parentheses where it binds more weakly than it must."""
        text, strength = self._written(term)
        opening, closing = self.parentheses
        return text if strength >= least else f"{opening}{text}{closing}"

    def _written(self, term: t.Term) -> Written:
        match term:
            case t.Symbol():
                return self.name(term), ATOM
            case t.Index(letters):
                return self.index(letters), ATOM
            case t.Number(text):
                return self.number(text)
            case t.Sum(parts):
                return self._sum(parts), SUM
            case t.Product():
                return self._product(term), SUM if term.sign < 0 else PRODUCT
            case t.Power(base, exponent):
                return self.power(self.write(base, ATOM), exponent), POWER
            case t.Call("sqrt", (arg,)):
                return self.root(arg)
            case t.Call(name, args, detail):
                return self.call(name, [self.write(arg) for arg in args], detail), ATOM
            case t.Part(body, index):
                opening, closing = self.brackets
                return f"{self.write(body, ATOM)}{opening}{', '.join(map(self.write, index))}{closing}", ATOM
            case t.Over(name, letters, body):
                return f"{self.over(name, letters)} {self.write(body, POWER)}", PRODUCT
            case t.Relation(symbol, left, right):
                return f"{self.write(left, SUM)} {self.relations[symbol]} {self.write(right, SUM)}", RELATION
            case t.Not(body):
                return self.negation(self.write(body, ATOM)), RELATION
            case t.Choice(condition, then, otherwise):
                return self.choice(condition, then, otherwise)
            case t.Transposed(body):
                return self.transposed(self.write(body, ATOM))
            case t.MatMul():
                return self.matmul.join(self._matrices(term)), PRODUCT
            case t.Contraction():
                return self._contraction(term), PRODUCT
        raise TypeError(f"{type(term).__name__} has no notation.")

    def _sum(self, parts: Sequence[tuple[int, t.Term]]) -> str:
        """``a - b``, without a plus before the first."""
        text = "".join((" + " if sign > 0 else " - ") + self.write(part, PRODUCT) for sign, part in parts)
        return text.removeprefix(" + ") if parts[0][0] > 0 else "-" + text.removeprefix(" - ")

    def _product(self, term: t.Product) -> str:
        number, divisor = (self.number(text)[0] if text else "" for text in term.numbers)
        last = len(term.above) - 1 if not term.below else -1
        above = [
            self.write(factor, PRODUCT if i == last and isinstance(factor, t.Over) else POWER)  # Σ reaches to the end
            for i, factor in enumerate(term.above)
        ]
        below = [self.write(factor, POWER) for factor in term.below]
        if divisor and below:
            below.insert(0, divisor)
        elif divisor:
            number = self.ratio(number or "1", divisor)
        text = self.dot.join(filter(None, [number, *above])) or "1"
        return ("-" if term.sign < 0 else "") + (self.quotient(text, below) if below else text)

    def _matrices(self, term: t.MatMul) -> list[str]:
        sides = zip((term.left, term.right), term.transposed, strict=True)
        texts = ((self.write(side, ATOM), turned) for side, turned in sides)
        return [self.transposed(text)[0] if turned else text for text, turned in texts]

    def _contraction(self, term: t.Contraction) -> str:
        sides = zip((term.left, term.right), term.letters, strict=True)
        factors = (self.element(self.write(side, ATOM), letters) for side, letters in sides)
        return (f"{self.over('Σ', term.over)} " if term.over else "") + self.dot.join(factors)

    # --- spelling ---

    @abstractmethod
    def name(self, symbol: t.Symbol) -> str:
        """The name of a value; of a cotangent ``d`` and the name of what it belongs to."""

    @abstractmethod
    def index(self, letters: str) -> str:
        """The position of an element along axes."""

    @abstractmethod
    def number(self, text: str) -> Written:
        """A number, or a word in place of one, such as nan."""

    @abstractmethod
    def ratio(self, number: str, divisor: str) -> str:
        """A number over a number, as a factor of a product."""

    @abstractmethod
    def quotient(self, above: str, below: Sequence[str]) -> str:
        """A product over the product of some factors."""

    @abstractmethod
    def power(self, base: str, exponent: t.Term) -> str:
        """A base raised to an exponent."""

    @abstractmethod
    def root(self, arg: t.Term) -> Written:
        """A square root."""

    @abstractmethod
    def call(self, name: str, args: Sequence[str], detail: str) -> str:
        """A function of arguments; ``detail`` is what else it takes."""

    @abstractmethod
    def over(self, name: str, letters: str) -> str:
        """The sign of a sum, a maximum, ... over axes."""

    @abstractmethod
    def negation(self, body: str) -> str:
        """The negation of a condition."""

    @abstractmethod
    def choice(self, condition: t.Term, then: t.Term, otherwise: t.Term) -> Written:
        """One of two terms, by a condition."""

    @abstractmethod
    def transposed(self, body: str) -> Written:
        """A matrix transposed."""

    @abstractmethod
    def element(self, array: str, letters: str) -> str:
        """An element of an array, by the letters of its axes."""

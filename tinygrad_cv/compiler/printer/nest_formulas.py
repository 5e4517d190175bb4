"""A loop nest as formulas: one line for each store, and for each expression that gets a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import count

from ..schedule.affine import Affine, Var
from ..schedule.expr import Condition, Const, Expr, Guard, Index, Load, Op, Reduce, Scatter, walk
from ..schedule.nest import Nest, Store
from .names import Names

WIDTH, SHORT = 90, 12  # characters: a longer formula is split up; a shorter part gets no name
INFIX = {  # operator and precedence
    "mul": ("*", 3),
    "div": ("/", 3),
    "add": ("+", 2),
    "sub": ("-", 2),
    "less": ("<", 1),
    "less_equal": ("<=", 1),
    "equal": ("==", 1),
}
ATOM, PREFIX = 5, 4


class NestFormulas:
    """The formulas of one nest.

    Args:
        sums: whether each reduction gets a name.
    """

    def __init__(self, nest: Nest, names: Names, sums: bool = False):
        self.nest, self.names = nest, names
        self.sums = sums
        self.letters: dict[Var, str] = {}
        self.bindings: list[tuple[Expr, str, str]] = []  # expression, name, text
        self._texts: dict[Expr, tuple[str, int]] = {}
        self._number = count(1)
        self._name_all(nest.vars, "ijklmnopq")
        self._name_all((v for r in nest.reductions for v in r.variables), "rsuvwxyz")
        self._write()

    def lines(self) -> list[str]:
        """The loop variables, and the formulas under them."""
        head = ", ".join(f"{self.letters[v]}<{v.extent}" for v in self.nest.vars)
        body = [f"{name} = {text}" for _, name, text in self.bindings] + [self.store(s) for s in self.nest.stores]
        return [f"for {head}:", *(f"  {line}" for line in body)] if head else body

    def store(self, store: Store) -> str:
        """The formula of a store."""
        return f"{self.element(store)} = {self.text(store.expr)}"

    def element(self, store: Store) -> str:
        name = self.names.of(store.value)
        return f"{name}[{', '.join(map(self.affine, store.index))}]" if store.index else name

    def text(self, expr: Expr) -> str:
        return self._texts[expr][0]

    def affine(self, affine: Affine) -> str:
        """An index map in the letters of its variables."""
        parts = [f"{'' if c == 1 else '-' if c == -1 else c}{self.letters[v]}" for v, c in affine.terms]
        if affine.const or not parts:
            parts.append(str(affine.const))
        return "+".join(parts).replace("+-", "-")

    def condition(self, condition: Condition) -> str:
        affine, low, high = condition
        return f"{low} <= {self.affine(affine)} < {high}"

    def _name_all(self, variables: Iterable[Var], alphabet: str) -> None:
        fresh = [v for v in dict.fromkeys(variables) if v not in self.letters]
        used = sum(name[0] in alphabet for name in self.letters.values())
        for number, v in enumerate(fresh, used):
            turn, letter = divmod(number, len(alphabet))
            self.letters[v] = alphabet[letter] + (str(turn) if turn else "")

    def _write(self) -> None:
        """Texts from the leaves up. What is used twice, or would make a line too long, gets a name."""
        everything = walk(self.nest.exprs)
        uses = Counter(arg for expr in everything for arg in expr.args)
        for expr in everything:
            args = [self._texts[a] for a in expr.args]
            text = self._text(expr, args)
            while len(text[0]) > WIDTH and (long := self._longest(expr.args)):
                self._bind(long)
                args = [self._texts[a] for a in expr.args]
                text = self._text(expr, args)
            self._texts[expr] = text
            twice = uses[expr] > 1 or (self.sums and isinstance(expr, Reduce) and uses[expr])
            if twice and isinstance(expr, (Op, Guard, Reduce)):
                self._bind(expr)

    def _longest(self, args: Iterable[Expr]) -> Expr | None:
        """The longest argument that is worth a name."""
        long = [a for a in args if isinstance(a, (Op, Guard, Reduce)) and len(self._texts[a][0]) > SHORT]
        return max(long, key=lambda a: len(self._texts[a][0]), default=None)

    def _bind(self, expr: Expr) -> None:
        name = f"t{next(self._number)}"
        self.bindings.append((expr, name, self._texts[expr][0]))
        self._texts[expr] = name, ATOM

    def _text(self, expr: Expr, args: list[tuple[str, int]]) -> tuple[str, int]:
        """A formula, and the precedence of its outermost operator."""
        texts = [text for text, _ in args]
        if isinstance(expr, Load):
            indices = expr.indices(texts, self.affine)
            return self.names.of(expr.value) + (f"[{', '.join(indices)}]" if indices else ""), ATOM
        if isinstance(expr, Const):
            return str(expr.number), ATOM if expr.number.dtype.kind == "b" or expr.number >= 0 else PREFIX
        if isinstance(expr, Index):
            return f"({self.affine(expr.affine)})", ATOM
        if isinstance(expr, Guard):
            return f"({texts[0]} if {' and '.join(map(self.condition, expr.conditions))} else {texts[1]})", ATOM
        if isinstance(expr, Reduce):
            kind, variables = expr.kind, expr.variables
            over = ", ".join(f"{self.letters[v]}<{v.extent}" for v in variables)
            if isinstance(expr, Scatter):
                return f"Σ[{over}]({texts[1]} where {texts[0]} == {self.affine(expr.place)})", ATOM
            sign, between = ("Σ", " + ") if kind == "sum" else (kind, ", ")
            return f"{sign}[{over}]({between.join(texts)})", ATOM
        assert isinstance(expr, Op)
        if expr.name in INFIX:
            sign, level = INFIX[expr.name]
            (a, a_level), (b, b_level) = args
            a = f"({a})" if a_level < level or (level == 1 and a_level == 1) else a
            b = f"({b})" if b_level <= level else b
            return f"{a} {sign} {b}", level
        if expr.name == "neg":
            return f"-{texts[0]}" if args[0][1] > PREFIX else f"-({texts[0]})", PREFIX
        name = {"cast": str(expr.dtype), "maximum": "max"}.get(expr.name, expr.name)
        return f"{name}({', '.join(texts)})", ATOM

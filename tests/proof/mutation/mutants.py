"""Mutants: the primitives with one VJP each changed in one place, made from the syntax trees of the VJPs.

A mutant is planted where the right VJP stands, and taken out again:

    for mutant in mutants():
        with planted(mutant):
            ...  # all derivatives, of every order, now go through it
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache

from tests.primitives.table import ROWS
from tests.proof.mutation.mutators import axis_before, mutate
from tests.proof.mutation.syntax import MASK, PLAIN, VALUE, syntax
from tests.proof.planting import exchanged
from tinygrad_cv.core.primitive import OUTPUT, Primitive, Vjp, _bind
from tinygrad_cv.ops import PRIMITIVES

NOT_VALUES = {"c": MASK, "index": PLAIN, "state": PLAIN}  # inputs without a derivative


@dataclass(frozen=True)
class Mutant:
    """One wrong VJP.

    Attributes:
        primitive: the primitive's name.
        index: the input's number.
        operator: what was done to it: "sign flipped", "part dropped", ...
        source: the VJP's text, as changed.
        change: of a long text, the lines that are changed.
        vjp: the VJP; None where the mutant is that there is none.
    """

    primitive: str
    index: int
    operator: str
    source: str
    change: str
    vjp: Vjp | None

    def __str__(self) -> str:
        return f"{self.primitive}, input {self.index}, {self.operator}: {self.change}"


@cache
def mutants() -> tuple[Mutant, ...]:
    """All of them, each text once for each input of each primitive, in a fixed order."""
    return tuple(mutant for primitive in PRIMITIVES.values() for mutant in mutants_of(primitive))


def mutants_of(primitive: Primitive) -> Iterator[Mutant]:
    """The mutants of one primitive."""
    for index, vjp in enumerate(primitive.vjps):
        if vjp is None:
            continue
        tree = syntax(vjp.function)
        right = ast.unparse(tree)
        seen = {right}
        for operator, changed in mutate(tree, _arguments(primitive, vjp), _values(primitive)):
            text = ast.unparse(changed)
            if text not in seen:
                seen.add(text)
                bound = _bound(primitive, vjp, text)
                yield Mutant(primitive.name, index, operator, text, _change(right, text), bound)
        yield Mutant(primitive.name, index, "left out", "None", "None", None)


def _change(right: str, text: str) -> str:
    lines = right.splitlines()
    return "; ".join(line.strip() for line in text.splitlines() if line not in lines)


def _values(primitive: Primitive) -> list[str]:
    return [name for name in primitive.inputs if name not in NOT_VALUES and not primitive.variadic] + [OUTPUT]


def _arguments(primitive: Primitive, vjp: Vjp) -> dict[str, str]:
    """What each argument of a VJP is."""
    kinds = {"g": VALUE}
    for name, source in vjp.reads:
        is_array = source == OUTPUT or (isinstance(source, tuple) and source[1] == "value")
        kinds[name] = NOT_VALUES.get(name, VALUE) if is_array else PLAIN
    return kinds


def _bound(primitive: Primitive, vjp: Vjp, text: str) -> Vjp:
    """A VJP from its text, compiled beside the right one."""
    names = {**vjp.function.__globals__, "axis_before": axis_before}
    if text.startswith("lambda"):
        function = eval(text, names)
    else:
        exec(text, names)
        function = names[vjp.function.__name__]
    return _bind(primitive.name, function, primitive.inputs, primitive.params)


def planted(mutant: Mutant) -> AbstractContextManager[None]:
    """Inside, the primitive has the wrong VJP."""
    return exchanged(PRIMITIVES[mutant.primitive], mutant.index, mutant.vjp)


def reason(mutant: Mutant) -> str:
    """Why a mutant is right, the same function in other words; empty where it is wrong."""
    return ROWS[mutant.primitive].equivalent.get((mutant.index, mutant.change), "")

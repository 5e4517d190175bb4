"""derive, and what it returns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..ir.graph import Value, topological
from . import latex
from .formulas import Text, table
from .from_graph import Reader, letters
from .lines import Line, Script, script
from .simplify import simplify
from .source import Module
from .tracing import trace

__all__ = ["Derivation", "Equation", "derive"]

TEXT, LATEX = Text(), latex.Latex()


def derive(function: Callable[..., Any], inputs: Any) -> Derivation:
    """The forward and backward pass of a function, line by line: as mathematics, LaTeX and NumPy source.

    dx = (∂y/∂x)ᵀ dy, for each input x and the cotangents dy of the outputs. Nothing is looked up: the function runs
    once on tensors without numbers, cotangents are pulled back through what it recorded, and the graph of both is
    simplified and written down. Lines are named as the function's own variables are, cotangents with a d before.

    Simplification holds over the real numbers: common subexpressions are computed once, terms that cancel are left
    out, sums over axes that follow from others are not taken again. So results agree with the library's to rounding.

    Args:
        function: takes as many tensors as there are inputs; returns a tensor, or a tuple of tensors. What else it
            closes over, labels or parameters for instance, is an input without a gradient.
        inputs: a tensor, or a tuple of tensors, of floats; of any values: only shapes and dtypes count.

    Raises:
        DTypeError: an input or an output that is no float.
        GraphError: the function returns no tensors, or an output does not depend on the inputs, or on one of them.
        TraceError: the function asks for a value, as a Python branch on a tensor does.

    >>> import tinygrad_cv as tg
    >>> d = tg.derive(lambda x, w: x @ w, (tg.zeros(8, 3), tg.zeros(3, 2)))
    >>> print(d)
    forward
      y  = x @ w     8×2
    backward
      dx = dy @ wᵀ   8×3
      dw = xᵀ @ dy   3×2
    >>> print(d.source().rpartition("def ")[2])
    backward(dy, x, w):
        # backward
        dx = dy @ w.T  # 8×3
        dw = x.T @ dy  # 3×2
        return dx, dw
    <BLANKLINE>
    """
    return Derivation(script(simplify(trace(function, inputs))))


@dataclass(frozen=True)
class Equation:
    """One line of a derivation.

    Attributes:
        name: of the value that it defines, as the NumPy source has it.
        part: "forward" or "backward".
        symbol: the name as mathematics, in LaTeX.
        text, latex, numpy: the right side in three languages.
        shape, dtype: of the value.
        of: for a cotangent, the name of the value whose cotangent it is.
        scope: the modules and functions that applied the operation, or whose derivative it belongs to.
        source: file and line of the user's code, where it is known.
    """

    name: str
    part: str
    symbol: str
    text: str
    latex: str
    numpy: str
    shape: tuple[int, ...]
    dtype: str
    of: str
    scope: str
    source: str


class Derivation:
    """What :func:`derive` found. ``print`` shows it as mathematics; a notebook shows LaTeX.

    Attributes:
        lines: the equations as data: forward, then backward in the order of backpropagation.
        notes: how to read them, as far as it concerns these.
    """

    def __init__(self, script: Script):
        self._script = script
        values = topological([value for _, value in (*script.outputs, *script.gradients)])
        self._reader = Reader(script.names, script.of, set(_counts(values)))
        self._shapes = {name: value.shape for name, value in (*script.outputs, *script.gradients)}
        module = Module(script)
        self.lines = tuple(self._equation(line, module) for line in script.lines)
        self.notes = tuple(_notes(values, script))

    def _equation(self, line: Line, module: Module) -> Equation:
        term = self._reader.term(line.value, top=self._script.names.get(line.value) == line.name)
        return Equation(
            line.name,
            line.part,
            LATEX.name(self._reader.symbol(line.name)),
            TEXT.write(term),
            LATEX.write(term),
            module.expression(line),
            self._shapes.get(line.name, line.value.shape),
            str(line.value.dtype),
            self._script.of.get(line.name, ""),
            line.scope,
            line.source,
        )

    def source(self) -> str:
        """A NumPy module that runs without this library.

        ``forward(x, ...)`` returns the outputs, ``backward(dy, x, ...)`` a gradient for each input; behind the inputs
        stands what the function closes over. Both take and return arrays, of the shapes and dtypes that were derived.
        """
        return Module(self._script).text()

    def latex(self) -> str:
        """The equations as LaTeX, in an ``aligned`` environment."""
        rows = [f"{e.symbol} &= {e.latex} && {latex.shape(e.shape)}" for e in self.lines]
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def __str__(self) -> str:
        symbol = self._reader.symbol
        return table([(e.part, TEXT.name(symbol(e.name)), e.text, e.shape) for e in self.lines], self.notes)

    def __repr__(self) -> str:
        inputs = ", ".join(list(self._script.inputs)[: self._script.arguments])
        return f"<derivation by {inputs} in {len(self.lines)} lines>"


def _counts(values: list[Value]) -> Iterator[int]:
    """How many elements the sums of a graph have: numbers that a mean divides by."""
    for value in values:
        if value.op == "sum":
            yield math.prod(value.args[0].shape[axis] for axis in value.params["axis"])


def _notes(values: list[Value], script: Script) -> Iterator[str]:
    ranks = sorted({value.args[0].ndim for value in values if value.op in ("sum", "max", "argmax")} - {0})
    if ranks:
        yield f"axes are called {', '.join(' '.join(letters(rank)) for rank in ranks)}; reduced ones stay with size 1"
    if any(value.op == "times" for value in values):
        yield "products with a cotangent are 0 where it is, whatever the other factor is: times in the source"
    if script.conditional:
        yield "what the function checks of values, that they are finite or in range, is taken for granted"

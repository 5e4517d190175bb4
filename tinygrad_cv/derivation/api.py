"""derive, and what it returns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.annotations import explaining
from ..ir.graph import Value, topological
from . import latex
from .formulas import Text, table
from .from_graph import Reader, letters
from .lines import Line, Script, script
from .simplify import simplify
from .source import Module
from .tracing import trace

if TYPE_CHECKING:
    from .tracing import Differentiated, Function

__all__ = ["Derivation", "Equation", "derive"]

TEXT, LATEX = Text(), latex.Latex()


@explaining
def derive(function: Function, inputs: Differentiated) -> Derivation:
    """The forward and backward pass of a function, line by line: as mathematics, LaTeX and NumPy source.

    dx = (∂y/∂x)ᵀ dy, for each input x and the cotangents dy of the outputs. No formula is looked up: the function runs
    once on tensors without numbers, cotangents are pulled back through what it recorded, and the graph of both passes
    is simplified and written down. Lines have the names of the function's own variables, cotangents a d before them.

    Simplification holds over the real numbers: common subexpressions are computed once, terms that cancel are dropped,
    sums over axes that follow from others are not computed again. So results agree with the library's up to rounding.

    Args:
        function: takes as many tensors as there are inputs; returns a tensor, or a tuple of tensors. What it closes
            over, such as labels or parameters, becomes an input without a gradient.
        inputs: a tensor of floats, or a tuple of them. Their values do not matter, only shapes and dtypes.

    Raises:
        DTypeError: an input or an output is not of floats.
        GraphError: the function does not return tensors, an output does not depend on the inputs, or no output depends
            on one of the inputs.
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
        text, latex, numpy: the right side, in three notations.
        shape, dtype: of the value.
        of: for a cotangent, the name of the value whose cotangent it is.
        scope: the modules and functions that applied the operation, or whose derivative it is.
        source: file and line in the user's code, if known.
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
    """The result of :func:`derive`. ``print`` shows it as mathematics; a notebook shows LaTeX.

    Attributes:
        lines: the equations as data: forward, then backward in the order of backpropagation.
        notes: how to read these equations.
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

        ``forward(x, ...)`` returns the outputs, ``backward(dy, x, ...)`` a gradient for each input. Both also take what
        the function closes over, after the inputs. They work on arrays of the shapes and dtypes that were derived.
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
    """The numbers of elements that the sums of a graph add: a mean divides by them."""
    for value in values:
        if value.op == "sum":
            yield math.prod(value.args[0].shape[axis] for axis in value.params["axis"])


def _notes(values: list[Value], script: Script) -> Iterator[str]:
    ranks = sorted({value.args[0].ndim for value in values if value.op in ("sum", "max", "argmax")} - {0})
    if ranks:
        yield f"axes are called {', '.join(' '.join(letters(rank)) for rank in ranks)}; reduced ones stay with size 1"
    if any(value.op == "times" for value in values):
        yield "a product with a cotangent is 0 where the cotangent is, whatever the other factor: times in the source"
    if script.conditional:
        yield "checks of values in the function, that they are finite or in range, are assumed to pass"

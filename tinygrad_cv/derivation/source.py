"""Lines as a NumPy module of two functions, ``forward`` and ``backward``, which runs without this library."""

from __future__ import annotations

import inspect
import math
from fractions import Fraction

import numpy as np

from ..core.primitive import PRIMITIVES
from ..ir import numpy_helpers
from ..ir.graph import CONSTANT, Value, topological
from ..ir.numpy_source import WIDTH, constant, literal, needed, writer
from ..ir.terms import constant_of
from .cancel import rational
from .formulas import shape
from .lines import Line, Script
from .matrix_products import MatrixProduct, matrix_product

COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(6)  # from the weakest binding to the strongest
STRENGTH = {
    **dict.fromkeys(("equal", "less", "less_equal"), COMPARISON),
    **dict.fromkeys(("add", "sub"), SUM),
    **dict.fromkeys(("mul", "div"), PRODUCT),
    "neg": SIGN,
    "pow": POWER,
}
METHODS = {"reshape", "permute", "sum", "max", "slice", "gather", "cast"}  # of their first operand
ALONE = "import numpy as np\n"


class Module:
    """Puts the text of the module together."""

    def __init__(self, script: Script):
        self.script = script
        self.preamble: list[str] = []
        self.helpers: dict[str, None] = {}

    def text(self) -> str:
        """The whole module."""
        script = self.script
        inputs = list(script.inputs)
        forward = self._function("forward", inputs, script.outputs, script.single)
        backward = self._function("backward", [*script.cotangents, *inputs], script.gradients, script.bare)
        helpers = [inspect.getsource(getattr(numpy_helpers, helper)) for helper in self.helpers]
        if self.preamble:
            helpers.insert(0, "\n".join(self.preamble) + "\n")
        body = "\n\n".join([*helpers, forward, backward])
        imports = [f"import {module}\n" for module in ("base64", "math", "zlib") if f"{module}." in body]
        return "".join(imports) + ("\n" if imports else "") + ALONE + "\n\n" + body

    def _function(self, name: str, parameters: list[str], results: tuple[tuple[str, Value], ...], bare: bool) -> str:
        needed = self._needed(results)
        lines = [f"def {name}({', '.join(parameters)}):"]
        if len(lines[0]) > WIDTH:
            lines = [f"def {name}(", *(f"    {parameter}," for parameter in parameters), "):"]
        scope = ""
        for line in needed:
            here = " ".join(filter(None, [line.scope, "backward" if line.part == "backward" else ""]))
            if here != scope:
                lines.append(f"    # {here or 'outside of modules and functions'}")
                scope = here
            lines.append(f"    {line.name} = {self.expression(line)}  # {shape(line.value.shape)}")
        returned = [self._returned(result, value) for result, value in results]
        lines.append(f"    return {', '.join(returned)}{'' if bare or len(returned) > 1 else ','}")
        return "\n".join(lines) + "\n"

    def _needed(self, results: tuple[tuple[str, Value], ...]) -> list[Line]:
        """The lines that some results need."""
        wanted = {name for name, _ in results}
        reached = set(topological([line.value for line in self.script.lines if line.name in wanted]))
        computed = {self.script.names[value] for value in reached if value in self.script.names}
        return [line for line in self.script.lines if line.name in wanted | computed]

    def _returned(self, name: str, value: Value) -> str:
        """The expression that returns a result, in its shape."""
        if value in self.script.names or name not in self.script.names.values():
            return name
        return self._written(value)[0]

    # --- expressions ---

    def expression(self, line: Line) -> str:
        """The right side of a line."""
        return self._written(line.value, self.script.names.get(line.value) == line.name)[0]

    def _written(self, value: Value, top: bool = False) -> tuple[str, int]:
        """The name of a value, or with ``top`` its definition; and how strongly that binds."""
        if value in self.script.names and not top:
            return self.script.names[value], ATOM
        if value.op == CONSTANT:
            return self._constant(value)
        if (total := _mean(value)) is not None and total not in self.script.names:
            text = self._operand(total, 0, self._written(total.args[0]))
            return f"{text}.mean({literal(total.params['axis'])}, keepdims=True)", ATOM
        if _is_negation(value):
            return f"~{self._operand(value, 0, self._written(value.args[0]), SIGN)}", SIGN
        if value.op == "contract" and (product := matrix_product(value.params["spec"])) is not None:
            return self._matrix_product(value, product), PRODUCT
        write = writer(value)
        self.helpers.update(dict.fromkeys(needed(write)))
        args = [self._operand(value, *pair) for pair in enumerate(self._operands(value))]
        return write(value, *args), STRENGTH.get(value.op, ATOM)

    def _matrix_product(self, value: Value, product: MatrixProduct) -> str:
        """A matrix product, with NumPy's operator."""
        sides = []
        for i, turned in enumerate(product.transposed):
            text, strength = self._written(value.args[i ^ product.first])
            least = ATOM if turned else POWER if i else PRODUCT
            sides.append((text if strength >= least else f"({text})") + (".T" if turned else ""))
        return " @ ".join(sides)

    def _operands(self, value: Value) -> list[tuple[str, int]]:
        """The operands, before broadcasting if NumPy broadcasts them to the shape of the result by itself."""
        args = value.args
        unexpanded = [arg.args[0] if arg.op == "expand" else arg for arg in args]
        if PRIMITIVES[value.op].family != "elementwise" or _shape_of(unexpanded) != value.shape:
            return [self._written(arg) for arg in args]
        arrays = {x.dtype for x in unexpanded if x.ndim and x.op != CONSTANT}  # next to one, a number takes its dtype
        return [self._constant(x, x.dtype in arrays) if x.op == CONSTANT else self._written(x) for x in unexpanded]

    def _operand(self, user: Value, place: int, written: tuple[str, int], least: int = COMPARISON) -> str:
        """An operand's text, in parentheses if it binds more weakly than it must."""
        text, strength = written
        if user.op in METHODS and place == 0:
            least = ATOM
        elif user.op in ("pow", "neg"):
            least = ATOM if user.op == "pow" else SIGN
        elif user.op in STRENGTH:
            own = STRENGTH[user.op]
            least = max(least, own if place == 0 and own > COMPARISON else own + 1)
        return text if strength >= least else f"({text})"

    def _constant(self, value: Value, beside_array: bool = False) -> tuple[str, int]:
        array = value.params["array"]
        plain = beside_array or array.dtype in (np.float64, np.int64)
        if not array.ndim and array.dtype.kind in "fi" and plain and np.isfinite(array):
            return str(array[()]), ATOM if array >= 0 else SIGN
        return constant(value, self.preamble), ATOM


def _mean(value: Value) -> Value | None:
    """The sum that a mean divides, if the value is a mean."""
    if value.op != "mul" or value.args[0].op != "sum" or not value.args[0].ndim:
        return None
    total = value.args[0]
    count = math.prod(total.args[0].shape[axis] for axis in total.params["axis"])
    return total if rational(value.args[1]) == Fraction(1, count) else None


def _is_negation(value: Value) -> bool:
    """Whether a value is the negation of a condition."""
    return value.op == "equal" and value.args[0].dtype.kind == "b" and constant_of(value.args[1]) is np.False_


def _shape_of(values: list[Value]) -> tuple[int, ...]:
    return np.broadcast_shapes(*(value.shape for value in values))

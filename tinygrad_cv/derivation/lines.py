"""A simplified graph as lines of textbook size: which values get a name and a line, and which are written inline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..ir.graph import CONSTANT, INPUT, Value, topological
from ..ir.numpy_source import unused
from ..ir.terms import constant_of
from .tracing import Traced

MAX_OPERATIONS = 7  # operations in a line


@dataclass(frozen=True)
class Line:
    """One equation: a name, and the value that it defines.

    Attributes:
        name: as the NumPy source has it.
        value: of the simplified graph.
        part: "forward" or "backward".
        of: for a cotangent, the name of the value whose cotangent it is.
        scope: the modules and functions that computed the value, ``batch_norm`` for instance; in the backward pass,
            those whose derivative it is.
        source: file and line in the user's code, if known.
    """

    name: str
    value: Value
    part: str
    of: str
    scope: str
    source: str


@dataclass(frozen=True)
class Script:
    """The lines of a derivation, and the names of all values that have one."""

    inputs: dict[str, Value]
    arguments: int
    outputs: tuple[tuple[str, Value], ...]  # the name of a line, and the value that is returned
    cotangents: tuple[str, ...]
    gradients: tuple[tuple[str, Value], ...]
    lines: tuple[Line, ...]
    names: dict[Value, str]
    of: dict[str, str]  # names of cotangents -> names of the values whose cotangents they are
    single: bool  # one output, not a tuple of outputs
    bare: bool  # one input, not a tuple of inputs
    conditional: bool  # whether checks of values were left out


def core(value: Value) -> Value:
    """The value before broadcasting, and before axes of size 1 were added or removed."""
    while value.op == "expand" or (value.op == "reshape" and _squeezed(value) == _squeezed(value.args[0])):
        value = value.args[0]
    return value


def _squeezed(value: Value) -> list[int]:
    return [n for n in value.shape if n != 1]


def script(traced: Traced) -> Script:
    """Names and lines for a simplified trace."""
    return _Writer(traced).script()


class _Writer:
    def __init__(self, traced: Traced):
        self.traced = traced
        self.values = topological([*traced.outputs, *traced.gradients])
        arguments = list(traced.inputs.items())[: traced.arguments]
        self.inputs = dict(arguments) | {name: x for name, x in traced.inputs.items() if x in set(self.values)}
        self.forward = set(topological(traced.outputs))
        self.places = self._places()
        self.taken: set[str] = set()
        self.names: dict[Value, str] = {}
        self.of: dict[Value, str] = {}
        self.aliases: list[Line] = []
        self.alias_of: dict[str, str] = {}
        self.sources = {core(value): line for value, line in reversed(traced.sources.items())}
        whole = [(v, a) for v, a in reversed(traced.adjoints.items()) if core(v) is v]
        self.adjoints = {core(a): v for v, a in whole}  # cotangent -> the value whose cotangent it is
        for value, adjoint in reversed(traced.adjoints.items()):
            self.sources.setdefault(core(adjoint), traced.sources.get(value, ""))

    def script(self) -> Script:
        traced = self.traced
        for name, value in self.inputs.items():
            self.names[value] = self._unique(name)
        results = self._results()
        cotangents = [self._give(g, f"d{name}", name) for g, name in zip(traced.cotangents, results, strict=True)]
        outputs = [self._result(y, name, "") for y, name in zip(traced.outputs, results, strict=True)]
        arguments = list(self.inputs)[: traced.arguments]
        gradients = [self._result(dx, f"d{x}", x) for dx, x in zip(traced.gradients, arguments, strict=True)]
        self._name_locals()
        wanted = self._wanted()
        self._name_the_rest(wanted)
        written = [v for v in self.values if v in self.names and v.op not in (INPUT, CONSTANT)]
        lines = [self._line(value, self.names[value]) for value in sorted(written, key=self.places.__getitem__)]
        lines.sort(key=lambda line: line.part == "backward")
        at = sum(line.part == "forward" for line in lines)
        forward = [alias for alias in self.aliases if alias.part == "forward"]
        backward = [alias for alias in self.aliases if alias.part == "backward"]
        lines = [*lines[:at], *forward, *lines[at:], *backward]
        return Script(
            self.inputs,
            traced.arguments,
            tuple(outputs),
            tuple(cotangents),
            tuple(gradients),
            tuple(lines),
            self.names,
            {name: self.of[value] for value, name in self.names.items() if value in self.of} | self.alias_of,
            traced.single,
            traced.bare,
            traced.conditional,
        )

    # --- names ---

    def _unique(self, name: str) -> str:
        unique = unused(name, self.taken)
        self.taken.add(unique)
        return unique

    def _free(self, name: str) -> bool:
        """Whether a value can have the name without a suffix."""
        return unused(name, self.taken) == name

    def _give(self, value: Value, name: str, of: str = "") -> str:
        self.names[value] = self._unique(name)
        if of:
            self.of[value] = of
        return self.names[value]

    def _results(self) -> list[str]:
        """The names of the outputs: y, or y0, y1, ...; another letter if parameters of the function are called so."""
        count = len(self.traced.outputs)
        inputs = set(self.inputs)
        taken = inputs | {f"d{name}" for name in inputs}
        for letter in ("y", "z", "out"):
            names = [letter] if self.traced.single else [f"{letter}{i}" for i in range(count)]
            if not taken & {*names, *(f"d{name}" for name in names)}:
                break
        return names

    def _result(self, value: Value, name: str, of: str) -> tuple[str, Value]:
        """Name the line that computes a result; if that value has a name already, the result gets an alias line."""
        inner = core(value)
        if inner in self.names or inner.op in (INPUT, CONSTANT):
            unique = self._unique(name)
            line = self._line(value, unique, "backward" if of else "forward")
            if of:
                self.alias_of[unique] = of
            self.aliases.append(Line(line.name, value, line.part, of, line.scope, line.source))
            return unique, value
        return self._give(inner, name, of), value

    def _name_locals(self) -> None:
        """Name forward values by the function's own variables, and their cotangents with a d before."""
        for value, name in self.traced.names.items():
            inner = core(value)
            if self._nameless(inner) and self._free(name) and self._free(f"d{name}"):
                self._give(inner, name)
        for adjoint, value in list(self.adjoints.items()):
            if self._nameless(adjoint) and adjoint not in self.forward and value in self.names:
                self._give(adjoint, f"d{self.names[value]}", self.names[value])

    def _nameless(self, value: Value) -> bool:
        return value not in self.names and value.op not in (INPUT, CONSTANT)

    # --- lines ---

    def _wanted(self) -> set[Value]:
        """Unnamed values that get a line: those that several others read, or that are too long to be written inline."""
        uses: dict[Value, int] = {}
        for value in self.values:
            if core(value) is value:
                for arg in map(core, value.args):
                    uses[arg] = uses.get(arg, 0) + 1
        wanted: set[Value] = set()
        size: dict[Value, int] = {}
        for value in self.values:
            if core(value) is not value or value.op in (INPUT, CONSTANT):
                continue
            within = [a for a in map(core, value.args) if a in size and a not in self.names and a not in wanted]
            while 1 + sum(size[a] for a in within) > MAX_OPERATIONS:
                longest = max(within, key=size.__getitem__)
                wanted.add(longest)
                within = [a for a in within if a is not longest]
            size[value] = 1 + sum(size[a] for a in within)
            if uses.get(value, 0) > 1 and value not in self.names and not self._short(value):
                wanted.add(value)
        return wanted

    def _short(self, value: Value) -> bool:
        """Whether it reads better inline even if used twice: a comparison with a number, or -x."""
        if value.op == "neg":
            return core(value.args[0]) in self.names
        return value.op in ("equal", "less", "less_equal") and constant_of(value.args[1]) is not None

    def _name_the_rest(self, wanted: Iterable[Value]) -> None:
        """Name the wanted values t1, t2, ...; a cotangent by the value whose cotangent it is, if that has a name."""
        count = 0
        for value in sorted(wanted, key=lambda value: (value not in self.forward, self.places[value])):
            belongs = self.adjoints.get(value)
            if value not in self.forward and belongs in self.names and belongs is not None:
                self._give(value, f"d{self.names[belongs]}", self.names[belongs])
            else:
                count += 1
                self._give(value, f"t{count}")

    def _places(self) -> dict[Value, tuple[int, int]]:
        """Sort keys for lines: the order of recording, and each line after those that it reads.

        A value that simplification made comes before the first line that reads it.
        """
        recorded = dict(self.traced.order)
        for value in reversed(self.values):
            for arg in value.args if value in recorded else ():
                if arg not in self.traced.order:
                    recorded[arg] = min(recorded.get(arg, recorded[value]), recorded[value])
        places: dict[Value, tuple[int, int]] = {}
        for value in self.values:
            before = max((places[arg][0] for arg in value.args), default=0)
            own = recorded[value] if value.op not in (INPUT, CONSTANT) else 0
            places[value] = max(own, before), value.number
        return places

    def _line(self, value: Value, name: str, part: str = "") -> Line:
        path = value.scope.path if value.scope else ""
        return Line(
            name,
            value,
            part or ("forward" if value in self.forward else "backward"),
            self.of.get(value, ""),
            path.removeprefix("backward").lstrip("./"),
            self.sources.get(value, ""),
        )

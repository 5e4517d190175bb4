"""What the stages make as text, to be read by people.

    difference(old, new)   what a rewrite took from a graph (-) and added (+)
    formulas(nests)        loop nests as formulas
    memory(...)            how values lie in memory
    fused(plan)            the steps and their kernels, each as formulas: what is computed together, and where it goes
    loops(plan)            each kernel as its loops run

A value keeps the number that it has in the graph. ``%3.stored`` is %3 in another order than row-major, ``%3.packed``
is %3 as the loops of one reader want it. Loop variables are letters by order of appearance, from i for the places of
the result and from r for what is summed over; t1, t2, ... are formulas that are used twice, or long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import count

from ..ir.graph import CONSTANT, INPUT, Graph, Value, line
from .schedule.affine import Affine, Var
from .schedule.expr import Condition, Const, Expr, Guard, Index, Load, Op, Reduce, loads, walk
from .schedule.kernel import HostKernel, NestKernel, Plan
from .schedule.layout import Layout
from .schedule.loop_schedule import LoopSchedule
from .schedule.nest import Nest, Store
from .schedule.storage import Arranged, Packed

WIDTH, SHORT = 90, 12  # characters: longer formulas are taken apart, short ones get no name
INFIX = {  # operator and how tightly it binds
    "mul": ("*", 3),
    "div": ("/", 3),
    "add": ("+", 2),
    "sub": ("-", 2),
    "less": ("<", 1),
    "less_equal": ("<=", 1),
    "equal": ("==", 1),
}
ATOM, PREFIX = 5, 4


def counts(graph: Graph) -> str:
    """How large a graph is."""
    values = [value for value in graph.values() if value.op != CONSTANT]
    return f"{len(values)} values, {sum(value.op == 'sum' for value in values)} sums"


def difference(old: Graph, new: Graph) -> str | None:
    """What a rewrite took away and added; None where that is nothing."""
    if new.outputs == old.outputs:
        return None
    before, after = old.values(), new.values()
    gone, come = set(before).difference(after), set(after).difference(before)
    lines = [f"{counts(old)} become {counts(new)}"]
    lines += [f"- {line(v)}" for v in before if v in gone and (v.op != CONSTANT or v.ndim)]
    lines += [f"+ {line(v)}" for v in after if v in come and (v.op != CONSTANT or v.ndim)]
    return "\n".join([*lines, f"  return {', '.join(map(repr, new.outputs))}"])


def fused(plan: Plan) -> str:
    """The steps, the kernels in them as formulas, and the memory that they use."""
    names, numbers = _names_in(plan), count()
    lines: list[str] = []
    for at, step in enumerate(plan.steps):
        lines.append(f"step {at}, {STEPS[step.kind]}")
        for chain in step.chains:
            for place, kernel in enumerate(chain):
                follows = ", piece by piece with the one before" if place and step.kind == "parallel" else ""
                lines.append(f"  kernel {next(numbers)}, {kernel.kind}{follows}: {' '.join(kernel.ops)}")
                if isinstance(kernel, HostKernel):
                    args = ", ".join(map(names.of, kernel.reads))
                    lines.append(f"    {names.of(kernel.writes[0])} = {kernel.ops[0]}({args})")
                else:
                    lines += [f"    {line}" for line in _Formulas(kernel.nest, names).lines()]
    return "\n".join([*lines, "memory", *_memory(plan.graph, plan.layouts, plan.aliases, names)])


def formulas(nests: Iterable[Nest]) -> str:
    """Nests as formulas, in order."""
    nests = list(nests)
    used = [v for nest in nests for v in (*(x.value for x in loads(nest.exprs)), *(s.value for s in nest.stores))]
    names = _Names(used)
    return "\n".join(line for nest in nests for line in _Formulas(nest, names).lines())


def loops(plan: Plan) -> str:
    """The loops of each kernel that is native code."""
    names, numbers = _names_in(plan), count()
    lines: list[str] = []
    for step in plan.steps:
        for kernel in (kernel for chain in step.chains for kernel in chain):
            number = next(numbers)
            if isinstance(kernel, NestKernel):
                lines.append(f"kernel {number}, {kernel.kind}")
                lines += _Loops(kernel.nest, kernel.tiling, names, step.kind == "parallel").lines()
    return "\n".join(lines)


STEPS = {"parallel": "shared by all threads", "serial": "by one thread", "host": "by NumPy"}


def memory(graph: Graph, layouts: Mapping[Value, Layout], aliases: Mapping[Value, Value]) -> str:
    """How values lie in memory."""
    return "\n".join(_memory(graph, layouts, aliases, _Names([*layouts])))


def _memory(graph: Graph, layouts: Mapping[Value, Layout], aliases: Mapping[Value, Value], names: _Names) -> list[str]:
    rows = []
    for value in names.all():
        if value in aliases:
            notes = [f"the memory of {names.of(aliases[value])}"]
        else:
            kind = value.op if value.op in (INPUT, CONSTANT) else "output" if value in graph.outputs else ""
            notes = [kind] * bool(kind) + _extra(layouts[value])
        rows.append((names.of(value), f"{value.dtype}{list(value.shape)}", ", ".join(notes)))
    widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
    return [f"  {name:<{widths[0]}}  {kind:<{widths[1]}}  {notes}".rstrip() for name, kind, notes in rows]


def _extra(layout: Layout) -> list[str]:
    found = []
    if layout.halo:
        found.append(f"zeros around it: {list(layout.low)} before, {list(layout.high)} behind")
    if layout.shape and layout.padded > layout.low[-1] + layout.shape[-1] + layout.high[-1]:
        found.append(f"rows of {layout.padded}")
    return found


def _names_in(plan: Plan) -> _Names:
    used = [value for kernel in plan.kernels for value in (*kernel.reads, *kernel.writes)]
    return _Names([*used, *(plan.aliases[value] for value in used if value in plan.aliases)])


class _Names:
    """What stored values are called."""

    def __init__(self, values: Iterable[Value]):
        used = dict.fromkeys(values)
        self._names: dict[Value, str] = {}
        taken: Counter[str] = Counter()
        for value in used:
            name = repr(value)
            if isinstance(value, Packed) or (isinstance(value, Arranged) and not _is_plain(value, used)):
                name = f"{value.source!r}.{value.op}"
                taken[name] += 1
            self._names[value] = name + (str(taken[name]) if taken[name] > 1 else "")

    def of(self, value: Value) -> str:
        if value.op == CONSTANT and not value.ndim:
            return str(value.params["array"])
        return self._names.get(value, repr(value))

    def all(self) -> list[Value]:
        """By the order of the graph."""
        return sorted(self._names, key=lambda value: value.number)


def _is_plain(storage: Arranged, used: Iterable[Value]) -> bool:
    """Whether a storage has its value's own order, so that the value's name will do."""
    return storage.shape == storage.source.shape and storage.source not in used


class _Formulas:
    """The formulas of one nest."""

    def __init__(self, nest: Nest, names: _Names, sums: bool = False):
        self.nest, self.names = nest, names
        self.sums = sums  # whether sums get names
        self.letters: dict[Var, str] = {}
        self.bindings: list[tuple[Expr, str, str]] = []  # expression, name, text
        self._texts: dict[Expr, tuple[str, int]] = {}
        self._number = count(1)
        self._name_all(nest.vars, "ijklmnopq")
        self._name_all((v for r in nest.reductions for v in r.variables), "rsuvwxyz")
        self._write()

    def lines(self) -> list[str]:
        """``for`` the places, the formulas."""
        head = ", ".join(f"{self.letters[v]}<{v.extent}" for v in self.nest.vars)
        body = [f"{name} = {text}" for _, name, text in self.bindings] + [self.store(s) for s in self.nest.stores]
        return [f"for {head}:", *(f"  {line}" for line in body)] if head else body

    def store(self, store: Store) -> str:
        """Where a value goes."""
        return f"{self.element(store)} = {self.text(store.expr)}"

    def element(self, store: Store) -> str:
        name = self.names.of(store.value)
        return f"{name}[{', '.join(map(self.affine, store.index))}]" if store.index else name

    def text(self, expr: Expr) -> str:
        return self._texts[expr][0]

    def affine(self, affine: Affine) -> str:
        """The map with the letters of its variables."""
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
        for place, v in enumerate(fresh, used):
            turn, letter = divmod(place, len(alphabet))
            self.letters[v] = alphabet[letter] + (str(turn) if turn else "")

    def _write(self) -> None:
        """Texts from the leaves up; what is used twice, and what would make a line too long, gets a name."""
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
        """The argument that is worth a name most."""
        long = [a for a in args if isinstance(a, (Op, Guard, Reduce)) and len(self._texts[a][0]) > SHORT]
        return max(long, key=lambda a: len(self._texts[a][0]), default=None)

    def _bind(self, expr: Expr) -> None:
        name = f"t{next(self._number)}"
        self.bindings.append((expr, name, self._texts[expr][0]))
        self._texts[expr] = name, ATOM

    def _text(self, expr: Expr, args: list[tuple[str, int]]) -> tuple[str, int]:
        """A formula and how tightly its outermost operator binds."""
        texts = [text for text, _ in args]
        if isinstance(expr, Load):
            value, index = expr.value, expr.index
            places = [*texts, *map(self.affine, index[len(texts) :])]
            return self.names.of(value) + (f"[{', '.join(places)}]" if places else ""), ATOM
        if isinstance(expr, Const):
            return str(expr.number), ATOM if expr.number.dtype.kind == "b" or expr.number >= 0 else PREFIX
        if isinstance(expr, Index):
            return f"({self.affine(expr.affine)})", ATOM
        if isinstance(expr, Guard):
            return f"({texts[0]} if {' and '.join(map(self.condition, expr.conditions))} else {texts[1]})", ATOM
        if isinstance(expr, Reduce):
            kind, variables = expr.kind, expr.variables
            over = ", ".join(f"{self.letters[v]}<{v.extent}" for v in variables)
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


class _Loops:
    """The loops of one nest as they run."""

    def __init__(self, nest: Nest, tiling: LoopSchedule, names: _Names, shared: bool):
        self.nest, self.tiling, self.shared = nest, tiling, shared
        self.formulas = _Formulas(nest, names, sums=True)
        self.out: list[str] = []
        self.depth = 1

    def lines(self) -> list[str]:
        """The loops, indented."""
        tiling = self.tiling
        if tiling.split:
            names = self.formulas.names
            self._line(", ".join(f"{names.of(s.value)} = 0" for s in self.nest.stores))
        for v, step in tiling.split.items():
            self._loop(v, v.extent, step, "sums are added to memory")
        for place, v in enumerate(tiling.outer):
            self._loop(v, v.extent, self._step(v), self._note(v, place == 0))
        self._body()
        return self.out

    def _step(self, v: Var) -> int:
        tiling = self.tiling
        return tiling.lanes * tiling.vectors if v is tiling.vector else tiling.rows.get(v, 1)

    def _note(self, v: Var, first: bool) -> str:
        notes = []
        if first and self.shared:
            notes.append("shared by the threads")
        if v is self.tiling.vector:
            notes.append(_vectors(self.tiling.vectors, self.tiling.lanes))
        elif v in self.tiling.rows:
            notes.append(f"{self.tiling.rows[v]} rows")
        return ", ".join(notes)

    def _body(self) -> None:
        """Within the tile: what sums need, the sums, what is made of them."""
        formulas, reductions = self.formulas, self.nest.reductions
        summed = {v for r in reductions for v in r.variables}
        pending = [b for b in formulas.bindings if not isinstance(b[0], Reduce) and summed.isdisjoint(b[0].vars)]
        inside = [b for b in formulas.bindings if not isinstance(b[0], Reduce) and not summed.isdisjoint(b[0].vars)]
        names = {expr: name for expr, name, _ in formulas.bindings}
        done: set[Expr] = set()
        groups: dict[tuple[Var, ...], list[Reduce]] = {}
        for reduction in reductions:
            groups.setdefault(reduction.variables, []).append(reduction)
        for variables, group in groups.items():
            pending = self._ready(pending, done)
            depth = self.depth
            self._sum_loops(variables)
            for expr, name, text in inside:
                if not set(variables).isdisjoint(expr.vars):
                    self._line(f"{name} = {text}")
            for reduction in group:
                self._accumulate(reduction, names.get(reduction))
            self.depth = depth
            done.update(group)
        self._ready(pending, done)
        for store in self.nest.stores:
            if store.expr not in done or store.expr in names:
                self._line(formulas.store(store))

    def _ready(self, pending: list[tuple[Expr, str, str]], done: set[Expr]) -> list[tuple[Expr, str, str]]:
        """Write the formulas whose sums are done; those that are left."""
        left = []
        for binding in pending:
            if all(expr in done for expr in walk([binding[0]]) if isinstance(expr, Reduce)):
                self._line(f"{binding[1]} = {binding[2]}")
            else:
                left.append(binding)
        return left

    def _sum_loops(self, variables: tuple[Var, ...]) -> None:
        tiling = self.tiling
        order = [v for v in tiling.inner if v in variables] or list(variables)
        for v in order:
            extent = tiling.split.get(v, tiling.collapsed.get(v, v.extent))
            step = tiling.lanes if v is tiling.vector else 1
            notes = [_vectors(1, tiling.lanes)] if v is tiling.vector else []
            if v is order[-1] and tiling.unroll > 1:
                notes.append(f"{tiling.unroll} sums")
            if v in tiling.collapsed:
                passed = ", ".join(self.formulas.letters[w] for w in tiling.passed(variables))
                notes.append(f"runs on through {passed}")
            if v is not order[-1] and v not in tiling.split:
                cuts = (c for c in self.nest.bounds if tiling.cuts(c[0], v, variables))
                notes += [f"where {self.formulas.condition(c)}" for c in cuts]
            self._loop(v, extent, step, ", ".join(notes))

    def _accumulate(self, reduction: Reduce, name: str | None) -> None:
        kind, formulas = reduction.kind, self.formulas
        if name is None:
            name = next(formulas.element(store) for store in self.nest.stores if store.expr is reduction)
        for body in reduction.args:
            text = formulas.text(body)
            self._line(f"{name} += {text}" if kind == "sum" else f"{name} = {kind}({name}, {text})")

    def _loop(self, v: Var, extent: int, step: int, note: str) -> None:
        by = f" by {step}" if step > 1 else ""
        self._line(f"for {self.formulas.letters[v]} < {extent}{by}:" + (f"  # {note}" if note else ""))
        self.depth += 1

    def _line(self, text: str) -> None:
        self.out.append("  " * self.depth + text)


def _vectors(n: int, lanes: int) -> str:
    return f"a vector of {lanes}" if n == 1 else f"{n} vectors of {lanes}"

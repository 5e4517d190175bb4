"""Looking up what code names: globals, closure cells, attributes of modules, imports, the environment."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .checks import MISSING, Check, Contents, filled
from .kinds import DYNAMIC, is_data, is_library, is_of_package
from .names import Names, imported, names_of

BUILTINS = frozenset(vars(builtins))

# Code that has one of these names may read any global, any module, or the environment.
GLOBALS = frozenset(["globals", "eval", "exec", "__globals__", "f_globals"])
MODULES = frozenset(["modules", "import_module", "__import__"])
ENVIRONMENT = frozenset(["getenv", "environ", "environb", "expandvars"])


class Lookup:
    """Adds a check for each thing that a function's code names, and puts the thing on the list of what to look into.

    Attributes:
        known: the names that count as used.
        names: those and the names that were found.
        todo: objects to look into, with their paths.
        checks: comparisons of what was found with what it is later.
        codes: the code that was read.
    """

    def __init__(self, known: set[str]):
        self.known, self.names = known, set(known)
        self.todo: list[tuple[Any, str]] = []
        self.checks: list[Check] = []
        self.codes: list[CodeType] = []
        self._modules: dict[int, tuple[ModuleType, str, dict[str, None]]] = {}  # with the attributes that are read

    def finish(self) -> None:
        """Add the checks of all attributes of modules that were found."""
        for module, path, keys in self._modules.values():
            self.checks.append(Check(dot(path), vars(module), tuple(keys)))

    # --- items ---

    def each(self, path: str, x: Any, get: Callable[[Any], Any]) -> None:
        """Compare what a function gives for an object, and look into it."""
        self.check(Check(path, None, (x,), get=get))

    def items(self, container: Any, path: str, keys: Sequence[Any], size: int | None = None) -> None:
        """Compare some items of a container, and look into them."""
        self.check(Check(path, container, keys, size))

    def check(self, check: Check) -> None:
        """Add a check, and look into what it compares."""
        self.checks.append(check)
        self.todo += reversed(list(zip(check.expected, check.names(), strict=True)))

    def variables(self, check: Check) -> None:
        """Add a check of variables, and look into them; into modules only as far as code reads them."""
        self.checks.append(check)
        found = zip(check.expected, check.names(), strict=True)
        self.todo += reversed([(x, path) for x, path in found if not isinstance(x, ModuleType)])

    # --- code ---

    def function(self, f: FunctionType, path: str) -> None:
        """What a function closes over, its attributes, and, if it is of no library, what its code names."""
        cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
        cells = {name: cell for name, cell in cells.items() if filled(cell)}
        if is_of_package(f) and vars(f).keys() <= {"__wrapped__"}:
            return
        if cells:
            self.variables(Check(path, list(cells), tuple(cells.values())))
        home = f.__globals__.get("__name__") or ""
        if vars(f):
            self.items(vars(f), dot(path), tuple(vars(f)), len(vars(f)))
        if is_library(home):
            if cells:
                self._escaped(cell.cell_contents for cell in cells.values())
            return
        self.items(f, dot(path), ("__code__", "__defaults__", "__kwdefaults__"))
        self.codes.append(f.__code__)
        names = names_of(f.__code__)
        self.names |= names.words
        wanted = {chain[0]: None for chain in names.chains if chain[0] not in f.__code__.co_freevars}
        if names.words & GLOBALS:
            wanted.update(dict.fromkeys(name for name in f.__globals__ if name in names.words))
            if "globals" in names.words:
                wanted.update(dict.fromkeys(name for name, x in f.__globals__.items() if is_data(x)))
        self.variables(Check("", f.__globals__, tuple(wanted)))
        for chain in names.chains:
            module = cells[chain[0]].cell_contents if chain[0] in cells else f.__globals__.get(chain[0])
            if isinstance(module, ModuleType):
                self._chain(module, chain[0], chain[1:])
                self._any_chain(module, chain[0], names)
        foreign = tuple(name for name in wanted if name not in f.__globals__ and name not in BUILTINS)
        if foreign:
            self.items(vars(builtins), "builtins.", foreign)
        self._imports(names, f.__globals__.get("__package__") or home.rpartition(".")[0])

    def _chain(self, module: ModuleType, path: str, attributes: tuple[str, ...]) -> None:
        """What is read of a module: an attribute, an attribute of that if it is a module too, and so on."""
        while attributes:
            name, *rest = attributes
            self._modules.setdefault(id(module), (module, path, {}))[2][name] = None
            x, path = vars(module).get(name, MISSING), f"{path}.{name}"
            if x is MISSING and "__getattr__" in vars(module):
                self.todo.append((vars(module)["__getattr__"], path))
            elif name == "__dict__":
                self.todo.append((module, path))
            if not isinstance(x, ModuleType):
                self.todo.append((x, path))
                return
            module, attributes = x, tuple(rest)
        self.todo.append((module, path))

    def _any_chain(self, module: ModuleType, path: str, names: Names) -> None:
        """Without exact chains: any name may be read of the module, and of modules that are found in it."""
        found = {} if names.exact else {id(module): (module, path)}
        todo = list(found.values())
        while todo:
            module, path = todo.pop()
            for (name,) in names.chains:
                self._chain(module, path, (name,))
                inner = vars(module).get(name)
                if isinstance(inner, ModuleType) and id(inner) not in found:
                    found[id(inner)] = inner, f"{path}.{name}"
                    todo.append(found[id(inner)])

    def _escaped(self, values: Iterable[Any]) -> None:
        """Modules that a library's function closes over: any attribute may be read of them."""
        self.todo += [(x, x.__name__) for x in values if isinstance(x, ModuleType)]

    def _imports(self, names: Names, package: str) -> None:
        """What code imports itself, and what of the environment it reads."""
        for name, level, wanted in names.imports if names.exact else ():
            full = imported(name, level, package) if level else name
            if full not in sys.modules:
                self.items(sys.modules, "sys.modules", (full,))
            elif wanted:
                for attribute in wanted:
                    self._chain(sys.modules[full], full, (attribute,))
            elif not is_library(full):
                self.todo.append((sys.modules[full], full))
        for name, _, _ in () if names.exact else names.imports:
            for full in dict.fromkeys(imported(name, level, package) for level in range(package.count(".") + 2)):
                module = sys.modules.get(full)
                if isinstance(module, ModuleType):
                    self._chain(module, full, ())
                    self._any_chain(module, full, names)
                else:
                    self.items(sys.modules, "sys.modules", (full,))
        if names.words & MODULES:
            named = sorted(name for name in names.strings if name in sys.modules and not is_library(name))
            self.items(sys.modules, "sys.modules", tuple(named))
        if names.words & ENVIRONMENT:
            self.check(Contents("os.environ", os.environ._data))  # type: ignore[attr-defined]

    def module(self, module: ModuleType, path: str) -> None:
        """A module that is passed on as an object: all that is named anywhere, or all data if code may read any."""
        if not is_library(module.__name__):
            dynamic = bool(self.known & DYNAMIC)
            keys = [name for name, x in vars(module).items() if name in self.known or (dynamic and is_data(x))]
            self.items(vars(module), dot(path), tuple(keys))


def dot(path: str) -> str:
    """The path of an attribute of what has this path, without the attribute's name."""
    return f"{path}." if path else ""

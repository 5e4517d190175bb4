"""What is exported: one call as a graph of primitives, with the composed functions that its values come from."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.context import Scope, current, quiet, using
from ...core.primitive import PRIMITIVES
from ...core.variable import Variable
from ...ir.graph import CONSTANT, INPUT, Value, topological
from ...tracing import tree
from ...tracing.trace import TRACING, Trace, arguments

HERE = __name__.partition(".")[0]


@dataclass(frozen=True)
class Call:
    """A composed function that ran, with values of the graph in place of tensors."""

    name: str
    arguments: dict[str, Any]
    results: tuple[Value, ...]
    scope: Scope | None

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]


class Program:
    """One call of a function.

    Attributes:
        inputs: the tensors among its arguments.
        outputs: the tensors that it returned, in the order in which they stand in what it returned.
        arrays: what tensors hold that the function closes over, or made itself.
        owners: those tensors, where they are still alive.
        calls: for each value the functions that returned it, the outermost first.
    """

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]):
        leaves: list[Any] = []
        tree.signature((args, dict(kwargs)), leaves, [])
        trace = _Recorder()
        given = arguments(leaves)
        with TRACING, using(trace=trace, interpret=trace.interpret, scope=None):
            for number, tensor in enumerate(given):
                trace.take(number, tensor)
            args, kwargs = tree.replaced((args, dict(kwargs)), iter(given))
            returned: list[Variable] = []
            tree.flatten(function(*args, **kwargs), returned)
            self.inputs = tuple(trace.initial(tensor) for tensor in given)
            self.outputs = tuple(trace.read(tensor) for tensor in returned)
            del args, kwargs, returned
        self.arrays = {slot.initial: slot.array for slot in trace.slots if slot.initial not in self.inputs}
        self.owners = {slot.initial: owner for slot in trace.slots if (owner := slot.reference()) is not None}
        self.calls = trace.calls
        self._known: dict[Value, np.ndarray | None] = {}

    def constant(self, value: Value) -> np.ndarray | None:
        """The array that a value always is: what depends on no input and on no tensor that outlives the call."""
        for part in topological([value]):
            if part not in self._known:
                self._known[part] = self._computed(part)
        return self._known[value]

    def _computed(self, value: Value) -> np.ndarray | None:
        if value.op == CONSTANT:
            return np.asarray(value.params["array"])
        if value.op == INPUT:
            return None if value in self.owners else self.arrays.get(value)
        if value.op == "random_bits":
            return None
        arrays = [self._known[a] for a in value.args]
        if any(array is None for array in arrays):
            return None
        with np.errstate(all="ignore"):
            return quiet(PRIMITIVES[value.op], arrays, value.params)


class _Recorder(Trace):
    """A trace that notes which functions its values come from."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[Value, list[Call]] = defaultdict(list)

    def initial(self, tensor: Variable) -> Value:
        """The value of a tensor before the call."""
        slot = self._slots.get(id(tensor))
        return self.read(tensor) if slot is None else slot.initial

    def called(self, function: Callable[..., Any], args: Any, kwargs: Any, result: Any) -> None:
        """Note the call. An inner function returns before the outer one."""
        if not function.__module__.startswith(HERE):
            return
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        found = {name: self._values(argument) for name, argument in bound.arguments.items()}
        results = tuple(map(self.read, result)) if isinstance(result, tuple) else (self.read(result),)
        call = Call(function.__name__, found, results, current().scope)
        for value in results:
            self.calls[value].insert(0, call)

    def _values(self, argument: Any) -> Any:
        if isinstance(argument, (list, tuple)):
            return [self._values(item) for item in argument]
        return self.initial(argument) if isinstance(argument, Variable) else argument

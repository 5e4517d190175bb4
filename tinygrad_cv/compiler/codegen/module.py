"""The kernels of a plan as LLVM modules: one function for each structure, in modules of limited length.

Modules are written one by one, so that one compiles while the next is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..llvm import math
from ..llvm.function import Function
from ..schedule.kernel import HostKernel, Plan
from .kernel import lower
from .nest import buffers_of, steps_of
from .structure import structure

if TYPE_CHECKING:
    from ..runtime.target import Target

LENGTH = 1 << 16  # characters: a module ends with the function that reaches this length


def attributes(vector_bytes: int) -> str:
    """LLVM's attributes of every kernel: it does not unwind, and its vectors stay as wide as they are written."""
    bits = 8 * vector_bytes
    return f'nounwind "prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'


class Modules:
    """The kernels of a plan as module texts. Iterating writes one after another; :meth:`merged` writes one of all.

    Attributes:
        lowered: the function's name and the number of its steps, by the kernel's id; filled in while iterating.
    """

    def __init__(self, plan: Plan, target: Target):
        self.lowered: dict[int, tuple[str, int]] = {}
        self._plan, self._target = plan, target

    def __iter__(self) -> Iterator[str]:
        for group in self._groups():
            yield _module(group, self._target)
        yield Path(__file__).with_name("chains.ll").read_text(encoding="utf-8")

    def merged(self) -> str:
        """All kernels as one text, for a module that calls them itself: none can be seen from outside."""
        return _module([function for group in self._groups() for function in group], self._target, "internal ")

    def _groups(self) -> Iterator[list[Function]]:
        """The functions of each module."""
        plan, target = self._plan, self._target
        structures: dict[Any, tuple[str, int]] = {}
        bodies: dict[str, str] = {}
        group: list[Function] = []
        length = 0
        for kernel in plan.kernels:
            if isinstance(kernel, HostKernel):
                continue
            key = structure(kernel.nest, kernel.schedule, buffers_of(kernel.nest), plan.layouts, plan.handed)
            if key not in structures:
                nest, schedule = kernel.nest, kernel.schedule
                facts = target.multiply_add, plan.handed, target.bitselect
                function = lower("kernel", nest, schedule, plan.layouts, *facts)
                body = function.body
                if body not in bodies:
                    function.name = bodies[body] = f"kernel_{len(bodies)}"
                    group.append(function)
                    length += len(body)
                structures[key] = bodies[body], steps_of(kernel.schedule)
            self.lowered[id(kernel)] = structures[key]
            if length >= LENGTH:
                yield group
                group, length = [], 0
        if group:
            yield group

    @property
    def names(self) -> list[str]:
        """The names of all functions that have been written so far."""
        return [*dict.fromkeys(name for name, _ in self.lowered.values()), "tg_chains"]


def _module(group: Iterable[Function], target: Target, linkage: str = "") -> str:
    parts, calls = [], dict[str, str]()
    for function in group:
        parts.append(function.text(attributes(target.vector_bytes), linkage))
        calls.update(function.calls)
    own = _math(calls, target)
    declared = {line for line in calls.values() if line.startswith("declare")}
    for text in own:
        declared |= set(math.declarations(text))
    return "\n".join([*parts, *own, *sorted(declared)]) + "\n"


def _math(calls: Mapping[str, str], target: Target) -> list[str]:
    texts = []
    for _, line in sorted(calls.items()):
        if line.startswith("math"):
            _, name, dtype, lanes = line.split()
            texts.append(math.definition(name, np.dtype(dtype), int(lanes), target.fma, target.bitselect))
    return texts

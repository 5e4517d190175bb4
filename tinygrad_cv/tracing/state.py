"""Values that nobody else sees yet: a function runs over them, and what it changed is taken over, or forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ..core.variable import Variable, Writes
from .views import Views


class Overlay:
    """New values and gradients of tensors, beside the tensors themselves. It computes at once, as eager code does."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[Variable, Any]] = {}
        self._grads: dict[int, tuple[Variable, Any]] = {}
        self._memory: dict[int, tuple[Variable, Any]] = {}  # what arrays from outside are to hold
        self._replaced: set[int] = set()  # tensors that have another array from then on
        self.views = Views(self._put, self._is_read_only)
        self.moved, self.change = self.views.moved, self.views.change

    def read(self, tensor: Variable) -> Any:
        """The value that the tensor has here."""
        changed = self._values.get(id(tensor))
        return changed[1] if changed else tensor._value

    def write(self, tensor: Variable, value: Any) -> None:
        """Give it another, in memory of its own."""
        self.views.leave(tensor)
        self._replaced.add(id(tensor))
        self._put(tensor, value)

    def _put(self, tensor: Variable, value: Any) -> None:
        self._values[id(tensor)] = tensor, value
        if id(tensor) not in self._replaced:
            self._memory[id(tensor)] = tensor, value

    def _is_read_only(self, tensor: Variable) -> bool:
        return not self.read(tensor).flags.writeable

    def grad_of(self, tensor: Variable) -> Any:
        """The gradient that the tensor has here."""
        changed = self._grads.get(id(tensor))
        return changed[1] if changed else tensor._grad

    def set_grad(self, tensor: Variable, grad: Any) -> None:
        """Give it another."""
        self._grads[id(tensor)] = tensor, grad

    def alone(self, lock: Any) -> Any:
        """As in eager code."""
        return lock

    def learning_rate(self, group: Any, value: Any) -> Any:
        """A learning rate is what it is."""
        return value

    def set_learning_rate(self, group: Any) -> None:
        """A learning rate can be changed."""

    def postpone(self, schedule: Any) -> bool:
        """A schedule takes its step at once."""
        return False

    def commit(self, writes: Writes) -> None:
        """Take everything over."""
        for tensor, value in self._memory.values():
            writes.memory(tensor, value)
        for tensor, value in self._values.values():
            if id(tensor) in self._replaced:
                writes.value(tensor, value)
        for tensor, grad in self._grads.values():
            writes.grad(tensor, grad)
        writes.commit()


@contextmanager
def restored(objects: Iterable[Any], writes: Writes | None = None) -> Iterator[None]:
    """Where the block raises, put back what such objects change by themselves: ``volatile`` in their classes, rates.

    Not where it was interrupted behind its ``writes``: then all is done that it had to do.
    """
    attributes: list[tuple[dict[str, Any], str, Any]] = []
    dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
    for x in objects:
        for name in type(x).volatile:
            if name in vars(x):
                attributes.append((vars(x), name, vars(x)[name]))
                dicts.extend((inner, dict(inner)) for inner in _dicts(vars(x)[name]))
        attributes.extend((group, "lr", dict.get(group, "lr")) for group in _groups(x))

    def put_back() -> None:
        if writes is None or not writes.done:
            for mapping, name, value in attributes:
                dict.__setitem__(mapping, name, value)
            for inner, items in dicts:
                inner.clear()
                inner.update(items)

    try:
        yield
    except BaseException:
        try:
            put_back()
        finally:  # once more, since an interrupt may have come meanwhile
            put_back()
        raise


def _dicts(value: Any) -> Iterator[dict[Any, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _dicts(item)


def _groups(x: Any) -> Any:
    """The groups whose learning rates an optimizer has, or a schedule changes."""
    attributes = vars(x)
    return getattr(attributes.get("optimizer", x), "param_groups", ())

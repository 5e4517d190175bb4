"""A transaction over tensors: a function runs, and what it changed is committed at the end, or dropped on error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..core.trace import Fact, Trace
from ..core.variable import Variable, Writes
from .views import Views

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import numpy as np

    from ..core.primitive import Primitive
    from ..frontend.tensor import Tensor
    from ..optim.group import Setting
    from ..optim.lr_scheduler import LRScheduler


class Overlay(Trace):
    """New values and gradients of tensors, which do not change before :meth:`commit`. Operations run at once."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[Variable, np.ndarray]] = {}
        self._grads: dict[int, tuple[Variable, Tensor | None]] = {}
        self._memory: dict[int, tuple[Variable, np.ndarray]] = {}  # what the tensors' own arrays will hold
        self._replaced: set[int] = set()  # tensors that were given another array
        self.views = Views(self._put, self._is_read_only)

    def read(self, tensor: Variable) -> np.ndarray:
        """The value of a tensor."""
        changed = self._values.get(id(tensor))
        return changed[1] if changed else tensor._value

    def write(self, tensor: Variable, value: np.ndarray) -> None:
        """Give a tensor another value, in memory of its own."""
        self.views.leave(tensor)
        self._replaced.add(id(tensor))
        self._put(tensor, value)

    def change(self, tensor: Variable, value: np.ndarray) -> bool:
        """Write into the memory of a tensor and its views; False if it is read-only."""
        return self.views.change(tensor, value)

    def called(self, function: Callable[..., Any], args: Any, kwargs: Any, result: Any) -> None:
        """Nothing is noted."""

    def moved(
        self, result: Variable, x: Variable, primitive: Primitive | None = None, params: dict[str, Any] | None = None
    ) -> None:
        """Note that a result may be a view of x."""
        self.views.moved(result, x, primitive, params)

    def _put(self, tensor: Variable, value: np.ndarray) -> None:
        self._values[id(tensor)] = tensor, value
        if id(tensor) not in self._replaced:
            self._memory[id(tensor)] = tensor, value

    def _is_read_only(self, tensor: Variable) -> bool:
        return not self.read(tensor).flags.writeable

    def grad_of(self, tensor: Variable) -> Tensor | None:
        """The ``.grad`` of a tensor."""
        changed = self._grads.get(id(tensor))
        return changed[1] if changed else tensor._grad

    def set_grad(self, tensor: Variable, grad: Tensor | None) -> None:
        """Set the ``.grad`` of a tensor."""
        self._grads[id(tensor)] = tensor, grad

    def expect(self, condition: Any) -> None:
        """Never asked for: all values are known."""

    def alone(self, lock: AbstractContextManager[object]) -> AbstractContextManager[object]:
        """Hold the lock now, as eager code does."""
        return lock

    def setting(self, setting: Setting, value: float) -> Any:
        """A learning rate is the number that it is."""
        return value

    def assume(self, fact: Fact) -> None:
        """Never asked for: schedules have taken their steps."""

    def change_setting(self, name: str) -> None:
        """A learning rate may be set."""

    def postpone(self, schedule: LRScheduler) -> bool:
        """A schedule takes its step now."""
        return False

    def commit(self, writes: Writes) -> None:
        """Write everything."""
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
    """If the block raises, restore the ``volatile`` attributes of these objects, and the settings they change.

    Not if it was interrupted after its ``writes`` were committed: then the call is complete.
    """
    attributes: list[tuple[dict[str, Any], str, Any]] = []
    dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
    for x in objects:
        for mapping, name in _volatile(x):
            value = dict.get(mapping, name)
            attributes.append((mapping, name, value))
            dicts.extend((inner, dict(inner)) for inner in _dicts(value))

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
        finally:  # again, since the first time may have been interrupted
            put_back()
        raise


def _dicts(value: object) -> Iterator[dict[Any, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _dicts(item)


def _volatile(x: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """The ``volatile`` attributes of an object, of its optimizer's groups, and of the schedules that it is made of."""
    attributes = vars(x)
    for name in type(x).volatile:
        if name in attributes:
            yield attributes, name
            for part in attributes[name] if isinstance(attributes[name], list) else ():
                yield from _volatile(part)
    for group in getattr(attributes.get("optimizer", x), "param_groups", ()):
        yield from ((group, key) for key in group.volatile if key in group)

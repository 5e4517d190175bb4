"""What the library asks of a trace."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..optim.group import Setting
    from ..optim.lr_scheduler import LRScheduler
    from .primitive import Primitive
    from .variable import Variable


@runtime_checkable
class Fact(Protocol):
    """Something to look at in every call."""

    def holds(self) -> bool:
        """Whether it is still so."""


class Trace(Protocol):
    """The values and gradients of tensors while a function is traced.

    Values are arrays, or variables of the graph that is being recorded: ``Any``.
    """

    def read(self, tensor: Variable) -> Any:
        """The tensor's value within the trace."""

    def write(self, tensor: Variable, value: Any) -> None:
        """Give the tensor a new value, in memory of its own."""

    def change(self, tensor: Variable, value: Any) -> bool:
        """Write into the memory that the tensor shares with others; False if it shares none."""

    def moved(
        self, result: Variable, x: Variable, primitive: Primitive | None = None, params: dict[str, Any] | None = None
    ) -> None:
        """Note that a result may be a view of x."""

    def called(self, function: Callable[..., Any], args: Any, kwargs: Any, result: Any) -> None:
        """A composed function has returned."""

    def grad_of(self, tensor: Variable) -> Tensor | None:
        """The tensor's ``.grad`` within the trace."""

    def set_grad(self, tensor: Variable, grad: Tensor | None) -> None:
        """Set the tensor's ``.grad`` within the trace."""

    def expect(self, condition: Any) -> None:
        """What is recorded is valid only where this value is true."""

    def alone(self, lock: AbstractContextManager[object]) -> AbstractContextManager[object]:
        """Hold a generator's lock, now or in every compiled call."""

    def setting(self, setting: Setting, value: float) -> Any:
        """A number that every call reads anew, such as a learning rate, as an optimizer reads it."""

    def assume(self, fact: Fact) -> None:
        """What is recorded is valid only where this holds, also after what schedules did in the same call."""

    def change_setting(self, name: str) -> None:
        """Such a number is about to change."""

    def postpone(self, schedule: LRScheduler) -> bool:
        """Whether a schedule's step is left to every compiled call."""

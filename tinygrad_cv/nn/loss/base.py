"""What all losses share: the reduction, and what their text shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ...functional.loss.reduction import REDUCTIONS, Reduction
from ..arguments import one_of
from ..module import Module

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import TensorLike


class Loss(Module):
    """A loss with a reduction of the losses of the examples."""

    shown: ClassVar[tuple[str, ...]] = ()  # further attributes in its text

    def __init__(self, reduction: Reduction):
        super().__init__()
        self.reduction = one_of(type(self).__name__, "reduction", reduction, REDUCTIONS)

    def extra_repr(self) -> str:
        names = (*self.shown, *(() if self.reduction == "mean" else ("reduction",)))
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)


class WeightedLoss(Loss):
    """A loss with weights of classes or elements, which are a buffer and None if there are none."""

    weight: Tensor | None

    def __init__(self, weight: TensorLike | None, reduction: Reduction):
        super().__init__(reduction)
        self.register_buffer("weight", weight)

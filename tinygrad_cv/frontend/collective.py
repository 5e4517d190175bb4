"""Sums over processes."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from ..core.context import location
from ..core.errors import DTypeError
from ..core.tape import apply
from ..core.variable import Variable
from ..ops import collective
from .forward import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence


class CollectiveMethods(Variable):
    """What processes compute together."""

    __slots__ = ()

    def all_reduce(self: Tensor, group: Sequence[int] = (), ordered: bool = False) -> Tensor:
        """The sum of everybody's tensors, of one shape and dtype; differentiable.

        All processes call it, as often and in the same order, and all go through the backward pass. Gradients are those
        of the sum of all processes' losses. On a process that is alone it is the tensor itself.

        Args:
            group: the ranks that add up their tensors, in their order; () for all.
            ordered: add as a binary tree over the ranks, so that the result is the same to the bit wherever terms are
                computed; otherwise MPI chooses an order, which is faster.

        Raises:
            DTypeError: booleans have no sum.
            ValueError: a rank that does not exist, or this process's own is missing.

        >>> import tinygrad_cv as tg
        >>> tg.tensor([1.0, 2.0]).all_reduce().tolist()
        [1.0, 2.0]
        """
        if self._value.dtype.kind == "b":
            raise DTypeError(f"all_reduce of booleans{location()}: they have no sum. Use .astype('int64').")
        ranks = tuple(map(operator.index, group))
        collective.members("all_reduce", ranks)
        return apply(collective.all_reduce, self, group=ranks, ordered=bool(ordered))

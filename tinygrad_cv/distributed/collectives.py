"""Tensors and objects between the processes. All processes call the same functions in the same order.

As in ``torch.distributed`` these write into their arguments, and have no gradient.
"""

from __future__ import annotations

import operator
from collections.abc import MutableSequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import explaining
from ..core.variable import stamp
from ..mpi import arrays
from ..mpi.world import Group, world

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor


class ReduceOp(str, Enum):
    """How tensors are reduced."""

    SUM = "sum"
    AVG = "avg"
    PRODUCT = "product"
    MIN = "min"
    MAX = "max"


@explaining
def all_reduce(tensor: Tensor, op: str = ReduceOp.SUM) -> None:
    """Replace a tensor by the sum, mean, product, minimum or maximum of everybody's, in place.

    A NaN on one process is a NaN on all.

    Args:
        tensor: of the same shape and dtype on all processes.
        op: "sum", "avg", "product", "min" or "max", or a :class:`ReduceOp`.

    Raises:
        ValueError: another op.
        DTypeError: the mean of integers, or a sum of booleans.
        GraphError: the tensor requires grad, and operations are being recorded.

    >>> import tinygrad_cv as tg
    >>> hits = tg.tensor([3, 4])
    >>> tg.distributed.all_reduce(hits)  # on one process the sum is what it has itself
    >>> hits.tolist()
    [3, 4]
    """
    name = getattr(op, "value", op)
    if name not in arrays.REDUCTIONS:
        raise ValueError(f"all_reduce: op={op!r}; it must be one of {', '.join(arrays.REDUCTIONS)}, or a ReduceOp.")
    here, array = world("all_reduce"), tensor._concrete("all_reduce")
    if name == "sum" and array.dtype.kind != "b" and array.dtype.itemsize != 2 and array.flags.c_contiguous:
        array = stamp(tensor, "all_reduce()")
        if here.size > 1 and array.flags.c_contiguous:
            arrays.reduce_in_place(here, array)
            return
    tensor.assign(arrays.all_reduce(here, array, name))


@explaining
def broadcast(tensor: Tensor, src: int = 0) -> None:
    """Replace a tensor by that of one process, in place.

    Args:
        tensor: of the same shape and dtype on all processes.
        src: the rank of that process.

    Raises:
        ValueError: there is no process of this rank.
    """
    here = world("broadcast")
    tensor.assign(arrays.broadcast(here, tensor._concrete("broadcast"), _rank("broadcast", src, here)))


@explaining
def all_gather(tensor_list: MutableSequence[Tensor], tensor: Tensor) -> None:
    """Give everybody's tensors to all.

    Args:
        tensor_list: as many tensors as processes; they are replaced by everybody's, in the order of the ranks.
        tensor: of the same shape and dtype on all processes.

    Raises:
        ValueError: the list is of another length.
    """
    here = world("all_gather")
    if len(tensor_list) != here.size:
        raise ValueError(
            f"all_gather: tensor_list has {len(tensor_list)} tensors; it needs one for each of the "
            f"{here.size} processes."
        )
    for place, value in zip(tensor_list, arrays.all_gather(here, tensor._concrete("all_gather")), strict=True):
        place.assign(np.array(value))


@explaining
def all_gather_object(object_list: MutableSequence[Any], obj: Any) -> None:
    """Give everybody's objects to all; they are pickled.

    Args:
        object_list: as many items as processes; they are replaced by the objects, in the order of the ranks.
        obj: what this process gives.

    Raises:
        ValueError: the list is of another length.

    >>> import tinygrad_cv as tg
    >>> names = [None]
    >>> tg.distributed.all_gather_object(names, "a name of any length")
    >>> names
    ['a name of any length']
    """
    here = world("all_gather_object")
    if len(object_list) != here.size:
        raise ValueError(
            f"all_gather_object: object_list has {len(object_list)} items; it needs one for each of "
            f"the {here.size} processes."
        )
    object_list[:] = arrays.gather_objects(here, obj)


@explaining
def broadcast_object_list(object_list: MutableSequence[Any], src: int = 0) -> None:
    """Replace the items of a list by those of one process; they are pickled.

    Args:
        object_list: of the same length on all processes.
        src: the rank of the process whose items all get.

    Raises:
        ValueError: there is no process of this rank.
    """
    here = world("broadcast_object_list")
    object_list[:] = arrays.broadcast_object(here, list(object_list), _rank("broadcast_object_list", src, here))


def barrier() -> None:
    """Wait until all processes have come here."""
    here = world("barrier")
    if here.size > 1:
        here.comm.Barrier()


def _rank(op: str, src: int, here: Group) -> int:
    rank = operator.index(src)
    if not 0 <= rank < here.size:
        raise ValueError(f"{op}: src={src}; the ranks are 0 to {here.size - 1}.")
    return rank

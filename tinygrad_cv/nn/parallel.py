"""A model on several processes."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..compiler import get_num_threads
from ..core.annotations import explaining
from ..core.context import no_grad
from ..core.hooks import SharedHook
from ..distributed.flat import Flat
from ..distributed.gradients import Averaging, Ordered
from ..frontend.creation import zeros_like
from ..frontend.tensor import Tensor
from ..mpi import arrays
from ..mpi.world import Group, members
from .module import Module

__all__ = ["DistributedDataParallel"]


class DistributedDataParallel(Module):
    """A model of which each process has a copy: all compute on their share of a batch, and learn the same.

    When it is made, all processes take rank 0's parameters and buffers. At the end of each ``backward()`` gradients are
    the means over the processes, so with equal shares and a loss that is a mean they are those of the whole batch, and
    every process takes the same step. On a process that is alone it only calls the model.

    All processes make it, and call ``backward()``, as often and in the same order. ``tg.grad`` gives a process's own
    gradients. Parameters and state are those of PyTorch's class: ``module.`` and the names of the model.

    Args:
        module: the model; ``.module`` is it.
        deterministic: have parameters of the same bits on 1, 2, 4 or more processes. A batch is cut into micro-batches
            of a fixed size, each process takes as many in turn, and calls ``backward()`` for each; after its last one
            gradients are the means over all, added in an order that does not depend on who computed them.
        micro_batches: how many all processes compute for a step, a power of two, as the number of processes then is.
        broadcast_buffers: after each forward pass in training mode all processes take rank 0's buffers, such as running
            averages; otherwise each has its own.
        device_ids, output_device, dim, init_sync, process_group: PyTorch's; None, None, 0, True and None: processes
            have no devices, and all begin alike and take part.
        bucket_cap_mb, find_unused_parameters, check_reduction, gradient_as_bucket_view, static_graph: PyTorch's; they
            change nothing: all gradients are exchanged at once, as views of one array, and a parameter may be unused.

    Raises:
        ValueError: the processes' models differ, and the message names the first difference; a number of micro-batches
            that does not fit, or more than one thread with ``deterministic``; or an argument that only PyTorch takes.

    >>> import tinygrad_cv as tg
    >>> model = tg.nn.parallel.DistributedDataParallel(tg.nn.Linear(2, 1))
    >>> model(tg.ones(3, 2)).mean().backward()  # .grad is the mean over all processes
    >>> list(model.state_dict())
    ['module.weight', 'module.bias']
    """

    @explaining
    def __init__(
        self,
        module: Module,
        device_ids: None = None,
        output_device: None = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: None = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
        *,
        deterministic: bool = False,
        micro_batches: int | None = None,
    ):
        super().__init__()
        for name, value, wanted, why in (
            ("device_ids", device_ids, None, "a process computes on the cores it is given"),
            ("output_device", output_device, None, "a process computes on the cores it is given"),
            ("dim", dim, 0, "shares of a batch are along its first axis"),
            ("init_sync", init_sync, True, "all processes begin with rank 0's parameters"),
            ("process_group", process_group, None, "all processes take part"),
        ):
            if value != wanted:
                raise ValueError(f"DistributedDataParallel: {name}={value!r}; {why}. Leave it out.")
        self.module = module
        self.broadcast_buffers = broadcast_buffers
        group = members("DistributedDataParallel")
        parameters, buffers = list(module.parameters()), list(module.buffers())
        self._averaging: Averaging | None = None
        self._buffers_flat: tuple[Flat, list[Tensor]] | None = None
        passes = _passes(group, deterministic, micro_batches)
        if group.size > 1:
            _check_alike(group, module)
            for tensor in (*parameters, *buffers):
                with no_grad():
                    tensor.assign(arrays.broadcast(group, tensor.numpy(), 0))
        leaves = [parameter for parameter in parameters if parameter.requires_grad]
        hook: SharedHook | None = None
        if leaves and passes is not None:
            hook = Ordered(leaves, passes)
        elif leaves and group.size > 1:
            hook = self._averaging = Averaging(leaves)
        for leaf in leaves:
            assert leaf.node is not None
            if hook is not None:
                leaf.node.hooks = [*(leaf.node.hooks or ()), hook]
        if buffers and group.size > 1:
            self._buffers_flat = Flat(buffers), buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        output = self.module(*args, **kwargs)
        if self.training and self.broadcast_buffers and self._buffers_flat is not None and self._exchanges:
            self._share_buffers(*self._buffers_flat)
        return output

    @property
    def _exchanges(self) -> bool:
        return self._averaging is None or self._averaging.enabled

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Exchange nothing within: gradients are added up on each process, until the next pass outside averages them.

        >>> import tinygrad_cv as tg
        >>> model = tg.nn.parallel.DistributedDataParallel(tg.nn.Linear(2, 1))
        >>> with model.no_sync():
        ...     model(tg.ones(3, 2)).mean().backward()
        >>> model(tg.ones(3, 2)).mean().backward()  # the mean of both passes' sums
        """
        before = self._exchanges
        try:
            self._exchange(False)
            yield
        finally:
            self._exchange(before)

    def _exchange(self, flag: bool) -> None:
        if self._averaging is not None:
            self._averaging.enabled = flag

    def _share_buffers(self, flat: Flat, buffers: list[Tensor]) -> None:
        """All take rank 0's: a sum to which the others add zeros."""
        first = members("DistributedDataParallel").rank == 0
        with no_grad():
            joined = flat.join(buffers)
            shared = {dtype: (run if first else zeros_like(run)).all_reduce() for dtype, run in joined.items()}
            for number, buffer in enumerate(buffers):
                buffer.assign(flat.part(shared, number))


def _passes(group: Group, deterministic: bool, micro_batches: int | None) -> int | None:
    """The number of passes whose gradients are added in order; None to add as MPI does."""
    op = "DistributedDataParallel"
    if not deterministic:
        if micro_batches is not None:
            raise ValueError(f"{op}: micro_batches={micro_batches}; it belongs to deterministic=True.")
        return None
    if micro_batches is None:
        raise ValueError(
            f"{op}: deterministic=True; it needs micro_batches, how many all processes compute for a step."
        )
    passes = operator.index(micro_batches)
    if passes < group.size or passes & (passes - 1) or group.size & (group.size - 1):
        raise ValueError(
            f"{op}: micro_batches={passes} on {group.size} processes; both must be powers of two, and there must be at "
            "least one micro-batch for each process."
        )
    if get_num_threads() > 1:
        raise ValueError(
            f"{op}: deterministic=True with {get_num_threads()} threads, among which compiled code shares sums: call "
            "tg.set_num_threads(1) first, and start Python with OPENBLAS_NUM_THREADS=1."
        )
    return passes


def _check_alike(group: Group, module: Module) -> None:
    """Raise on all processes if their models differ."""
    named = [*module.named_parameters(), *module.named_buffers()]
    mine = [(name, tensor.shape, str(tensor.dtype), tensor.requires_grad) for name, tensor in named]
    everybody = arrays.gather_objects(group, mine)
    for rank, theirs in enumerate(everybody):
        if theirs != everybody[0]:
            pairs = zip(everybody[0], theirs, strict=False)
            count = min(len(theirs), len(everybody[0]))
            place = next((i for i, (a, b) in enumerate(pairs) if a != b), count)
            a, b = (_described(tensors, place) for tensors in (everybody[0], theirs))
            raise ValueError(
                f"DistributedDataParallel: the models differ: rank 0 has {a}, rank {rank} has {b}. All processes must "
                "make the same model."
            )


def _described(tensors: list[tuple[str, tuple[int, ...], str, bool]], place: int) -> str:
    if place == len(tensors):
        return f"no more than {place} parameters and buffers"
    name, shape, dtype, learned = tensors[place]
    return f"{name} of shape {shape} and dtype {dtype}" + ("" if learned else ", which is not learned")

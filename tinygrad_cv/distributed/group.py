"""The processes that train together."""

from __future__ import annotations

from importlib.util import find_spec

from ..core.annotations import explaining
from ..mpi.world import joined, world


def is_available() -> bool:
    """Whether mpi4py is installed."""
    return find_spec("mpi4py") is not None


def is_initialized() -> bool:
    """Whether this process has joined the others: by :func:`init_process_group`, or by the first use of this room."""
    return joined()


@explaining
def init_process_group(backend: str = "mpi") -> None:
    """Join the processes that the launcher started together with this one; if none did, this process is alone.

    It need not be called: the first use of this room does it.

    Args:
        backend: "mpi", the only one.

    Raises:
        ValueError: another backend.
        RuntimeError: this is a worker process of a rank.
        ModuleNotFoundError: a launcher started this process, and mpi4py is not installed.

    >>> import tinygrad_cv as tg
    >>> tg.distributed.init_process_group()
    >>> tg.distributed.get_rank(), tg.distributed.get_world_size()
    (0, 1)
    """
    if backend != "mpi":
        raise ValueError(
            f"init_process_group: backend={backend!r}; processes talk over MPI alone: backend='mpi', or leave it out."
        )
    world("init_process_group")


def destroy_process_group() -> None:
    """Wait for all others before the end; MPI itself ends with the process."""
    here = world("destroy_process_group")
    if here.size > 1:
        here.comm.Barrier()


def get_rank() -> int:
    """The number of this process: 0 to :func:`get_world_size` - 1.

    >>> import tinygrad_cv as tg
    >>> tg.distributed.get_rank()
    0
    """
    return world("get_rank").rank


def get_world_size() -> int:
    """How many processes train together.

    >>> import tinygrad_cv as tg
    >>> tg.distributed.get_world_size()
    1
    """
    return world("get_world_size").size

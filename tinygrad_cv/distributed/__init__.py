"""Training on several processes, over MPI: who they are, and tensors between them, under ``torch.distributed``'s names.

A process that no launcher started is alone, rank 0 of 1: the same script runs on it, without mpi4py.
"""

from .collectives import (
    ReduceOp,
    all_gather,
    all_gather_object,
    all_reduce,
    barrier,
    broadcast,
    broadcast_object_list,
)
from .group import destroy_process_group, get_rank, get_world_size, init_process_group, is_available, is_initialized

__all__ = [
    "ReduceOp",
    "all_gather",
    "all_gather_object",
    "all_reduce",
    "barrier",
    "broadcast",
    "broadcast_object_list",
    "destroy_process_group",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
]

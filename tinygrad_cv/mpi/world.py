"""The processes that were started together: how many they are, and which of them this one is.

A launcher of MPI (``mpiexec``, ``srun``) tells each process so in its environment. A process that no launcher started
is alone: it needs no MPI, and mpi4py is not imported.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from ..core.locks import lock
from .waiting import Clocked

LAUNCHED = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")  # MPICH, Intel MPI and MVAPICH; PMIx; Open MPI
ASKED = "TINYGRAD_CV_RANKS"  # how many ranks the command launch has started
BINDINGS = "mpi4py.MPI"


class Group:
    """Processes that compute together.

    Attributes:
        comm: mpi4py's communicator of them, whose calls are timed; None for a process that is alone.
        rank: the number of this process among them.
        size: how many they are.
    """

    def __init__(self, comm: Any = None):
        self.comm: Any = None if comm is None else Clocked(comm)
        self.rank: int = comm.Get_rank() if comm is not None else 0
        self.size: int = comm.Get_size() if comm is not None else 1
        self._process = os.getpid()

    def is_here(self) -> bool:
        """Whether this is the process that joined, and not a fork of it, which MPI does not know."""
        return self._process == os.getpid()


_world: Group | None = None
groups: dict[tuple[int, ...], Group] = {}  # parts of the world, by their ranks
_joining = lock()


def joined() -> bool:
    """Whether this process has joined the others."""
    return _world is not None and _world.is_here()


def launched() -> bool:
    """Whether a launcher of MPI has started this process, or somebody has begun to use MPI in it."""
    return BINDINGS in sys.modules or any(name in os.environ for name in LAUNCHED)


def world(caller: str) -> Group:
    """The processes that compute together; at the first call this one joins them.

    Raises:
        RuntimeError: this is a worker of one of them.
        ModuleNotFoundError: a launcher started this process, and mpi4py is not installed.
    """
    global _world
    if _world is None or not _world.is_here():
        with _joining:
            if _world is None or not _world.is_here():
                _check_no_worker(caller)
                found = Group(_bindings(caller).COMM_WORLD if launched() else None)
                _check_count(caller, found)
                _world = found
    return _world


def members(caller: str, ranks: tuple[int, ...] = (), name: str = "group") -> Group:
    """The processes of these ranks, this one among them; all for (). They must all ask.

    Raises:
        ValueError: a rank that does not exist or stands there twice, or this process's own is missing.
    """
    if not ranks:
        return world(caller)
    if ranks not in groups:
        here = world(caller)
        if len(set(ranks)) < len(ranks) or not set(ranks) <= set(range(here.size)) or here.rank not in ranks:
            raise ValueError(
                f"{caller}: {name}={ranks} on rank {here.rank} of {here.size}; it takes different ranks below "
                f"{here.size}, this process's own among them."
            )
        groups[ranks] = here if here.comm is None else Group(here.comm.Create_group(here.comm.Get_group().Incl(ranks)))
    return groups[ranks]


def _check_count(caller: str, group: Group) -> None:
    """Ranks that do not find each other would each train alone, and write the same files."""
    asked = os.environ.get(ASKED, "")
    if asked.isdecimal() and int(asked) != group.size:
        raise RuntimeError(
            f"{caller}: {asked} ranks were started, and MPI counts {group.size}: mpiexec belongs to another MPI than "
            "the one that mpi4py has loaded. Give launch the --mpiexec of that."
        )


def _check_no_worker(caller: str) -> None:
    """Children of a rank have its environment, and may not take its place among the others."""
    if "multiprocessing" in sys.modules and launched():
        from multiprocessing import parent_process

        if _world is not None or parent_process() is not None:
            raise RuntimeError(
                f"{caller} in a worker process (of a DataLoader, say): workers are no ranks, and MPI knows "
                "nothing of them. Ask in the process that the launcher started, and pass the answer on."
            )
    elif _world is not None and _world.comm is not None:
        raise RuntimeError(f"{caller} after os.fork: the child of a rank is no rank. Ask before the fork.")


def _bindings(caller: str) -> Any:
    try:
        from mpi4py import MPI
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{caller}: a launcher of MPI started this process, and mpi4py is not installed: "
            "pip install 'tinygrad_cv[mpi]'"
        ) from error
    return MPI

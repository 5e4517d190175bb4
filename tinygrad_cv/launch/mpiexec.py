"""MPI's launcher: which one there is, and how it is asked for ranks."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REMEDY = "pip install '.[mpi]' installs one beside this Python; --mpiexec names another, such as a cluster's"


class LaunchError(RuntimeError):
    """There is no launcher of MPI, or it is not known how to ask it."""


@dataclass(frozen=True)
class Kind:
    """How launchers of one kind are asked.

    Attributes:
        mark: what ``--version`` says of no other kind.
        ranks, hosts: the options' names.
        ends: signals that end it one after the other, and with it all that it started.
    """

    name: str
    mark: str
    ranks: str
    hosts: str
    ends: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGKILL)


DEVICES = ("UCX_NET_DEVICES", "FI_TCP_IFACE")  # on which MPICH's ways to other hosts listen
ELSEWHERE = (  # who may name hosts, beside the command: a scheduler, or a file
    "SLURM_JOB_ID",
    "PBS_NODEFILE",
    "LSB_MCPU_HOSTS",
    "PE_HOSTFILE",
    "LOADL_HOSTFILE",
    "COBALT_NODEFILE",
    "HYDRA_HOST_FILE",
)
AT_ONCE = (signal.SIGKILL,)  # the hosts see their connection end; at SIGTERM it would report a rank's bad end
KINDS = (
    Kind("MPICH", "hydra", "-n", "-hosts", AT_ONCE),
    Kind("Intel MPI", "intel(r) mpi", "-n", "-hosts", AT_ONCE),
    Kind("Open MPI", "open mpi", "-n", "--host"),
    Kind("Open MPI", "openrte", "-n", "--host"),
    Kind("PRRTE", "prrte", "-n", "--host"),
    Kind("SLURM", "slurm", "-n", "-w"),
)


@dataclass(frozen=True)
class Launcher:
    """A launcher of MPI that is there.

    Attributes:
        words: the command, with options of its own.
    """

    kind: Kind
    words: tuple[str, ...]

    def command(self, ranks: int | None, hosts: Sequence[str], program: Sequence[str]) -> list[str]:
        """The command that starts the program's ranks."""
        options = [] if ranks is None else [self.kind.ranks, str(ranks)]
        if hosts:
            options += [self.kind.hosts, ",".join(hosts)]
        return [*self.words, *options, *program]

    def stays(self, hosts: Sequence[str]) -> bool:
        """Whether all ranks are on this host, and nobody is asked for another."""
        named = hosts or len(self.words) > 1 or self.kind.name == "SLURM"
        return not (named or any(name in os.environ for name in ELSEWHERE))

    def environment(self, hosts: Sequence[str]) -> dict[str, str]:
        """What the environment says beside what is in it: ranks that share a host listen on no other's network."""
        if not self.stays(hosts) or self.kind.name != "MPICH" or not sys.platform.startswith("linux"):
            return {}
        return {name: "lo" for name in DEVICES if name not in os.environ}


def find(given: str | None = None) -> Launcher:
    """The launcher that is asked for, or else the one of this Python's environment, or else the first of the PATH.

    Args:
        given: its command, which may have options.

    Raises:
        LaunchError: there is none, or it is none that is known.
    """
    words = shlex.split(given) if given is not None else [_beside_python() or "mpiexec"]
    path = shutil.which(words[0]) if words else None
    if path is None:
        raise LaunchError(f"mpiexec={'mpiexec' if given is None else given!r}; there is no such program. {REMEDY}")
    try:
        asked = subprocess.run(
            [path, "--version"], capture_output=True, text=True, errors="replace", timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LaunchError(f"mpiexec={path!r}; it does not run ({error}). {REMEDY}") from None
    about = (asked.stdout + asked.stderr).lower()
    kind = next((kind for kind in KINDS if kind.mark in about), None)
    if kind is None:
        names = ", ".join(dict.fromkeys(kind.name for kind in KINDS))
        raise LaunchError(f"mpiexec={path!r}; it must be the launcher of {names}. {REMEDY}")
    return Launcher(kind, (path, *words[1:]))


def _beside_python() -> str | None:
    """The launcher that a wheel installed where this Python's programs are."""
    for folder in (Path(sys.executable).parent, Path(sys.prefix) / "bin"):
        path = folder / "mpiexec"
        if os.access(path, os.X_OK):
            return str(path)
    return None

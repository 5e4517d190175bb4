"""The parent of one rank: sees at once how its process ends or stops, and tells the launcher. Run as a script.

It imports the standard library alone, so that it is there before the rank is, and stays small. MPI's launcher starts
it as its own process; it divides the cores of the host among the ranks there, starts the rank with the streams that it
has itself, and hands on what the rank writes to its standard error, whose last line tells why it failed.

What it tells are frames on its standard error, which MPI's launcher carries from every host. A frame may stand in the
middle of a line of the program's, so it has marks at both ends, and is written at once. A silent watcher is one that is
stopped itself, or on a host that is lost.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

BEGIN, END = b"\x1etinygrad_cv ", b"\x1f"
LONGEST = 300  # characters of a cause; a frame is shorter than the 4096 bytes that a pipe takes at once
BEAT, STOPPED = 1.0, 4.0  # seconds between two frames; for which a rank may be stopped, as by a debugger or a scheduler
LINGER = 3.0  # seconds that the launcher has to end all, before MPI's launcher is left to find a rank missing
DRAIN = 0.5  # seconds for what a rank wrote before it ended, if processes of its own keep the stream open
RANK = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")
LOCAL_RANK = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")
LOCAL_RANKS = ("MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE", "SLURM_NTASKS_PER_NODE")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
ALIVE = "TINYGRAD_CV_WATCHER"  # a descriptor that is closed when the watcher is gone
RANKS = "TINYGRAD_CV_RANKS"  # how many were asked for


def main(settings: dict[str, Any], command: Sequence[str]) -> int:
    """Watch a rank.

    Args:
        settings: ranks: how many there are; cores: those that the launcher may use, on its host.
        command: what the rank runs.
    """
    with suppress(OSError):  # it leads a group already
        os.setpgid(0, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the whole group gets them; the rank decides
        signal.signal(number, lambda number, frame: None)
    ended, _alive = os.pipe()  # nobody but this process has the second end
    os.set_inheritable(ended, True)
    threads = divide_cores(settings["cores"])
    given = {name: str(threads) for name in THREADS if name not in os.environ}
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **given, ALIVE: str(ended), RANKS: str(settings["ranks"])}
    report = Report()
    # What MPI's launcher gave to talk to it by are descriptors, too.
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, close_fds=False)
    report.follow(process)
    code, cause = outcome(process.pid)
    process.returncode = code
    report.end(code, cause)
    if code:
        time.sleep(LINGER)
        os.killpg(os.getpgrp(), signal.SIGKILL)  # its own processes with it, such as those that make batches
    return code


class Report:
    """What a watcher writes to standard error: frames, and between them what its rank writes."""

    def __init__(self) -> None:
        self.rank, self.last = _number(RANK), b""
        self._about = {"host": os.uname().nodename, "pid": os.getpid(), "parent": os.getppid()}

    def follow(self, process: subprocess.Popen[bytes]) -> None:
        """From now on tell every second that rank and watcher are there, and hand on what the rank writes."""
        assert process.stderr is not None
        self._hand_on = threading.Thread(target=self._copy, args=(process.stderr.fileno(),), daemon=True)
        self._hand_on.start()
        threading.Thread(target=self._beat, daemon=True).start()

    def end(self, code: int, cause: str | None) -> None:
        """Tell how the rank ended, after all that it wrote."""
        self._hand_on.join(DRAIN)
        said = self.last.decode("utf-8", "replace").strip().rpartition("\r")[2]
        self.write({"code": code, "cause": (cause or said or f"exit code {code}")[:LONGEST]})

    def _beat(self) -> None:
        while True:
            self.write(self._about)
            time.sleep(BEAT)

    def write(self, frame: dict[str, Any]) -> None:
        """Tell the launcher something of this rank."""
        _write(BEGIN + json.dumps({"rank": self.rank, **frame}).encode("ascii") + END)

    def _copy(self, source: int) -> None:
        line = b""
        while data := os.read(source, 1 << 16):
            _write(data)
            *lines, line = (line + data).split(b"\n")
            self.last = next((x for x in reversed([*lines, line]) if x.strip()), self.last)[-4 * LONGEST :]
            line = line[-4 * LONGEST :]


def outcome(pid: int) -> tuple[int, str | None]:
    """How a process ended, as shells count it, and the cause if it is a signal. One that stays stopped is ended."""
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            later = _when_stopped(pid)
            if later is None:
                name = signal.Signals(os.WSTOPSIG(status)).name
                return 128 + signal.SIGKILL, f"stopped by {name} for {STOPPED:.0f} seconds, and ended"
            status = later
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status), None
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            hint = "; the system does that when memory runs out" if number == signal.SIGKILL else ""
            return 128 + number, f"killed by {signal.Signals(number).name}{hint}"


def _when_stopped(pid: int) -> int | None:
    """What becomes of a stopped process, as ``waitpid`` tells; None if nothing does.

    The pauses are counted, not the clock: if this process was stopped as well, as by a scheduler, both go on.
    """
    for _ in range(round(STOPPED / 0.1)):
        time.sleep(0.1)
        found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
        if found and not os.WIFSTOPPED(status):
            return status
    return None


def divide_cores(launcher: Sequence[int]) -> int:
    """Leave this process its part of the cores, and return how many threads the rank may run.

    The ranks of a host share its cores evenly, siblings of one core together. Ranks that are bound already, as by a
    scheduler, are left as they are: those whose cores are neither the launcher's nor the whole machine's.
    """
    ranks = _number(LOCAL_RANKS) or 1
    if not hasattr(os, "sched_getaffinity"):
        return max(1, (os.cpu_count() or 1) // ranks)
    cores, rank = sorted(os.sched_getaffinity(0)), _number(LOCAL_RANK)
    if rank is None or not (cores == sorted(launcher) or len(cores) == os.cpu_count()):
        return len(cores)
    with suppress(OSError):  # a sandbox forbids it: slower, not wrong
        os.sched_setaffinity(0, share(sorted(cores, key=_place), rank, ranks))
    return max(1, len(cores) // ranks)


def share(cores: Sequence[int], rank: int, ranks: int) -> Sequence[int]:
    """The cores of one of the ranks on a host; all of them where there are too few.

    >>> [share([0, 4, 1, 5, 2], rank, 2) for rank in (0, 1)], share([0, 1], 2, 4)
    ([[0, 4], [1, 5, 2]], [0, 1])
    """
    if len(cores) < ranks:
        return cores
    return cores[len(cores) * rank // ranks : len(cores) * (rank + 1) // ranks]


def _place(core: int) -> tuple[int, int, int]:
    """Socket, core and number: siblings are neighbours."""
    found = []
    for name in ("physical_package_id", "core_id"):
        try:
            with open(f"/sys/devices/system/cpu/cpu{core}/topology/{name}", encoding="ascii") as file:
                found.append(int(file.read()))
        except (OSError, ValueError):
            found.append(0)
    return found[0], found[1], core


def _number(names: Sequence[str]) -> int | None:
    """The first of these variables that is a number."""
    return next((int(os.environ[name]) for name in names if os.environ.get(name, "").isdecimal()), None)


def _write(data: bytes) -> None:
    """Write to standard error; if nobody reads it any more, this rank ends."""
    try:
        while data:
            data = data[os.write(2, data) :]
    except OSError:
        os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))

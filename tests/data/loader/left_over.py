"""What a loader could leave behind: processes, shared memory, open files. Where /proc is empty, nothing is seen."""

import os
from pathlib import Path

SERVERS = ("multiprocessing.forkserver", "multiprocessing.resource_tracker")  # Python's own, which stay to the end


def _stat(pid):
    """Name, state, parent and session of a process; None if there is none."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        command = Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent, _, session = rest.split()[:4]
    return name, state, int(parent), int(session), command


def _all():
    return {int(entry): stat for entry in os.listdir("/proc") if entry.isdigit() and (stat := _stat(entry))}


def processes():
    """The descendants of this process, zombies too, without Python's servers."""
    everyone, found, parents = _all(), set(), {os.getpid()}
    while parents:
        parents = {pid for pid, stat in everyone.items() if stat[2] in parents}
        found |= parents
    return {pid for pid in found if not _serves(everyone[pid]) or _serves(everyone[everyone[pid][2]])}


def _serves(stat):
    """Whether this is a server of Python's, or a child of one, which has the same command line."""
    return any(server in stat[4] for server in SERVERS)


def in_session(session):
    """The processes of a session that have not ended."""
    return {pid for pid, stat in _all().items() if stat[3] == session and stat[1] != "Z"}


def shared_memory():
    """What this process's user has in /dev/shm; the semaphores of other programs come and go."""
    return {name for name in os.listdir("/dev/shm") if not name.startswith("sem.")}


def descriptors():
    """How many files this process has open, but for the pipes to Python's servers."""
    return {
        fd: target
        for fd in (os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ())
        if (target := _target(fd)).startswith(("socket", "/memfd", "anon_inode"))
    }


def _target(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except FileNotFoundError:
        return ""

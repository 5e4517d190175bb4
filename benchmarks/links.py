"""Two hosts on this machine, and a link between them of known delay and rate: network namespaces, for root on Linux.

The rate is the kernel's token bucket. Few kernels delay packets (netem), so a process of our own does: it is the wire,
takes what one host sends, and gives it to the other when it is due. It comes before all else on the processor, so that
busy ranks do not delay it further; what it takes itself is part of what is measured.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import select
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

HOSTS = ("10.77.0.1", "10.77.0.2")
DEVICE = "wire"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
MTU = 65000  # bytes: few large packets, since each passes through Python
BUCKET = "80kb"  # little more than a packet: what waits to be sent is not sent at once


def possible() -> str | None:
    """Why there can be no such hosts; None if there can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "network namespaces need root on Linux"
    for command in (["ip", "netns", "list"], ["tc", "-V"]):
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            return f"{' '.join(command)}: {error}"
    return None


@contextmanager
def hosts(delay: float, rate: float) -> Iterator[list[str]]:
    """Within the block there are two hosts; gives the words that run a command on the first one, as ``mpiexec``.

    Args:
        delay: seconds that a packet takes, one way.
        rate: bits a second, each way.
    """
    _remove()
    wire = None
    try:
        for host in HOSTS:
            _run("ip", "netns", "add", host)
            _run("ip", "-n", host, "link", "set", "lo", "up")
        wire = _tunnels(delay) if delay else None
        if wire is None:
            _run("ip", "link", "add", "wire0", "netns", HOSTS[0], "type", "veth", "peer", "wire1", "netns", HOSTS[1])
        for number, host in enumerate(HOSTS):
            _run("ip", "-n", host, "link", "set", f"wire{number}", "name", DEVICE)
            _run("ip", "-n", host, "addr", "add", f"{host}/24", "dev", DEVICE)
            _run("ip", "-n", host, "link", "set", DEVICE, "mtu", str(MTU), "up")
            shape = ["root", "tbf", "rate", f"{rate:.0f}bit", "burst", BUCKET, "latency", "200ms"]
            _run("ip", "netns", "exec", host, "tc", "qdisc", "add", "dev", DEVICE, *shape)
        yield on(HOSTS[0])
    finally:
        if wire is not None:
            wire.terminate()
            wire.join()
        _remove()


def on(host: str) -> list[str]:
    """The words that run a command on a host, under its name."""
    return ["ip", "netns", "exec", host, "unshare", "--uts", "sh", "-c", f'hostname {host}; exec "$@"', "sh"]


def remote_shell(folder: Path) -> Path:
    """A program that MPICH's launcher takes for ssh."""
    path = folder / "shell"
    path.write_text(
        '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; done\nhost=$1; shift\n'
        'exec ip netns exec "$host" unshare --uts sh -c "hostname $host; exec $*"\n'
    )
    path.chmod(0o755)
    return path


def _tunnels(delay: float) -> multiprocessing.Process:
    ends = []
    for number, host in enumerate(HOSTS):
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", f"wire{number}".encode(), IFF_TUN | IFF_NO_PI))
        _run("ip", "link", "set", f"wire{number}", "netns", host)
        ends.append(end)
    wire = multiprocessing.get_context("fork").Process(target=carry, args=(ends, delay), daemon=True)
    wire.start()
    for end in ends:
        os.close(end)
    return wire


def carry(ends: Sequence[int], delay: float) -> None:
    """Carry packets between two ends for ever, each so many seconds after it came."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    waiting: deque[tuple[float, int, bytes]] = deque()  # all have the same delay, and so keep their order
    while True:
        left = waiting[0][0] - time.perf_counter() if waiting else None
        ready, _, _ = select.select(ends, [], [], None if left is None else max(0.0, left))
        for end in ready:
            with suppress(BlockingIOError):
                while packet := os.read(end, MTU + 100):
                    waiting.append((time.perf_counter() + delay, ends[end == ends[0]], packet))
        while waiting and waiting[0][0] <= time.perf_counter():
            _, other, packet = waiting.popleft()
            with suppress(OSError):  # the interface is not up yet
                os.write(other, packet)


def _remove() -> None:
    for host in HOSTS:
        subprocess.run(["ip", "netns", "del", host], capture_output=True, check=False)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)

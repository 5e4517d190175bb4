"""Start the ranks, watch them, and end them together: the first cause is the last line."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from .frames import Reader
from .mpiexec import Launcher
from .watch import BEAT

SILENT = 5  # beats of a watcher that may be missing
HERE_BEGUN, ALL_BEGUN = 7.0, 60.0  # seconds in which ranks begin, one after another: on this host, and on any
TOGETHER = 0.3  # seconds in which other ranks may tell a cause that comes before the one that was read first
ORDERLY = 10.0  # seconds in which all ranks end that were asked to, once the first one has
LEAVING = 2.0  # seconds that MPI's launcher has to end by itself
SLOW = 30.0  # seconds for which ranks have waited before those are named that they wait for
FRESH = 8.0  # seconds after which a rank that has told nothing waits no more
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HERE = Path(__file__).parent


def program(words: Sequence[str], ranks: int) -> list[str]:
    """What MPI's launcher starts for each rank: a watcher, and by that ``script.py ...`` or ``-m module ...``."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    settings = json.dumps({"ranks": ranks, "cores": cores})
    return [sys.executable, "-I", "-S", str(HERE / "watch.py"), settings, sys.executable, str(HERE / "rank.py"), *words]


def run(launcher: Launcher, ranks: int, hosts: Sequence[str], words: Sequence[str]) -> int:
    """Run a program in so many ranks; the exit code of the first that failed, or 0.

    An exit code is 128 + n where signal n ended the rank, or this process was asked to end by it.
    """
    command = launcher.command(ranks, hosts, program(words, ranks))
    # A session of its own: Ctrl-C reaches this process alone, which hands it on once.
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **launcher.environment(hosts)},
        start_new_session=True,
        bufsize=0,
    )
    run = _Run(launcher, process, ranks, HERE_BEGUN if launcher.stays(hosts) else ALL_BEGUN)
    before = {number: signal.signal(number, run.asked) for number in SIGNALS}
    try:
        run.follow()
    finally:
        run.end()
        for number, handler in before.items():
            signal.signal(number, handler)
    return run.told()


class _Run:
    """Ranks that run, as far as their watchers have told."""

    def __init__(self, launcher: Launcher, process: subprocess.Popen[bytes], ranks: int, patience: float):
        self.kind, self.name = launcher.kind, launcher.words[0]
        self.process, self.ranks, self.reader = process, ranks, Reader()
        self.hosts: dict[int | None, str] = {}
        self.ended: set[int | None] = set()
        self.missing: dict[int | None, int] = {}  # beats, of ranks that run
        self.causes: list[tuple[int | None, str, int]] = []  # rank, text, exit code
        self.waits: dict[int | None, tuple[float, float]] = {}  # when it was told, and for how long they have waited
        self.named: set[int | None] = set()  # as slow
        self.signal: int | None = None
        self._begun, self._patience = time.monotonic(), patience  # when a rank began last
        self._asked, self._in_line = 0.0, False
        self._watchers, self._agents = set[int](), set[int]()  # on this host, with those that started them
        assert process.stderr is not None
        self._selector = selectors.DefaultSelector()
        self._selector.register(process.stderr, selectors.EVENT_READ)

    def asked(self, number: int, frame: FrameType | None) -> None:
        """Hand a signal on: a training ends after its step. A second one ends all at once."""
        again, self.signal, self._asked = self.signal is not None, number, time.monotonic()
        with suppress(OSError):
            self.process.send_signal(signal.SIGKILL if again else number)

    def follow(self) -> None:
        """Read until all have ended, or one has failed."""
        last = time.monotonic()
        while self.process.poll() is None and (not self.causes or self._leaves_in_order()):
            if self._waits(BEAT / 4) and not self._read():
                return
            # Beats are counted after all that waits to be read, and never two for one look: if this process was
            # stopped for a while, nobody else was silent.
            if time.monotonic() - last >= BEAT:
                last = time.monotonic()
                self._count()
        self._read_on(TOGETHER)

    def _leaves_in_order(self) -> bool:
        """Ranks that were asked to end do so with an exit code, one after another."""
        return self.signal is not None and bool(self.missing) and time.monotonic() - self._asked < ORDERLY

    def _read_on(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._waits(left) and not self._read():
                return

    def _waits(self, seconds: float) -> bool:
        """Whether there is something to read, or the end."""
        return bool(self._selector.select(seconds))

    def _read(self) -> bool:
        """Take what there is; False at the end."""
        assert self.process.stderr is not None
        data = os.read(self.process.stderr.fileno(), 1 << 16)
        own, frames = self.reader.feed(data) if data else (self.reader.rest(), [])
        sys.stderr.buffer.write(own)
        sys.stderr.buffer.flush()
        self._in_line = own[-1:] != b"\n" if own else self._in_line
        for frame in frames:
            self._note(frame)
        return bool(data)

    def _note(self, frame: dict[str, Any]) -> None:
        rank = frame["rank"]
        if "code" in frame:
            self.ended.add(rank)
            self.missing.pop(rank, None)
            if frame["code"]:
                self.causes.append((rank, frame["cause"], frame["code"]))
        if "waits" in frame:
            self.waits[rank] = time.monotonic(), frame["waits"]
        if rank in self.ended or "host" not in frame:  # the watcher of a rank that has ended may still beat
            return
        if rank not in self.hosts:
            self._begun = time.monotonic()
        self.hosts[rank] = frame["host"]
        if frame["host"] == os.uname().nodename:
            self._watchers.add(frame["pid"])
            self._agents.add(frame["parent"])
        self.missing[rank] = 0

    def _count(self) -> None:
        """One more beat is missing of each rank, until it comes."""
        self._name_slow()
        for rank in self.missing:
            self.missing[rank] += 1
            if self.missing[rank] > SILENT:
                text = f"silent for {SILENT * BEAT:.0f} seconds: its processes are stopped, or its host is lost"
                self.causes.append((rank, text, 128 + signal.SIGKILL))
        if len(self.hosts) < self.ranks and time.monotonic() - self._begun > self._patience:
            absent = next(rank for rank in range(self.ranks) if rank not in self.hosts)
            text = f"it has not begun {self._patience:.0f} seconds after those before it: a process is stopped"
            self.causes.append((absent, text, 1))

    def _name_slow(self) -> None:
        """Tell, once for each, whom the others wait for."""
        now = time.monotonic()
        waits = {rank: long for rank, (told, long) in self.waits.items() if now - told < FRESH and rank in self.missing}
        if not waits or max(waits.values()) < SLOW:
            return
        slow = [rank for rank in self.missing if rank not in waits]
        if slow and not self.named >= set(slow):
            names = " and ".join(f"rank {rank} on {self.hosts[rank]}" for rank in sorted(slow, key=str))
            text = f"waits for {names}, for {max(waits.values()):.0f} seconds: slow, or busy with something else"
        elif not slow and not self.named >= self.missing.keys():
            text = "waits for every other: they have not made the same calls, or a message is under way for long"
        else:
            return
        self.named.update(slow or self.missing)
        print(f"launch: {_counted(len(waits))} {text}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End what is left, with MPI's launcher, and what it has started with that."""
        if not self.causes:
            self._wait()
        with suppress(OSError, ValueError):  # where Linux tells; those that have not begun have not told themselves
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            self._agents.update(map(int, children.read_text().split()))
        for way in self.kind.ends:
            if self.process.poll() is None:
                self.process.send_signal(way)
                self._wait()
        if self.causes or self.process.returncode:  # a process that is stopped does not notice that others end
            for end, number in [
                *((os.killpg, pid) for pid in self._watchers),
                *((os.kill, pid) for pid in self._agents),
            ]:
                with suppress(OSError):  # it is gone, as it should be
                    end(number, signal.SIGKILL)
        self._read_on(TOGETHER)
        self._selector.close()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _wait(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(LEAVING)

    def told(self) -> int:
        """Tell the first cause, and return the exit code."""
        code, text = self._outcome()
        if text:
            print(("\n" if self._in_line else "") + f"launch: {text}", file=sys.stderr)
        return code

    def _outcome(self) -> tuple[int, str]:
        code, running = self.process.returncode or 0, ", ".join(sorted(map(str, self.missing))) or "none"
        if self.signal is not None and (code or self.causes):
            return 128 + self.signal, "interrupted"
        if self.causes:
            # What a rank sees of another's end is no cause.
            rank, cause, code = min(self.causes, key=lambda cause: cause[1].startswith("mpi4py.MPI.Exception"))
            return code, f"rank {rank} on {self.hosts.get(rank, 'its host')} failed: {cause}"
        if code > 0:
            return (
                code,
                f"{self.name} ended with exit code {code}, or a watcher with its rank; ranks that ran: {running}",
            )
        if code < 0:
            return 128 - code, f"{self.name} was killed by {signal.Signals(-code).name}; ranks that ran: {running}"
        return 0, ""


def _counted(ranks: int) -> str:
    return "one rank" if ranks == 1 else f"each of {ranks} ranks"

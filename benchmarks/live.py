"""The driver's side of the line protocol: a measured system as a live process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any

from benchmarks.measure import ROOT, clean_environment
from benchmarks.systems import SYSTEMS
from benchmarks.workloads import Workload


class WorkerError(RuntimeError):
    """A worker ended, or said nothing for too long."""


class LiveWorker:
    """A worker process; used in a `with` statement, at whose end the process ends."""

    def __init__(
        self, system: str, workload: Workload, environment: Mapping[str, str] | None = None, patience: float = 600.0
    ) -> None:
        self.system = system
        self._patience = patience
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, *SYSTEMS[system].command(workload)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**clean_environment(), **SYSTEMS[system].environment, **(environment or {})},
            cwd=ROOT,
        )
        try:
            self._receive()
        except WorkerError:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the process has ended: waiting for its answer tells why
            self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
            self._process.stdin.flush()
        return self._receive()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._log.close()

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        watchdog = threading.Timer(self._patience, self._process.kill)
        watchdog.start()
        try:
            for line in self._process.stdout:
                if line.startswith("{"):  # anything else was printed by the measured system
                    answer: dict[str, Any] = json.loads(line)
                    return answer
        finally:
            watchdog.cancel()
        raise WorkerError(f"{self.system} ended (exit code {self._process.wait()}): {self._last_words()}")

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().strip().splitlines()
        return lines[-1] if lines else "it printed nothing"

    def __enter__(self) -> LiveWorker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

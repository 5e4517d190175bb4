"""The worker's side of the line protocol: one JSON object a line, a command on stdin, its answer on stdout.

    {"command": "shapes"}                                         -> {"shapes": {name: [...]}}
    {"command": "load", "path": npz}                              -> {}
    {"command": "check", "dtype": name, "steps": n, "save": npz}  -> {"losses": [...]}
    {"command": "time", "steps": n, "seconds": limit}             -> {"times": [...]}
    {"command": "first"}                                          -> {"times": [...]}
    {"command": "memory"}                                         -> {"baseline": MiB, "peak": MiB}
    {"command": "kernels"}                                        -> {"kernels": [{...}]}

Before its first command a worker says {"ready": true}. It ends when stdin does.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.workloads import WORKLOADS, Arrays, Workload, initial_values

Command = dict[str, Any]
KERNEL = ("kind", "flops", "bytes", "ms", "share")  # what is told of each kernel


class Measured(Protocol):
    """What a worker measures: a network with its data, and what is done with it."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters; for inference of the running statistics too."""

    def load(self, values: Arrays) -> None:
        """Take copies of these, and forget the optimizer's state."""

    def step(self) -> float | None:
        """Do the task once, to its end; return the loss where there is one, from before the update."""

    def results(self) -> Arrays:
        """What the last step computed, by name: gradients, output."""


Make = Callable[[Workload, str], Measured]  # the workload, the dtype


class Session:
    """One system under measurement; each public method answers the command of its name."""

    def __init__(self, workload: Workload, make: Make) -> None:
        self._baseline = _peak_memory()  # the framework is imported, nothing is built
        self._build = partial(make, workload)
        self._system = self._build("float32")
        self._initial = initial_values(self._system.shapes())

    def shapes(self, command: Command) -> dict[str, Any]:
        """The names and shapes of the parameters."""
        return {"shapes": self._system.shapes()}

    def load(self, command: Command) -> dict[str, Any]:
        """Take initial parameters from a file; every check and every timing starts from them."""
        with np.load(command["path"]) as stored:
            parameters = dict(stored)
        expected = {name: tuple(shape) for name, shape in self._system.shapes().items()}
        found = {name: value.shape for name, value in parameters.items()}
        if expected != found:
            raise ValueError(f"parameters differ: the network has {expected}, the file {found}")
        self._initial = parameters
        return {}

    def check(self, command: Command) -> dict[str, Any]:
        """Losses of the first steps; what else the first step computed is saved.

        In float32 the system checked is the one that is timed.
        """
        dtype = command["dtype"]
        system = self._system if dtype == "float32" else self._build(dtype)
        system.load({name: value.astype(dtype) for name, value in self._initial.items()})
        losses = [system.step()]
        results: dict[str, Any] = {name: np.array(value) for name, value in system.results().items()}
        np.savez(command["save"], **results)
        losses += [system.step() for _ in range(command["steps"] - 1)]
        return {"losses": [loss for loss in losses if loss is not None]}

    def time(self, command: Command) -> dict[str, Any]:
        """Time single steps after one that is not counted; stop early when the limit in seconds has passed."""
        self._system.load(self._initial)
        self._system.step()
        times: list[float] = []
        while len(times) < command["steps"] and sum(times) < command["seconds"]:
            start = time.perf_counter()
            self._system.step()
            times.append(time.perf_counter() - start)
        return {"times": times}

    def first(self, command: Command) -> dict[str, Any]:
        """Time the first step of a fresh worker, with all that is compiled for it."""
        self._system.load(self._initial)
        start = time.perf_counter()
        self._system.step()
        return {"times": [time.perf_counter() - start]}

    def memory(self, command: Command) -> dict[str, Any]:
        """Peak resident memory after the imports, and up to now."""
        return {"baseline": self._baseline, "peak": _peak_memory()}

    def kernels(self, command: Command) -> dict[str, Any]:
        """What a compiled step is made of, one row a kernel; only a system with `kernels()` can tell."""
        rows = self._system.kernels()  # type: ignore[attr-defined]
        return {"kernels": [{name: getattr(row, name) for name in KERNEL} for row in rows]}


def serve(make: Make) -> None:
    """Build the system for the workload named on the command line, and answer commands until stdin ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=list(WORKLOADS))
    parser.add_argument("--batch", type=int, help="instead of the workload's")
    arguments, _ = parser.parse_known_args()  # others are the system's
    workload = WORKLOADS[arguments.workload]
    session = Session(replace(workload, batch=arguments.batch or workload.batch), make)
    _answer({"ready": True})
    for line in sys.stdin:
        command = json.loads(line)
        _answer(getattr(session, command["command"])(command))


def _answer(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


def _peak_memory() -> float:
    """Peak resident memory of this process in MiB."""
    try:
        # The same figure as ru_maxrss, except that Linux starts a child's ru_maxrss at its parent's peak.
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 2**10
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)

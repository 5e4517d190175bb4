"""What every benchmark here shares: a guard against other load on the machine, statistics, a clean environment."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.bounds import Bound
from tinygrad_cv.files import write_text

ROOT = Path(__file__).parents[1]  # from which `benchmarks` can be imported
PROC = Path("/proc")
MAX_FOREIGN = 0.05  # share of the cores' processor time that others may use during a clean interval
ATTEMPTS = 4  # to measure undisturbed
Result = TypeVar("Result")
_VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX"}
_REMOVED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")  # all slow a process down


class LoadGuard:
    """Measures how much processor time others used since the guard was made, as a share of that of the usable cores.

    The processes named by `pids` and the present one are not "others". Time stolen by a hypervisor is.
    """

    def __init__(self, pids: Iterable[int] = ()) -> None:
        self._pids = {os.getpid(), *pids}
        self._start = self._read()

    def foreign(self) -> float | None:
        """The share, or None where the system does not tell."""
        end = self._read()
        if self._start is None or end is None:
            return None
        elapsed, busy, own = (after - before for before, after in zip(self._start, end, strict=True))
        ticks = max(elapsed, 1e-3) * os.sysconf("SC_CLK_TCK") * len(usable_cores())
        return max(0.0, busy - own) / ticks

    def clean(self, limit: float = MAX_FOREIGN) -> bool:
        """Whether others used at most `limit`; an unknown share counts as clean."""
        share = self.foreign()
        return share is None or share <= limit

    def _read(self) -> tuple[float, float, float] | None:
        try:
            total = (PROC / "stat").read_text().split("\n", 1)[0].split()
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, total[1:9])
            own = sum(_processor_ticks(pid) for pid in self._pids)
        except (OSError, ValueError):
            return None
        return time.perf_counter(), user + nice + system + irq + softirq + steal, own


def _processor_ticks(pid: int) -> int:
    fields = (PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15]))  # user and system time, its own and its waited-for children's


def wait_until_quiet(seconds: float = 60.0, limit: float = MAX_FOREIGN) -> bool:
    """Wait until others leave the machine alone for a quarter of a second, or until `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        guard = LoadGuard()
        time.sleep(0.25)
        if guard.clean(limit):
            return True
    return False


def undisturbed(measure: Callable[[], Result], pids: Iterable[int] = (), limit: float = MAX_FOREIGN) -> Result | None:
    """What `measure` returns when others used at most `limit` meanwhile; None when no attempt was that calm."""
    pids = tuple(pids)
    for _ in range(ATTEMPTS):
        if not wait_until_quiet(limit=limit):
            break
        guard = LoadGuard(pids)
        result = measure()
        if guard.clean(limit):
            return result
    print("  left out: the machine was busy", file=sys.stderr, flush=True)
    return None


@dataclass(frozen=True)
class Summary:
    """Order statistics of a sample."""

    median: float
    p10: float
    minimum: float
    count: int


def summarize(samples: Sequence[float]) -> Summary:
    """Median, 10th percentile (nearest rank), minimum and size of a sample that is not empty."""
    ordered = sorted(samples)
    return Summary(statistics.median(ordered), ordered[len(ordered) // 10], ordered[0], len(ordered))


def usable_cores() -> list[int]:
    """The cores that this process, and those it starts, may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def use_cores(count: int) -> None:
    """Have this process, and those it starts, run on so many of its cores, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, usable_cores()[:count])


def clean_environment() -> dict[str, str]:
    """The environment for a measured process: a thread for each usable core; OpenBLAS chooses for the machine."""
    environment = {key: value for key, value in os.environ.items() if key not in _REMOVED}
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[variable] = str(len(usable_cores()))
    return environment


def machine() -> dict[str, str]:
    """The processor, the cores that may be used, and the versions of what is measured."""
    versions = {}
    for name in ("numpy", "llvmlite", "torch", "jax"):
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return {
        "processor": _processor(),
        "cores": str(len(usable_cores())),
        "python": platform.python_version(),
        **versions,
    }


def _processor() -> str:
    """Its name and its widest vector extension."""
    try:
        lines = (PROC / "cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    told = {key.strip(): value.strip() for key, value in fields.items()}
    flags = told.get("flags", "").split()
    widest = next((title for flag, title in _VECTORS.items() if flag in flags), platform.machine())
    return f"{told.get('model name', 'unknown')}, {widest}"


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that all commands share."""
    parser.add_argument("--cores", type=int, default=2, help="of the machine that all systems use")
    parser.add_argument(
        "--max-foreign",
        type=float,
        default=MAX_FOREIGN,
        help="load by others that spoils a measurement, in cores by cores",
    )
    parser.add_argument("--json", type=Path, help="put the figures into this file, under the command's name")
    parser.add_argument("--check", action="store_true", help="exit with code 1 where a bound is missed")


def report(figures: Iterable[tuple[Bound, float | None]], check: bool) -> int:
    """Print a verdict for each figure; the exit code is 1 if one misses its bound and `check` is set."""
    kept = True
    for bound, value in figures:
        print(bound.verdict(value))
        kept = kept and bound.holds(value)
    return int(check and not kept)


def keep(path: Path, section: str, figures: Mapping[str, Any]) -> None:
    """Put the figures into a section of a JSON file, and leave all other figures there as they are."""
    stored = json.loads(path.read_text()) if path.exists() else {}
    stored.setdefault(section, {}).update(figures)
    write_text(path, json.dumps(stored, indent=2) + "\n")

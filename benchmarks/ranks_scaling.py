"""How a training scales over ranks: on this machine, over links of known delay and rate, and, by a model, beyond.

A step takes what one rank computes, and then the sum of all gradients. The sum is modelled by Hockney's alpha and beta:
on p ranks, Rabenseifner's algorithm makes 2 log2(p) exchanges of alpha seconds each, and moves 2 (p - 1) / p of the
array, of n bytes, at beta seconds a byte. Over links both follow from the link, alpha = a0 + a1 delay, and
beta = b0 + 8 b1 / rate; four numbers that are fitted to some of the points, and tried on the others.

Sources: R. Hockney, "The communication challenge for MPP", 1994; R. Thakur, R. Rabenseifner, W. Gropp, "Optimization
of Collective Communication Operations in MPICH", 2005.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import links
from benchmarks.measure import ROOT, clean_environment, keep, usable_cores
from tinygrad_cv.files import write_text
from tinygrad_cv.launch import mpiexec
from tinygrad_cv.viz.figures import new_figure, save_figure

RANKS = (1, 2, 4)
SHARE, WHOLE = 32, 64  # images of each rank, and of all ranks: weak and strong scaling
LINKS = tuple((delay, rate) for delay in (1e-4, 1e-3) for rate in (1e9, 1e10))  # seconds, bits a second
FITTED = (1 << 16, 1 << 18, 1 << 20, 1 << 22)  # bytes, of sums that the model is fitted to
HELD_OUT = (3 << 15, 3 << 17, 3 << 19, 3 << 21)  # of those that it is tried on
FAR, NETWORK = 1000, "ResNet-20"
Point = tuple[float, float, int, float]  # delay, rate, bytes, seconds
Linked = Sequence[tuple[tuple[float, float], dict[str, Any]]]  # (delay, rate) and what was measured over it


def main(words: Sequence[str] | None = None) -> int:
    """Measure, fit, predict, draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="of which the least counts (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the figures to this file")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw them")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write them as Markdown")
    options = parser.parse_args(words)
    here = {ranks: local(ranks, options.rounds) for ranks in RANKS}
    reason = links.possible()
    there = [] if reason else [(link, linked(*link, options.rounds)) for link in LINKS]
    text = report(here, there) + (f"\nNo links were measured: {reason}.\n" if reason else "")
    print(text)
    if options.table:
        write_text(options.table, text)
    if options.json:
        keep(options.json, "ranks_scaling", {"here": here, "links": [[*link, found] for link, found in there]})
    if options.picture:
        draw(here, there, options.picture)
    return 0


def local(ranks: int, rounds: int) -> dict[str, Any]:
    """Ranks of one thread each, on this machine."""
    settings = {"bytes": [*FITTED, *HELD_OUT], "batches": sorted({SHARE, WHOLE // ranks}), "rounds": rounds}
    return _launch([sys.executable], ranks, [], settings, clean_environment())


def linked(delay: float, rate: float, rounds: int) -> dict[str, Any]:
    """Two ranks with a link between them."""
    settings = {"bytes": [*FITTED, *HELD_OUT], "batches": [SHARE], "rounds": rounds}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        first = stack.enter_context(links.hosts(delay, rate))
        (program,) = mpiexec.find().words
        shell = f"{program} -launcher ssh -launcher-exec {links.remote_shell(folder)}"
        # the hosts share a machine, and so memory, which MPI would use
        environment = {**clean_environment(), "UCX_TLS": "tcp", "UCX_NET_DEVICES": links.DEVICE}
        options = ["--hosts", ",".join(links.HOSTS), "--mpiexec", shell]
        return _launch([*first, sys.executable], 2, options, settings, environment)


def _launch(
    python: list[str], ranks: int, options: list[str], settings: dict[str, Any], environment: dict[str, str]
) -> dict[str, Any]:
    """What rank 0 has found."""
    settings = {**settings, "cores": usable_cores()}
    environment = {**environment, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    words = ["-m", "benchmarks.workers.ranks_scaling", json.dumps(settings)]
    command = [*python, "-m", "tinygrad_cv", "launch", "-n", str(ranks), *options, "--", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    for part in ("sums", "steps"):
        found[part] = {int(size): seconds for size, seconds in found[part].items()}
    return found


def terms(delay: float, rate: float, size: int, ranks: int = 2) -> list[float]:
    """What each of a0, a1, b0 and b1 counts in a sum."""
    exchanges, moved = 2 * math.ceil(math.log2(ranks)), 2 * (ranks - 1) / ranks * size
    return [exchanges, exchanges * delay, moved, 8 * moved / rate]


def fit(points: Sequence[Point]) -> np.ndarray:
    """(a0, a1, b0, b1), none below 0, with the least sum of squared relative errors."""
    from scipy.optimize import nnls

    rows = np.array([[term / seconds for term in terms(*link)] for *link, seconds in points])
    scale = rows.max(0)
    return nnls(rows / scale, np.ones(len(rows)))[0] / scale


def predict(model: np.ndarray, delay: float, rate: float, size: int, ranks: int = 2) -> float:
    """Seconds of a sum."""
    return float(np.dot(model, terms(delay, rate, size, ranks)))


def points(there: Linked, sizes: Sequence[int]) -> list[Point]:
    """Sums over links that were measured, of these sizes."""
    return [(*link, size, found["sums"][size]) for link, found in there for size in sizes]


def report(here: dict[int, dict[str, Any]], there: Linked) -> str:
    """All figures, as Markdown."""
    one = here[1]["steps"]
    rows = []
    for ranks, found in here.items():
        weak, strong = found["steps"][SHARE], found["steps"][WHOLE // ranks]
        efficiency, gain = one[SHARE] / weak, one[WHOLE] / strong
        rows.append([ranks, _ms(weak), f"{efficiency:.2f}", _ms(strong), f"{gain:.2f}"])
    head = [f"ranks of one thread, on {len(usable_cores())} cores", f"weak: {SHARE} images a rank", "efficiency"]
    text = _table([*head, f"strong: {WHOLE} images", "speed-up"], rows)
    if not there:
        return text
    model, alone = fit(points(there, FITTED)), here[2]["steps"][SHARE]
    errors = [abs(predict(model, *place) / seconds - 1) for *place, seconds in points(there, HELD_OUT)]
    near, far = [], []
    for link, found in there:
        step, sums, many = found["steps"][SHARE], exchange(model, link, here), exchange(model, link, here, FAR)
        error = f"{100 * ((alone + sums) / step - 1):+.0f} %"
        near.append(
            [_name(*link), f"{1e3 * sums:.1f} ms", f"{1e3 * (alone + sums):.1f} ms", f"{1e3 * step:.1f} ms", error]
        )
        efficiency = f"{one[SHARE] / (alone + many):.2f}"
        far.append([_name(*link), f"{1e3 * many:.1f} ms", f"{1e3 * (alone + many):.1f} ms", efficiency])
    a0, a1, b0, b1 = model
    sums = f"sums of {NETWORK}'s {sum(here[2]['exchanged']) / 1e6:.2f} MB"
    return (
        f"{text}\nalpha = {1e6 * a0:.0f} us + {a1:.2f} delay, beta = {1e9 * b0:.2f} ns + {b1:.2f} x 8 / rate. Of the "
        f"{len(errors)} sums that were held out of the fit half are predicted within {100 * np.median(errors):.0f} %, "
        f"all within {100 * max(errors):.0f} %.\n\n"
        + _table(["two ranks, and a link", sums, f"step of 2 x {SHARE} images, predicted", "measured", "error"], near)
        + "\n"
        + _table([f"{FAR} ranks, predicted", sums, f"step of {SHARE} images a rank", "efficiency"], far)
        + f"\nThe prediction assumes {FAR} hosts of one rank each, all of which reach each other by such a link at the "
        "same time without a switch that is too narrow, that none is slower than others, that sums follow the backward "
        "pass and not beside it, and that MPI sums as modelled, which was measured on two ranks alone.\n"
    )


def exchange(model: np.ndarray, link: tuple[float, float], here: dict[int, dict[str, Any]], ranks: int = 2) -> float:
    """Seconds of what ranks exchange in a step: gradients, and the averages of normalizations."""
    return sum(predict(model, *link, size, ranks) for size in here[2]["exchanged"])


def _table(head: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.1f} ms"


def _name(delay: float, rate: float) -> str:
    return f"{1e3 * delay:g} ms, {rate / 1e9:g} Gbit/s"


def draw(here: dict[int, dict[str, Any]], there: list[tuple[tuple[float, float], dict[str, Any]]], path: Path) -> None:
    """Efficiency on this machine; sums over links with the model; efficiency by ranks that it predicts."""
    figure, (left, middle, right) = new_figure(1, 3, (13, 3.8))
    one = here[1]["steps"]
    left.plot(RANKS, [one[SHARE] / here[n]["steps"][SHARE] for n in RANKS], "o-", label="weak")
    strong = [one[WHOLE] / here[n]["steps"][WHOLE // n] / n for n in RANKS]
    left.plot(RANKS, strong, "s-", label="strong")
    left.set(xlabel="ranks of one thread", ylabel="efficiency", title=f"{len(usable_cores())} cores", ylim=(0, 1.1))
    if there:
        model, alone = fit(points(there, FITTED)), here[2]["steps"][SHARE]
        grid, many = np.geomspace(FITTED[0], HELD_OUT[-1]), np.geomspace(2, FAR)
        for number, (link, found) in enumerate(there):
            colour = f"C{number}"
            for part, mark in ((FITTED, "o"), (HELD_OUT, "x")):
                middle.plot(part, [1e3 * found["sums"][n] for n in part], mark, color=colour)
            middle.plot(grid, [1e3 * predict(model, *link, n) for n in grid], color=colour, label=_name(*link))
            right.plot(many, [one[SHARE] / (alone + exchange(model, link, here, int(n))) for n in many], color=colour)
        middle.set(xlabel="bytes", ylabel="ms", title="sums over two ranks", xscale="log", yscale="log")
        right.set(xlabel="ranks", title=f"weak scaling of {NETWORK}, predicted", xscale="log", ylim=(0, 1.1))
    for axis in (left, middle, right):
        axis.grid(alpha=0.3)
    for axis in (left, middle):
        axis.legend(frameon=False)
    save_figure(figure, path)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())

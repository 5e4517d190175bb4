"""Writes docs/performance.md and its picture from the figures that the commands of this folder kept.

Run as `python -m benchmarks.page FIGURES.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bounds import FIRST_CALL, JIT, JIT_CALL, ONNX_EACH, ONNX_FIRST_CALL, ONNX_LOAD, ONNX_MEAN, Bound
from benchmarks.growth import growth_bound
from benchmarks.measure import ROOT
from benchmarks.memory import memory_bounds
from benchmarks.systems import LAYOUTS, SYSTEMS
from benchmarks.workloads import FUNCTIONS, NETWORKS, STEPS, TRAINING, WORKLOADS
from tinygrad_cv.files import write_figure, write_text

PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "images" / "performance.svg"
FAMILIES = tuple(dict.fromkeys(system.family for system in SYSTEMS.values()))
OURS = SYSTEMS["ours_jit"].family
TICKS = (0.3, 0.5, 1, 2, 5, 10)
Figures = dict[str, Any]

TEXT = """\
# Performance

What `tg.jit` makes of training steps, blocks and inference, beside every other system that runs them on a processor.
Nobody wrote a kernel for these networks or for their derivatives: both follow from the graph of primitives.

![Time of each system by the time of the fastest other one, for every workload](images/performance.svg)

{machine}.
All systems use the same cores, with a thread for each. What a workload is, how it is checked before it is timed, and
how noise is kept out says [benchmarks/README.md](../benchmarks/README.md). This page and its picture are written by

    python -m benchmarks.jit --json figures.json
    python -m benchmarks.networks --json figures.json
    python -m benchmarks.functions --json figures.json
    python -m benchmarks.first_call --json figures.json
    python -m benchmarks.growth --json figures.json
    python -m benchmarks.memory --json figures.json
    python -m benchmarks.overhead --json figures.json
    python -m benchmarks.onnx --json figures.json
    python -m benchmarks.page figures.json

## Time of a step

Milliseconds, medians; of each family of systems its fastest: PyTorch in both layouts, with and without pinned threads
and kept memory, JAX in both layouts. The ratio is the median over the rounds of our time by that of the fastest other
system.

{steps}

<details><summary>Every system</summary>

{systems}

</details>

## Networks of the literature

PyTorch eager in both layouts on torchvision's networks, with the same initial values. The ratio is to the faster
layout. The last column is the share of the roofline over all kernels: where it is small, the time is far from the
machine's limit, whatever the ratio is.

{networks}

## Single functions

Each alone, forward and backward, to the input and to what is learned.

{functions}

## Where the time goes

The roofline of a kernel is the time that its operations or its bytes take at least on this machine, whichever is
longer; its share is that time by the measured one.

{kernels}

## Networks from ONNX files

Compiled, beside ONNX Runtime with its default options on the same cores, in milliseconds. Real networks for text,
networks of ONNX's own tests with random weights, and networks of `tg.models`. Then what the kernels take one by one, by
class, and their share of the roofline; what is missing to our time is between kernels: barriers, memory that is not in
a cache yet, and the call itself.

{onnx}

## Beside the steps

{others}
"""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; all columns but the first are aligned to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def by_family(systems: Figures) -> dict[str, float]:
    """Median milliseconds of the fastest system of each family."""
    fastest: dict[str, float] = {}
    for name, figures in systems.items():
        family, milliseconds = SYSTEMS[name].family, 1e3 * figures["median"]
        fastest[family] = min(milliseconds, fastest.get(family, milliseconds))
    return fastest


def title(name: str) -> str:
    """A workload with its batch."""
    workload = WORKLOADS[name]
    task = " training" if workload.task == "training" and name in STEPS else ""
    return f"{workload.title}{task}, batch {workload.batch}"


def shown(milliseconds: float) -> str:
    """Three digits, and no exponent."""
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"


def verdict(bound: Bound, value: float | None) -> list[str]:
    """Value, limit, aim, and whether the limit is kept."""
    measured = "not measured" if value is None else f"{value:.3g}"
    aim = "" if bound.aim is None else f"{bound.aim:g}"
    return [measured, f"{bound.limit:g}", aim, "yes" if bound.holds(value) else "**no**"]


def steps(jit: Figures) -> str:
    """The fastest of each family and our ratio to the fastest other, by workload."""
    rows = []
    for name, figures in jit.items():
        times = by_family(figures["systems"])
        cells = [shown(times[family]) if family in times else "" for family in FAMILIES]
        rows.append([title(name), *cells, *verdict(JIT[name], figures["ratio"])])
    return table(["", *FAMILIES, "ratio", "at most", "aim", "kept"], rows)


def layouts(jit: Figures) -> str:
    """Both layouts of PyTorch, ours, the ratio to the faster, and the share of the roofline, by workload."""
    rows = []
    for name, figures in jit.items():
        systems = figures["systems"]
        times = [shown(1e3 * systems[s]["median"]) if s in systems else "" for s in (*LAYOUTS, "ours_jit")]
        rows.append([title(name), *times, *verdict(JIT[name], figures["ratio"])[:2], share(figures["kernels"])])
    return table(["", "NCHW", "channels last", "ours", "ratio", "at most", "roofline"], rows)


def share(classes: Sequence[Figures]) -> str:
    """The share of the roofline over all classes of kernels."""
    measured = sum(row["ms"] for row in classes)
    return f"{sum(row['roofline_ms'] for row in classes) / measured:.0%}" if measured else ""


def all_systems(jit: Figures) -> str:
    """Median milliseconds of every system, by workload."""
    names = [name for name in SYSTEMS if any(name in figures["systems"] for figures in jit.values())]
    rows = [
        [
            f"`{name}`",
            *(shown(1e3 * f["systems"][name]["median"]) if name in f["systems"] else "" for f in jit.values()),
        ]
        for name in names
    ]
    return table(["", *map(title, jit)], rows)


def kernels(jit: Figures) -> str:
    """The classes of kernels of the training steps."""
    rows = []
    for name in TRAINING:
        for row in jit.get(name, {}).get("kernels", []):
            rates = (f"{row[unit] / row['ms'] / 1e6:.0f}" for unit in ("flops", "bytes"))
            rows.append(
                [title(name), row["kind"], str(row["kernels"]), f"{row['ms']:.2f}", *rates, f"{row['share']:.0%}"]
            )
    return table(["", "class", "kernels", "ms", "GFLOP/s", "GB/s", "share of the roofline"], rows)


def onnx(figures: Figures) -> str:
    """Ours and ONNX Runtime's time, the first call, and where the time goes, by network."""
    kinds = ("contraction", "elementwise", "reduction")
    rows = []
    for name, row in figures.get("networks", {}).items():
        times = {entry["kind"]: shown(entry["ms"]) for entry in row["kernels"]}
        cells = [shown(row["ours"]), shown(row["onnxruntime"]), *verdict(ONNX_EACH, row["ratio"])[:2]]
        cells += [f"{row['first call']:.1f} s", *(times.get(kind, "") for kind in kinds), share(row["kernels"])]
        rows.append([name, *cells])
    mean = ["geometric mean", "", "", *verdict(ONNX_MEAN, figures.get("mean"))[:2], *[""] * 5]
    head = ["", "ours", "ONNX Runtime", "ratio", "at most", "first call", "contractions", "elementwise", "reductions"]
    return table([*head, "roofline"], [*rows, mean])


def others(figures: Figures) -> str:
    """First call, growth with the batch, memory, overhead of a call."""
    rows: list[tuple[Bound, float | None]] = []
    for name, states in FIRST_CALL.items():
        first = figures.get("first_call", {}).get(name, {}).get("ours_jit", {})
        rows += [(bound, first.get(state)) for state, bound in states.items()]
    for name, grown in figures.get("growth", {"resnet20": {}}).items():
        rows.append((growth_bound(name), grown.get("ratio")))
    for name, memory in figures.get("memory", {"resnet20": {"ratios": {}}}).items():
        rows.append((memory_bounds(name)["ours_jit"], memory["ratios"].get("ours_jit")))
    loaded = figures.get("onnx", {})
    slowest = max((row["first call"] for row in loaded.get("networks", {}).values()), default=None)
    rows += [(ONNX_FIRST_CALL, slowest), (ONNX_LOAD, loaded.get("load"))]
    rows.append((JIT_CALL, figures.get("overhead", {}).get("add, compiled")))
    return table(
        ["", "unit", "measured", "at most", "aim", "kept"],
        [[bound.what, bound.unit, *verdict(bound, value)] for bound, value in rows],
    )


def picture(jit: Figures, path: Path) -> None:
    """The time of each family by that of the fastest other system, one row a workload, on a logarithmic axis."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 0.42 * len(jit) + 1.4), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    names = list(jit)[::-1]
    for family in FAMILIES:
        points = []
        for row, name in enumerate(names):
            times = by_family(jit[name]["systems"])
            peer = jit[name]["peer"]
            if family in times and peer in jit[name]["systems"]:
                ratio = jit[name]["ratio"] if family == OURS else None
                points.append((ratio or times[family] / (1e3 * jit[name]["systems"][peer]["median"]), row))
        if points:
            marker, size = ("D", 60) if family == OURS else ("o", 28)
            across, down = zip(*points, strict=True)
            axes.scatter(across, down, label=family, marker=marker, s=size, zorder=3)
    limits = [JIT[name].limit for name in names]
    axes.scatter(limits, range(len(names)), label="bound", marker="|", s=160, color="black", zorder=2)
    axes.set_xscale("log")
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.axvline(1, color="gray", linewidth=0.8)
    axes.set_yticks(range(len(names)), [title(name) for name in names])
    axes.set_xlabel("time by that of the fastest other system (less is better)")
    axes.grid(axis="x", which="both", alpha=0.2)
    axes.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize="small")
    path.parent.mkdir(exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "performance"}):
        write_figure(path, figure, metadata={"Date": None})


def page(figures: Figures) -> str:
    """The page's text."""
    measured = figures.get("jit", {})
    jit, networks, functions = (
        {name: measured[name] for name in group if name in measured} for group in (STEPS, NETWORKS, FUNCTIONS)
    )
    about = figures.get("machine", {})
    versions = ", ".join(f"{name} {value}" for name, value in about.items() if name not in ("processor", "cores"))
    return TEXT.format(
        machine=f"Measured on {about.get('cores', '?')} cores of {about.get('processor', '?')}; {versions}",
        steps=steps(jit),
        systems=all_systems(jit),
        networks=layouts(networks),
        functions=layouts(functions),
        kernels=kernels(jit),
        onnx=onnx(figures.get("onnx", {})),
        others=others(figures),
    )


def main() -> int:
    """Read the command line, write the page and its picture, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("figures", type=Path, help="a file that the other commands wrote with --json")
    figures = json.loads(parser.parse_args().figures.read_text())
    write_text(PAGE, page(figures))
    picture({name: figures["jit"][name] for name in STEPS if name in figures["jit"]}, PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A gradient check as pictures: remainders over step sizes, and the graph with its edges coloured by verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import GraphError
from ..core.tape import reachable
from ..files import write_figure
from ..frontend.isolation import isolated
from ..frontend.tensor import Tensor
from ..viz.from_tape import read
from ..viz.names import Names
from ..viz.view import GraphView
from .blame import operations
from .checked import Checked
from .functions import TensorFunction
from .input_report import CORRECT, ILL_CONDITIONED, KINK, WRONG, InputReport, gravest

COLOURS = {CORRECT: "#2e9e5b", WRONG: "#d62f2f", KINK: "#e08a1e", ILL_CONDITIONED: "#8a6fc0"}
ANALYTIC, GREY = "#1f5fa8", "#8a94a3"
WIDTH, HEIGHT, COLUMNS = 5.2, 3.9, 3  # inches of a panel; panels in a row

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot(inputs: Sequence[InputReport], file: str | Path) -> None:
    """Draw the Taylor remainders over the step, log-log, in a panel for each input and order."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("report.plot draws with Matplotlib: pip install matplotlib") from error
    entries = [entry for entry in inputs if entry.taylor is not None]
    columns = min(COLUMNS, len(entries))
    rows = -(-len(entries) // columns)
    figure = Figure(figsize=(WIDTH * columns, HEIGHT * rows), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for entry, axes in zip(entries, panels, strict=False):
        _panel(axes, entry)
    for axes in panels[len(entries) :]:
        axes.set_visible(False)
    write_figure(file, figure, dpi=150, metadata={"Date": None} if str(file).endswith("svg") else None)


def _panel(axes: Axes, entry: InputReport) -> None:
    taylor = entry.taylor
    assert taylor is not None
    order = "" if entry.order == 1 else f", order {entry.order}"
    axes.set_title(f"{entry.name}{order}: {entry.verdict}", color=COLOURS[entry.verdict])
    axes.loglog(taylor.steps, np.maximum(taylor.value, taylor.floor), "o-", color=GREY, label="|F(x + hu) - F(x)|")
    words = "" if entry.remainder is None or np.isnan(taylor.order) else f", order {taylor.order:.2f}"
    label = f"|F(x + hu) - F(x) - h F'(x) u|{words}"
    axes.loglog(taylor.steps, np.maximum(taylor.slope, taylor.floor), "o-", color=ANALYTIC, label=label)
    top = np.nanmax(taylor.slope[:1]) or taylor.floor
    for power, style in ((1, ":"), (2, "--")):
        line = top * (taylor.steps / taylor.steps[0]) ** power
        axes.loglog(taylor.steps, np.maximum(line, taylor.floor), style, color="#b9c0ca", label=f"order {power}")
    axes.axhline(taylor.floor, color="#c9a227", linewidth=0.8, label="rounding of F")
    axes.set_xlabel("step h, along a random direction u")
    axes.set_ylabel("remainder")
    axes.legend(fontsize=8, loc="lower right")


def draw(
    function: Checked | None,
    arrays: Sequence[np.ndarray],
    inputs: Sequence[InputReport],
    seed: int,
    file: str | Path,
) -> None:
    """Draw the graph of f. An edge is green if the derivative along it is right, red if it is wrong."""
    path = Path(file)
    if path.suffix not in (".svg", ".png", ".pdf"):
        raise ValueError(f"report.draw: {path.name!r} must end in .svg, .png or .pdf.")
    getattr(painted(function, arrays, inputs, seed), path.suffix[1:])(path)


def painted(
    function: Checked | None,
    arrays: Sequence[np.ndarray],
    inputs: Sequence[InputReport],
    seed: int,
) -> GraphView:
    """The graph of f, its edges marked with verdicts and errors."""
    if not isinstance(function, TensorFunction):
        of = function.library if function else "no library"
        raise GraphError(
            f"report.draw: f is a function of {of}, of which no graph is drawn; one of tensors has a graph."
        )
    leaves = [Tensor(x, requires_grad=True) for x in arrays]
    with isolated(operands=True, sources=True):
        outputs = function.outputs(leaves)
    names = Names()
    names.inputs({entry.name: leaf for entry, leaf in zip(inputs, leaves, strict=False)})
    recorded = [y for y in outputs if y.node is not None]
    records = read(recorded, names)
    tape = reachable(y.node for y in outputs if y.node is not None)
    nodes = [node for node in tape if node.operands is not None and node.parents]
    numbers = {view.serial: view.number for view in records.nodes if view.kind == "op"}
    order = max(entry.order for entry in inputs)
    verdict = gravest([entry.verdict for entry in inputs])
    marks: dict[tuple[int, int], tuple[str, str]] = {}
    checked = {op.number: op for op in operations(function, arrays, order, seed)}
    for i, node in enumerate(nodes):
        for entry, place in checked[i].by_place() if i in checked else ():
            key = numbers[node.serial], place
            if entry.verdict not in (CORRECT, verdict):
                continue  # a kink that the function as a whole does not have
            if key not in marks or entry.verdict == WRONG:
                marks[key] = COLOURS[entry.verdict], _words(entry)
    edges = []
    for edge in records.edges:
        colour, words = marks.get((edge.target, edge.place), ("", ""))
        edges.append(replace(edge, colour=colour, note=words))
    return GraphView(replace(records, edges=tuple(edges)))


def _words(entry: InputReport) -> str:
    """The worst error, relative to the gradients' size."""
    if entry.problem or entry.verdict in (KINK, ILL_CONDITIONED):
        return entry.verdict
    scale = float(np.abs(entry.numeric).max()) or 1.0
    with np.errstate(invalid="ignore"):
        error = float(np.nanmax(entry.error, initial=0.0)) / scale
    return f"wrong by {100 * error:.2g} %" if entry.verdict == WRONG else ""

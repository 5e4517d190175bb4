"""record: statistics of a network's values and gradients through its training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from ..core.annotations import explaining
from ..core.errors import GraphError
from .api import graph
from .page.page import TrainingStep
from .view import GraphView

if TYPE_CHECKING:
    from ..frontend.typing import Inputs
    from .statistics import Statistics


@explaining
def record(f: Callable[..., Inputs], names: Mapping[str, object] | None = None, every: int = 1) -> TrainingRecord:
    """A record of a function through training; its page has a slider through the steps.

    Call it with a batch in each training step. Every ``every``-th call records the mean, standard deviation, norm,
    zeros, NaN and a histogram of each value of f, and of the gradient with respect to it. That costs one more forward
    and backward pass. Training itself is not affected: parameters, gradients, running statistics and random states
    stay as they are.

    Args:
        f: takes a batch, returns the loss.
        names: names for tensors, and for modules whose parameters are in the graph, as for :func:`graph`.
        every: record one call in this many, starting with the first.

    Raises:
        ValueError: ``every`` below 1.

    >>> import tinygrad_cv as tg
    >>> w = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> run = tg.record(lambda x: ((x * w).sum() - 1) ** 2, names={"w": w})
    >>> opt = tg.optim.SGD([w], lr=0.1)
    >>> for step in range(3):
    ...     run(tg.tensor([1.0, -1.0]))
    ...     opt.zero_grad()
    ...     (((tg.tensor([1.0, -1.0]) * w).sum() - 1) ** 2).backward()
    ...     opt.step()
    >>> [round(step.loss, 3) for step in run.steps]
    [4.0, 1.44, 0.518]
    """
    if every < 1:
        raise ValueError(f"record: every={every}: it must be at least 1.")
    return TrainingRecord(f, names, every)


class TrainingRecord:
    """The record that :func:`record` starts.

    Attributes:
        steps: for each recorded step its number, the loss, and the statistics of all nodes of the view.
    """

    def __init__(self, f: Callable[..., Inputs], names: Mapping[str, object] | None, every: int):
        self.f, self.names, self.every = f, names, every
        self.steps: list[TrainingStep] = []
        self._calls = 0
        self._view: GraphView | None = None

    def __call__(self, *inputs: object) -> None:
        """Record one training step.

        Raises:
            GraphError: f's graph is not that of the first step.
        """
        number = self._calls
        self._calls += 1
        if number % self.every:
            return
        view = graph(self.f, *inputs, names=self.names, values=True)
        if self._view is None:
            self._view = view
        elif [(node.kind, node.op, node.name) for node in view.nodes] != [
            (node.kind, node.op, node.name) for node in self._view.nodes
        ]:
            raise GraphError(
                f"record: step {number} has another graph than the first one ({len(view.nodes)} nodes, "
                f"{len(self._view.nodes)} before). Record functions that always do the same operations."
            )
        nodes: dict[int, dict[str, Statistics]] = {}
        for node in view.nodes:
            known = {"statistics": node.statistics, "gradient": node.gradient}
            if found := {key: value for key, value in known.items() if value is not None}:
                nodes[node.number] = found
        self.steps.append(TrainingStep(number, self._loss(view), nodes))

    @staticmethod
    def _loss(view: GraphView) -> float:
        """The mean of the first output; of a scalar that is its value."""
        output = next(node for node in view.nodes if node.kind == "output")
        source = next(view.nodes[edge.source] for edge in view.edges if edge.target == output.number)
        return source.statistics.mean if source.statistics else float(np.nan)

    @property
    def view(self) -> GraphView:
        """The graph, with the numbers of the first step.

        Raises:
            GraphError: nothing was recorded yet.
        """
        if self._view is None:
            raise GraphError("record: nothing was recorded. Call the record with a batch in each training step.")
        return self._view

    @explaining
    def html(self, path: str | PathLike[str], title: str = "") -> None:
        """Write the page, with a slider through the steps; errors as for :attr:`view`."""
        self.view.html(path, title, self.steps)

    def __repr__(self) -> str:
        return f"TrainingRecord({len(self.steps)} steps)"

"""The simplification of a trace: the order of its passes, and how marks of values follow them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple, TypeVar

from ..ir.graph import Graph, Value
from ..ir.rewrite.shrink import shrink
from ..ir.rewrite.sums import distribute_sums
from .cancel import cancel
from .centred import drop_centred
from .tidy import tidy
from .tracing import Traced

T = TypeVar("T")


class Known(NamedTuple):
    """Values that the derivation mentions."""

    named: set[Value]  # by the function's own variables
    adjoints: set[Value]  # their cotangents


PASSES: list[tuple[str, Callable[[Graph, Known], Graph]]] = [
    ("shrink", lambda graph, known: shrink(graph)),
    ("cancel", lambda graph, known: cancel(graph, known.adjoints)),
    ("tidy", lambda graph, known: tidy(graph, known.named)),
    ("distribute sums", lambda graph, known: distribute_sums(graph)),
    ("drop centred", lambda graph, known: drop_centred(graph)),
]
ROUNDS = 4  # of all passes, while they still change something


def simplify(traced: Traced) -> Traced:
    """The same mathematics in fewer terms: equal over the real numbers, and up to rounding in floating point."""
    assert traced.graph is not None
    named = list(traced.names)
    adjoints = [traced.adjoints[value] for value in named if value in traced.adjoints]
    others = (traced.outputs, traced.gradients, traced.adjoints, traced.adjoints.values(), traced.sources)
    marks = [*named, *adjoints, *(value for values in others for value in values)]
    graph = Graph(traced.graph.builder, traced.graph.inputs, marks)

    def known() -> Known:
        return Known(set(graph.outputs[: len(named)]), set(graph.outputs[len(named) : len(named) + len(adjoints)]))

    for _ in range(ROUNDS):
        before = graph.outputs
        for _, one in PASSES:
            graph = one(graph, known())
        if graph.outputs == before:
            break
    graph = tidy(graph, known().named)
    new = dict(zip(marks, graph.outputs, strict=True))
    return replace(
        traced,
        outputs=[new[value] for value in traced.outputs],
        gradients=[new[value] for value in traced.gradients],
        names=_first(new, traced.names),
        adjoints={value: new[adjoint] for value, adjoint in _first(new, traced.adjoints).items()},
        sources=_first(new, traced.sources),
        order=_first(new, {mark: mark.number for mark in sorted(marks, key=lambda mark: mark.number)}),
        graph=graph,
    )


def _first(new: dict[Value, Value], marks: dict[Value, T]) -> dict[Value, T]:
    """The marks by new values; if two values have become one, the first mark stays."""
    found: dict[Value, T] = {}
    for value, mark in marks.items():
        found.setdefault(new[value], mark)
    return found

"""Large outputs that are next values of state become elementwise, so that they can be written over the present ones."""

from __future__ import annotations

from ..graph import Graph, Value, is_elementwise, topological

LARGE = 1 << 17  # bytes: smaller ones stay as they are, and so get new memory at every call


def copy_updates(graph: Graph) -> Graph:
    """Copies of what is computed otherwise, as a gradient is; of what other outputs need; and of what is state twice.

    The graph's ``state`` is then what is large, elementwise, and needed by nothing but itself. A copy is a conversion
    to the same dtype: bits do not change.
    """
    large = [(number, place) for number, place in graph.state if graph.outputs[number].nbytes >= LARGE]
    numbers = {number for number, _ in large}
    needed = set(topological(value for number, value in enumerate(graph.outputs) if number not in numbers))
    outputs, taken = list(graph.outputs), set[Value]()
    for number, _ in large:
        value = outputs[number]
        while value in taken or value in needed or not is_elementwise(value):
            graph.builder.scope = value.scope
            value = graph.builder.make("cast", (value,), {"dtype": value.dtype})
        taken.add(value)
        outputs[number] = value
    graph.builder.scope = None
    return Graph(graph.builder, graph.inputs, outputs, large, graph.steady)

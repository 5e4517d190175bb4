"""Updates: the outputs that are next values of state. They are computed last, each over the value that it replaces."""

from __future__ import annotations

from dataclasses import dataclass

from ...ir.graph import CONSTANT, INPUT, Graph, Value, is_elementwise, users


@dataclass(frozen=True)
class Updates:
    """What follows from the graph.

    Attributes:
        late: the outputs that are updates, each with the number of the input that it replaces, or -1.
        ends: what they are computed from, by elementwise operations: gradients.
        plain: values that are row-major because of that, so that loops over an update run along memory.
    """

    late: dict[Value, int]
    ends: set[Value]
    plain: set[Value]


def updates_of(graph: Graph) -> Updates:
    """The updates of a graph."""
    late = {graph.outputs[number]: place for number, place in graph.state}
    between, ends, plain = set(late), set[Value](), set[Value]()
    stack = list(late)
    while stack:
        for arg in stack.pop().args:
            if arg in between or arg in ends:
                continue
            if is_elementwise(arg):
                between.add(arg)
                stack.append(arg)
            elif arg.op not in (INPUT, CONSTANT):
                ends.add(arg)
                plain.update(_moved(arg))
    readers = users(graph.values()) if late else {}
    plain.update(value for value in graph.inputs if late and between.issuperset(readers.get(value, ())))
    return Updates(late, ends, plain | late.keys())


def _moved(value: Value) -> list[Value]:
    """The value, and those that it is a reshape or a permutation of."""
    found = [value]
    while value.op in ("reshape", "permute", "slice"):
        value = value.args[0]
        found.append(value)
    return found

"""What becomes of values: whether only shapes, axes and the like follow from one, or it is a running average."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from .bodies import captured
from .registry import Operator


def roles(
    nodes: Sequence[Any], operators: Sequence[Operator | None], order: Sequence[int], outputs: Collection[str]
) -> tuple[set[str], set[str]]:
    """The names from which numbers follow that decide about shapes and nothing else, and those of running averages."""
    decides: dict[str, bool] = dict.fromkeys(outputs, False)
    averages: dict[str, bool] = {}
    for number in reversed(order):  # readers first
        node, operator = nodes[number], operators[number]
        all_decide = all(decides.get(name, True) for name in node.output)
        for place, name in enumerate(node.input):
            role = operator.role(place) if operator else "Tensor"
            decides[name] = decides.get(name, True) and (all_decide or role == "Numbers")
            averages[name] = averages.get(name, True) and role == "Statistics"
        decides.update(dict.fromkeys(captured(node), False))
    return {name for name, alone in decides.items() if alone}, {name for name, alone in averages.items() if alone}

"""What becomes of values: whether only shapes, axes and the like follow from one, or it is a running average."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .order import Entry


def roles(entries: Sequence[Entry], outputs: Collection[str]) -> tuple[set[str], set[str]]:
    """The names from which numbers follow that decide about shapes and nothing else, and those of running averages.

    Args:
        entries: the nodes in order.
        outputs: the names of the graph's outputs.
    """
    decides: dict[str, bool] = dict.fromkeys(outputs, False)
    averages: dict[str, bool] = {}
    for entry in reversed(entries):  # readers first
        all_decide = all(decides.get(name, True) for name in entry.node.output)
        for place, name in enumerate(entry.node.input):
            role = entry.operator.role(place) if entry.operator else "Tensor"
            decides[name] = decides.get(name, True) and (all_decide or role == "Numbers")
            averages[name] = averages.get(name, True) and role == "Statistics"
        decides.update(dict.fromkeys(entry.outer, False))
    return {name for name, alone in decides.items() if alone}, {name for name, alone in averages.items() if alone}

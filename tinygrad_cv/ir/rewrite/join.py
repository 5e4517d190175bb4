"""Sums over what is concatenated, part by part.

    Σ f([a, b], c)  =  [Σ f(a, c₁), Σ f(b, c₂)]      for elementwise f, joined along an axis that is not summed

A network that joins each new piece to all before it, and normalizes what it has joined, sums every piece again and
again. Taken apart, these are the same values of the graph, and are computed once. Each sum has the addends that it had.
"""

from __future__ import annotations

from typing import NamedTuple

from ...core.stackless import Steps, run
from ..graph import Builder, Graph, Value, is_elementwise, rebuild
from ..terms import Axes, expand

MAX_VALUES = 64  # values of a sum's argument that are taken apart, at most


class Joint(NamedTuple):
    """The ranges of an axis: ``bounds`` are where each begins, and the end."""

    axis: int
    bounds: tuple[int, ...]

    def before(self, lead: int) -> Joint:
        """The same ranges where the first ``lead`` axes are missing."""
        return Joint(self.axis - lead, self.bounds)


def join_sums(graph: Graph) -> Graph:
    """Sums of values that are computed from concatenations alone become concatenations of sums."""
    if not any(value.op == "concatenate" for value in graph.values()):
        return graph
    made: dict[tuple[Value, Joint, int], Value] = {}

    def rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
        if value.op != "sum" or (joint := _joint(args[0], value.params["axis"])) is None:
            return None
        parts = [run(_part(builder, args[0], joint, k, made)) for k in range(len(joint.bounds) - 1)]
        sums = [builder.make("sum", [part], value.params) for part in parts]
        return builder.make("concatenate", sums, {"axis": joint.axis})

    return rebuild(graph, rule)


def joint_of(value: Value) -> Joint | None:
    """The ranges that a concatenation joins; None for another value."""
    if value.op != "concatenate":
        return None
    axis, bounds = value.params["axis"], [0]
    for arg in value.args:
        bounds.append(bounds[-1] + arg.shape[axis])
    return Joint(axis, tuple(bounds))


def _joint(x: Value, axes: Axes) -> Joint | None:
    """The ranges at which a sum over the axes can be taken apart, if all that varies along them is joined there."""
    found: Joint | None = None
    seen, stack = {x}, [x]
    while stack:
        value = stack.pop()
        joint = joint_of(value)
        if not _varies(value, axes):
            continue
        if joint is not None and joint.axis not in axes and found in (None, joint):
            found = joint
        elif is_elementwise(value) and len(seen) < MAX_VALUES:
            stack.extend(arg for arg in value.args if arg not in seen)
            seen.update(value.args)
        else:
            return None
    return found


def _varies(value: Value, axes: Axes) -> bool:
    """Whether elements that differ along the axes only may differ."""
    if value.op == "expand":
        x = value.args[0]
        lead = value.ndim - x.ndim
        return any(axis >= lead and x.shape[axis - lead] > 1 for axis in axes)
    return any(value.shape[axis] > 1 for axis in axes)


def _part(builder: Builder, value: Value, joint: Joint, k: int, made: dict[tuple[Value, Joint, int], Value]) -> Steps:
    """The part of a value in the range number ``k``."""
    axis, start, stop = joint.axis, *joint.bounds[k : k + 2]
    key = value, joint, k
    if key in made:
        return made[key]
    params = value.params
    if joint_of(value) == joint:
        part = value.args[k]
    elif is_elementwise(value):
        args = []
        for arg in value.args:
            args.append((yield _part(builder, arg, joint, k, made)))
        part = builder.make(value.op, args, params)
    elif value.op == "expand":
        x, lead = value.args[0], value.ndim - value.args[0].ndim
        if axis >= lead and x.shape[axis - lead] > 1:
            x = yield _part(builder, x, joint.before(lead), k, made)
        part = expand(builder, x, (*value.shape[:axis], stop - start, *value.shape[axis + 1 :]))
    elif value.op == "slice" and value.shape[axis] == value.args[0].shape[axis] and params["step"][axis] == 1:
        x = yield _part(builder, value.args[0], joint, k, made)
        part = builder.make("slice", [x], _cut(params, axis, 0, stop - start))
    else:
        whole = {"start": (0,) * value.ndim, "stop": value.shape, "step": (1,) * value.ndim}
        part = builder.make("slice", [value], _cut(whole, axis, start, stop))
    made[key] = part
    return part


def _cut(params: dict[str, tuple[int, ...]], axis: int, start: int, stop: int) -> dict[str, tuple[int, ...]]:
    """The parameters of a slice with another range of one axis."""
    ends = {"start": start, "stop": stop}
    return {key: (*params[key][:axis], ends.get(key, 1), *params[key][axis + 1 :]) for key in ("start", "stop", "step")}

"""Contractions over sliding windows of stride 1: the results of a kernel, its gradient, and the gradient of its input.

Σ x[i + u] w[u] over u       each result has a place, and the kernel has taps
Σ x[i + u] g[i] over i       the same with places and taps exchanged: what the kernel's gradient is
Σ g[p - u] w[u] over u       a fold of products: over windows of g between zeros, with the kernel flipped
"""

from __future__ import annotations

from typing import NamedTuple

from ...ops.contraction import parse
from ..graph import Builder, Value
from ..terms import moved, padded


class Sliding(NamedTuple):
    """A contraction of windows, which slide over the last axes of ``x``, with ``w``.

    Attributes:
        lead: the letters of the other axes of x.
        places, taps: for each axis of the windows, the letter of their places and that of the elements in them.
        term: the letters of w. It has the taps, and the result has the places; if ``swapped``, the other way round.
        size: of each letter.
    """

    x: Value
    w: Value
    lead: str
    places: str
    taps: str
    term: str
    result: str
    swapped: bool
    size: dict[str, int]


def sliding(value: Value) -> Sliding | None:
    """What a contraction over windows of stride 1 is; None for another value."""
    if value.op != "contract":
        return None
    groups = parse(value.params["spec"])
    for at, (term, other) in enumerate(((groups.a, groups.b), (groups.b, groups.a))):
        slid, w = value.args[at], value.args[1 - at]
        if slid.op != "windows" or {*slid.params["stride"], *slid.params["dilation"]} != {1}:
            continue
        k = len(slid.params["kernel"])
        lead, places, taps = term[: -2 * k], term[-2 * k : -k], term[-k:]
        size = {**dict(zip(term, slid.shape, strict=True)), **dict(zip(other, w.shape, strict=True))}
        for swapped, inside, outside in ((False, taps, places), (True, places, taps)):
            if _only(inside, other, groups.y) and _only(outside, groups.y, other):
                return Sliding(slid.args[0], w, lead, places, taps, other, groups.y, swapped, size)
    return None


def _only(letters: str, here: str, there: str) -> bool:
    return set(letters) <= set(here) - set(there)


def unfolded(builder: Builder, fold: Value, cut: Value | None = None) -> Value | None:
    """A fold of a contraction as a contraction over windows; None if it is no such fold.

    Args:
        cut: a slice of the fold, of which then no more is computed.
    """
    contract = fold.args[0]
    if contract.op != "contract" or {*fold.params["stride"], *fold.params["dilation"]} != {1}:
        return None
    k = len(fold.params["stride"])
    lead, groups = fold.ndim - k, parse(contract.params["spec"])
    places, taps = groups.y[-2 * k : -k], groups.y[-k:]
    (a, b), (own, other) = contract.args, (groups.a, groups.b)
    if not _only(places, own, other):
        a, b, own, other = b, a, other, own
    if not (_only(places, own, other) and _only(taps, other, own)):
        return None
    start, stop = (0,) * fold.ndim, fold.shape
    if cut is not None:
        start, stop = cut.params["start"], cut.params["stop"]
        if set(cut.params["step"]) != {1} or start[:lead] != (0,) * lead or stop[:lead] != fold.shape[:lead]:
            return None
    kernel = contract.shape[-k:]
    sides = zip(kernel, start[lead:], stop[lead:], fold.shape[lead:], strict=True)
    width = [(r - 1 - low, r - 1 - (n - high)) for r, low, high, n in sides]
    if min(map(min, width)) < 0:
        return None
    order = "".join(i for i in own if i not in places) + places
    slid = padded(builder, moved(builder, a, own, order), [(0, 0)] * (len(order) - k) + width)
    slid = builder.make("windows", [slid], {"kernel": kernel, "stride": (1,) * k, "dilation": (1,) * k})
    flipped = builder.make("flip", [b], {"axis": tuple(sorted(map(other.index, taps)))})
    spec = f"{order}{taps},{other}->{groups.y[: -2 * k]}{places}"
    return builder.make("contract", [slid, flipped], {"spec": spec})

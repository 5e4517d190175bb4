"""Gradients of imported operators, to order 2, against finite differences in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import tinygrad_cv as tg

from . import outside
from .cases import Case, cases

LARGEST = 400  # elements of all inputs
SKIPPED = {"Range"}  # its numbers decide how many there are
FIXED = {("Resize", 1), ("Resize", 2), ("Upsample", 1), ("Pad", 2), ("RoiAlign", 1), ("OneHot", 0), ("OneHot", 1)}
FIRST = {"BatchNormalization"}  # whose running averages have no gradient: the first output alone


def chosen() -> Iterator[Case]:
    """For each operator the smallest cases whose inputs and outputs are float32: with 1, 2, ... of them."""
    best: dict[tuple[str, int, int], Case] = {}
    for case in cases("node"):
        names = set(case.operators.split("+"))
        if names & (outside.OPERATORS | SKIPPED) or case.name in outside.CASES:
            continue
        inputs, outputs = case.data[0]
        floats = [x for x in inputs if _is_float(x)]
        if not floats or not any(map(_is_float, outputs)) or _size(case) > LARGEST:
            continue
        key = case.operators, len(floats), len(outputs)
        if key not in best or _size(case) < _size(best[key]):
            best[key] = case
    yield from best.values()


def _is_float(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype == np.float32 and x.size > 0


def _size(case: Case) -> int:
    return sum(x.size for x in case.data[0][0] if _is_float(x))


def check(case: Case, order: int = 2) -> tg.check.Report:
    """gradcheck of a case's float outputs with respect to its float inputs, moved off their common kinks."""
    net = tg.onnx.load(case.model).to("float64")
    (node,) = case.model.graph.node
    inputs, names = case.data[0][0], [entry.name for entry in case.model.graph.input]
    fixed = {node.input[place] for name, place in FIXED if name == node.op_type and place < len(node.input)}
    places = [i for i, x in enumerate(inputs) if _is_float(x) and names[i] not in fixed]
    rng = np.random.default_rng(0)
    wide = [x.astype(np.float64) if _is_float(x) else x for x in inputs]
    for i in places:
        wide[i] = wide[i] + 1e-2 * rng.uniform(0.2, 1.0, np.shape(wide[i]))

    def f(*floats: tg.Tensor) -> Any:
        given = list(wide)
        for i, x in zip(places, floats, strict=True):
            given[i] = x
        y = net(*given)
        outputs = y if isinstance(y, tuple) and node.op_type not in FIRST else (y[0] if isinstance(y, tuple) else y,)
        return tuple(t for t in outputs if t.dtype.kind == "f")

    return tg.gradcheck(f, tuple(wide[i] for i in places), order=order)

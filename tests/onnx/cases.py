"""The cases of onnx.backend.test: a model with inputs and the outputs that they are to have."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

SUITES = ("node", "pytorch-converted", "pytorch-operator", "simple")


class Case(NamedTuple):
    """A model of a suite, sets of inputs and outputs, and how far outputs may be from those."""

    suite: str
    name: str
    model: onnx.ModelProto
    data: list[tuple[list[Any], list[Any]]]
    rtol: float
    atol: float

    @property
    def operators(self) -> str:
        """The operators of its nodes, without constants."""
        names = {f"{node.domain}.{node.op_type}".strip(".") for node in self.model.graph.node}
        return "+".join(sorted(names - {"Constant"} or names))


@cache
def cases(suite: str) -> tuple[Case, ...]:
    """All cases of a suite. Those of nodes leave out the ones that are expanded to the nodes of a function."""
    return tuple(_nodes() if suite == "node" else _stored(suite))


def _nodes() -> Iterator[Case]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        for case in collect_testcases(None):
            if "_expanded" not in case.name:
                data = [(list(map(_array, inputs)), list(map(_array, outputs))) for inputs, outputs in case.data_sets]
                yield Case("node", case.name, case.model, data, case.rtol, case.atol)


def _array(value: Any) -> Any:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _stored(suite: str) -> Iterator[Case]:
    for folder in sorted(Path(onnx.__file__).parent.glob(f"backend/test/data/{suite}/*")):
        model = onnx.load(folder / "model.onnx")
        data = []
        weights = {tensor.name for tensor in model.graph.initializer}
        inputs = [entry.type for entry in model.graph.input if entry.name not in weights]
        outputs = [entry.type for entry in model.graph.output]
        for files in sorted(folder.glob("test_data_set_*")):
            given = [_value(files / f"input_{i}.pb", kind) for i, kind in enumerate(inputs)]
            data.append((given, [_value(files / f"output_{i}.pb", kind) for i, kind in enumerate(outputs)]))
        yield Case(suite, folder.name, model, data, 1e-3, 1e-7)


def _value(path: Path, kind: onnx.TypeProto) -> Any:
    data = path.read_bytes()
    if kind.HasField("sequence_type"):
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if kind.HasField("optional_type"):
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


def mismatch(case: Case, outputs: Any, expected: Any) -> str | None:
    """What is wrong with outputs, by the rule of onnx.backend.test; None if nothing is."""
    outputs = list(outputs) if isinstance(outputs, tuple) else [outputs]
    if len(outputs) != len(expected):
        return f"{len(outputs)} outputs; expected are {len(expected)}"
    for number, (given, wanted) in enumerate(zip(outputs, expected, strict=True)):
        pairs = list(zip(given, wanted, strict=False)) if isinstance(wanted, list) else [(given, wanted)]
        if isinstance(wanted, list) and len(given) != len(wanted):
            return f"output {number}: a sequence of {len(given)}; expected are {len(wanted)}"
        for y, right in pairs:
            problem = _differs(np.asarray(y.detach() if hasattr(y, "detach") else y), np.asarray(right), case)
            if problem:
                return f"output {number}: {problem}"
    return None


def _differs(y: np.ndarray, right: np.ndarray, case: Case) -> str | None:
    if y.dtype != right.dtype:
        return f"dtype {y.dtype}; expected {right.dtype}"
    if y.shape != right.shape:
        return f"shape {y.shape}; expected {right.shape}"
    if y.dtype.kind not in "fiub":
        return None if np.array_equal(y, right) else "other values"
    close = np.isclose(y, right, case.rtol, case.atol, equal_nan=True)
    if close.all():
        return None
    a, b = y.astype(np.float64), right.astype(np.float64)
    return (
        f"{(~close).sum()} of {y.size} elements are wrong, the first {a[~close][0]:.6g} instead of {b[~close][0]:.6g}"
    )

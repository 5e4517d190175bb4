"""The suites of onnx.backend.test on imported models, eagerly or compiled, counted by operator."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

import tinygrad_cv as tg
from tinygrad_cv.onnx.registry import found

from . import outside
from .cases import Case, mismatch

PASSED, FAILED, REFUSED, KNOWN = KINDS = "passed", "failed", "refused", "known not to"


class Outcome(NamedTuple):
    """What became of a case, and why it did not pass."""

    case: Case
    result: str
    reason: str = ""


def run(case: Case, compiled: bool = False) -> Outcome:
    """A case's outputs beside the stored ones; of those that are known not to pass, the reason."""
    outcome = _run(case, compiled)
    if outcome.result != PASSED and case.name in outside.CASES:
        return Outcome(case, KNOWN, outside.CASES[case.name])
    return outcome


def _run(case: Case, compiled: bool) -> Outcome:
    """A case's outputs beside the stored ones.

    Compiled, inputs that decide about shapes are constants, since a trace must know them.
    """
    try:
        model = _with_numbers_fixed(case) if compiled else case.model
        net = tg.onnx.load(model)
    except tg.onnx.OnnxError as error:
        return Outcome(case, REFUSED, str(error))
    weights = {tensor.name for tensor in case.model.graph.initializer}
    names = [entry.name for entry in case.model.graph.input if entry.name not in weights]
    for inputs, expected in case.data:
        given = dict(zip(names, inputs, strict=False))
        args = [given.get(entry.name) for entry in net.signature]
        try:
            function: Callable[..., Any] = tg.jit(net) if compiled else net
            outputs = function(*args)
        except tg.onnx.OnnxError as error:
            return Outcome(case, REFUSED if compiled else FAILED, str(error))
        except Exception as error:
            return Outcome(case, FAILED, f"{type(error).__name__}: {error}")
        problem = mismatch(case, outputs, expected)
        if problem:
            return Outcome(case, FAILED, problem)
    return Outcome(case, PASSED)


def run_runtime(case: Case) -> Outcome:
    """The same of ONNX Runtime's outputs, without its optimizations."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(
            case.model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        names = [entry.name for entry in session.get_inputs()]
        for inputs, expected in case.data:
            problem = mismatch(case, tuple(session.run(None, dict(zip(names, inputs, strict=True)))), expected)
            if problem:
                return Outcome(case, FAILED, problem)
    except Exception as error:  # of many kinds, none of them public
        return Outcome(case, REFUSED, str(error))
    return Outcome(case, PASSED)


def _with_numbers_fixed(case: Case) -> onnx.ModelProto:
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    version = max((entry.version for entry in model.opset_import if not entry.domain), default=1)
    decide = set()
    for node in model.graph.node:
        operator = found(node.domain, node.op_type, version)
        decide |= {
            name
            for place, name in enumerate(node.input)
            if operator and operator.role(place) in ("Numbers", "Text", "Any")
        }
    inputs, _ = case.data[0]
    for entry, value in zip(case.model.graph.input, inputs, strict=False):
        if entry.name in decide and isinstance(value, (np.ndarray, np.generic)):
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), entry.name))
    return model


def table(outcomes: Iterable[Outcome]) -> str:
    """The outcomes counted by operator, and the reasons of what did not pass."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, list[str]] = defaultdict(list)
    total: Counter[str] = Counter()
    for outcome in outcomes:
        counts[outcome.case.operators][outcome.result] += 1
        total[outcome.result] += 1
        if outcome.reason:
            first = " ".join(outcome.reason.split())
            reasons[outcome.case.operators].append(f"    {outcome.result} {outcome.case.name}: {first[:200]}")
    lines = []
    for operators, count in sorted(counts.items()):
        lines.append(f"{operators:40}" + "".join(f"{count[kind]:5} {kind}" for kind in KINDS if count[kind]))
        lines += reasons[operators]
    lines.append(", ".join(f"{total[kind]} {kind}" for kind in KINDS))
    return "\n".join(lines)

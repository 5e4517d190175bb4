"""Mutants of composed functions: a value on the way is detached, as the mean of a normalization might be.

No VJP is wrong then, and no value; only derivatives are. The function's code is exchanged, so that whoever calls it
calls the mutant.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import CodeType
from typing import Any

import numpy as np

import tinygrad_cv.functional as F
from tests.proof.composites import Composite, rows
from tests.proof.mutation.mutators import detached, mutate
from tests.proof.mutation.syntax import VALUE, syntax
from tests.proof.outcome import Outcome
from tests.proof.parallel import spread
from tinygrad_cv.check import gradcheck
from tinygrad_cv.frontend import reduction
from tinygrad_cv.frontend.tensor import Tensor
from tinygrad_cv.functional import activation as activations
from tinygrad_cv.functional import normalization
from tinygrad_cv.functional.loss import classification
from tinygrad_cv.functional.softmax import _log_softmax, _softmax

SEED = 20
SAMPLED = 4  # one mutant of so many makes a short run
NORMS = ("batch_norm", "group_norm", "instance_norm", "layer_norm")
HUGE = 1e160  # squares overflow
OF_HUGE = "of huge numbers"  # whose second derivatives are smaller than floats can tell
STATISTICS = "as itself it goes into running statistics only"
SHAPES = "only its shape and dtype are read there"
LABELS = "class numbers have no derivative"
INTEGERS = "of integers without a sign, which have no derivative"
EQUIVALENT = {  # of a target, changed lines that are the same function wherever differences have something to say: why
    ("centre_apart", "return (mu.detach(), rest, d - rest)"): STATISTICS,
    ("standardize", "return (y if bias is None else y + bias, mu.detach(), var)"): STATISTICS,
    ("standardize", "return (y if bias is None else y + bias, mu, var.detach())"): STATISTICS,
    ("inverse_deviation", "if var.detach().known_finite():"): "it is only asked for its value",
    ("inverse_deviation", "return (d, 1.0 / (var + eps).sqrt(), var.detach())"): STATISTICS,
    ("inverse_deviation", "return (d, 1.0 / (var + eps / unit / unit).sqrt(), var.detach() * unit * unit)"): STATISTICS,
    ("negative log likelihood", "target = check_labels(logp.detach(), axis, target, ignore_index)"): SHAPES,
    ("negative log likelihood", "target = check_labels(logp, axis, target.detach(), ignore_index)"): LABELS,
    ("negative log likelihood", "hot = _one_hot(logp.detach(), axis, target)"): SHAPES,
    ("negative log likelihood", "hot = _one_hot(logp, axis, target.detach())"): LABELS,
    ("negative log likelihood", "losses = -hot.detach().where(weighted, 0.0).sum(axis)"): LABELS,
    (
        "binary_cross_entropy_with_logits",
        "return reduced(_weighted(_of_scores(input, _targets(input.detach(), target), pos_weight), weight), reduction)",
    ): SHAPES,
    (
        "Tensor.mean",
        "return floating(self).sum(axes, keepdims) * (1.0 / count_of('mean', self.detach(), axes))",
    ): SHAPES,
    ("Tensor.var", "n = count_of('var', self.detach(), axes) - ddof"): SHAPES,
    ("Tensor.std", "n = count_of('std', self.detach(), axes) - ddof"): SHAPES,
    ("Tensor.abs", "return self.detach().clone()"): INTEGERS,
    ("Tensor.abs", "return self.clone().detach()"): INTEGERS,
    (
        "Tensor.logsumexp",
        "out = infinite.where(largest.where(self.detach() / infinite.where(count, 1.0), 0.0)"
        ".sum(axis, keepdims=True), out)",
    ): "of infinities; see test_logsumexp_at_infinities",
}


@dataclass(frozen=True)
class Target:
    """A function that composes operations.

    Attributes:
        name: what it is called in outcomes.
        function: what is changed.
        values: the names of its arguments that derivatives flow through.
        calls: where it is used.
    """

    name: str
    function: Callable[..., Any]
    values: tuple[str, ...]
    calls: tuple[Composite, ...]


@dataclass(frozen=True)
class Detached:
    """A mutant of a target: the lines that are changed, and the code."""

    target: Target
    change: str
    code: CodeType


def targets() -> list[Target]:
    """Functions of ``functional``, what they stand on, and methods of tensors that compose."""
    known = rows(SEED)
    rng = np.random.default_rng(SEED)
    table, huge = rng.normal(size=(2, 4)), HUGE * rng.normal(size=(2, 4))

    def named(*names: str) -> tuple[Composite, ...]:
        return tuple(row for row in known if row.name in names)

    def activation(name: str) -> Target:
        return Target(name, getattr(F, name), ("input",), (*named(name), Composite(name, getattr(F, name), (table,))))

    def composed(name: str, function: Callable[..., Any]) -> Target:
        calls = Composite(name, getattr(F, name), (table,))
        return Target(function.__name__, function, ("x",), (*named(name), calls))

    def method(name: str, *calls: Callable[[Any], Any]) -> Target:
        composites = tuple(Composite(name, call, (table,)) for call in calls)
        return Target(f"Tensor.{name}", getattr(Tensor, name), ("self",), composites)

    def length(x: Any) -> Any:
        return x.norm(1)

    overflowing = Composite("layer_norm", lambda x: F.layer_norm(x, 4), (huge,), OF_HUGE)
    return [
        Target("centre_apart", reduction.centre_apart, ("x",), named("batch_norm", "layer_norm")),
        Target("standardize", normalization.with_statistics, ("x", "weight", "bias"), named(*NORMS)),
        Target(
            "inverse_deviation", reduction.inverse_deviation, ("d",), (*named("batch_norm", "layer_norm"), overflowing)
        ),
        *map(activation, ("elu", "leaky_relu", "silu", "gelu", "mish", "softsign")),
        composed("softplus", activations._softplus),
        composed("elu", activations._exponential),
        composed("softmax", _softmax),
        composed("log_softmax", _log_softmax),
        Target("negative log likelihood", classification._nll, ("logp",), named("nll_loss", "cross_entropy")),
        Target(
            "binary_cross_entropy_with_logits",
            F.binary_cross_entropy_with_logits,
            ("input",),
            named("binary_cross_entropy_with_logits"),
        ),
        method("mean", lambda x: x.mean(1)),
        method("var", lambda x: x.var(1)),
        method("std", lambda x: x.std(0)),
        Target("Tensor.norm", Tensor.norm, ("self",), tuple(Composite("norm", length, (x,)) for x in (table, huge))),
        method("logsumexp", lambda x: x.logsumexp(1)),
        method("sigmoid", lambda x: x.sigmoid()),
        method("relu", lambda x: x.relu()),
        method("abs", lambda x: x.abs()),
        method("clip", lambda x: x.clip(-1.0, 1.0), lambda x: x.clip()),
    ]


@cache
def mutants() -> tuple[Detached, ...]:
    """All of them, in a fixed order."""
    return tuple(mutant for target in targets() for mutant in _mutants(target))


def _mutants(target: Target) -> Iterator[Detached]:
    function = inspect.unwrap(target.function)
    tree = syntax(function)
    lines, seen = ast.unparse(tree).splitlines(), set[str]()
    for _, changed in mutate(tree, dict.fromkeys(target.values, VALUE), mutators={"detached": detached}):
        text = ast.unparse(changed)
        if text not in seen:
            seen.add(text)
            names = dict(function.__globals__)
            exec(text, names)
            change = "; ".join(line.strip() for line in text.splitlines() if line not in lines)
            yield Detached(target, change, names[function.__name__].__code__)


@contextmanager
def planted(mutant: Detached) -> Iterator[None]:
    """Inside, the function runs the mutant's code."""
    function: Any = inspect.unwrap(mutant.target.function)
    right = function.__code__
    function.__code__ = mutant.code
    try:
        yield
    finally:
        function.__code__ = right


def outcomes(part: bool = False, processes: int = 2) -> Iterator[Outcome]:
    """One for each mutant."""
    yield from spread(judged, range(0, len(mutants()), SAMPLED if part else 1), processes)


def judged(number: int) -> Outcome:
    """What ``gradcheck`` says of a mutant, by its number."""
    mutant = mutants()[number]
    excuse = EQUIVALENT.get((mutant.target.name, mutant.change), "")
    said = verdict(mutant)
    right = not said
    problem = (
        "" if right == bool(excuse) else "gradcheck does not notice" if right else f"excused ({excuse}), but {said}"
    )
    case = f"detached: {mutant.change}; {said or excuse or 'survives'}"
    return Outcome(mutant.target.name, "mutation", case, problem)


def verdict(mutant: Detached) -> str:
    """How it is noticed; empty where it is not."""
    with planted(mutant):
        for order in (1, 2):
            for call in mutant.target.calls:
                if order == 2 and call.variant == OF_HUGE:
                    continue
                try:
                    report = gradcheck(call.function, call.arrays, order=order, seed=SEED)
                except Exception as error:
                    return f"raises {type(error).__name__}"
                if report.verdict == "wrong":
                    blamed = report.blame.primitive if report.blame else "nobody"
                    return f"wrong at order {order} in {call.name}, the constant found in {blamed}"
    return ""

"""Validation of settings and of saved state: the rules, and how messages state them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..frontend.tensor import Tensor


class Rule(NamedTuple):
    """A predicate on a value, its statement in words (after "it must"), and the rule for each item of a list."""

    holds: Callable[[Any], bool]
    words: str
    each: Rule | None = None


def finite(value: Any) -> bool:
    """Whether a value is a real number, neither NaN nor infinite; booleans are not numbers here."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def one_of(*choices: str | None) -> Rule:
    """A rule for names."""
    words = " or ".join(map(repr, choices))
    return Rule(lambda v: (v is None or isinstance(v, str)) and v in choices, f"be {words}")


def optional(rule: Rule) -> Rule:
    """A rule for what may be None."""
    return Rule(lambda v: v is None or rule.holds(v), f"{rule.words}, or None")


def _whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _numbers(count: int, holds: Callable[..., bool] = lambda *v: True) -> Callable[[Any], bool]:
    return lambda v: _list(v) and len(v) == count and all(map(finite, v)) and holds(*v)


NUMBER = Rule(finite, "be a finite number")
RATE = Rule(lambda v: finite(v) and v >= 0, "be finite and not negative")
RATES = Rule(_list, "be a list", RATE)
ABOVE_ZERO = Rule(lambda v: finite(v) and v > 0, "be finite and above 0")
SHARE = Rule(lambda v: finite(v) and 0 <= v <= 1, "be in [0, 1]")
BETA = Rule(lambda v: finite(v) and 0 <= v < 1, "be in [0, 1)")
BETAS = Rule(lambda v: _list(v) and len(v) == 2, "be two numbers", BETA)
SWITCH = Rule(lambda v: isinstance(v, bool), "be True or False")
COUNT = Rule(lambda v: _whole(v) and v >= 0, "be an integer of at least 0")
EPOCH = Rule(lambda v: _whole(v) and v >= -1, "be an integer of at least -1")
POSITIVE = Rule(lambda v: _whole(v) and v >= 1, "be an integer of at least 1")
COUNTS = Rule(_list, "be a list", COUNT)

SETTINGS = {
    **dict.fromkeys(("lr", "initial_lr", "momentum", "weight_decay", "eps", "alpha", "lr_decay", "lambd"), RATE),
    **dict.fromkeys(("momentum_decay", "initial_accumulator_value", "tolerance_grad", "tolerance_change"), RATE),
    **dict.fromkeys(("nesterov", "maximize", "amsgrad", "centered", "decoupled_weight_decay"), SWITCH),
    **dict.fromkeys(("max_iter", "max_eval", "history_size"), POSITIVE),
    **dict.fromkeys(("dampening", "t0"), NUMBER),
    "betas": BETAS,
    "rho": SHARE,
    "etas": Rule(_numbers(2, lambda low, high: 0 < low < 1 < high), "be a number in (0, 1) and one above 1"),
    "step_sizes": Rule(_numbers(2, lambda low, high: 0 <= low <= high), "be two numbers of at least 0, in order"),
    "trust_coefficient": optional(RATE),
    "ns_coefficients": Rule(_numbers(3), "be three numbers"),
    "ns_steps": Rule(lambda v: _whole(v) and 0 <= v < 100, "be an integer in [0, 100)"),
    "adjust_lr_fn": one_of(None, "original", "match_rms_adamw"),
    "line_search_fn": one_of(None, "strong_wolfe"),
}


def problems(values: Mapping[str, Any], rules: Mapping[str, Rule] = SETTINGS) -> list[str]:
    """Describe each value that breaks its rule.

    >>> problems({"lr": float("nan"), "momentum": 0.9, "mine": "any"})
    ['lr=nan; it must be finite and not negative']
    """
    found = []
    for name, rule in rules.items():
        if name in values:
            value = values[name]
            if isinstance(value, Tensor):
                found.append(f"{name} is a tensor; it must be a number. Compiled steps read rates at every call")
            elif not rule.holds(value):
                found.append(f"{name}={value!r}; it must {rule.words}")
            elif rule.each:
                items = {f"{name}[{i}]": item for i, item in enumerate(value)}
                found += problems(items, dict.fromkeys(items, rule.each))
    return found


MEANINGLESS = {
    "foreach": "tg.jit fuses the updates of all parameters",
    "fused": "tg.jit fuses the updates of all parameters",
    "capturable": "there are no CUDA graphs to capture a step in",
    "differentiable": "updates are not recorded; for that write the step as w - lr * tg.grad(...)",
}


def refuse(op: str, **given: Any) -> None:
    """Raise ValueError for an argument of PyTorch's that is switched on and has no meaning here."""
    for name, value in given.items():
        if value is not None and value is not False:
            raise ValueError(f"{op}: {name}={value!r}; {MEANINGLESS[name]}. Leave it out.")

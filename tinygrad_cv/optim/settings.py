"""Validation of settings and of saved state: the rules, and how messages state them."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """A predicate on a value, its statement in words (after "it must"), and the rule for each item of a list."""

    holds: Callable[[Any], bool]
    words: str
    each: Rule | None = None


def finite(value: Any) -> bool:
    """Whether a value is a real number, neither NaN nor infinite; booleans are not numbers here."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


NUMBER = Rule(finite, "be a finite number")
RATE = Rule(lambda v: finite(v) and v >= 0, "be finite and not negative")
RATES = Rule(_list, "be a list", RATE)
BETA = Rule(lambda v: finite(v) and 0 <= v < 1, "be in [0, 1)")
BETAS = Rule(lambda v: _list(v) and len(v) == 2, "be two numbers", BETA)
SWITCH = Rule(lambda v: isinstance(v, bool), "be True or False")
COUNT = Rule(lambda v: _whole(v) and v >= 0, "be an integer of at least 0")
POSITIVE = Rule(lambda v: _whole(v) and v >= 1, "be an integer of at least 1")
COUNTS = Rule(_list, "be a list", COUNT)

SETTINGS = {
    "lr": RATE,
    "initial_lr": RATE,
    "momentum": RATE,
    "weight_decay": RATE,
    "eps": RATE,
    "dampening": NUMBER,
    "nesterov": SWITCH,
    "betas": BETAS,
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
            if not rule.holds(value):
                found.append(f"{name}={value!r}; it must {rule.words}")
            elif rule.each:
                items = {f"{name}[{i}]": item for i, item in enumerate(value)}
                found += problems(items, dict.fromkeys(items, rule.each))
    return found

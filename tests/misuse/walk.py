"""A call that works, and the same with one argument after the other spoiled."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.misuse.spoiling import shown, wrong_values
from tests.misuse.verdict import complaint

SEVERAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass
class Call:
    """A call that works.

    Args:
        function: what is called.
        given: its arguments by parameter, made anew for each call; those after a star as a tuple.
        name: what messages call it.
        words: what messages may name besides a parameter; "" if they need not name any.
        kept: the parameters that are not spoiled.
    """

    function: Callable[..., Any]
    given: Callable[[], dict[str, Any]]
    name: str
    words: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def problems(call: Call) -> list[str]:
    """The calls with one argument spoiled whose error is a bad one, and what is wrong with it."""
    signature = inspect.signature(call.function)

    def run(changes: dict[str, Any]) -> None:
        arguments = {**call.given(), **changes}
        bound = inspect.BoundArguments(
            signature, {key: arguments[key] for key in signature.parameters if key in arguments}
        )
        call.function(*bound.args, **bound.kwargs)

    run({})
    found = []
    given = call.given()
    for key, parameter in signature.parameters.items():
        if key in call.kept or (key not in given and parameter.kind in SEVERAL):
            continue
        words = [*signature.parameters, *call.words] if key != "self" else [""]
        for wrong in _spoiled(key, parameter, given.get(key, parameter.default)):
            problem = complaint(lambda key=key, wrong=wrong: run({key: wrong}), call.name, words)
            found += [f"{call.name}({key}={shown(wrong)}): {problem}"] if problem else []
    return found


def _spoiled(key: str, parameter: inspect.Parameter, value: Any) -> Iterator[Any]:
    if key == "self":
        yield from (
            (tg.tensor(x) for x in wrong_values(value) if _makes_a_tensor(x)) if isinstance(value, tg.Tensor) else ()
        )
    elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        yield from ((wrong, *value[1:]) for wrong in wrong_values(value[0]))
    elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
        yield from ({**value, name: wrong} for name in value for wrong in wrong_values(value[name]))
    else:
        yield from wrong_values(value)


def _makes_a_tensor(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind in "fiub"

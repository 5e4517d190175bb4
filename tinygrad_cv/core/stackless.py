"""Recursion limited by memory instead of Python's stack: a graph may be a chain of ten thousand operations.

A recursive function is written as a generator. It yields the generator whose result it needs and is sent that result;
any other value that it yields is sent straight back. :func:`run` keeps the suspended generators in a list.
"""

from __future__ import annotations

from collections.abc import Generator
from types import GeneratorType
from typing import Any

Steps = Generator[Any, Any, Any]


def run(call: Any) -> Any:
    """The result of a generator; anything else is returned as it is. Exceptions propagate to the waiting generator.

    >>> def depth(n):
    ...     return n and 1 + (yield depth(n - 1))
    >>> run(depth(10_000))
    10000
    """
    if type(call) is not GeneratorType:
        return call
    waiting: list[Steps] = [call]
    result, error = None, None
    while waiting:
        try:
            step = waiting[-1].send(result) if error is None else waiting[-1].throw(error)
            error = None
        except StopIteration as stop:
            waiting.pop()
            result, error = stop.value, None
        except Exception as raised:
            waiting.pop()
            result, error = None, raised
        else:
            if type(step) is GeneratorType:
                waiting.append(step)
                step = None
            result = step
    if error is None:
        return result
    try:
        raise error
    finally:
        del error  # its traceback holds this frame, which would keep all that it refers to alive

"""Functions that call themselves, as deep as memory allows.

Such a function is a generator. It yields what it waits for, another generator, and is sent that one's result; anything
else that it yields it is sent back at once. :func:`run` keeps those that wait in a list, where calls would fill
Python's stack: a graph may be a chain of ten thousand operations.
"""

from __future__ import annotations

from collections.abc import Generator
from types import GeneratorType
from typing import Any

Steps = Generator[Any, Any, Any]


def run(call: Any) -> Any:
    """The result of a generator, or of what is a result already; what it raises reaches who waits for it first.

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
    if error is not None:
        raise error
    return result

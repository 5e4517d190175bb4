"""Eager code with the switch on, so that each call that can be is a compiled one: also the first, and also small ones.

Run the whole suite so with `python -m pytest --eager-compiled numpy`, where graphs run on NumPy, by the same rules as
eager code, so that results are equal bit for bit; or with `native`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from unittest import mock

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv.eager import calls, composition, entries
from tinygrad_cv.ir import numpy_source
from tinygrad_cv.ir.numpy_source import NumpyProgram


def _owned(results: list[np.ndarray], arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """As a program owns its results, but in the memory order that they have, in which eager code would go on."""
    return [result.copy("K") for result in results]


@contextmanager
def forced(how: str) -> Iterator[None]:
    """Compile before the first call, however small its arguments are; ``how`` is "numpy" or "native"."""
    with ExitStack() as stack:

        def change(place: object, name: str, value: object) -> None:
            stack.enter_context(mock.patch.object(place, name, value))

        change(entries, "CALLS", 1)
        change(entries, "WORTH", 0)
        change(entries, "entries", {})
        change(entries, "refusals", {})
        change(calls, "submit", lambda entry, call: entry.build(call))
        if how == "numpy":
            change(composition, "compiled", NumpyProgram)
            change(numpy_source, "_owned", _owned)
        with tg.set_eager_compile(True):
            yield

"""Hidden state, which a trace would freeze: random generators of Python and NumPy, iterators, files, clocks.

If it advances while a function is traced, every later call would get the same values again. So that is an error.
"""

from __future__ import annotations

import gc
import itertools
import operator
import pickle
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from io import IOBase
from os import urandom
from types import BuiltinFunctionType, FrameType
from typing import Any

import numpy as np

from ..core.errors import TraceError
from ..core.floor import uses
from .kinds import is_library
from .names import WORD, lines
from .quiet import may_ask
from .reach import Walk

NAMES = ("time", "perf_counter", "monotonic", "process_time", "thread_time")
CLOCKS = frozenset(
    {*(getattr(time, name + unit) for name in NAMES for unit in ("", "_ns")), time.localtime, time.gmtime, time.ctime}
    | {datetime.now, datetime.utcnow, datetime.today, date.today, input}
)
RANDOM = "Draw with tg.rand or tg.randn, or draw before the call and pass the numbers as an argument."
PASS = "Take it before the call and pass it as an argument."
UNKNOWN = object()  # a state that cannot be seen


@contextmanager
def unchanged(walk: Walk) -> Iterator[None]:
    """Refuse a block that draws from other random generators than the package's, advances an iterator or asks a clock.

    Args:
        walk: what the code in the block can reach.

    Raises:
        TraceError: the block does so; the random generators are put back.
    """
    codes = walk.codes
    things = [*walk.hidden, ("random", random), ("np.random", np.random)]
    before = [_state(x) for _, x in things]
    for (path, x), state in zip(things, before, strict=True):
        if state is UNKNOWN and (places := lines(codes, _word(path))):
            _refuse(f"reads {path} (a {type(x).__name__})", places, PASS)
    asked: list[tuple[str, list[str], str]] = []

    def look(frame: FrameType, event: str, what: Any) -> None:
        if event != "c_call" or type(what) is not BuiltinFunctionType or (what is not urandom and what not in CLOCKS):
            return
        if _is_collecting(frame):
            return
        if what is urandom:
            asked.append(("asks the system for random bytes", _users(frame), RANDOM))
        elif not is_library(frame.f_globals.get("__name__", "")):
            asked.append((f"calls {what.__name__}()", _users(frame), PASS))

    # another profiler is left alone
    watched = uses("profile") and sys.getprofile() is None and may_ask(walk)
    if watched:
        sys.setprofile(look)
    try:
        yield
    finally:
        if watched:
            sys.setprofile(None)
    for (path, x), state in zip(things, before, strict=True):
        if state is not UNKNOWN and _state(x) != state:
            places = lines(codes, _word(path))
            if places or threading.active_count() == 1:  # another thread may have drawn
                for (_, source), old in zip(things, before, strict=True):
                    _put_back(source, old)
                what = "draws from" if _is_random(x) else "advances"
                _refuse(f"{what} {path}", places, RANDOM if _is_random(x) else PASS)
    if asked:
        _refuse(*asked[0])


def _refuse(what: str, places: list[str], remedy: str) -> None:
    where = f", at {' or '.join(places[:3])}" if places else ""
    raise TraceError(
        f"the function {what}{where}: that happens only while tracing, and every later call gets the same. {remedy}"
    )


def _word(path: str) -> str:
    """The part of a path that is a name in code: ``it`` of ``self.it[0]``."""
    words = WORD.findall(path.partition("[")[0])
    return words[-1] if words else path


def _is_collecting(frame: FrameType | None) -> bool:
    """Whether a callback of the garbage collector asked the clock, and not the function."""
    codes = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None and frame.f_code not in codes:
        frame = frame.f_back
    return frame is not None


def _users(frame: FrameType | None) -> list[str]:
    while frame is not None and is_library(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return [f"{frame.f_code.co_filename}:{frame.f_lineno}"] if frame else []


def _is_random(x: object) -> bool:
    kinds = (random.Random, np.random.Generator, np.random.RandomState, np.random.BitGenerator)
    return x is random or x is np.random or isinstance(x, kinds)


def _state(x: Any) -> Any:
    """A value that differs after something was taken; UNKNOWN if there is none."""
    if isinstance(x, random.SystemRandom):
        return None  # it has none: each draw asks the system
    if _is_random(x):
        return pickle.dumps(_numbers(x))
    if isinstance(x, IOBase):
        return _position(x)
    if isinstance(x, itertools.count):
        return repr(x)
    if isinstance(x, np.flatiter):
        return x.index
    return operator.length_hint(x) if hasattr(x, "__length_hint__") else UNKNOWN


def _numbers(x: Any) -> Any:
    if x is random or isinstance(x, random.Random):
        return x.getstate()
    if x is np.random or isinstance(x, np.random.RandomState):
        return x.get_state(legacy=False)
    return x.bit_generator.state if isinstance(x, np.random.Generator) else x.state


def _put_back(x: Any, state: Any) -> None:
    if not _is_random(x) or state is None:
        return
    numbers = pickle.loads(state)
    if x is random or isinstance(x, random.Random):
        x.setstate(numbers)
    elif x is np.random or isinstance(x, np.random.RandomState):
        x.set_state(numbers)
    elif isinstance(x, np.random.Generator):
        x.bit_generator.state = numbers
    else:
        x.state = numbers


def _position(file: IOBase) -> Any:
    if file in (sys.stdout, sys.stderr) or file.closed or not file.readable():
        return None
    try:
        return file.tell()
    except OSError:  # a pipe, a terminal
        return UNKNOWN

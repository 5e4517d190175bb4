"""Whose function is it? Its type says so, or its inputs', or what it calls and returns when it is tried.

A library that is not loaded made nothing that could be given here, so only those in ``sys.modules`` are looked at.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Any

import numpy as np

from ...core.errors import DTypeError, GraphError, ShapeError
from ...frontend.tensor import Tensor
from ..checked import Checked
from ..functions import TensorFunction
from ..subject import HasBuffers, Parameters, Subject, float64, named, numbered, plain

LIBRARIES = {"torch": "torch", "jax": "jax", "jaxlib": "jax", "mygrad": "mygrad", "autograd": "autograd"}
OWN = "tinygrad_cv"
THROUGH = (
    "autograd",
)  # their functions compute on whatever NumPy's compute on, our tensors too, but differentiate less

OUR_ERRORS = (DTypeError, GraphError, ShapeError)


def recognised(f: Any, given: Sequence[Any], parameters: Parameters) -> Subject:
    """The function as one that can be checked, with its inputs and parameters."""
    if isinstance(f, Checked):
        names, notes = numbered(len(given)), list[str]()
        return Subject(f, float64(plain(given, names), names, notes), names, notes)
    parts = [f, *_parts(given), *named(parameters, f).values()]
    library = next((library for x in parts if (library := _maker(x))), "")
    f = f.apply if is_function_class(f) else f
    if library:
        return _subject(library, f, given, parameters)
    return _tried(f, given, parameters)


def _parts(x: Any) -> Iterator[Any]:
    """What is in dicts, lists and tuples."""
    if isinstance(x, (dict, list, tuple)):
        for part in x.values() if isinstance(x, dict) else x:
            yield from _parts(part)
    else:
        yield x


def is_function_class(x: object) -> bool:
    """Whether x is a class whose ``apply`` is a function with a backward of its own."""
    return isinstance(x, type) and inspect.ismethod(getattr(x, "apply", None))


def _maker(x: Any) -> str:
    """The library that made an object, or the class that its class was made from; "" if it is none that we know."""
    if isinstance(x, functools.partial):
        return _maker(x.func)
    if inspect.ismethod(x):
        return _maker(x.__self__)
    modules = [getattr(x, "__module__", None), *(c.__module__ for c in (x if isinstance(x, type) else type(x)).__mro__)]
    return next((library for module in modules if (library := _library(module))), "")


def _library(module: object) -> str:
    package = module.partition(".")[0] if isinstance(module, str) else ""
    return OWN if package == OWN else LIBRARIES.get(package, "") if package in sys.modules else ""


def _subject(library: str, f: Any, given: Sequence[Any], parameters: Parameters) -> Subject:
    if library == OWN:
        return _own(f, given, parameters)
    guest: Subject = import_module(f".{library}", __package__).subject(f, given, parameters)
    return guest


def _own(f: Any, given: Sequence[Any], parameters: Parameters) -> Subject:
    """A function of our tensors."""
    tensors, names, notes = named(parameters, f), numbered(len(given)), list[str]()
    arrays = float64(plain(given, names), names, notes)
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor) or tensor.dtype.kind != "f" or not tensor.size:
            raise DTypeError(f"gradcheck: {name} must be a tensor of floats with elements, not {tensor!r}.")
        arrays.append(np.array(tensor.value, np.float64, order="C"))
    buffers = [buffer for _, buffer in f.named_buffers()] if isinstance(f, HasBuffers) else []
    return Subject(TensorFunction(f, list(tensors.values()), buffers), arrays, [*names, *tensors], notes)


def _tried(f: Any, given: Sequence[Any], parameters: Parameters) -> Subject:
    """A function of which nothing is known yet: called with our tensors, and with those of the libraries it calls."""
    own = _own(f, given, parameters)
    loaded = [library for library in dict.fromkeys(LIBRARIES.values()) if library in sys.modules]
    if not loaded:
        return own
    called = dict[str, None]()
    failure: Exception | None = None
    try:
        with _watched(called), np.errstate(all="ignore"):
            own.function(own.arrays)
    except Exception as error:  # whatever a function of other things than tensors raises
        failure = error
    candidates = [*called, *loaded] if failure is not None else [library for library in THROUGH if library in called]
    for library in dict.fromkeys(candidates):
        try:
            with np.errstate(all="ignore"):
                guest = _subject(library, f, given, parameters)
                guest.function(guest.arrays)
        except Exception:
            ours = failure is None if library in THROUGH else isinstance(failure, OUR_ERRORS)
            if library in called and not ours:
                raise
        else:
            return guest
    return own


@contextmanager
def _watched(called: dict[str, None]) -> Iterator[None]:
    """Inside, the libraries whose code is called are written down."""

    def look(frame: FrameType, event: str, function: Any) -> None:
        if event == "call":
            note(frame.f_globals.get("__name__"))
        elif event == "c_call":
            owner = getattr(function, "__self__", None)
            note(getattr(function, "__module__", None) or getattr(owner, "__module__", None))

    def note(module: object) -> None:
        library = _library(module)
        if library and library != OWN:
            called.setdefault(library)

    before: Callable[..., Any] | None = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)

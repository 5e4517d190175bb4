"""``python -m tinygrad_cv gradcheck package.module:function --inputs 2x3x8x8``: are a function's gradients right?"""

from __future__ import annotations

import argparse
import difflib
import importlib
import inspect
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from ..check import gradcheck
from ..check.api import MODES
from ..core.errors import DTypeError, GraphError, ShapeError
from .options import FINE, MISUSED, WRONG, natural, positive

OWN = (DTypeError, GraphError, ShapeError)
PACKAGE = str(Path(__file__).parent.parent) + os.sep


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "target", help="package.module:function, or a module object; a class is called without arguments"
    )
    parser.add_argument(
        "--inputs", nargs="+", required=True, type=_shape, metavar="SHAPE", help="such as 2x3x8x8; 1 is a number's"
    )
    parser.add_argument("--backward", metavar="TARGET", help="the backward that was written by hand, in the same form")
    parser.add_argument("--order", type=positive(int), default=1, help="of differentiation (default: %(default)s)")
    parser.add_argument("--mode", choices=MODES, default="vjp", help="gradients or forward products (default: vjp)")
    parser.add_argument("--seed", type=natural, default=0, help="of inputs and cotangents (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw errors over step sizes: .svg, .png or .pdf")
    parser.add_argument("--draw", type=Path, metavar="FILE", help="draw the graph, edges coloured by their errors")


def run(options: argparse.Namespace) -> int:
    """Check, print, draw; 0 where all gradients are right, 1 where not, 2 where it could not be run."""
    rng = np.random.default_rng(options.seed)
    inputs = [rng.normal(size=shape) for shape in options.inputs]
    try:
        f = _found(options.target)
        backward = _found(options.backward) if options.backward else None
        _takes(options.target, f, inputs)
        report = gradcheck(f, inputs, backward=backward, order=options.order, mode=options.mode, seed=options.seed)
        print(report.json() if options.json else report)
        if options.plot:
            report.plot(options.plot)
        if options.draw:
            report.draw(options.draw)
    except Exception as error:
        print(f"error: {_told(error)}", file=sys.stderr)
        return MISUSED
    return FINE if report else WRONG


def _takes(target: str, f: Any, inputs: list[Any]) -> None:
    """Raise ValueError for a function that cannot be called with this number of inputs."""
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # it does not tell
        return
    try:
        signature.bind(*inputs)
    except TypeError as error:
        raise ValueError(
            f"gradcheck: {target}{signature} cannot be called with {len(inputs)} inputs ({error}). "
            "Give one --inputs shape for each argument; what has none has no gradient."
        ) from None


def _told(error: Exception) -> str:
    """An error in one line; one of the function's own with its type and place."""
    told = " ".join(str(error).split())
    if isinstance(error, (OSError, ImportError, *OWN)) and type(error) is not ValueError:
        return told or type(error).__name__
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(PACKAGE)]
    if told.startswith("gradcheck:") or not own:
        return told or type(error).__name__
    return f"gradcheck: {type(error).__name__}: {told} ({own[-1].filename}, line {own[-1].lineno})"


def _found(target: str) -> Any:
    """The object that a target names; the current folder is searched first."""
    place, colon, name = target.partition(":")
    if not colon or not name:
        raise ValueError(f"gradcheck: {target!r} must have the form package.module:function.")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(place)
    except ModuleNotFoundError as error:
        if error.name and not place.startswith(error.name):
            raise
        raise ValueError(f"gradcheck: there is no module {place!r} here or on the path.") from error
    except SystemExit as error:
        raise ValueError(f"gradcheck: {place!r} ends the program when it is imported.") from error
    for part in name.split("."):
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, dir(found), 3)
            hint = f" Near it: {', '.join(near)}." if near else ""
            raise ValueError(f"gradcheck: {place!r} has no {name!r}.{hint}")
        found = getattr(found, part)
    return found() if isinstance(found, type) else found


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(n) for n in text.split("x"))
    except ValueError:
        shape = (0,)
    if min(shape) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no shape: sizes joined by x, such as 2x3x8x8")
    return shape

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
from typing import TYPE_CHECKING, Any

import numpy as np

from ..check import gradcheck
from ..check.api import MODES
from ..check.checked import Checked
from ..check.guests import is_function_class
from ..core.errors import DTypeError, GraphError, ShapeError
from .options import FAILED, OK, USAGE, natural, positive

if TYPE_CHECKING:
    from collections.abc import Callable

OWN = (DTypeError, GraphError, ShapeError)
PACKAGE = str(Path(__file__).parent.parent) + os.sep


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "target", help="package.module:function, or a module, also of PyTorch's; a class is called without arguments"
    )
    parser.add_argument(
        "--inputs", nargs="+", required=True, type=_shape, metavar="SHAPE", help="shapes, such as 2x3x8x8"
    )
    parser.add_argument("--backward", metavar="TARGET", help="a hand-written backward to check, in the same form")
    parser.add_argument("--order", type=positive(int), default=1, help="order of derivatives (default: %(default)s)")
    parser.add_argument("--mode", choices=MODES, default="vjp", help="gradients or forward products (default: vjp)")
    parser.add_argument("--seed", type=natural, default=0, help="of inputs and cotangents (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw errors over step sizes: .svg, .png or .pdf")
    parser.add_argument("--draw", type=Path, metavar="FILE", help="draw the graph, with edges coloured by their errors")


def run(options: argparse.Namespace) -> int:
    """Check, print, draw; 0 if all gradients are correct, 1 if not, 2 if the function could not be run."""
    rng = np.random.default_rng(options.seed)
    inputs = [rng.normal(size=shape) for shape in options.inputs]
    try:
        f = _resolve(options.target)
        backward = _resolve(options.backward) if options.backward else None
        _check_arity(options.target, f, inputs)
        report = gradcheck(f, inputs, backward=backward, order=options.order, mode=options.mode, seed=options.seed)
        print(report.json() if options.json else report)
        if options.plot:
            report.plot(options.plot)
        if options.draw:
            report.draw(options.draw)
    except Exception as error:
        print(f"error: {_one_line(error)}", file=sys.stderr)
        return USAGE
    return OK if report else FAILED


def _check_arity(target: str, f: Callable[..., Any], inputs: list[np.ndarray]) -> None:
    """Raise ValueError for a function that cannot be called with this number of inputs."""
    if isinstance(f, (type, Checked)):  # whose own signature is not that of what is checked
        return
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # a callable without a signature
        return
    try:
        signature.bind(*inputs)
    except TypeError as error:
        raise ValueError(
            f"gradcheck: {target}{signature} cannot be called with {len(inputs)} inputs ({error}). "
            "Give one shape in --inputs for each argument; a function without arguments has no gradient."
        ) from None


def _one_line(error: Exception) -> str:
    """An error as one line; for an error in the user's function, with its type and location."""
    message = " ".join(str(error).split())
    if isinstance(error, (OSError, ImportError, *OWN)) and type(error) is not ValueError:
        return message or type(error).__name__
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(PACKAGE)]
    if message.startswith("gradcheck:") or not own:
        return message or type(error).__name__
    return f"gradcheck: {type(error).__name__}: {message} ({own[-1].filename}, line {own[-1].lineno})"


def _resolve(target: str) -> Any:
    """The object that a target names, whatever it is; the current folder is searched first."""
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
            hint = f" Similar names: {', '.join(near)}." if near else ""
            raise ValueError(f"gradcheck: {place!r} has no {name!r}.{hint}")
        found = getattr(found, part)
    return found() if isinstance(found, type) and not is_function_class(found) and _makes_objects(found) else found


def _makes_objects(kind: type) -> bool:
    """Whether a call of the class makes an object, and is not a function's, as with MyGrad's."""
    return type(kind).__call__ is type.__call__


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(n) for n in text.split("x"))
    except ValueError:
        shape = (0,)
    if min(shape) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a shape: join sizes by x, as in 2x3x8x8")
    return shape

"""``python -m tinygrad_cv gradcheck package.module:function --inputs 2x3x8x8``: are a function's gradients right?"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..check import gradcheck
from ..check.api import MODES
from ..core.errors import DTypeError, GraphError, ShapeError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "target", help="package.module:function, or a module object; a class is called without arguments"
    )
    parser.add_argument(
        "--inputs", nargs="+", required=True, type=_shape, metavar="SHAPE", help="such as 2x3x8x8; 1 is a number's"
    )
    parser.add_argument("--backward", metavar="TARGET", help="the backward that was written by hand, in the same form")
    parser.add_argument("--order", type=int, default=1, help="of differentiation (default: %(default)s)")
    parser.add_argument("--mode", choices=MODES, default="vjp", help="gradients or forward products (default: vjp)")
    parser.add_argument("--seed", type=int, default=0, help="of inputs and cotangents (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw errors over step sizes: .svg, .png or .pdf")
    parser.add_argument("--draw", type=Path, metavar="FILE", help="draw the graph, edges coloured by their errors")


def run(options: argparse.Namespace) -> int:
    """Check, print, draw; 0 where all gradients are right, 1 where not, 2 where there was nothing to check."""
    rng = np.random.default_rng(options.seed)
    inputs = [rng.normal(size=shape) for shape in options.inputs]
    try:
        f = _found(options.target)
        backward = _found(options.backward) if options.backward else None
        report = gradcheck(f, inputs, backward=backward, order=options.order, mode=options.mode, seed=options.seed)
    except (ValueError, ShapeError, DTypeError, GraphError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(report.json() if options.json else report)
    if options.plot:
        report.plot(options.plot)
    if options.draw:
        report.draw(options.draw)
    return 0 if report else 1


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

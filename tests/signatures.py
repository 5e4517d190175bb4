"""Signatures of this library and of PyTorch, as lines that can be compared."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from typing import Any

import tinygrad_cv as tg

ROOMS = ("nn.functional", "nn", "nn.init")  # of optimizers: tests/optim/test_signatures.py
Parameters = dict[str, tuple[str, Any]]  # name -> (kind, default)
KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "by place",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "by place or name",
    inspect.Parameter.KEYWORD_ONLY: "by name",
    inspect.Parameter.VAR_POSITIONAL: "any number by place",
    inspect.Parameter.VAR_KEYWORD: "any number by name",
}
STARS = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
REQUIRED = inspect.Parameter.empty


def inside(package: Any, room: str) -> Any:
    """A room of a library; None if it has none of this name."""
    for name in room.split("."):
        package = getattr(package, name, None)
    return package


def ours(room: str) -> Any:
    """The room of this library that has the names of PyTorch's."""
    return tg.functional if room == "nn.functional" else inside(tg, room)


def theirs(torch: Any, room: str, name: str) -> Any:
    """PyTorch's; of functions that choose one of two by a flag the one that has all parameters. None if it has none."""
    found = inside(torch, room)
    return getattr(found, f"{name}_with_indices", None) or getattr(found, name, None)


def names(room: Any) -> list[str]:
    """What a room offers that can be called."""
    offered = getattr(room, "__all__", None) or [n for n in vars(room) if n[0] != "_" and _is_own(room, n)]
    return [name for name in offered if callable(getattr(room, name))]


def _is_own(room: Any, name: str) -> bool:
    return getattr(getattr(room, name), "__module__", "").startswith(room.__name__)


def parameters(function: Callable[..., Any]) -> Parameters:
    """The parameters of a function of either library; of one written in C, by the first line of its docstring."""
    try:
        found = inspect.signature(function).parameters.values()
    except ValueError:
        return _documented(function.__doc__ or "")
    return {STARS.get(p.kind, "") + p.name: (KINDS[p.kind], p.default) for p in found}


def _documented(text: str) -> Parameters:
    """Of ``name(a, b=1, *, c=None) -> Tensor``."""
    line = re.match(r"\s*\w+\((.*?)\) *->", text)
    assert line, text[:80]
    found, kind = {}, "by place or name"
    arguments = ast.parse(f"def f({line[1]}): pass").body[0].args
    defaults = [REQUIRED] * (len(arguments.args) - len(arguments.defaults)) + list(map(_value, arguments.defaults))
    found = {a.arg: (kind, d) for a, d in zip(arguments.args, defaults, strict=True)}
    found |= {
        a.arg: ("by name", REQUIRED if d is None else _value(d))
        for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    }
    return found


def _value(node: ast.expr) -> Any:
    return ast.literal_eval(node)


def differences(mine: Parameters, theirs: Parameters) -> list[tuple[str, str]]:
    """(parameter, how it differs) where signatures are not the same."""
    found = [(name, "left out") for name in theirs if name not in mine]
    found += [(name, "ours alone") for name in mine if name not in theirs]
    common = [name for name in mine if name in theirs]
    for name in common:
        (kind, default), (other, their_default) = mine[name], theirs[name]
        if kind != other:
            found.append((name, f"{kind}, not {other}"))
        if not _same(default, their_default):
            found.append((name, f"{_word(default)}, not {_word(their_default)}"))
    there = [name for name in theirs if name in mine]
    if common != there:
        found.append((", ".join(common), f"in another order: {', '.join(there)}"))
    return found


def _same(a: Any, b: Any) -> bool:
    return a is b or (type(a) in (int, float, str, tuple) and a == b)


def _word(default: Any) -> str:
    return "required" if default is REQUIRED else f"default {default!r}"

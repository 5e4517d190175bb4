"""The arguments of layers, read from the modules: kernel size, stride, padding, groups, epsilon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from inspect import getmembers, isdatadescriptor

from .labels import shape_text
from .names import Named
from .records import ScopeView, chain

SIMPLE = (bool, int, float, str)


def arguments(module: object) -> str:
    """The numbers and words that a module holds: ``kernel_size 5×5, stride 1×1, padding 2×2, groups 1``."""
    own = [name for name in vars(module) if name != "training" and not name.startswith("_")]
    own += [name for name, _ in getmembers(type(module), isdatadescriptor) if not name.startswith("_")]
    found = ((name, getattr(module, name)) for name in own)
    return ", ".join(f"{name} {_text(value)}" for name, value in found if _is_simple(value))


def scope_arguments(scopes: Sequence[ScopeView], modules: Iterable[Named], around: set[int]) -> dict[int, str]:
    """The arguments of each scope that is a call of a known module or submodule; ``around`` are not modules."""
    roots: dict[str, dict[str, Named]] = {}
    for module in modules:
        name = type(module).__name__
        roots[name] = {} if name in roots else dict(module.named_modules())  # two of one class cannot be told apart
    found = {}
    for scope in scopes:
        steps = [step.name for step in chain(scopes, scope.number) if step.number not in around]
        called = roots.get(steps[0], {}).get(".".join(steps[1:])) if steps and scope.kind == "module" else None
        if called is not None:
            found[scope.number] = arguments(called)
    return found


def _is_simple(value: object) -> bool:
    return isinstance(value, SIMPLE) or (
        isinstance(value, (tuple, list)) and bool(value) and all(isinstance(part, SIMPLE) for part in value)
    )


def _text(value: object) -> str:
    return shape_text(tuple(value)) if isinstance(value, (tuple, list)) else str(value)

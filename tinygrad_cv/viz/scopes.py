"""The scopes of a graph, numbered as they appear: those around a scope come before it."""

from __future__ import annotations

from ..core.context import Scope
from .records import ScopeView, chain, paths


class Scopes:
    """What is known of them so far.

    Attributes:
        views: by number.
        paths: by number, the path of modules and that of composed functions.
    """

    def __init__(self) -> None:
        self.views: list[ScopeView] = []
        self.paths: dict[int | None, tuple[str, str]] = {None: ("", "")}
        self._numbers: dict[int, int | None] = {id(None): None}

    def number(self, scope: Scope | None) -> int | None:
        """The number of a scope."""
        if id(scope) not in self._numbers:
            assert scope is not None
            for step in scope.chain():
                if id(step) not in self._numbers:
                    number = self._numbers[id(step)] = len(self.views)
                    self.views.append(ScopeView(number, step.name, step.kind, self._numbers[id(step.parent)]))
                    self.paths[number] = paths(chain(self.views, number))
        return self._numbers[id(scope)]

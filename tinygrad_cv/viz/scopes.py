"""The scopes of a graph, numbered as they appear: outer ones before inner ones."""

from __future__ import annotations

from ..core.context import Scope
from .records import ScopeView, chain, paths


class Scopes:
    """The scopes seen so far.

    Attributes:
        views: their records, by number.
        paths: their paths of modules and of composed functions, by number.
    """

    def __init__(self) -> None:
        self.views: list[ScopeView] = []
        self.paths: dict[int | None, tuple[str, str]] = {None: ("", "")}
        self._numbers: dict[int, int | None] = {id(None): None}

    def number(self, scope: Scope | None) -> int | None:
        """The number of a scope; a new one is added."""
        if id(scope) not in self._numbers:
            assert scope is not None
            for step in scope.chain():
                if id(step) not in self._numbers:
                    number = self._numbers[id(step)] = len(self.views)
                    self.views.append(ScopeView(number, step.name, step.kind, self._numbers[id(step.parent)]))
                    self.paths[number] = paths(chain(self.views, number))
        return self._numbers[id(scope)]

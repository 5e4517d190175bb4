"""A parameter group: some parameters and their settings, of which compiled functions read some at every call."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, overload

from ..core.context import current
from ..frontend.tensor import Tensor
from .named import ParametersOrGroups


class Group(dict[str, Any]):
    """Some parameters and their settings. A traced function reads those that schedules change at each of its calls."""

    volatile = ("lr", "momentum", "betas")

    def __init__(self, settings: Mapping[str, Any]):
        super().__init__()
        self.update(settings)

    @overload
    def __getitem__(self, key: Literal["params"]) -> list[Tensor]: ...
    @overload
    def __getitem__(self, key: Literal["names"]) -> list[str]: ...
    @overload
    def __getitem__(self, key: Literal["lr"]) -> float: ...
    @overload
    def __getitem__(self, key: str) -> Any: ...
    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        trace = current().trace
        if trace is None or not self.is_dynamic(key):
            return value
        if isinstance(value, tuple):
            return tuple(trace.setting(Setting(self, key, i), number) for i, number in enumerate(value))
        return trace.setting(Setting(self, key), value)

    def __setitem__(self, key: str, value: Any) -> None:
        trace = current().trace
        if trace is not None and key in self.volatile:
            trace.change_setting(key)
        super().__setitem__(key, _real(value) if key in self.volatile else value)

    def update(self, settings: Mapping[str, Any]) -> None:  # type: ignore[override]
        """Set several."""
        for key, value in settings.items():
            self[key] = value

    def is_dynamic(self, key: str) -> bool:
        """Whether a traced function reads this setting at every call.

        A momentum of 0 is part of what was traced: no buffer is kept for it.
        """
        if key not in self.volatile:
            return False
        value = dict.get(self, key)
        if isinstance(value, tuple):
            return all(isinstance(number, float) for number in value)
        return isinstance(value, float) and (value != 0.0 or key != "momentum")

    def is_zero(self, key: str) -> bool:
        """Whether a setting is 0, which a trace may ask: a momentum of 0 is part of it."""
        if dict.get(self, key) != 0:
            return False
        trace = current().trace
        if trace is not None:
            trace.assume(Zero(self, key))
        return True


class Zero(NamedTuple):
    """That a setting is 0."""

    group: Group
    key: str

    def holds(self) -> bool:
        """Whether it still is."""
        return dict.get(self.group, self.key) == 0


class Setting(NamedTuple):
    """A number of a group that is read at every call."""

    group: Group
    key: str
    item: int | None = None

    @property
    def name(self) -> str:
        """``lr``, ``betas[0]``."""
        return self.key if self.item is None else f"{self.key}[{self.item}]"

    @property
    def place(self) -> tuple[int, str]:
        """What tells it from other settings, while its group lives."""
        return id(self.group), self.name

    def now(self) -> float | None:
        """The number; None where it is none that a call may read."""
        value = dict.get(self.group, self.key)
        if self.item is not None:
            value = value[self.item] if isinstance(value, tuple) and len(value) > self.item else None
        return value if isinstance(value, float) and (value or self.key != "momentum") else None


def groups_of(params: ParametersOrGroups) -> list[dict[str, Any]]:
    """The groups; parameters without groups are one group."""
    if isinstance(params, (list, tuple)):
        groups = [group for group in params if isinstance(group, dict)]
        if groups and len(groups) == len(params):
            return groups
    return [{"params": params}]


def _real(value: Any) -> Any:
    """Numbers as floats, one or several, so that each is a number that calls can read; all else as it is."""
    if isinstance(value, Iterable) and isinstance(value, (list, tuple)):
        return tuple(map(_real, value))
    return float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else value

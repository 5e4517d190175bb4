"""What an optimizer saves, and what is wrong with saved state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from .optimizer import Optimizer


class OptimizerState(TypedDict):
    """What :meth:`Optimizer.state_dict` returns."""

    state: dict[str, dict[str, np.ndarray]]  # parameter name -> slot -> array
    param_groups: list[dict[str, Any]]  # "names", "lr" and the other settings of each group


def problems_of(optimizer: Optimizer, groups: list[dict[str, Any]], saved: Mapping[str, Any]) -> list[str]:
    """Why saved groups and slots do not fit an optimizer."""
    found = [*_group_problems(optimizer, groups), *_slot_problems(optimizer, groups, saved)]
    return found or optimizer.check_slots(saved)


def plain(groups: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Groups with Python numbers in place of 0-d arrays, which is what some file formats make of numbers."""
    return [
        {key: value.item() if getattr(value, "shape", None) == () else value for key, value in group.items()}
        for group in groups
    ]


def malformed(state: Mapping[str, Any]) -> list[str]:
    """Why a dict does not have the structure of :class:`OptimizerState`: a list of problems."""
    groups, saved = state.get("param_groups"), state.get("state")
    if not (isinstance(groups, (list, tuple)) and isinstance(saved, Mapping)):
        return [f"it holds {sorted(map(str, state))}, not a list 'param_groups' and a dict 'state'"]
    found = [
        f"group {i} has no list of 'names'; state is kept by name, as in state_dict(); from_torch converts PyTorch's"
        for i, group in enumerate(groups)
        if not isinstance(group, Mapping)
        or not isinstance(group.get("names"), (list, tuple))
        or not all(isinstance(name, str) for name in group["names"])
    ]
    return found + [f"state of {name} is not a dict" for name, slots in saved.items() if not isinstance(slots, Mapping)]


def _group_problems(optimizer: Optimizer, groups: list[Any]) -> list[str]:
    own = optimizer.param_groups
    if len(groups) != len(own):
        return [f"{len(groups)} parameter groups were saved, the optimizer has {len(own)}"]
    mine = {name: i for i, group in enumerate(own) for name in group["names"]}
    theirs = {name: i for i, group in enumerate(groups) for name in group["names"]}
    found = [f"missing parameter {name}" for name in mine if name not in theirs]
    found += [f"unexpected parameter {name}" for name in theirs if name not in mine]
    found += [
        f"parameter {name} was in group {theirs[name]}, and is in group {mine[name]}"
        for name in mine
        if theirs.get(name, mine[name]) != mine[name]
    ]
    settings = [_settings_problem(optimizer, group) for group in groups]
    return found + [f"group {i} {problem}" for i, problem in enumerate(settings) if problem]


def _settings_problem(optimizer: Optimizer, group: Mapping[str, Any]) -> str | None:
    keys = group.keys() - {"names", "initial_lr"}
    if keys != optimizer.defaults.keys():
        return f"was saved with the settings {sorted(map(str, keys))}, not {sorted(optimizer.defaults)}"
    try:
        optimizer.check(group)
    except ValueError as error:
        return f"has a wrong setting: {error}"
    return None


def _slot_problems(optimizer: Optimizer, groups: list[Any], saved: Mapping[str, Any]) -> list[str]:
    own = optimizer.parameters_by_name()
    named = {name: group for group in groups for name in group["names"]}
    right = {name for group in groups if not _settings_problem(optimizer, group) for name in group["names"]}
    found = [f"unexpected state of {name}" for name in saved if name not in named]
    for name in (name for name in own if name in saved and name in right):
        if saved[name] and saved[name].keys() != (wanted := optimizer.keeps(named[name], own[name])):
            found.append(f"state of {name} holds {sorted(map(str, saved[name]))}, not {sorted(wanted)}")
            continue
        for key, value in saved[name].items():
            if problem := _array_problem(optimizer, key, value, own[name]):
                found.append(f"{key} of {name} {problem}")
    return found


def _array_problem(optimizer: Optimizer, key: str, value: Any, parameter: Tensor) -> str | None:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        return f"is not an array ({error})"
    shape, dtype = optimizer.form(key, parameter)
    if len(array.shape) != len(shape) or any(n not in (m, -1) for n, m in zip(shape, array.shape, strict=True)):
        return f"has shape {array.shape}, the optimizer needs {str(shape).replace('-1', 'any')}"
    if array.dtype.kind not in "fiu":
        return f"has dtype {array.dtype}, the optimizer needs {dtype}"
    with np.errstate(over="ignore"):
        array = array.astype(dtype)
    if not np.isfinite(array).all():
        return f"has {np.count_nonzero(~np.isfinite(array))} values that are NaN, infinite or too large for {dtype}"
    return optimizer.check_state(key, array)

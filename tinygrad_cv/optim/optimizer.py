"""The base of all optimizers: parameter groups, state by parameter name, saving and loading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict, overload

import numpy as np

from ..core.context import Scope, current, eager, quiet, using
from ..core.errors import CheckpointError, check_state_dict
from ..frontend.creation import zeros
from ..frontend.tensor import Tensor
from .named import ParametersOrGroups, named
from .settings import problems

Slots = dict[str, Tensor]  # the state of one parameter: its moments, its count of updates
Todo = tuple[Tensor, Tensor, Slots]  # a parameter to update, its gradient, its state


class OptimizerState(TypedDict):
    """What :meth:`Optimizer.state_dict` returns."""

    state: dict[str, dict[str, np.ndarray]]  # parameter name -> slot -> array
    param_groups: list[dict[str, Any]]  # "names", "lr" and the other settings of each group


class Group(dict[str, Any]):
    """Some parameters and their settings. A traced function reads the learning rate anew at each of its calls."""

    volatile = ("lr",)

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
        return value if trace is None or key != "lr" else trace.learning_rate(self, value)

    def __setitem__(self, key: str, value: Any) -> None:
        trace = current().trace
        if trace is not None and key == "lr":
            trace.set_learning_rate(self)
        super().__setitem__(key, value)


class Optimizer:
    """The base of all optimizers. A subclass gives the default settings, :meth:`update`, and :meth:`keeps`.

    Args:
        params: a module; its ``named_parameters()`` or ``parameters()``; a list of tensors; or a list of dicts, each
            with "params" and the settings in which the group differs from the defaults. Tensors without names are
            named "0", "1", ... in order; pass names if the order may change before saved state is loaded.
        defaults: the settings of all groups that do not override them.

    Attributes:
        param_groups: one dict for each group: "params", "names", "lr" and the other settings. Schedules change "lr".
        state: the state of each parameter (moments, counts), by parameter name.

    Raises:
        ValueError: no parameters, a parameter given twice, two of the same name, one that does not require grad, or a
            setting out of range.
    """

    counts: tuple[str, ...] = ()  # the slots that hold a single number; all others have the parameter's shape
    volatile: tuple[str, ...] = ()  # ("state",) if the first update computes the same as all later ones

    def __init__(self, params: ParametersOrGroups, **defaults: Any):
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[str, Slots] = {}
        for group in _groups(params):
            self.add_param_group(group)
        if not any(group["params"] for group in self.param_groups):
            raise ValueError(
                f"{type(self).__name__}: there are no parameters. Pass a module, or a fresh .parameters(): an iterator "
                "that was consumed before is empty."
            )

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Optimize more parameters: a dict with "params" and the settings in which they differ from the defaults."""
        op = type(self).__name__
        if "params" not in group:
            raise ValueError(f"{op}: a parameter group has the keys {sorted(group)}; it needs 'params'.")
        unknown = group.keys() - self.defaults.keys() - {"params", "initial_lr"}
        if unknown:
            raise ValueError(f"{op}: unknown setting(s) {sorted(unknown)}; it takes {sorted(self.defaults)}.")
        settings = Group({**self.defaults, **group})
        self.check(settings)
        taken = {id(p): name for g in self.param_groups for name, p in zip(g["names"], g["params"], strict=True)}
        names = set(taken.values())
        pairs = list(named(op, group["params"], first=len(taken)))
        for name, p in pairs:
            if id(p) in taken:
                raise ValueError(f"{op}: parameter {name!r} is given twice, first as {taken[id(p)]!r}; give it once.")
            if name in names:
                raise ValueError(
                    f"{op}: two parameters are named {name!r}. State is kept by name: give each module's parameters as "
                    "module.named_parameters(prefix=...)."
                )
            if not (p.requires_grad and p.is_leaf):
                raise ValueError(
                    f"{op}: parameter {name!r} of shape {p.shape} "
                    + ("does not require grad" if p.is_leaf else "is the result of an operation")
                    + "; only leaf tensors that require grad are optimized. Leave it out, or call requires_grad_()."
                )
            taken[id(p)] = name
            names.add(name)
        settings.update(params=[p for _, p in pairs], names=[name for name, _ in pairs])
        self.param_groups.append(settings)

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise ValueError for a setting out of range."""
        for problem in problems(settings):
            raise ValueError(f"{type(self).__name__}: {problem}.")

    @property
    def lr(self) -> float:
        """The learning rate of the first group; setting it sets that of all groups."""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr: float) -> None:
        self.check({"lr": lr})
        for group in self.param_groups:
            group["lr"] = lr

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset all gradients: to None, or to zeros if ``set_to_none`` is false."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None if set_to_none or p.grad is None else p.grad.detach() * 0

    def step(self) -> None:
        """Update every parameter that has a gradient.

        Updates are tensor operations and ``assign``, not recorded in the graph.
        """
        context = current()
        interpret = quiet if context.interpret is eager else context.interpret  # errstate is entered once for the step
        scope = Scope(type(self).__name__, "function", context.scope)
        with np.errstate(all="ignore"), using(recording=False, interpret=interpret, scope=scope):
            for group in self.param_groups:
                todo = [
                    (p, g.detach(), self.state.setdefault(name, {}))
                    for name, p in zip(group["names"], group["params"], strict=True)
                    if (g := p.grad) is not None
                ]
                if todo:
                    self.update(group, todo)

    def update(self, group: Group, todo: list[Todo]) -> None:
        """Assign new values to parameters of a group, given the gradient and the state of each."""
        raise NotImplementedError(f"{type(self).__name__} has no update(): define `def update(self, group, todo)`.")

    def keeps(self, group: Mapping[str, Any]) -> set[str]:
        """The slots that each parameter has in a group with these settings."""
        return set()

    # --- saving ---

    def state_dict(self) -> OptimizerState:
        """{"state": {name: {slot: NumPy array}}, "param_groups": [{"names": [...], "lr": ..., ...}]}, all copies."""
        return {
            "state": {
                name: {key: np.array(tensor.numpy()) for key, tensor in slots.items()}
                for name, slots in self.state.items()
            },
            "param_groups": [
                {key: list(value) if key == "names" else value for key, value in group.items() if key != "params"}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state: OptimizerState | Mapping[str, Any]) -> None:
        """Load settings and state saved by :meth:`state_dict`. State is matched by parameter name, whatever the order.

        Raises:
            CheckpointError: groups, names, slots or shapes do not match, or a value is out of range. The message lists
                every problem; nothing is loaded.
        """
        check_state_dict(type(self).__name__, state)
        wrong = _malformed(state)
        if not wrong:
            groups, saved = _plain(state["param_groups"]), state["state"]
            wrong = [*self._group_problems(groups), *self._state_problems(groups, saved)]
        if wrong:
            lines = "".join(f"\n  {problem}" for problem in wrong)
            raise CheckpointError(
                f"load_state_dict into {type(self).__name__}: {len(wrong)} problem(s):{lines}\nNothing was loaded. "
                "Make the optimizer with the same groups of the same named parameters."
            )
        for group, settings in zip(self.param_groups, groups, strict=True):
            group.update({key: value for key, value in settings.items() if key != "names"})
        own = self._parameters()
        self.state = {
            name: {
                key: Tensor(np.asarray(array), np.float64 if key in self.counts else own[name].dtype)
                for key, array in slots.items()
            }
            for name, slots in saved.items()
        }

    def _parameters(self) -> dict[str, Tensor]:
        return {name: p for g in self.param_groups for name, p in zip(g["names"], g["params"], strict=True)}

    def _group_problems(self, groups: list[Any]) -> list[str]:
        if len(groups) != len(self.param_groups):
            return [f"{len(groups)} parameter groups were saved, the optimizer has {len(self.param_groups)}"]
        found = []
        mine = {name: i for i, group in enumerate(self.param_groups) for name in group["names"]}
        theirs = {name: i for i, group in enumerate(groups) for name in group["names"]}
        found += [f"missing parameter {name}" for name in mine if name not in theirs]
        found += [f"unexpected parameter {name}" for name in theirs if name not in mine]
        found += [
            f"parameter {name} was in group {theirs[name]}, and is in group {mine[name]}"
            for name in mine
            if theirs.get(name, mine[name]) != mine[name]
        ]
        settings = [self._settings_problem(group) for group in groups]
        return found + [f"group {i} {problem}" for i, problem in enumerate(settings) if problem]

    def _settings_problem(self, group: Mapping[str, Any]) -> str | None:
        keys = group.keys() - {"names", "initial_lr"}
        if keys != self.defaults.keys():
            return f"was saved with the settings {sorted(map(str, keys))}, not {sorted(self.defaults)}"
        try:
            self.check(group)
        except ValueError as error:
            return f"has a wrong setting: {error}"
        return None

    def _state_problems(self, groups: list[Any], saved: Mapping[str, Any]) -> list[str]:
        own = self._parameters()
        named = {name: group for group in groups for name in group["names"]}
        right = {name for group in groups if not self._settings_problem(group) for name in group["names"]}
        found = [f"unexpected state of {name}" for name in saved if name not in named]
        for name in (name for name in own if name in saved and name in right):
            if saved[name] and saved[name].keys() != (wanted := self.keeps(named[name])):
                found.append(f"state of {name} holds {sorted(map(str, saved[name]))}, not {sorted(wanted)}")
                continue
            for key, value in saved[name].items():
                if problem := self._array_problem(key, value, own[name]):
                    found.append(f"{key} of {name} {problem}")
        return found

    def _array_problem(self, key: str, value: Any, parameter: Tensor) -> str | None:
        try:
            array = np.asarray(value)
        except (TypeError, ValueError) as error:
            return f"is not an array ({error})"
        shape, dtype = ((), np.dtype(np.float64)) if key in self.counts else (parameter.shape, parameter.dtype)
        if array.shape != shape:
            return f"has shape {array.shape}, the optimizer needs {shape}"
        if array.dtype.kind not in "fiu":
            return f"has dtype {array.dtype}, the optimizer needs {dtype}"
        with np.errstate(over="ignore"):
            array = array.astype(dtype)
        if not np.isfinite(array).all():
            return f"has {np.count_nonzero(~np.isfinite(array))} values that are NaN, infinite or too large for {dtype}"
        return self.check_state(key, array)

    def check_state(self, key: str, array: np.ndarray) -> str | None:
        """Describe what is wrong with the saved values of a slot; None if nothing is."""
        if key in self.counts and not (array >= 0 and array == np.floor(array)):
            return f"is {array}; it must be a whole number of at least 0"
        return None

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={self.param_groups[0][key]}" for key in self.defaults)
        count = sum(len(group["params"]) for group in self.param_groups)
        return f"{type(self).__name__}({count} parameters in {len(self.param_groups)} group(s), {settings})"


def slot(slots: Slots, name: str, shape: tuple[int, ...], dtype: Any) -> Tensor:
    """A slot of a parameter's state, created as zeros at its first use."""
    if name not in slots:
        slots[name] = zeros(shape, dtype=dtype)
    return slots[name]


def _groups(params: ParametersOrGroups) -> list[dict[str, Any]]:
    """The groups; parameters without groups are one group."""
    if isinstance(params, (list, tuple)):
        groups = [group for group in params if isinstance(group, dict)]
        if groups and len(groups) == len(params):
            return groups
    return [{"params": params}]


def _plain(groups: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Groups with Python numbers in place of 0-d arrays, which is what some file formats make of numbers."""
    return [
        {key: value.item() if getattr(value, "shape", None) == () else value for key, value in group.items()}
        for group in groups
    ]


def _malformed(state: Mapping[str, Any]) -> list[str]:
    """Why a dict does not have the structure of :class:`OptimizerState`: a list of problems."""
    groups, saved = state.get("param_groups"), state.get("state")
    if not (isinstance(groups, (list, tuple)) and isinstance(saved, Mapping)):
        return [f"it holds {sorted(map(str, state))}, not a list 'param_groups' and a dict 'state'"]
    found = [
        f"group {i} has no list of 'names'; state is kept by name, as in state_dict()"
        for i, group in enumerate(groups)
        if not isinstance(group, Mapping)
        or not isinstance(group.get("names"), (list, tuple))
        or not all(isinstance(name, str) for name in group["names"])
    ]
    return found + [f"state of {name} is not a dict" for name, slots in saved.items() if not isinstance(slots, Mapping)]

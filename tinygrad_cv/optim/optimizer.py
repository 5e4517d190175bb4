"""The base of all optimizers: parameter groups, state by parameter name, saving and loading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from ..core.annotations import explaining
from ..core.context import Scope, current, eager, enable_grad, quiet, using
from ..core.errors import CheckpointError, check_state_dict
from ..frontend.creation import full
from ..frontend.dynamic_scalar import DynamicScalar
from ..frontend.tensor import Tensor
from .group import Group, groups_of
from .hooks import HookedOptimizer, hooked
from .named import ParametersOrGroups, named
from .settings import SETTINGS, Rule, problems
from .state import OptimizerState, malformed, plain, problems_of

FLOAT64 = np.dtype(np.float64)
SQUARES = (
    *("exp_avg_sq", "max_exp_avg_sq", "square_avg", "acc_delta", "sum", "exp_inf"),
    *("variance", "row_var", "col_var"),
)
Slots = dict[str, Tensor]  # the state of one parameter: its moments, its count of updates
Todo = tuple[Tensor, Tensor, Slots]  # a parameter to update, its gradient, its state


class Optimizer(HookedOptimizer):
    """The base of all optimizers. A subclass gives the default settings, :meth:`update`, and :meth:`keeps`.

    Args:
        params: a module; its ``named_parameters()`` or ``parameters()``; a list of tensors; or a list of dicts, each
            with "params" and the settings in which the group differs from the defaults. Tensors without names are
            named "0", "1", ... in order; pass names if the order may change before saved state is loaded.
        defaults: the settings of all groups that do not override them.

    Attributes:
        param_groups: one dict for each group: "params", "names", "lr" and the other settings. Schedules change "lr",
            "momentum" and "betas", which a compiled step reads at every call.
        state: the state of each parameter (moments, counts), by parameter name.

    Raises:
        ValueError: no parameters, a parameter given twice, two of the same name, one that does not require grad, or a
            setting out of range.
    """

    scalars: ClassVar[Mapping[str, float]] = {}  # slots that hold a single number, and the first ones
    rules: ClassVar[Mapping[str, Rule]] = {}  # of settings, beside SETTINGS or instead
    volatile: tuple[str, ...] = ()  # ("state",) if the first update computes the same as all later ones
    couples_decay = True  # weight_decay · p is added to the gradient, unless the group decouples it

    def __init__(self, params: ParametersOrGroups, **defaults: Any):
        self.defaults = defaults
        self.param_groups: list[Group] = []
        self.state: dict[str, Slots] = {}
        self._hooks = {}
        for group in groups_of(params):
            self.add_param_group(group)
        if not any(group["params"] for group in self.param_groups):
            raise ValueError(
                f"{type(self).__name__}: there are no parameters. Pass a module, or a fresh .parameters(): an iterator "
                "that was consumed before is empty."
            )

    @explaining
    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Optimize more parameters: a dict with "params" and the settings in which they differ from the defaults."""
        op, group = type(self).__name__, param_group
        if not isinstance(group, Mapping) or "params" not in group:
            keys = f"the keys {list(group)}" if isinstance(group, Mapping) else f"the type {type(group).__name__}"
            raise ValueError(f"{op}.add_param_group: param_group has {keys}; it needs 'params'.")
        unknown = group.keys() - self.defaults.keys() - {"params", "initial_lr"}
        if unknown:
            raise ValueError(f"{op}: unknown setting(s) {sorted(unknown)}; it takes {sorted(self.defaults)}.")
        settings = {**self.defaults, **group}
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
            self.check_parameter(name, p)
            taken[id(p)] = name
            names.add(name)
        settings.update(params=[p for _, p in pairs], names=[name for name, _ in pairs])
        self.param_groups.append(Group(settings))

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise ValueError for a setting out of range."""
        for problem in problems(settings, {**SETTINGS, **self.rules}):
            raise ValueError(f"{type(self).__name__}: {problem}.")

    def check_parameter(self, name: str, p: Tensor) -> None:
        """Raise ValueError for a parameter that cannot be optimized."""

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

    @hooked
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Updates are tensor operations and ``assign``, not recorded in the graph. A ``closure`` is called before, to
        compute the loss and the gradients; its result is returned.
        """
        loss = None
        check_closure(type(self).__name__, closure)
        if closure is not None:
            with enable_grad():
                loss = closure()
        with self._updating():
            for group in self.param_groups:
                by_dtype: dict[np.dtype, list[Todo]] = {}
                for name, p in zip(group["names"], group["params"], strict=True):
                    if (g := p.grad) is not None:
                        todo = p, self._gradient(group, p, g), self.state.setdefault(name, {})
                        by_dtype.setdefault(p.dtype, []).append(todo)
                for same in by_dtype.values():
                    self.update(group, same)
        return loss

    def update(self, group: Group, todo: list[Todo]) -> None:
        """Assign new values to parameters of a group, all of one dtype, given the gradient and the state of each."""
        raise NotImplementedError(f"{type(self).__name__} has no update(): define `def update(self, group, todo)`.")

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        """The slots that a parameter has in a group with these settings."""
        return set()

    # --- what updates are made of ---

    @contextmanager
    def _updating(self) -> Iterator[None]:
        context = current()
        interpret = quiet if context.interpret is eager else context.interpret  # errstate is entered once for the step
        scope = Scope(type(self).__name__, "function", context.scope)
        with np.errstate(all="ignore"), using(recording=False, interpret=interpret, scope=scope):
            yield

    def _gradient(self, group: Group, p: Tensor, g: Tensor) -> Tensor:
        """The gradient to go down along."""
        g = g.detach()
        if group.get("maximize"):
            g = -g
        decay = group.get("weight_decay")
        if decay and self.couples_decay and not group.get("decoupled_weight_decay"):
            g = g + p * decay
        return g

    def cohorts(self, todo: list[Todo]) -> Iterator[tuple[Slots, list[Todo]]]:
        """Parameters that have been updated equally often, and their ``scalars``, "step" advanced: one for all of them.

        So what depends on the count, such as a bias correction, is computed once.
        """
        cohorts: dict[int, list[Todo]] = {}
        for p, g, slots in todo:
            cohorts.setdefault(id(slots.get("step")), []).append((p, g, slots))
        for cohort in cohorts.values():
            shared, old = self._first_scalars(), cohort[0][2]
            if "step" in old:
                if sum(slots.get("step") is old["step"] for slots in self.state.values()) == len(cohort):
                    shared = {name: old[name] for name in shared}
                else:  # the others keep the old ones
                    for name, scalar in shared.items():
                        scalar.assign(old[name].clone())
            shared["step"].assign(shared["step"] + 1.0)
            for _, _, slots in cohort:
                slots.update(shared)
            yield shared, cohort

    def _first_scalars(self) -> Slots:
        return {name: full((), value, FLOAT64) for name, value in self.scalars.items()}

    # --- saving ---

    def state_dict(self) -> OptimizerState:
        """{"state": {name: {slot: NumPy array}}, "param_groups": [{"names": [...], "lr": ..., ...}]}, all copies."""
        self._call_hooks("state_dict_pre_hook")
        state: OptimizerState = {
            "state": {
                name: {key: np.array(tensor.numpy()) for key, tensor in slots.items()}
                for name, slots in self.state.items()
            },
            "param_groups": [
                {key: list(value) if key == "names" else value for key, value in group.items() if key != "params"}
                for group in self.param_groups
            ],
        }
        changed: OptimizerState = self._changed_by_hooks("state_dict_post_hook", state)
        return changed

    @explaining
    def load_state_dict(self, state_dict: OptimizerState | Mapping[str, Any]) -> None:
        """Load settings and state saved by :meth:`state_dict`. State is matched by parameter name, whatever the order.

        Raises:
            CheckpointError: groups, names, slots or shapes do not match, or a value is out of range. The message lists
                every problem; nothing is loaded.
        """
        self.checked(state_dict)()

    def checked(self, state: OptimizerState | Mapping[str, Any]) -> Callable[[], None]:
        """Check a state as :meth:`load_state_dict` does; the function that is returned loads it."""
        check_state_dict(type(self).__name__, state)
        state = self._changed_by_hooks("load_state_dict_pre_hook", dict(state))
        check_state_dict(type(self).__name__, state)
        wrong = malformed(state)
        if not wrong:
            groups, saved = plain(state["param_groups"]), state["state"]
            wrong = problems_of(self, groups, saved)
        if wrong:
            lines = "".join(f"\n  {problem}" for problem in wrong)
            raise CheckpointError(
                f"load_state_dict into {type(self).__name__}: {len(wrong)} problem(s):{lines}\nNothing was loaded. "
                "Make the optimizer with the same groups of the same named parameters."
            )
        own = self.parameters_by_name()
        slots_by_name = {
            name: {key: Tensor(np.asarray(array), self.form(key, own[name])[1]) for key, array in slots.items()}
            for name, slots in saved.items()
        }

        def commit() -> None:
            for group, settings in zip(self.param_groups, groups, strict=True):
                group.update({key: value for key, value in settings.items() if key != "names"})
            self.state = slots_by_name
            self._share()
            self._call_hooks("load_state_dict_post_hook")

        return commit

    def _share(self) -> None:
        """One tensor again for the scalars of parameters that have been updated equally often."""
        shared: dict[Any, Slots] = {}
        for i, group in enumerate(self.param_groups):
            for name, p in zip(group["names"], group["params"], strict=True):
                slots = self.state.get(name)
                if slots and "step" in slots:
                    own = {key: slots[key] for key in self.scalars}
                    key = i, p.dtype, *(scalar.item() for scalar in own.values())
                    slots.update(shared.setdefault(key, own))

    def to_torch(self, slots: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, Any]]:
        """The state of parameters, in PyTorch's order, with PyTorch's slots; see the function ``to_torch``."""
        return {
            name: {key: x.astype(np.float32) if key == "step" else x for key, x in values.items() if key != "started"}
            for name, values in slots.items()
        }

    def from_torch(
        self, slots: dict[str, dict[str, Any]], groups: list[dict[str, Any]]
    ) -> dict[str, dict[str, np.ndarray]]:
        """The state of parameters from PyTorch's slots; see the function ``from_torch``."""
        own, group_of = self.parameters_by_name(), {name: group for group in groups for name in group["names"]}
        found = {}
        for name, values in slots.items():
            values = {key: x for key, x in values.items() if x is not None}
            if values and "started" in self.keeps({**self.defaults, **group_of[name]}, own[name]):
                values["started"] = np.ones(())
            found[name] = values
        return found

    def parameters_by_name(self) -> dict[str, Tensor]:
        """All parameters."""
        return {name: p for g in self.param_groups for name, p in zip(g["names"], g["params"], strict=True)}

    def form(self, key: str, p: Tensor) -> tuple[tuple[int, ...], np.dtype]:
        """Shape and dtype of a slot of a parameter; -1 is any length."""
        return ((), FLOAT64) if key in self.scalars else (p.shape, p.dtype)

    def check_slots(self, saved: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Describe what does not fit together in saved slots that are right by themselves."""
        return []

    def check_state(self, key: str, array: np.ndarray) -> str | None:
        """Describe what is wrong with the saved values of a slot; None if nothing is."""
        if key == "step" and not (array >= 0 and array == np.floor(array)):
            return f"is {array}; it must be a whole number of at least 0"
        if key in SQUARES and (array < 0).any():
            return "has negative values; it is made of squares or absolute values"
        return None

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={self.param_groups[0][key]}" for key in self.defaults)
        count = sum(len(group["params"]) for group in self.param_groups)
        return f"{type(self).__name__}({count} parameters in {len(self.param_groups)} group(s), {settings})"


def check_closure(op: str, closure: Any) -> None:
    """Raises TypeError for what ``step`` cannot call."""
    if closure is not None and not callable(closure):
        raise TypeError(f"{op}.step: closure={closure!r}; it must be a function that returns the loss, or None.")


def slot(slots: Slots, name: str, p: Tensor, first: float = 0.0) -> Tensor:
    """A slot of a parameter's state, with elements of one value at its first use."""
    if name not in slots:
        slots[name] = full(p.shape, first, p.dtype)
    return slots[name]


def ahead(dtype: np.dtype, *numbers: Any) -> tuple[Any, ...]:
    """Numbers in a dtype. In a trace those that each call reads are converted here, so that no loop waits for it."""
    return tuple(x.tensor.astype(dtype) if isinstance(x, DynamicScalar) else x for x in numbers)


def decayed(p: Tensor, group: Group) -> Tensor:
    """The parameter after decoupled weight decay, where the group asks for it: (1 - lr · weight_decay) p."""
    decay = group["weight_decay"]
    return p * (1.0 - group["lr"] * decay) if decay and group.get("decoupled_weight_decay", True) else p


def norm(x: Tensor) -> Tensor:
    """√Σ x², summed in float64, where squares of float32 cannot overflow."""
    return x.astype(FLOAT64).square().sum().sqrt()

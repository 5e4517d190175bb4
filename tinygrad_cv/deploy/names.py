"""Names for the state of a function: those of parameters in the state dict, and of what optimizers keep for them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.errors import ExportError
from ..frontend.random import Generator
from ..nn.module import Module
from ..optim.group import Setting
from ..optim.optimizer import Optimizer

if TYPE_CHECKING:
    from ..tracing.entry import Entry


def state_names(entry: Entry, tensors: Mapping[int, Any]) -> dict[int, tuple[str, str]]:
    """The name and the kind of each tensor, by its id.

    Names of one module's parameters and buffers are those of its state dict; if the function reaches several modules,
    the variable that holds it comes first. A moment is named after its parameter: ``optimizer.fc.weight.exp_avg``.

    Raises:
        ExportError: two tensors have one name.
    """
    found: dict[int, tuple[str, str]] = {}
    modules = _roots(_reached(entry, Module))
    for module in modules:
        prefix = f"{_variable(entry, module, 'model')}." if len(modules) > 1 else ""
        for kind, named in (("parameter", module.named_parameters()), ("buffer", module.named_buffers())):
            for name, tensor in named:
                found.setdefault(id(tensor), (prefix + name, kind))
    optimizers = _reached(entry, Optimizer)
    for optimizer in optimizers:
        prefix = _optimizer(entry, optimizer, optimizers)
        own = optimizer.parameters_by_name()
        for name, slots in optimizer.state.items():
            parameter = found.get(id(own[name]), (name, ""))[0]
            for slot, tensor in slots.items():
                shared = sum(other.get(slot) is tensor for other in optimizer.state.values()) > 1
                path = slot if shared else f"{parameter}.{slot}"
                found.setdefault(id(tensor), (f"{prefix}.{path}", "optimizer"))
    generators = _reached(entry, Generator)
    for generator in generators:
        name = "random" if len(generators) == 1 else _variable(entry, generator, "random")
        found.setdefault(id(generator.state), (name, "random"))
    paths = entry.guards.tensors if entry.guards else {}
    for number, key in enumerate(tensors):
        found.setdefault(key, (paths[key][0] if key in paths else f"tensor_{number}", "tensor"))
    names = {key: found[key] for key in tensors}
    _check_distinct(entry.name, [name for name, _ in names.values()])
    return names


def setting_names(entry: Entry, settings: Sequence[Setting]) -> list[str]:
    """``lr``, ``betas[0]``; with the optimizer, or the number of the group, where there are several of one name."""
    optimizers = _reached(entry, Optimizer)
    plain = [setting.name for setting in settings]
    names = []
    for setting in settings:
        name = setting.name
        if plain.count(name) > 1:
            owner, place = _group(optimizers, setting)
            inside = f"param_groups[{place}].{name}" if owner and len(owner.param_groups) > 1 else name
            name = f"{_optimizer(entry, owner, optimizers)}.{inside}" if len(optimizers) > 1 and owner else inside
        names.append(name)
    _check_distinct(entry.name, names)
    return names


def _group(optimizers: Iterable[Optimizer], setting: Setting) -> tuple[Optimizer | None, int]:
    for optimizer in optimizers:
        for number, group in enumerate(optimizer.param_groups):
            if group is setting.group:
                return optimizer, number
    return None, 0


def _optimizer(entry: Entry, optimizer: Optimizer, optimizers: Sequence[Optimizer]) -> str:
    return "optimizer" if len(optimizers) == 1 else _variable(entry, optimizer, "optimizer")


def _reached(entry: Entry, kind: type) -> list[Any]:
    """The objects of a kind that the function depends on."""
    seen = entry.guards.walk.seen.values() if entry.guards else ()
    return [x for x in seen if isinstance(x, kind)]


def _roots(modules: Sequence[Module]) -> list[Module]:
    """The modules that no other one contains."""
    inner = {id(part) for module in modules for part in module.modules() if part is not module}
    return [module for module in modules if id(module) not in inner]


def _variable(entry: Entry, x: Any, kind: str) -> str:
    """The name of the variable that holds an object."""
    function: Any = entry.guards.roots[""] if entry.guards else None
    given = {name: item for name, item in (entry.guards.roots if entry.guards else {}).items() if name and item is x}
    try:
        variables = inspect.getclosurevars(inspect.unwrap(function))
    except (TypeError, ValueError):
        return next(iter(given), kind)
    named = {**variables.globals, **variables.nonlocals}
    return next((name for name, item in named.items() if item is x), next(iter(given), kind))


def _check_distinct(function: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ExportError(
            f"export of {function}: two tensors of its state are named {', '.join(twice)}. Keep them in one module, or "
            "in variables of different names."
        )

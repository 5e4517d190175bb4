"""State of optimizers in PyTorch's form, where parameters have numbers, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from ..core.annotations import explaining
from ..core.errors import CheckpointError
from .optimizer import Optimizer
from .state import OptimizerState


@explaining
def to_torch(optimizer: Optimizer, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The state of an optimizer as PyTorch's optimizer of the same name loads it. PyTorch must be installed.

    Args:
        names: the names of the parameters in the order in which PyTorch's optimizer was given them, for instance
            ``[name for name, _ in model.named_parameters()]``; by default the order is that of this optimizer.

    Raises:
        ValueError: the names are not those of the optimizer's parameters.
        ImportError: PyTorch is not installed.

    Example::

        theirs = torch.optim.Adam(torch_model.parameters())
        theirs.load_state_dict(tg.optim.to_torch(mine, [name for name, _ in torch_model.named_parameters()]))
    """
    tensor = import_module("torch").tensor
    state, known = optimizer.state_dict(), list(optimizer.parameters_by_name())
    if names is not None and sorted(names) != sorted(known):
        raise ValueError(f"to_torch: names={list(names)}; they must be those of the parameters, {known}, in any order.")
    place = {name: i for i, name in enumerate(known if names is None else names)}
    groups: list[dict[str, Any]] = []
    order: list[str] = []
    for group in state["param_groups"]:
        own = sorted(group["names"], key=place.__getitem__)
        settings = {key: value for key, value in group.items() if key != "names"}
        groups.append({**settings, "params": list(range(len(order), len(order) + len(own))), "param_names": own})
        order += own
    slots = optimizer.to_torch({name: state["state"][name] for name in order if state["state"].get(name)})
    numbered = {order.index(name): _converted(values, tensor) for name, values in slots.items()}
    return {"state": numbered, "param_groups": groups}


@explaining
def from_torch(
    optimizer: Optimizer, state_dict: Mapping[str, Any], names: Sequence[str] | None = None
) -> OptimizerState:
    """The state of PyTorch's optimizer of the same name, for ``optimizer.load_state_dict``.

    Args:
        optimizer: the one that is to load it.
        state_dict: of PyTorch's optimizer.
        names: the names of the parameters in the order in which PyTorch's optimizer was given them. By default those
            that it knows, if it was given ``named_parameters()``; otherwise the order is that of this optimizer.

    Raises:
        CheckpointError: it is not a state of PyTorch's, or has another number of parameters.

    Example::

        mine.load_state_dict(tg.optim.from_torch(mine, theirs.state_dict()))
    """
    groups, numbered = state_dict.get("param_groups"), state_dict.get("state")
    if not isinstance(groups, list) or not isinstance(numbered, Mapping) or any("params" not in g for g in groups):
        raise CheckpointError(
            f"from_torch: it holds {sorted(map(str, state_dict))}; it must be what state_dict() of a PyTorch optimizer "
            "returns, with 'state' and 'param_groups'."
        )
    numbers = [number for group in groups for number in group["params"]]
    if names is None:
        theirs = [name for group in groups for name in group.get("param_names", ())]
        names = theirs or list(optimizer.parameters_by_name())
    if len(names) != len(numbers):
        raise CheckpointError(
            f"from_torch: PyTorch's optimizer has {len(numbers)} parameters, and there are {len(names)} names. Pass "
            "the names of its parameters, in its order."
        )
    name_of = dict(zip(numbers, names, strict=True))
    settings = optimizer.defaults.keys() | {"initial_lr"}
    own = [
        {"names": [name_of[n] for n in group["params"]], **{key: _plain(group[key]) for key in settings & group.keys()}}
        for group in groups
    ]
    plain = {name_of[n]: {key: _plain(value) for key, value in slots.items()} for n, slots in numbered.items()}
    return {"state": optimizer.from_torch(plain, own), "param_groups": own}


def _converted(value: Any, tensor: Any) -> Any:
    """Arrays in dicts and lists as PyTorch's tensors."""
    if isinstance(value, dict):
        return {key: _converted(item, tensor) for key, item in value.items()}
    if isinstance(value, list):
        return [_converted(item, tensor) for item in value]
    return tensor(value) if isinstance(value, np.ndarray) else value


def _plain(value: Any) -> Any:
    """PyTorch's tensors as arrays."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value

"""Names of a file as paths of modules and parameters: ``conv1.weight`` is the ``weight`` of what is named ``conv1``."""

from __future__ import annotations

from ..nn.module import STATE, Module


class Weights(Module):
    """Parameters whose names begin alike, where no node is named so."""


def put(root: Module, name: str, module: Module) -> None:
    """Make a module the one of this name, or, if it is taken, of the name with underscores after it."""
    owner, last = _owner(root, name)
    last = free(owner, last, Weights)
    there = vars(owner).get(last)
    owner.add_module(last, module)
    if there is not None:  # modules whose names go on after this one's
        for child_name, child in there.named_children():
            module.add_module(child_name, child)


def place_of(root: Module, name: str) -> tuple[Module, str]:
    """Where a parameter of this name goes: a module, and a name that is free in it."""
    owner, last = _owner(root, name)
    return owner, free(owner, last)


def free(owner: Module, name: str, replaced: type[Module] | None = None) -> str:
    """A name that an attribute may have: this one, with underscores after it where it is taken."""
    while hasattr(type(owner), name) or name in STATE or type(vars(owner).get(name)) not in (type(None), replaced):
        name += "_"
    return name


def _owner(root: Module, name: str) -> tuple[Module, str]:
    """The module that a path leads to, made on the way, and the last part of the path."""
    parts = name.split(".")
    if not all(parts):  # dots that separate nothing
        return root, name.replace(".", "_")
    owner = root
    for part in parts[:-1]:
        child = vars(owner).get(part)
        if not isinstance(child, Module):
            part = free(owner, part, Weights)
            child = Weights()
            owner.add_module(part, child)
        owner = child
    return owner, parts[-1]

"""What is below a module: submodules, parameters, buffers, and their paths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar, cast

from ..core.annotations import explaining
from ..frontend.tensor import Tensor
from .parameter import Parameter, existing
from .state_dict import dotted

if TYPE_CHECKING:
    from .module import Module

T = TypeVar("T")


class Traversal:
    """The methods of :class:`Module` that find what it is made of."""

    _buffers: dict[str, bool]  # name -> whether it is saved in the state dict

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules and their names, each once."""
        seen = set()
        for name, value in vars(self).items():
            if is_module(value) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def children(self) -> Iterator[Module]:
        """The direct submodules, each once."""
        return (module for _, module in self.named_children())

    def named_modules(self, prefix: str = "", remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """This module and all its descendants with their paths; ``prefix`` is the path of this one.

        A shared module appears once, under its first path; under each of its paths if not ``remove_duplicate``.
        """
        return _once(self._walk(prefix), remove_duplicate)

    def _walk(self, path: str = "") -> Iterator[tuple[str, Module]]:
        """This module and all its descendants, depth first; a shared one once for each of its paths."""
        yield path, cast("Module", self)
        for name, value in vars(self).items():
            if is_module(value):
                yield from value._walk(dotted(path, name))

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """This module and all its descendants, each once."""
        return (module for _, module in self.named_modules("", remove_duplicate))

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their paths.

        Args:
            prefix: the path of this module.
            recurse: also those of its submodules.
            remove_duplicate: a shared one appears once, under its first path.
        """

        def found() -> Iterator[tuple[str, Parameter]]:
            for path, module in self._owners(prefix, recurse, remove_duplicate):
                for name, attribute in vars(module).items():
                    value = existing(dotted(path, name), attribute)
                    if isinstance(value, Parameter):
                        yield dotted(path, name), value

        return _once(found(), remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once; only those of this module itself if not ``recurse``."""
        return (parameter for _, parameter in self.named_parameters("", recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their paths; the arguments are those of :meth:`named_parameters`."""

        def found() -> Iterator[tuple[str, Tensor]]:
            for path, module in self._owners(prefix, recurse, remove_duplicate):
                for name in module._buffers:
                    value = existing(dotted(path, name), vars(module)[name])
                    if value is not None:
                        yield dotted(path, name), value

        return _once(found(), remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, each once; only those of this module itself if not ``recurse``."""
        return (buffer for _, buffer in self.named_buffers("", recurse))

    def _owners(self, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Module]]:
        return self.named_modules(prefix, remove_duplicate) if recurse else iter([(prefix, cast("Module", self))])

    # --- by path ---

    @explaining
    def get_submodule(self, target: str) -> Module:
        """The module at a path; this one itself at the empty path.

        Raises:
            AttributeError: there is none.

        >>> import tinygrad_cv as tg
        >>> tg.models.lenet5().get_submodule("conv1").get_parameter("weight").shape
        (20, 1, 5, 5)
        """
        module = cast("Module", self)
        for name in target.split(".") if target else ():
            module = _held(module, "get_submodule", target, name, Traversal, "module")
        return module

    @explaining
    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path.

        Raises:
            AttributeError: there is none.
        """
        path, _, name = target.rpartition(".")
        parameter: Parameter = _held(self.get_submodule(path), "get_parameter", target, name, Parameter, "parameter")
        return parameter

    @explaining
    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path.

        Raises:
            AttributeError: there is none.
        """
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        kind = Tensor if name in owner._buffers else ()
        buffer: Tensor = _held(owner, "get_buffer", target, name, kind, "buffer")
        return buffer


def _once(pairs: Iterator[tuple[str, T]], remove_duplicate: bool) -> Iterator[tuple[str, T]]:
    """The pairs of a path and what is there, those of the same thing once."""
    seen = set()
    for path, value in pairs:
        if not (remove_duplicate and id(value) in seen):
            seen.add(id(value))
            yield path, value


def _held(module: Module, op: str, target: str, name: str, kind: Any, what: str) -> Any:
    value = vars(module).get(name)
    if not isinstance(value, kind):
        names = [key for key, x in vars(module).items() if isinstance(x, (Traversal, Tensor))]
        raise AttributeError(
            f"{op}: target={target!r}; {type(module).__name__} has no {what} {name!r}. It has "
            f"{', '.join(names) or 'none'}.",
            name=name,
            obj=module,
        )
    return value


def is_module(value: object) -> TypeGuard[Module]:
    """Whether an attribute is a submodule."""
    return isinstance(value, Traversal)

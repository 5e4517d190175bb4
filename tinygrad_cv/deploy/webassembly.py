"""The files of a function for browsers and Node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import javascript, wasm
from .interface import Interface
from .program import program

if TYPE_CHECKING:
    from ..compiler.options import Options


def webassembly(interface: Interface, name: str, options: Options) -> dict[str, bytes]:
    """A module, its loader, and the loader's types; by the names of the files.

    Raises:
        ExportError: WebAssembly or JavaScript cannot do what the function does.
    """
    from ..compiler.runtime.objects import compile_object
    from ..compiler.runtime.target import named

    javascript.check_dtypes(interface)
    target = named("wasm32")
    made = program(interface, target, options)
    module = wasm.module(compile_object(made.text, target), ("init", "step"), made.nbytes)
    return {
        f"{name}.wasm": module.code,
        f"{name}.mjs": javascript.loader(interface, made.places, name, module.base).encode(),
        f"{name}.d.mts": javascript.declarations(interface).encode(),
    }

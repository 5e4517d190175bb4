"""The files of a function for browsers and Node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import javascript, wasm
from .interface import Interface
from .program import program

if TYPE_CHECKING:
    from ..compiler.options import Options


def webassembly(
    interface: Interface, name: str, options: Options, with_relaxed: bool = False, threads: int = 1
) -> dict[str, bytes]:
    """A module, its loader, and the loader's types; by the names of the files.

    Args:
        with_relaxed: a second module, with relaxed SIMD, which the loader takes where it can.
        threads: of another module, for workers that share their memory; 1 makes none.

    Raises:
        ExportError: WebAssembly or JavaScript cannot do what the function does.
    """
    from ..compiler.runtime.objects import compile_object
    from ..compiler.runtime.target import named, relaxed, shared

    javascript.check_dtypes(interface)
    files = {}
    for ending, target in ((".wasm", named("wasm32")), (".relaxed.wasm", relaxed()))[: 1 + with_relaxed]:
        made = program(interface, target, options)
        files[name + ending] = wasm.module(compile_object(made.text, target), ("init", "step"), made.nbytes).code
    modules, workers = list(files), None
    if threads > 1:
        made = program(interface, shared(), options, threads=threads)
        module = wasm.module(compile_object(made.text, shared()), ("init", "part"), made.nbytes, threads)
        workers = javascript.Workers(f"{name}.threads.wasm", threads, module.pages)
        files[workers.wasm] = module.code
    return {
        **files,
        f"{name}.mjs": javascript.loader(interface, made.places, name, modules, workers).encode(),
        f"{name}.d.mts": javascript.declarations(interface).encode(),
    }

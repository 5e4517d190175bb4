"""The files of a function for C: an object, its header, and an example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import c
from .interface import Interface
from .program import program

if TYPE_CHECKING:
    from ..compiler.options import Options


def native(interface: Interface, name: str, cpu: str, options: Options, threads: int = 1) -> dict[str, bytes]:
    """An object, a header and an example, by the names of the files.

    Args:
        cpu: a name that :func:`named` knows, or ``native``.
        threads: how many share a call.

    Raises:
        ExportError: C cannot do what the function does.
    """
    from ..compiler.runtime.objects import compile_object
    from ..compiler.runtime.target import host, named

    c.check(interface)
    target = host() if cpu == "native" else named(cpu)
    word = c.identifier(name)
    made = program(interface, target, options, f"{word}_", threads)
    return {
        f"{name}.o": compile_object(made.text, target),
        f"{name}.h": c.header(interface, made.places, made.nbytes, name, word, threads).encode(),
        f"{name}_main.c": c.example(interface, name, word, threads).encode(),
    }

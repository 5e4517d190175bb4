"""A function compiled for a target: one text of LLVM IR, and the places of everything in its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..core.errors import ExportError
from .block import Block, block
from .interface import Interface

if TYPE_CHECKING:
    from ..compiler.options import Options
    from ..compiler.runtime.target import Target

LARGEST = (1 << 31) - (1 << 20)  # bytes of a block whose addresses have 32 bits


class Program(NamedTuple):
    """Functions ``init`` and ``step`` as LLVM IR.

    Attributes:
        places: where everything lies in the block of memory that they are called with.
        nbytes: the size of the block.
    """

    text: str
    places: Block
    nbytes: int


def program(interface: Interface, target: Target, options: Options, prefix: str = "", threads: int = 1) -> Program:
    """The program of a function.

    Args:
        prefix: of the names of its functions.
        threads: how many share the work.

    Raises:
        ExportError: NumPy would compute a part of it, or it needs more memory than the target has.
    """
    from ..compiler.pipeline import written  # LLVM is loaded here
    from .driver import driver

    name = interface.name
    if any(value.size == 0 for value in interface.graph.values()):
        raise ExportError(f"export of {name}: it has an array without elements; leave that out.")
    image, kernels = written(interface.graph, target, threads, options)
    hosted = sorted({step.op for step in image.steps if step.op})
    if hosted:
        raise ExportError(
            f"export of {name}: there is no compiled code for {', '.join(hosted)}, which NumPy computes in Python. "
            "Compute it outside, and pass the result as an argument; float16 can be converted to float32 first."
        )
    places = block(image, interface)
    made = driver(image, places, interface.condition, target, prefix, threads)
    if target.pointer_bytes == 4 and made.size > LARGEST:
        raise ExportError(
            f"export of {name}: it needs {made.size:,} bytes of memory, and {target.arch} has {LARGEST:,}. Export "
            "it for smaller batches, or with tg.jit(memory=...)."
        )
    return Program(kernels + made.text, places, made.size)

"""``tg.export``: a compiled function as files that run without Python."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..compiler import available
from ..core.errors import ExportError
from ..files import safetensors
from ..files.atomic import replacing
from ..tracing import jit
from ..tracing.api import Jitted
from .interface import Interface, interface
from .native import native
from .webassembly import webassembly

OBJECTS = ("x86-64", "x86-64-v3", "x86-64-v4", "aarch64", "riscv64", "native")
TARGETS = ("wasm32", *OBJECTS)
MOST = 64  # threads
ENDINGS = (".wasm", ".mjs", ".o", ".h", ".safetensors")


class Exported(NamedTuple):
    """The files that were written, and the names of what goes in, comes out, and stays between calls."""

    files: tuple[Path, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    state: tuple[str, ...]


def export(
    step: Callable[..., Any],
    *args: Any,
    target: str = "wasm32",
    path: str | os.PathLike[str],
    kwargs: Mapping[str, Any] | None = None,
    relaxed_simd: bool = False,
    threads: int = 1,
) -> Exported:
    """Write a function as files that run without Python: a network, or a whole training step with its state inside.

    The function is compiled as :func:`jit` does. What it closes over, and assigns to, lives in the program and is read
    and written by name: parameters and buffers under their names in the state dict, what an optimizer keeps
    (``optimizer.fc.weight.exp_avg``), learning rates (``lr``), the state of a generator (``random``). Gradients that no
    call reads are left out: return them if they are wanted.

    ``wasm32``: ``path.wasm``, a loader ``path.mjs`` for browsers and Node, its types ``path.d.mts``, and the state as
    it is now, ``path.safetensors``. Any other target: an object file ``path.o`` that needs nothing but the C library,
    its header ``path.h`` with a struct of all that goes in, stays and comes out, an example ``path_main.c``, and the
    state.

    Args:
        step: a function, jitted or not; or a module.
        args, kwargs: what it is called with. Of tensors only shapes and dtypes matter; other arguments stay.
        target: ``"wasm32"``; ``"x86-64"``, ``"x86-64-v3"`` (with AVX2), ``"x86-64-v4"`` (with AVX-512), ``"aarch64"``,
            ``"riscv64"``; ``"native"`` for this machine.
        path: the files without their endings.
        relaxed_simd: with ``wasm32`` also write ``path.relaxed.wasm``, which the loader takes where the browser has
            relaxed SIMD. There contractions multiply and add in one instruction, which may round once or twice.
        threads: how many share a call, at most 64. With ``wasm32`` that is another module, ``path.threads.wasm``, for
            workers of a page that is cross-origin isolated; elsewhere a call starts threads of POSIX.

    Raises:
        ExportError: the function does something that needs Python; it names what, and what to do.
        TraceError: it cannot be compiled.
        OSError: a file cannot be written.

    >>> import tempfile
    >>> import tinygrad_cv as tg
    >>> model = tg.nn.Linear(3, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = tg.export(model, tg.zeros(1, 3), path=f"{folder}/classify")
    >>> [file.name for file in made.files]
    ['classify.wasm', 'classify.mjs', 'classify.d.mts', 'classify.safetensors']
    >>> made.inputs, made.state
    (('x',), ('weight', 'bias'))
    """
    _check_arguments(step, args, path, kwargs)
    if not isinstance(relaxed_simd, bool) or (relaxed_simd and target != "wasm32"):
        raise ExportError(
            f"export: relaxed_simd={relaxed_simd!r} with target={target!r}; it is True or False, and of wasm32."
        )
    if target not in TARGETS:
        raise ExportError(f"export: target={target!r}; it must be one of {', '.join(map(repr, TARGETS))}.")
    if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= MOST:
        raise ExportError(f"export: threads={threads!r}; it must be a number from 1 to {MOST}.")
    if not available():
        raise ExportError("export: compiled code needs llvmlite, which is not installed: pip install llvmlite")
    jitted = step if isinstance(step, Jitted) else jit(step)
    made = interface(jitted._entry(args, dict(kwargs or {})))
    stem = _stem(path)
    if target == "wasm32":
        files = webassembly(made, stem.name, jitted.options, relaxed_simd, threads)
    else:
        files = native(made, stem.name, target, jitted.options, threads)
    files[f"{stem.name}.safetensors"] = _start(made)
    written = tuple(stem.with_name(name) for name in files)
    for file, data in zip(written, files.values(), strict=True):
        with replacing(file) as out:
            out.write(data)
    return Exported(
        written,
        tuple(port.name for port in made.inputs),
        tuple(port.name for port in made.outputs),
        tuple(tensor.name for tensor in made.state),
    )


def _check_arguments(step: object, args: tuple[Any, ...], path: object, kwargs: object) -> None:
    if not callable(step):
        raise TypeError(f"export: step={step!r} is a {type(step).__name__}; it must be a function or a module.")
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise TypeError(f"export: path={path!r}; it must be the path of a file, without its ending.")
    if not (kwargs is None or (isinstance(kwargs, Mapping) and all(isinstance(name, str) for name in kwargs))):
        raise TypeError(f"export: kwargs={kwargs!r}; it must be a dict of arguments by their names.")
    try:
        inspect.signature(step).bind(*args, **(kwargs or {}))
    except TypeError as error:
        raise TypeError(f"export: step cannot be called with these args and kwargs: {error}.") from None
    except ValueError:  # a function that says nothing of its arguments
        return


def _stem(path: str | os.PathLike[str]) -> Path:
    """The path without the ending of one of the files."""
    stem = Path(path)
    return stem.with_suffix("") if stem.suffix in ENDINGS else stem


def _start(made: Interface) -> bytes:
    """The state as a safetensors file."""
    header, arrays = safetensors.encode({tensor.name: tensor.array for tensor in made.state}, {})
    return b"".join([header, *(safetensors.stored(array).tobytes() for array in arrays)])

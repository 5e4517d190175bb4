"""From LLVM IR to machine code: compiled on all cores, cached on disk, loaded into this process.

    objects = compile_modules(texts, host())            # several modules at once; known ones come from disk
    library = load(objects, ["kernel_a", "kernel_b"])   # name -> address, as long as the library lives
    assembly(text, named("aarch64"))                    # to read
    compile_object(text, named("aarch64"))              # for a linker, on any system

A module is one IR text. It needs nothing from outside but memory functions such as memcpy, which LLVM inserts. The
symbols of all objects that are loaded together must differ.

The ``level`` says how much LLVM optimizes the IR:

    0   nothing: instructions are selected for the IR as it is
    1   short functions are inlined, instructions combined and blocks merged; loops and vectors stay as they are written
        (the default)
    2   also code motion, and whatever else LLVM's O2 does except vectorizing and unrolling
    3   all of O3, which vectorizes scalar loops and unrolls

Kernels, whose loops and vectors are explicit, ran equally fast at all four. Level 1 compiles them in half the time of
level 2.

LLVM's loop strength reduction, its slowest pass, is off: addresses are written with their invariant parts before the
loop. Without it kernels ran equally fast, and compiled in two thirds of the time.
"""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import llvmlite.binding as llvm
from llvmlite.binding import ffi

from ...core.floor import uses
from ...core.locks import waited_for
from .cores import cores, current_core, pin
from .disk_cache import read_entry, write_entries
from .target import Target, host

LEVEL = 1
COMBINE = ("always_inliner", "sroa", "instruction_combine", "simplify_cfg")  # the passes of level 1
ADDRESSES = "-disable-lsr"  # LLVM's loop strength reduction


class Library(dict[str, int]):
    """Addresses of functions by name. The code is freed with the library: keep it as long as an address is used."""

    def __init__(self, engine: llvm.ExecutionEngine, addresses: dict[str, int]):
        super().__init__(addresses)
        self._engine = engine


def compile_module(text: str, target: Target, level: int = LEVEL) -> bytes:
    """The object code of one module; from disk if it was compiled before.

    Raises:
        RuntimeError: malformed IR; with LLVM's message.
    """
    return compile_modules([text], target, level)[0]


def compile_modules(texts: Iterable[str], target: Target, level: int = LEVEL) -> list[bytes]:
    """The object code of each of several modules, in order.

    Modules are compiled on all cores while the next texts are written; the last one in the calling thread.

    Raises:
        RuntimeError: malformed IR; with LLVM's message.
    """
    keys: list[str] = []
    codes: dict[str, bytes | None] = {}
    made: dict[str, Future[bytes]] = {}
    waiting: tuple[str, str] | None = None  # key and text of a module that no thread compiles yet
    with ExitStack() as stack:
        stack.enter_context(_addresses_as_written())
        pool = None
        for text in texts:
            key = _key(text, target, level)
            keys.append(key)
            if key in codes:
                continue
            codes[key] = read_entry(key)
            if codes[key] is None:
                if waiting:
                    pool = pool or stack.enter_context(_on_all_cores())
                    made[waiting[0]] = pool.submit(_emit, waiting[1], target, level, as_object=True)
                waiting = key, text
        new = {waiting[0]: _emit(waiting[1], target, level, as_object=True)} if waiting else {}
        new |= {key: future.result() for key, future in made.items()}
    if new:
        write_entries(new)
    return [codes[key] or new[key] for key in keys]


def compile_object(text: str, target: Target, level: int = LEVEL) -> bytes:
    """An object file of one module for other programs: it can be linked, and loaded at any address.

    Raises:
        RuntimeError: malformed IR; with LLVM's message.
    """
    with _addresses_as_written():
        return _emit(text, target, level, as_object=True, alone=True)


def assembly(text: str, target: Target, level: int = LEVEL) -> str:
    """The assembly code of one module, to read."""
    with _addresses_as_written():
        return _emit(text, target, level, as_object=False).decode()


def load(objects: Iterable[bytes], names: Iterable[str]) -> Library:
    """Load object code that was made for this machine, and look up functions in it by name.

    Raises:
        RuntimeError: none of the objects defines a name.
    """
    empty = llvm.parse_assembly("")  # in LLVM's global context, which outlives every engine
    engine = llvm.create_mcjit_compiler(empty, _machine(host()))
    for data in objects:
        engine.add_object_file(llvm.ObjectFileRef.from_data(data))
    engine.finalize_object()
    addresses = {name: engine.get_function_address(name) for name in names}
    missing = [name for name, address in addresses.items() if not address]
    if missing:
        raise RuntimeError(f"load: none of the objects defines {', '.join(missing)}.")
    return Library(engine, addresses)


def _key(text: str, target: Target, level: int) -> str:
    """The name of an entry: a hash of everything that the code depends on."""
    return hashlib.sha256(repr((text, target, level, COMBINE, ADDRESSES, llvm.llvm_version_info)).encode()).hexdigest()


# ---------------------------------------------------------------- LLVM


def _emit(text: str, target: Target, level: int, as_object: bool, alone: bool = False) -> bytes:
    """Object or assembly code. Made in a context of its own, so that several threads can compile at once.

    Args:
        alone: for other programs, which know where it is loaded; otherwise it is loaded into this process.
    """
    with (  # LLVM needs them closed in reverse order; the garbage collector promises none
        llvm.create_context() as context,
        _machine(target, alone) as machine,
        _parse(_described(text, target, machine) if alone else text, context) as module,
        llvm.create_pipeline_tuning_options(speed_level=level) as options,
    ):
        options.loop_vectorization = options.slp_vectorization = level == 3
        options.loop_interleaving = options.loop_unrolling = level == 3
        with llvm.create_pass_builder(machine, options) as builder, _passes(builder, level) as passes:
            _unlocked("LLVMPY_RunNewModulePassManager")(passes, module, builder)
        with ffi.OutputString() as error:
            buffer = _unlocked("LLVMPY_TargetMachineEmitToMemory")(machine, module, int(as_object), error)
            if not buffer:
                raise RuntimeError(str(error))
        try:
            return ctypes.string_at(ffi.lib.LLVMPY_GetBufferStart(buffer), ffi.lib.LLVMPY_GetBufferSize(buffer))
        finally:
            ffi.lib.LLVMPY_DisposeMemoryBuffer(buffer)


def _parse(text: str, context: llvm.ContextRef) -> llvm.ModuleRef:
    with ffi.OutputString() as error:
        module = llvm.ModuleRef(_unlocked("LLVMPY_ParseAssembly")(context, text.encode(), error), context)
        message = str(error) if error else ""
    try:
        if message:
            raise RuntimeError(f"LLVM does not parse the IR: {message}")
        module.verify()
    except RuntimeError:
        module.close()
        raise
    return module


def _passes(builder: llvm.PassBuilder, level: int) -> llvm.ModulePassManager:
    if level >= 2:
        return builder.getModulePassManager()
    passes = llvm.create_new_module_pass_manager()
    for name in COMBINE if level else ():
        getattr(passes, f"add_{name}_pass")()
    return passes


def _machine(target: Target, alone: bool = False) -> llvm.TargetMachine:
    _initialize(target.arch == host().arch)
    made = llvm.Target.from_triple(target.triple)
    if not alone:
        return made.create_target_machine(cpu=target.cpu, features=target.features, opt=2, jit=True)
    return made.create_target_machine(
        cpu=target.cpu,
        features=target.features,
        opt=2,
        reloc="static" if target.arch == "wasm32" else "pic",
        codemodel="default",
        abiname="lp64d" if target.arch == "riscv64" else "",  # else floats would not be passed in registers of theirs
    )


def _described(text: str, target: Target, machine: llvm.TargetMachine) -> str:
    """The text, with what LLVM must know of the machine to find the size of an address, and how data are aligned."""
    return f'target triple = "{target.triple}"\ntarget datalayout = "{machine.target_data}"\n{text}'


@contextmanager
def _addresses_as_written() -> Iterator[None]:
    """Loop strength reduction is off in LLVM.

    The option holds for the whole process: so it is reset afterwards, for other users of LLVM, and compilations run
    one at a time, each on all cores.
    """
    with _COMPILING:
        llvm.set_option("tinygrad_cv", f"{ADDRESSES}=true")
        try:
            yield
        finally:
            llvm.set_option("tinygrad_cv", f"{ADDRESSES}=false")


_COMPILING = waited_for(threading.Lock())
if uses("locks"):
    waited_for(ffi.lib._lock)  # a forked child could not take it if another thread held it


@cache
def _initialize(native: bool) -> None:
    """Initialize LLVM's code generators, for this machine or for all."""
    if native:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    else:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()


@cache
def _unlocked(name: str) -> Callable[..., Any]:
    """A function of llvmlite without llvmlite's lock, which would let only one thread compile at a time.

    LLVM itself needs no lock between modules of different contexts.
    """
    locked = getattr(ffi.lib, name)
    if not uses("locks"):
        return locked
    try:
        function = getattr(ctypes.CDLL(ffi.lib._name), name)
    except (AttributeError, OSError):
        return locked
    function.argtypes, function.restype = locked.argtypes, locked.restype
    return function


def _on_all_cores() -> ThreadPoolExecutor:
    """A thread for each core; the caller's core is the last one that gets a thread."""
    here = current_core()
    free = iter(sorted(cores(), key=lambda core: core == here))
    return ThreadPoolExecutor(len(cores()), initializer=lambda: pin(next(free)))

"""LLVM IR to machine code: compiled on all cores, kept on disk, loaded into this process.

    objects = compile_modules(texts, host())            # several modules at once; those seen before come from disk
    library = load(objects, ["kernel_a", "kernel_b"])   # name -> address, for as long as the library lives
    assembly(text, named("aarch64"))                    # to read

A module is one IR text and needs nothing from outside but memory functions, which LLVM calls by itself. All symbols of
the objects that are loaded together have different names.

How hard LLVM works on the IR is its ``level``:

    0   not at all: instructions are selected for the IR as it is
    1   instructions are combined and blocks merged; loops and vectors stay as they are written (the default)
    2   also code motion, and whatever else LLVM's O2 does short of vectorizing and unrolling
    3   all of O3, which vectorizes scalar loops and unrolls

Kernels whose loops and vectors are explicit ran equally fast at all four. Level 1 compiles them in half the time of 2.

Nor does LLVM choose how addresses are computed along loops, which is what it does longest: they are written as they
should be, what does not change before the loop. The kernels ran equally fast, and compiled in two thirds of the time.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from llvmlite.binding import ffi

from ...core.floor import uses
from ...core.locks import waited_for
from ...files import write_bytes
from .cores import cores, current_core, pin
from .target import Target, host

LEVEL = 1
COMBINE = ("sroa", "instruction_combine", "simplify_cfg")  # the passes of level 1
ADDRESSES = "-disable-lsr"  # LLVM's loop strength reduction
FOLDER_BYTES = 4 << 20  # beyond it the entries of one of the cache's 256 folders that were not used for longest go
DIGEST = hashlib.sha256().digest_size

# Neither wait for the writer of a pipe nor follow a link. Windows has neither flag, and would open as text.
READING = os.O_RDONLY
for _flag in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
    READING |= getattr(os, _flag, 0)


class Library(dict[str, int]):
    """Addresses of functions by their names. The code is freed with the library: keep it while an address is used."""

    def __init__(self, engine: llvm.ExecutionEngine, addresses: dict[str, int]):
        super().__init__(addresses)
        self._engine = engine


def compile_module(text: str, target: Target, level: int = LEVEL) -> bytes:
    """The object code of one module, from disk where it was compiled before.

    Raises:
        RuntimeError: the IR is malformed; LLVM's words say where.
    """
    return compile_modules([text], target, level)[0]


def compile_modules(texts: Iterable[str], target: Target, level: int = LEVEL) -> list[bytes]:
    """The object codes of several modules, in their order.

    What has to be compiled is compiled on all cores, while the next texts are written; the last by the caller itself.

    Raises:
        RuntimeError: the IR is malformed; LLVM's words say where.
    """
    keys: list[str] = []
    codes: dict[str, bytes | None] = {}
    made: dict[str, Future[bytes]] = {}
    waiting: tuple[str, str] | None = None  # key and text of the one that nobody compiles yet
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


def assembly(text: str, target: Target, level: int = LEVEL) -> str:
    """The assembly code of one module, for reading."""
    with _addresses_as_written():
        return _emit(text, target, level, as_object=False).decode()


def load(objects: Iterable[bytes], names: Iterable[str]) -> Library:
    """Puts object code made for this machine into memory, and finds functions in it by name.

    Raises:
        RuntimeError: a name that none of the objects defines.
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


# LLVM -----------------------------------------------------------------------------------------------------------------


def _emit(text: str, target: Target, level: int, as_object: bool) -> bytes:
    """Object or assembly code. In a context of its own, so that several threads can do it at once."""
    with (  # closed in this order's reverse, as LLVM demands; the garbage collector would choose its own
        llvm.create_context() as context,
        _machine(target) as machine,
        _parse(text, context) as module,
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
            raise RuntimeError(f"LLVM IR that does not parse: {message}")
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


def _machine(target: Target) -> llvm.TargetMachine:
    _initialize(target.arch == host().arch)
    made = llvm.Target.from_triple(target.triple)
    return made.create_target_machine(cpu=target.cpu, features=target.features, opt=2, jit=True)


@contextmanager
def _addresses_as_written() -> Iterator[None]:
    """LLVM leaves addresses alone.

    It takes such options for the whole process: so they go back afterwards, for whoever else compiles with it, and our
    own compilations come one after another, each with all cores.
    """
    with _COMPILING:
        llvm.set_option("tinygrad_cv", f"{ADDRESSES}=true")
        try:
            yield
        finally:
            llvm.set_option("tinygrad_cv", f"{ADDRESSES}=false")


_COMPILING = waited_for(threading.Lock())
if uses("locks"):
    waited_for(ffi.lib._lock)  # LLVM has locks of its own, and no child can take them if they are held


@cache
def _initialize(native: bool) -> None:
    """Tell LLVM which machines we make code for."""
    if native:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    else:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()


@cache
def _unlocked(name: str) -> Callable[..., Any]:
    """A function of llvmlite without the lock that llvmlite holds during every call.

    LLVM needs no lock between modules of different contexts, and with it threads would compile one after another.
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
    """A thread for each core, the first ones on cores that the caller is not on."""
    here = current_core()
    free = iter(sorted(cores(), key=lambda core: core == here))
    return ThreadPoolExecutor(len(cores()), initializer=lambda: pin(next(free)))


# Disk -----------------------------------------------------------------------------------------------------------------
#
# Entries are code that runs, so none is read or written where another user could have put or changed it: the directory,
# its folders and the entries belong to this user, and nobody else may write them. The code of an entry follows a hash
# of its name and of itself. Where nothing can be kept, everything is compiled: that costs only time.


def directory() -> Path | None:
    """Where entries are kept: ``$TGCV_CACHE_DIR``, or ``tinygrad_cv`` in ``$XDG_CACHE_HOME``, or in ``~/.cache``.

    None where there is no home. A relative ``$XDG_CACHE_HOME`` is passed over, as the XDG specification has it.
    """
    chosen = os.environ.get("TGCV_CACHE_DIR")
    if chosen:
        return Path(chosen)
    caches = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return (Path(caches) if os.path.isabs(caches) else Path.home() / ".cache") / "tinygrad_cv"
    except RuntimeError:
        return None


def _key(text: str, target: Target, level: int) -> str:
    """The name of an entry: everything that its code depends on, hashed."""
    return hashlib.sha256(repr((text, target, level, COMBINE, ADDRESSES, llvm.llvm_version_info)).encode()).hexdigest()


def entry_path(key: str) -> Path | None:
    """Where an entry is kept: in one of 256 folders, so that finding the oldest means looking at few."""
    place = directory()
    return place and place / key[:2] / key


def read_entry(key: str) -> bytes | None:
    """An entry's code; None where there is none that is whole and this user's own."""
    path = entry_path(key)
    if path is None or not _private(path.parent.parent, path.parent):
        return None
    try:
        data = _read(path)
    except OSError:
        return None
    digest, code = data[:DIGEST], data[DIGEST:]
    if _digest(key, code) != digest:
        return None
    with suppress(OSError):
        os.utime(path)  # used just now
    return code


def write_entries(codes: dict[str, bytes]) -> None:
    """Keep new entries, each whole or not at all. A directory that cannot be written costs only time."""
    place = directory()
    if place is None:
        return
    with suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        for key, code in codes.items():
            folder = place / key[:2]
            folder.mkdir(mode=0o700, exist_ok=True)
            if not _private(place, folder):
                return
            _make_way(folder / key)
            write_bytes(folder / key, _digest(key, code) + code, mode=0o600, sync=False)  # a torn one is found out
            _bound(folder, FOLDER_BYTES)


def _read(path: Path) -> bytes:
    """The content of a regular file of this user's own; nothing of any other."""
    handle = os.open(path, READING)
    try:
        status = os.fstat(handle)
        if not (stat.S_ISREG(status.st_mode) and _ours_alone(status)):
            return b""
        with open(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def _make_way(path: Path) -> None:
    """Remove what has an entry's name and is none."""
    with suppress(FileNotFoundError):
        status = os.lstat(path)
        if not (stat.S_ISREG(status.st_mode) and _ours_alone(status)):
            path.unlink()


def _digest(key: str, code: bytes) -> bytes:
    return hashlib.sha256(key.encode() + code).digest()


def _private(*folders: Path) -> bool:
    """Whether only this user can have put anything into these folders."""
    try:
        states = [folder.stat() for folder in folders]
    except OSError:
        return False
    return all(stat.S_ISDIR(state.st_mode) and _ours_alone(state) for state in states)


def _ours_alone(status: os.stat_result) -> bool:
    """Windows has neither owner nor mode here: what lies in a user's profile is the user's."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _bound(folder: Path, limit: int) -> None:
    """Remove the entries that were not used for longest, until the others fit the limit; the last one used stays."""
    entries = [path for path in folder.iterdir() if len(path.name) == 2 * DIGEST]  # by their hexadecimal names
    used = sorted(((entry.stat(), entry) for entry in entries), key=lambda pair: -pair[0].st_mtime)
    total = 0
    for i, (status, entry) in enumerate(used):
        total += status.st_size
        if i and total > limit:
            entry.unlink(missing_ok=True)

"""The machine that code is compiled for: what LLVM and the loop schedules need to know about it.

    host()                      this machine
    named("haswell")            another one, by its processor

Code for another machine can be compiled and read; it runs on hosts of its architecture with vectors at least as wide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import llvmlite.binding as llvm


@dataclass(frozen=True)
class Target:
    """One kind of machine.

    Attributes:
        triple: LLVM's name for architecture, vendor and system: ``x86_64-unknown-linux-gnu``.
        cpu: LLVM's name for the processor.
        features: LLVM's list of features beyond what ``cpu`` implies: ``+avx2,-avx512f``.
        vector_bytes: the width of a vector register: 64 (AVX-512), 32 (AVX2), 16 (SSE, NEON).
        vector_registers: the number of vector registers: 32, 16, 16 (SSE) or 32 (NEON).
        fma: whether a fused multiply-add is one instruction; if not, LLVM calls a function for ``llvm.fma``.
        relaxed: whether there is an instruction for vectors that multiplies and adds, and rounds once or twice.
        l1, l2: bytes of the data caches of each core.
    """

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    vector_registers: int
    fma: bool
    l1: int = 32 << 10
    l2: int = 512 << 10
    relaxed: bool = False

    @property
    def arch(self) -> str:
        """``x86_64``, ``aarch64``, ..."""
        return architecture(self.triple)

    @property
    def multiply_add(self) -> str:
        """The intrinsic with which contractions multiply and add; empty if these are two instructions."""
        return "llvm.fma" if self.fma else "llvm.fmuladd" if self.relaxed else ""

    @property
    def bitselect(self) -> bool:
        """Whether floats are selected bit by bit: of a select LLVM makes a maximum that need not keep a NaN."""
        return self.relaxed

    @property
    def pointer_bytes(self) -> int:
        """The size of an address."""
        return 4 if self.arch == "wasm32" else 8

    @property
    def runs_here(self) -> bool:
        """Whether code for this target runs on this machine."""
        here = host()
        return self.arch == here.arch and self.vector_bytes <= here.vector_bytes and self.fma <= here.fma


# cpu: architecture, features, vector_bytes, vector_registers, fma
CPUS = {
    "skylake-avx512": ("x86_64", "-prefer-256-bit", 64, 32, True),
    "sapphirerapids": ("x86_64", "-prefer-256-bit", 64, 32, True),
    "znver4": ("x86_64", "", 64, 32, True),
    "haswell": ("x86_64", "", 32, 16, True),
    "znver3": ("x86_64", "", 32, 16, True),
    "x86-64-v4": ("x86_64", "-prefer-256-bit", 64, 32, True),
    "x86-64-v3": ("x86_64", "", 32, 16, True),
    "x86-64-v2": ("x86_64", "", 16, 16, False),
    "x86-64": ("x86_64", "", 16, 16, False),
    "aarch64": ("aarch64", "", 16, 32, True),
    "neoverse-n1": ("aarch64", "", 16, 32, True),
    "riscv64": ("riscv64", "+m,+a,+f,+d,+c", 8, 16, True),  # without vectors: two registers are one of two lanes
    "wasm32": ("wasm32", "+simd128,+bulk-memory,+nontrapping-fptoint,+sign-ext,+mutable-globals", 16, 16, False),
}


@cache
def named(cpu: str) -> Target:
    """The target with this processor.

    Raises:
        ValueError: the processor is not in :data:`CPUS`.

    >>> named("haswell").vector_bytes, named("aarch64").vector_registers
    (32, 32)
    """
    if cpu not in CPUS:
        raise ValueError(f"named: no processor {cpu!r}; there are {', '.join(CPUS)}. host() is this machine.")
    arch, features, width, registers, fma = CPUS[cpu]
    triple = llvm.get_process_triple()
    if architecture(triple) != arch:
        triple = f"{arch}-unknown-unknown" if arch == "wasm32" else f"{arch}-unknown-linux-gnu"
    return Target(triple, "generic" if cpu == arch else cpu, features, width, registers, fma)


def relaxed() -> Target:
    """WebAssembly with the instructions of its relaxed SIMD."""
    wasm = named("wasm32")
    return replace(wasm, features=f"{wasm.features},+relaxed-simd", relaxed=True)


def shared() -> Target:
    """WebAssembly for threads that share their memory."""
    wasm = named("wasm32")
    return replace(wasm, features=f"{wasm.features},+atomics")


@cache
def host() -> Target:
    """This machine."""
    triple = llvm.get_process_triple()
    try:
        has = llvm.get_host_cpu_features()
    except RuntimeError:  # LLVM cannot detect features on every system
        has = llvm.FeatureMap()
    avx512, avx2 = has.get("avx512f", False), has.get("avx2", False)
    if avx512:
        has["prefer-256-bit"] = False  # else LLVM would split vectors of 512 bits
    if architecture(triple) == "x86_64":
        vectors = (64, 32) if avx512 else (32, 16) if avx2 else (16, 16)
        fma = bool(has.get("fma"))
    else:
        vectors, fma = (16, 32), True
    return Target(triple, llvm.get_host_cpu_name(), has.flatten(), *vectors, fma, cache_bytes(1), cache_bytes(2))


def architecture(triple: str) -> str:
    """The architecture of a triple, by its usual name."""
    arch = triple.split("-")[0]
    return {"arm64": "aarch64", "amd64": "x86_64"}.get(arch, arch)


def cache_bytes(level: int) -> int:
    """The size of a core's data cache, as Linux reports it; on other systems, a usual size."""
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            kind, which, size = ((index / name).read_text().strip() for name in ("type", "level", "size"))
        except OSError:
            continue
        if which == str(level) and kind in ("Data", "Unified") and size.endswith("K"):
            return int(size[:-1]) << 10
    return {1: 32 << 10, 2: 512 << 10}[level]

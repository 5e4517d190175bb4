"""The roofline of this machine: its peak rates of multiply-adds and of memory traffic. Measured once, on first use."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .objects import compile_module, load
from .target import Target, host
from .threads import KernelCall, Program, get_num_threads

STEPS = 1 << 20  # steps of the loop of multiply-adds
STREAM = 1 << 25  # bytes: more than any cache
CHAINS = 10  # independent multiply-adds in a step, to hide their latency


class Roofline(NamedTuple):
    """Operations and bytes per second, on all threads."""

    flops: float
    bandwidth: float


@cache
def measured(threads: int) -> Roofline:
    """The roofline of this machine for a number of threads."""
    target = host()
    library = load([compile_module(_source(target), target)], ["peak", "stream"])
    out = np.zeros(16 * threads * CHAINS, np.float32)
    flops = 2 * CHAINS * (target.vector_bytes // 4) * STEPS * threads
    peak = Program([KernelCall(library["peak"], out.ctypes.data, threads)], (library, out))
    arrays = np.ones((2, STREAM // 4), np.float32)
    stream = Program([KernelCall(library["stream"], arrays.ctypes.data, threads)], (library, arrays))
    return Roofline(flops / _fastest(peak), 2 * STREAM / _fastest(stream))


def _fastest(program: Program) -> float:
    program.run()
    return float(min(program.seconds().sum() for _ in range(5)))


def roofline() -> Roofline:
    """The roofline of this machine for the current number of threads."""
    return measured(get_num_threads())


def _source(target: Target) -> str:
    lanes = target.vector_bytes // 4
    kind = f"<{lanes} x float>"
    chains = range(CHAINS)
    begin = ", ".join(f"float {1 + i}.0" for i in range(lanes))
    phis = "\n".join(f"  %a{k} = phi {kind} [<{begin}>, %entry], [%b{k}, %loop]" for k in chains)
    if target.fma:
        steps = "\n".join(
            f"  %b{k} = call {kind} @llvm.fma.v{lanes}f32({kind} %a{k}, {kind} %f{k}, {kind} %f{k})" for k in chains
        )
    else:
        steps = "\n".join(f"  %m{k} = fmul {kind} %a{k}, %f{k}\n  %b{k} = fadd {kind} %m{k}, %f{k}" for k in chains)
    factors = "\n".join(f"  %f{k} = load {kind}, ptr %x, align 4" for k in chains)
    sums = ["%b0"]
    adds = []
    for k in chains[1:]:
        adds.append(f"  %s{k} = fadd {kind} {sums[-1]}, %b{k}")
        sums.append(f"%s{k}")
    return f"""
declare {kind} @llvm.fma.v{lanes}f32({kind}, {kind}, {kind})
define void @peak(ptr %x, i64 %part, i64 %parts) {{
entry:
{factors}
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%i1, %loop]
{phis}
{steps}
  %i1 = add i64 %i, 1
  %more = icmp slt i64 %i1, {STEPS}
  br i1 %more, label %loop, label %done
done:
{chr(10).join(adds)}
  %at = mul i64 %part, {lanes}
  %out = getelementptr float, ptr %x, i64 %at
  store {kind} {sums[-1]}, ptr %out, align 4
  ret void
}}
define void @stream(ptr %x, i64 %part, i64 %parts) {{
entry:
  %all = sdiv i64 {STREAM // 4}, %parts
  %low = mul i64 %all, %part
  %rounded = sdiv i64 %all, {lanes}
  %steps = mul i64 %rounded, {lanes}
  %high = add i64 %low, %steps
  br label %loop
loop:
  %i = phi i64 [%low, %entry], [%i1, %loop]
  %from = getelementptr float, ptr %x, i64 %i
  %index = add i64 %i, {STREAM // 4}
  %to = getelementptr float, ptr %x, i64 %index
  %v = load {kind}, ptr %from, align 4
  %w = fadd {kind} %v, %v
  store {kind} %w, ptr %to, align 4
  %i1 = add i64 %i, {lanes}
  %more = icmp slt i64 %i1, %high
  br i1 %more, label %loop, label %done
done:
  ret void
}}
"""

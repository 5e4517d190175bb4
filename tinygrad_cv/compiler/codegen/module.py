"""Kernels as LLVM text: each structure once, in modules so short that one compiles while another is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..llvm import math
from ..llvm.function import Function
from .nest import NestLowering, buffers_of
from .structure import structure

if TYPE_CHECKING:
    from ..runtime.target import Target
    from ..schedule.kernel import Plan

LENGTH = 1 << 16  # characters of a module, about

CHAINS = """
; A step of chains: {count of chains, then for each: steps, piece, kernels, then each kernel's function and buffers}.
; This part's share of a chain's steps goes through all its kernels piece by piece.
define void @tg_chains(ptr %args, i64 %part, i64 %parts) {
entry:
  %chains = load i64, ptr %args, align 8
  br label %next_chain
next_chain:
  %chain = phi i64 [0, %entry], [%chain1, %chain_done]
  %place = phi i64 [1, %entry], [%after, %chain_done]
  %more = icmp slt i64 %chain, %chains
  br i1 %more, label %a_chain, label %done
a_chain:
  %head = getelementptr i64, ptr %args, i64 %place
  %steps = load i64, ptr %head, align 8
  %piece_at = getelementptr i64, ptr %head, i64 1
  %piece = load i64, ptr %piece_at, align 8
  %kernels_at = getelementptr i64, ptr %head, i64 2
  %kernels = load i64, ptr %kernels_at, align 8
  %words = shl i64 %kernels, 1
  %size = add i64 %words, 3
  %after = add i64 %place, %size
  %chain1 = add i64 %chain, 1
  %scaled = mul i64 %steps, %part
  %low = sdiv i64 %scaled, %parts
  %part1 = add i64 %part, 1
  %scaled1 = mul i64 %steps, %part1
  %high = sdiv i64 %scaled1, %parts
  br label %next_piece
next_piece:
  %from = phi i64 [%low, %a_chain], [%to, %piece_done]
  %left = icmp slt i64 %from, %high
  br i1 %left, label %a_piece, label %chain_done
a_piece:
  %beyond = add i64 %from, %piece
  %short = icmp slt i64 %beyond, %high
  %to = select i1 %short, i64 %beyond, i64 %high
  br label %next_kernel
next_kernel:
  %kernel = phi i64 [0, %a_piece], [%kernel1, %a_kernel]
  %some = icmp slt i64 %kernel, %kernels
  br i1 %some, label %a_kernel, label %piece_done
a_kernel:
  %twice = shl i64 %kernel, 1
  %word = add i64 %twice, 3
  %function_at = getelementptr i64, ptr %head, i64 %word
  %function = load ptr, ptr %function_at, align 8
  %buffers_at = getelementptr i64, ptr %function_at, i64 1
  %buffers = load ptr, ptr %buffers_at, align 8
  call void %function(ptr %buffers, i64 %from, i64 %to)
  %kernel1 = add i64 %kernel, 1
  br label %next_kernel
piece_done:
  br label %next_piece
chain_done:
  br label %next_chain
done:
  ret void
}
"""


def attributes(vector_bytes: int) -> str:
    """What holds for every kernel: no unwinding, and vectors as wide as they are written."""
    bits = 8 * vector_bytes
    return f'nounwind "prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'


class Modules:
    """The functions of a plan's kernels, each structure once, as module texts. Iterating writes one after another.

    Attributes:
        lowered: of the kernels that have been written, by their ids: the function's name, and the number of its steps.
    """

    def __init__(self, plan: Plan, target: Target):
        self.lowered: dict[int, tuple[str, int]] = {}
        self._plan, self._target = plan, target

    def __iter__(self) -> Iterator[str]:
        plan, target = self._plan, self._target
        structures: dict[Any, tuple[str, int]] = {}
        bodies: dict[str, str] = {}
        group: list[Function] = []
        length = 0
        for kernel in plan.kernels:
            if kernel.nest is None:
                continue
            assert kernel.tiling is not None
            key = structure(kernel.nest, kernel.tiling, buffers_of(kernel.nest), plan.layouts)
            if key not in structures:
                lowering = NestLowering("kernel", kernel.nest, kernel.tiling, plan.layouts, target.fma)
                function = lowering.function()
                body = "\n".join(function.lines)
                if body not in bodies:
                    function.name = bodies[body] = f"kernel_{len(bodies)}"
                    group.append(function)
                    length += len(body)
                structures[key] = bodies[body], lowering.steps
            self.lowered[id(kernel)] = structures[key]
            if length >= LENGTH:
                yield _module(group, target)
                group, length = [], 0
        if group:
            yield _module(group, target)
        yield CHAINS

    @property
    def names(self) -> list[str]:
        """The names of all functions that have been written."""
        return [*dict.fromkeys(name for name, _ in self.lowered.values()), "tg_chains"]


def _module(group: Iterable[Function], target: Target) -> str:
    parts, calls = [], dict[str, str]()
    for function in group:
        parts.append(function.text(attributes(target.vector_bytes)))
        calls.update(function.calls)
    own = _math(calls, target.fma)
    declared = {line for line in calls.values() if line.startswith("declare")}
    for text in own:
        declared |= set(math.declarations(text))
    return "\n".join([*parts, *own, *sorted(declared)]) + "\n"


def _math(calls: Mapping[str, str], fma: bool) -> list[str]:
    texts = []
    for _, line in sorted(calls.items()):
        if line.startswith("math"):
            _, name, dtype, lanes = line.split()
            texts.append(math.definition(name, np.dtype(dtype), int(lanes), fma))
    return texts

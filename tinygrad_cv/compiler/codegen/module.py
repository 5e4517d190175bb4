"""Functions as modules of LLVM text: each structure once, spread over as many modules as are compiled at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from . import math
from .function import Function

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


class Functions:
    """Functions by their structure: those that differ in their names only are one."""

    def __init__(self) -> None:
        self._named: dict[str, tuple[str, Function]] = {}

    def add(self, function: Function) -> str:
        """The name under which a function of this structure is compiled."""
        body = "\n".join(function.lines)
        if body not in self._named:
            name = f"kernel_{len(self._named)}"
            self._named[body] = name, function
        return self._named[body][0]

    def modules(self, count: int, vector_bytes: int, fma: bool) -> tuple[list[str], list[str]]:
        """So many module texts of about equal length, and the names of all functions in them."""
        groups: list[list[tuple[str, Function]]] = [[] for _ in range(count)]
        lengths = [0] * count
        for body, (name, function) in sorted(self._named.items(), key=lambda item: -len(item[0])):
            at = lengths.index(min(lengths))
            groups[at].append((name, function))
            lengths[at] += len(body)
        texts = [_module(group, vector_bytes, fma) for group in groups if group]
        names = [name for group in groups for name, _ in group]
        return [*texts, CHAINS], [*names, "tg_chains"]


def _module(group: Iterable[tuple[str, Function]], vector_bytes: int, fma: bool) -> str:
    parts, calls = [], dict[str, str]()
    for name, function in sorted(group, key=lambda item: int(item[0].split("_")[1])):
        function.name = name
        parts.append(function.text(attributes(vector_bytes)))
        calls.update(function.calls)
    own = _math(calls, fma)
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

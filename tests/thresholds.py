"""All sizes from which the code takes another way, found in the code itself.

A number at the head of a module is one of them, with the two values on either side of which a small array falls, or it
is listed as something else. So a new number is a decision: a size is crossed by tests from then on.
"""

from __future__ import annotations

import ast
import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_cv

ROOT = Path(tinygrad_cv.__file__).parent
ROOMS = ("core", "ops", "frontend", "functional", "nn", "ir", "tracing", "compiler")
BEYOND = 1 << 40  # more than any size

EAGER = {
    "frontend.ordering.FEW": (0, BEYOND),
    "ops.arrays.SMALL": (33, BEYOND),  # more than MAX_TAPS, as the code has it
    "ops.arrays.BLOCK": (1, BEYOND),
    "ops.contraction.CHUNK": (1, BEYOND),
    "ops.contraction.ROWS": (1, BEYOND),
    "ops.reduction.MAX_TAPS": (1, BEYOND),
    "ops.reduction.ROWS": (2, BEYOND),
    "ops.reduction.WIDE": (1, BEYOND),
    "ops.indexing.CHUNK": (1, BEYOND),
    "functional.adaptive_pooling.FEW": (0, BEYOND),
    "functional.adaptive_pooling.LONG": (0, BEYOND),
    "functional.taps.GATHERED": (0, BEYOND),
    "functional.windows.TAPS": (0, BEYOND),
    "ops.windows.CHUNK": (1, BEYOND),
    "ops.windows.LARGE": (0, BEYOND),
    "ops.windows.SHORT": (0, BEYOND),
}
COMPILED = {
    "compiler.program.LARGE": (0, BEYOND),
    "compiler.program.LITTLE": (0, BEYOND),
    "compiler.program.SHARE": (64, BEYOND),
    "compiler.program.SHARES": (1, 64),
    "ir.rewrite.join.MAX_VALUES": (1, BEYOND),
    "ir.rewrite.known_rows.SHORT": (0, BEYOND),
    "ir.rewrite.known_rows.TERMS": (1, 64),
    "ir.rewrite.known_rows.WASTE": (1, BEYOND),
    "ir.rewrite.moments.BLOCK": (2, BEYOND),
    "ir.rewrite.multiply_less.AGAIN": (1, BEYOND),
    "ir.rewrite.multiply_less.STREAMED": (0, BEYOND),
    "ir.rewrite.multiply_less.WORTH": (0, BEYOND),
    "ir.rewrite.split.FLAT": (2, BEYOND),
    "ir.rewrite.split.INNER": (2, BEYOND),
    "ir.rewrite.split.MIN_PRODUCTS": (2, BEYOND),
    "ir.rewrite.sums.TERMS": (1, 64),
    "ir.rewrite.updates.LARGE": (0, BEYOND),
    "compiler.schedule.index_maps.FEW": (0, 64),
    "compiler.schedule.index_maps.PHASES": (0, BEYOND),
    "compiler.schedule.index_maps.TINY": (0, 64),
    "compiler.schedule.fuse.MAX_EXPRESSIONS": (1, BEYOND),
    "compiler.schedule.fuse.MAX_STORES": (1, 64),
    "compiler.schedule.kernel.PIECE": (1, BEYOND),
    "compiler.schedule.nests.LONG": (2, BEYOND),
    "compiler.schedule.nests.PARTS": (1, 64),
    "compiler.schedule.nests.MANY": (1, 64),
    "compiler.schedule.nests.PIECES": (1, 64),
    "compiler.schedule.nests.ZERO": (1, BEYOND),
    "compiler.schedule.pack.FAR": (0, BEYOND),
    "compiler.schedule.pack.PACKED": (0, BEYOND),
    "compiler.schedule.pack.REUSED": (1, BEYOND),
    "compiler.schedule.clear.LARGE": (0, BEYOND),
    "compiler.schedule.arrange.COPIED": (0, BEYOND),
    "compiler.schedule.join.RUN": (1, BEYOND),
    "compiler.schedule.recompute.CACHE": (0, BEYOND),
    "compiler.schedule.recompute.PARTS": (1, BEYOND),
    "compiler.schedule.recompute.PRICE": (1, BEYOND),
    "compiler.schedule.recompute.SHARE": (1, BEYOND),
    "compiler.schedule.short_steps.HELD": (0, BEYOND),
    "compiler.schedule.short_steps.SMALL": (0, BEYOND),
    "compiler.schedule.steps.LITTLE": (0, BEYOND),
    "compiler.schedule.steps.TASK": (64, BEYOND),
    "compiler.schedule.steps.WHOLE": (0, BEYOND),
    "compiler.schedule.materialize.COSTLY": (1, BEYOND),
    "compiler.schedule.materialize.MAX_OPERATIONS": (16, 1 << 12),
    "compiler.schedule.materialize.REPEATED": (1, BEYOND),
    "compiler.schedule.materialize.ROW": (1, BEYOND),
    "compiler.schedule.materialize.SMALL": (1, BEYOND),
    "compiler.schedule.intervals.LARGEST": (1, BEYOND),
    "compiler.schedule.partition.PART": (64, BEYOND),
    "compiler.schedule.partition.PARTS": (1, 64),
    "compiler.schedule.choose.BODY": (0, BEYOND),
    "compiler.schedule.choose.FEW": (1, 64),
    "compiler.schedule.tiles.MAX_ACCUMULATED": (2, BEYOND),
    "compiler.schedule.tiles.MIN_ACCUMULATED": (2, BEYOND),
    "compiler.codegen.memory.WIDE": (8, 256),
    "compiler.codegen.gather.SHUFFLED": (1, 64),
    "compiler.schedule.loop_schedule.LARGEST": (0, BEYOND),
    "compiler.schedule.loop_schedule.NEAR": (1, 8),
    "compiler.schedule.choose.LONG": (0, BEYOND),
    "compiler.schedule.choose.SHORT": (0, BEYOND),
    "compiler.codegen.module.LENGTH": (1, BEYOND),
    "compiler.codegen.reduction.AT_ONCE": (1, 4),
    "compiler.codegen.reduction.UNROLLED": (1, 16),
    "compiler.codegen.reduction.WRITTEN": (1, BEYOND),
    "tracing.guards.FEW": (0, BEYOND),
}
OTHER = {  # numbers that no size of an array is compared with
    "compiler.__init__.MANY": "values of a graph",
    "core.tape.SPACE": "operations of a call",
    "nn.orthogonal.DEGREE": "of a polynomial",
    "nn.orthogonal.SQUARINGS": "steps of an iteration",
    "nn.orthogonal.STRIDE": "of a polynomial",
    "nn.parametrizations.FIRST": "steps of an iteration",
    "frontend.elementary.TERMS_OF_SINC": "of a series",
    "frontend.movement.MOST": "what is refused",
    "functional.arguments.LARGEST": "what is refused",
    "tracing.api.KEPT": "lines of history",
    "tracing.cliff.IN_A_ROW": "traces",
    "ir.numpy_source.MAX_PRINTED": "what is printed",
    "ir.rewrite.multiply_less.AXES": "with tiles",
    "ir.rewrite.multiply_less.KERNEL": "elements of a kernel",
    "ir.rewrite.multiply_less.LONG": "what rounds too much",
    "ir.numpy_source.WIDTH": "what is printed",
    "compiler.memory.MIB": "what is printed",
    "compiler.program.BYTE": "a cost",
    "compiler.llvm.math.INLINED": "lines of code",
    "compiler.schedule.materialize.DRAW": "a cost",
    "compiler.schedule.loop_schedule.ANYWHERE": "a stride",
    "compiler.program.SPARES": "arrays kept",
    "compiler.program.UNUSED": "references",
    "tracing.reach.LIMIT": "objects looked into",
    "compiler.schedule.layout.ALIGNMENT": "of every buffer",
    "compiler.schedule.recompute.BYTE": "a cost",
    "compiler.schedule.tiles.LATENCY": "of the processor",
    "compiler.schedule.tiles.PIPES": "of the processor",
    "compiler.verify.nests.MAX_TRIED": "places that the verifier tries",
    "functional.taps.LONG": "lengths that are tried",
    "functional.taps.SHORT": "lengths that are tried",
}
OTHER_MODULES = (
    "compiler.runtime.",
    "compiler.llvm.angles",
    "compiler.llvm.draws",
    "compiler.printer",
)  # machines, files, mathematics, words
OTHER_COMPARISONS = {
    "compiler.codegen.reduction: len(self.types) * over.steps <= 128": "with UNROLLED",
    "tracing.checks: len(text) <= 60": "what is printed",
    "ir.graph: array.size <= 64": "whether equal constants are one",
    "compiler.kernels: len(what) <= 60": "what is printed",
    "compiler.memory: len(ops) <= 60": "what is printed",
    "ir.numpy_helpers: bits <= 32": "of a random number",
    "compiler.schedule.tiles: target.vector_registers > 16": "of the processor",
    "ops.random: bits <= 32": "of a random number",
}


def numbers() -> set[str]:
    """Every whole number above 1 that a module of these rooms gives a name in capitals."""
    found = set()
    for module, tree, _ in _modules():
        for node in tree.body:
            if isinstance(node, ast.Assign):
                names, values = (
                    part.elts if isinstance(part, ast.Tuple) else [part] for part in (node.targets[0], node.value)
                )
                for name, value in zip(names, values, strict=False):
                    if isinstance(name, ast.Name) and name.id.isupper() and _whole(value) > 1:
                        found.add(f"{module}.{name.id}")
    return found


def _whole(node: ast.expr) -> int:
    """The number that constants and operators make; 0 where it is something else."""
    if not all(isinstance(part, (ast.Constant, ast.BinOp, ast.operator)) for part in ast.walk(node)):
        return 0
    value = eval(compile(ast.Expression(node), "", "eval"))
    return value if type(value) is int else 0


def unnamed() -> list[str]:
    """Comparisons with a number of two digits or more that has no name: where, and how."""
    found = []
    for module, tree, _ in _modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and any(
                isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for op in node.ops
            ):
                for part in (node.left, *node.comparators):
                    if isinstance(part, ast.Constant) and type(part.value) is int and part.value >= 10:
                        found.append(f"{module}: {ast.unparse(node)}")
    return found


@contextmanager
def crossed(values: dict[str, int]) -> Iterator[None]:
    """With other values, also in the modules that import them by name; nothing compiled before is taken from disk."""
    names = {*map(_last, values)}
    places: list[tuple[Any, str, Any]] = []
    if values.keys() & COMPILED.keys():
        cache = importlib.import_module("tinygrad_cv.compiler.cache")
        places += [(cache, "find", lambda key: None), (cache, "store", lambda key, image: None)]
    for module, tree, capitals in _modules():
        if not capitals & names:
            continue
        imported = importlib.import_module(f"tinygrad_cv.{module}")
        for full, value in values.items():
            home, name = full.rsplit(".", 1)
            if module == home or _imports(tree, home, name):
                places.append((imported, name, value))
    before = [(place, name, getattr(place, name)) for place, name, _ in places]
    try:
        for place, name, value in places:
            setattr(place, name, value)
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)


def drawn(thresholds: dict[str, tuple[int, int]], seed: int) -> dict[str, int]:
    """Half of the thresholds as they are, the others on one side of small arrays or the other, at random."""
    rng = np.random.default_rng(seed)
    sides = {name: (None, None, *sides)[int(rng.integers(4))] for name, sides in thresholds.items()}
    return {name: value for name, value in sides.items() if value is not None}


@functools.cache
def _modules() -> list[tuple[str, ast.Module, set[str]]]:
    """The modules of these rooms: their names, their syntax, and the names in capitals that occur in them."""
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).glob("**/*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if not name.startswith(OTHER_MODULES):
                tree = ast.parse(path.read_text(encoding="utf-8"))
                names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id.isupper()}
                found.append((name, tree, names))
    return found


def _last(full: str) -> str:
    return full.rpartition(".")[2]


def _imports(tree: ast.Module, home: str, name: str) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and (node.module or "").rpartition(".")[2] == _last(home)
        and any(alias.name == name for alias in node.names)
        for node in tree.body
    )

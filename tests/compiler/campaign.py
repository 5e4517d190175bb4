"""Many random programs: ``python -m tests.compiler.campaign --programs 5000 --seed 0``.

Every program runs forward; those with derivatives, with the gradients of all inputs as well. What goes wrong is made
small and printed; with ``--keep`` it becomes a file in tests/compiler/regressions, and so a test.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.compiler.agreement import MACHINES, Verdict, judge
from tests.compiler.generator import generate
from tests.compiler.programs import Gradients, Program
from tests.compiler.shrink import shrink

REGRESSIONS = Path(__file__).parent / "regressions"


@dataclass(frozen=True)
class Case:
    """A program that was run: one number of the generator, forward or with gradients."""

    seed: int
    gradients: bool
    machine: str = "host"

    @staticmethod
    def of(seed: int) -> Case:
        """Every other one with gradients; one in three for this machine as it is."""
        machine = ["host", "host", *MACHINES][seed // 2 % (2 + len(MACHINES))]
        return Case(seed, seed % 2 == 1, machine)

    @property
    def name(self) -> str:
        return f"seed_{self.seed}" + "_gradients" * self.gradients

    def program(self) -> Program:
        """Forward, or forward and backward where there is something to differentiate."""
        program = generate(self.seed)
        gradients = Gradients.of(program) if self.gradients else None
        return gradients.as_program() if gradients else program


def run(case: Case) -> Verdict:
    """The verdict on one case."""
    return judge(case.program(), case.machine)


def smallest(program: Program, complaint: str, machine: str = "host", attempts: int = 400) -> Program:
    """A small program that goes wrong in the same way: the same reading fails, by an error or by a result."""
    return shrink(program, lambda candidate: _way(judge(candidate, machine).complaint) == _way(complaint), attempts)


def _way(complaint: str) -> tuple[str, str]:
    """The reading and the kind of error, or what is the matter with an output."""
    reading, _, text = complaint.partition(": ")
    kind = text.split(":")[0]
    return reading, kind if kind.isidentifier() else " ".join(word for word in text.split()[:6] if word.isalpha())


def verdicts(cases: list[Case], workers: int) -> Iterator[tuple[Case, Verdict]]:
    """In order, by so many processes."""
    if workers == 1:
        yield from ((case, run(case)) for case in cases)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from zip(cases, pool.map(run, cases, chunksize=8), strict=True)


def main(arguments: list[str] | None = None) -> int:
    """The command; the number of programs that went wrong, at most 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.compiler.campaign", description=__doc__)
    parser.add_argument("--programs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0, help="of the first program; the next ones follow")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--keep", action="store_true", help="write what goes wrong to tests/compiler/regressions")
    options = parser.parse_args(arguments)
    seeds = range(options.seed, options.seed + options.programs)
    start = time.perf_counter()
    wrong, judged = 0, 0.0
    for case, verdict in verdicts(list(map(Case.of, seeds)), options.workers):
        judged += verdict.judged
        if verdict:
            wrong += 1
            text = f"# {case.name}: {verdict.complaint}\n{smallest(case.program(), verdict.complaint, case.machine)}"
            print(text, flush=True)
            if options.keep:
                (REGRESSIONS / f"{case.name}.txt").write_text(text)
    print(
        f"seeds {seeds.start} to {seeds.stop - 1}, {len(seeds)} programs in {time.perf_counter() - start:.0f} s, "
        f"{wrong} wrong, {judged / max(len(seeds), 1):.1%} of all elements judged"
    )
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

"""Is ``tg.gradcheck`` to be trusted? It is given wrong derivatives, and right ones.

Each mutant, inside of a random function as a user might write it, must be called wrong and be blamed on its primitive.
Random right compositions must never be called wrong, nor not differentiable where they are, nor ill-conditioned where
their gradients are not nothing beside their values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.primitives.table import ROWS
from tests.proof.mutation.compositions import Composition, composition
from tests.proof.mutation.judging import chosen, killed
from tests.proof.mutation.mutants import Mutant, mutants, planted, reason
from tests.proof.mutation.surroundings import surrounded
from tests.proof.outcome import Outcome
from tests.proof.parallel import spread

SEEDS = (0, 1, 2)  # so many functions around each use, before a mutant counts as not noticed
COMPOSITIONS, SHORT = 1000, 40
TWICE = 20  # one composition of so many is checked to the second order
TIE = re.compile(r"\bties\b|\ba = b\b")  # in the case of a check
KINK = 1e-9  # so near is at a kink, as a share of the operand's size
NOTHING = 1e-9  # a gradient of this share of |f| / |x| leaves few digits to differences


# ---------------------------------------------------------------- wrong derivatives


def outcomes(part: bool = False, only: str | None = None, processes: int = 2) -> Iterator[Outcome]:
    """One for each mutant."""
    yield from spread(noticed, chosen(part, only), 1 if only else processes)


def noticed(number: int) -> Outcome:
    """What gradcheck says of a mutant, by its number."""
    mutant = mutants()[number]
    about = f"input {mutant.index}, {mutant.operator}: {mutant.change}"
    if excuse := reason(mutant):
        return Outcome(mutant.primitive, "gradcheck", f"{about}; the same function: {excuse}")
    said, problem = verdict(mutant)
    if said == "correct" and (hidden := _hidden(mutant)):
        said, problem = hidden, ""
    return Outcome(mutant.primitive, "gradcheck", f"{about}; {said}", problem)


def verdict(mutant: Mutant) -> tuple[str, str]:
    """What gradcheck says, and what is wrong with that."""
    with planted(mutant):
        for seed in SEEDS:
            for use in ROWS[mutant.primitive].uses:
                function = surrounded(use, np.random.default_rng(seed))
                for order in (1, 2):
                    try:
                        report = tg.gradcheck(function.f, function.inputs, order=order, seed=seed)
                    except Exception as error:
                        return f"raises {type(error).__name__} at order {order}", ""
                    if report.verdict == "wrong":
                        return f"wrong at order {order}", _blamed(mutant, report)
    return "correct", "gradcheck does not notice"


def _blamed(mutant: Mutant, report: Any) -> str:
    """Whether the right primitive is blamed; one without any VJP leaves no operation behind, only a constant."""
    name = report.blame.primitive if report.blame else "nobody"
    nothing = mutant.vjp is None and (report.blame is None or report.blame.cut)
    return "" if name == mutant.primitive or nothing else f"gradcheck blames {name}"


def _hidden(mutant: Mutant) -> str:
    """Where alone a mutant shows, if that is where differences have nothing to say; else empty."""
    killer = killed(mutant)
    if killer is None or not (killer.check == "special values" or TIE.search(killer.case)):
        return ""
    return f"correct, as it is there; wrong only in {killer.check}: {killer.case}"


# ---------------------------------------------------------------- right derivatives


def false_alarms(part: bool = False, processes: int = 2) -> Iterator[Outcome]:
    """One for each random composition."""
    yield from spread(cleared, range(SHORT if part else COMPOSITIONS), processes)


def cleared(seed: int) -> Outcome:
    """What gradcheck says of a right function."""
    right = composition(seed)
    order = 2 if seed % TWICE == 0 else 1
    case = f"order {order}, {right}"
    try:
        report = tg.gradcheck(right.f, right.inputs, order=order, seed=seed)
    except Exception as error:
        return Outcome("random compositions", "no false alarm", case, f"{type(error).__name__}: {error}")
    problem = _alarm(right, report.verdict, _vague(report))
    return Outcome("random compositions", "no false alarm", f"{case}: {report.verdict}", problem)


def _vague(report: Any) -> float:
    """The largest gradient that is called ill-conditioned, as a share of |f| / |x|."""
    size = float(np.abs(report.function(report.arrays)).sum())
    elements = [
        np.abs(entry.analytic * report.arrays[entry.number])[entry.verdicts == "ill-conditioned"]
        for entry in report.inputs
        if entry.number < len(report.arrays)
    ]
    return float(max(found.max(initial=0.0) for found in elements)) / size


def _alarm(right: Composition, said: str, vague: float = 0.0) -> str:
    if said == "wrong":
        return "a right derivative is called wrong"
    if said == "ill-conditioned" and vague > NOTHING:
        return f"called ill-conditioned, but the gradient is {vague:.2g} of |f| / |x|"
    if said == "not differentiable" and (margin := right.margin()) > KINK:
        return f"called not differentiable, but the nearest kink is {margin:.2g} of the operand's size away"
    return ""

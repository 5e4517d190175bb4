"""Is the proof able to find mistakes? Each mutant is planted, and the checks of its primitive must fail.

A check that computed something wrong has killed the mutant; a check that could not compute at all has, too, but the
checks go on in search of the former. A mutant that survives them all is a hole in the proof: it is reported as a
problem, and ends as a new check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.primitives.table import ROWS
from tests.proof.checks import conventions, primitive
from tests.proof.mutation.mutants import Mutant, mutants, planted, reason
from tests.proof.outcome import Outcome
from tests.proof.parallel import spread

Checks = Callable[[str], Iterator[Outcome]]
SAMPLED = 10  # one mutant of so many makes a short run
CRASH = re.compile(r"[A-Z]\w*(Error|Exception|Iteration|Warning): ")


def checks(name: str) -> Iterator[Outcome]:
    """What must kill the mutants of a primitive."""
    yield from primitive.checks(name, part=True)
    yield from conventions.outcomes(name)


def chosen(part: bool, only: str | None = None) -> list[int]:
    """The numbers of the mutants of a run; of one primitive, all of them."""
    if only is not None:
        return [number for number, mutant in enumerate(mutants()) if mutant.primitive == only]
    return list(range(0, len(mutants()), SAMPLED if part else 1))


def outcomes(part: bool = False, only: str | None = None, processes: int = 2) -> Iterator[Outcome]:
    """One for each mutant: how it was killed, or that it survived. And the reasons that excuse no mutant."""
    yield from spread(judged, chosen(part, only), 1 if only else processes)
    known = {(mutant.primitive, mutant.index, mutant.change) for mutant in mutants()}
    for name, row in ROWS.items():
        for index, change in row.equivalent if only in (None, name) else ():
            if (name, index, change) not in known:
                case = f"input {index}: {change}"
                yield Outcome(name, "mutation", case, "excused as equivalent, but not made any more")


def judged(number: int, checks: Checks = checks) -> Outcome:
    """The outcome of one mutant, by its number."""
    mutant = mutants()[number]
    killer, excuse = killed(mutant, checks), reason(mutant)
    if killer is None:
        case = f"{_of(mutant)}; the same function: {excuse}" if excuse else f"{_of(mutant)}; survives"
        problem = "" if excuse else "no check finds this wrong VJP"
    else:
        how = "could not be computed by" if crashed(killer) else "found by"
        case = f"{_of(mutant)}; {how} {killer.check}, {killer.case}"
        problem = f"excused as the same function ({excuse}), but {killer.problem}" if excuse else ""
    return Outcome(mutant.primitive, "mutation", case, problem)


def _of(mutant: Mutant) -> str:
    return f"input {mutant.index}, {mutant.operator}: {mutant.change}"


def killed(mutant: Mutant, checks: Checks = checks) -> Outcome | None:
    """The first check that computes something wrong; else the first that cannot compute; None where all hold."""
    crash = None
    with planted(mutant):
        for outcome in checks(mutant.primitive):
            if not outcome.holds:
                if not crashed(outcome):
                    return outcome
                crash = crash or outcome
    return crash


def crashed(outcome: Outcome) -> bool:
    """Whether a check failed by an exception that it had not in mind."""
    return CRASH.match(outcome.problem) is not None

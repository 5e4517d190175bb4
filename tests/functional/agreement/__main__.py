"""Compare every row with PyTorch: values, first and second derivatives, eager and compiled; print counts by function.

python -m tests.functional.agreement [--only NAME] [--eager]
python -m tests.functional.agreement --drawn N [--seed S] [--only NAME] [--eager]

The first form compares the grids, the second N rows of each functional whose arguments Hypothesis draws.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter

from tests.functional.agreement.compare import disagreements, ours, theirs
from tests.functional.agreement.drawn.campaign import DRAWN, Tally, campaign, compiled, eager
from tests.functional.agreement.table import rows


def main() -> int:
    """Read the command line, compare, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.functional.agreement", description=__doc__)
    parser.add_argument("--only", help="one functional")
    parser.add_argument("--eager", action="store_true", help="leave compiled code out")
    parser.add_argument("--drawn", type=int, metavar="N", help="draw N rows of each functional instead of the grids")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="what they are drawn from; default 0")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if arguments.drawn:
        names = sorted(DRAWN) if arguments.only is None else [arguments.only]
        return drawn(names, arguments.drawn, arguments.seed, arguments.eager, torch)
    return grids(arguments.only, arguments.eager, torch)


def grids(only: str | None, without_compiled: bool, torch: object) -> int:
    count: Counter[str] = Counter()
    second: Counter[str] = Counter()
    reasons: dict[str, set[str]] = {}
    wrong: list[str] = []
    for row in rows():
        if only in (None, row.name):
            wanted = theirs(row, torch)
            for in_compiled_code in (False,) if without_compiled else (False, True):
                found = disagreements(row, ours(row, compiled=in_compiled_code), wanted)
                wrong += [f"{'compiled' if in_compiled_code else 'eager'}: {line}" for line in found]
                print(*found, sep="\n", end="\n" if found else "", flush=True)
            count[row.name] += 1
            second[row.name] += row.order >= 2
            if row.order < 2:
                reasons.setdefault(row.name, set()).add(row.why)
    for name in sorted(count):
        why = "; ".join(sorted(reasons.get(name, ())))
        print(f"{name:36} {count[name]:5} calls, {second[name]:5} with second derivatives  {why}")
    print(f"{sum(count.values())} calls of {len(count)} functions, {len(wrong)} disagreements")
    return bool(wrong)


def drawn(names: list[str], examples: int, number: int, without_compiled: bool, torch: object) -> int:
    total, wrong = Tally(), 0
    for name in names:
        for how, compare in (("eager", eager), ("compiled", compiled))[: 1 if without_compiled else 2]:
            tally = campaign(name, examples, number, compare, torch)
            refused = sum(tally.refused.values()), sum(tally.refused_by_torch.values())
            print(
                f"{name:36} {how:8} {tally.agreeing:5} calls, {tally.second:5} with second derivatives; "
                f"{refused[0]} refused by both, {refused[1]} by PyTorch alone",
                flush=True,
            )
            for who, reasons in (("both", tally.refused), ("PyTorch", tally.refused_by_torch)):
                for reason, times in reasons.most_common():
                    print(f"    refused by {who}, {times}: {reason}")
            if tally.wrong:
                wrong += 1
                print(f"    DISAGREES {tally.wrong}", flush=True)
            total.agreeing += tally.agreeing
            total.second += tally.second
            total.refused += tally.refused
            total.refused_by_torch += tally.refused_by_torch
    print(
        f"{total.agreeing} calls of {len(names)} functions agree, {total.second} with second derivatives; "
        f"{sum(total.refused.values())} refused by both, {sum(total.refused_by_torch.values())} by PyTorch alone; "
        f"{wrong} functions disagree"
    )
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())

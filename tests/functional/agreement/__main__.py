"""Compare every row with PyTorch: values, first and second derivatives, eager and compiled; print counts by function.

python -m tests.functional.agreement [--only NAME] [--eager]
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter

from tests.functional.agreement.compare import disagreements, ours, theirs
from tests.functional.agreement.table import rows


def main() -> int:
    """Read the command line, compare, print, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.functional.agreement", description=__doc__)
    parser.add_argument("--only", help="one functional")
    parser.add_argument("--eager", action="store_true", help="leave compiled code out")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    count: Counter[str] = Counter()
    second: Counter[str] = Counter()
    reasons: dict[str, set[str]] = {}
    wrong: list[str] = []
    for row in rows():
        if arguments.only in (None, row.name):
            wanted = theirs(row, torch)
            for compiled in (False,) if arguments.eager else (False, True):
                found = disagreements(row, ours(row, compiled=compiled), wanted)
                wrong += [f"{'compiled' if compiled else 'eager'}: {line}" for line in found]
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


if __name__ == "__main__":
    sys.exit(main())

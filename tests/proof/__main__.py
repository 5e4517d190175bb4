"""``python -m tests.proof``: prove the derivatives, print what was checked, write it down in docs/proof.md."""

from __future__ import annotations

import argparse
import difflib
import importlib.util
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.primitives.row import SEED
from tinygrad_cv.commands.options import EXIT_CODES, FAILED, OK, UsageError, exit_code, natural
from tinygrad_cv.files import write_text

EXTRAS = ("sympy", "mpmath", "tqdm")
PAGE = Path(__file__).parents[2] / "docs" / "proof.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proof; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__, epilog=EXIT_CODES)
    parser.add_argument("--part", action="store_true", help="the short form: seconds, as in the tests")
    parser.add_argument("--only", metavar="NAME", help="one primitive, or one function of functional")
    parser.add_argument("--out", type=Path, help="where to write the page (default: docs/proof.md, from a whole run)")
    parser.add_argument("--seed", type=natural, default=SEED, help="of inputs and cotangents (default: %(default)s)")
    return exit_code(run, parser.parse_args(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Check everything, show progress and tables; 1 where anything fails."""
    start = time.perf_counter()
    missing = [name for name in EXTRAS if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"the proof needs {', '.join(missing)}: pip install {' '.join(missing)}")
    from tests.proof import report

    if arguments.only and arguments.only not in (subjects := report.subjects()):
        near = difflib.get_close_matches(arguments.only, subjects, 3)
        hint = f" Near it: {', '.join(near)}." if near else ""
        raise UsageError(f"--only {arguments.only}: no such primitive, and no such function of functional.{hint}")
    results = [
        (section, list(_shown(section.checks(arguments.only, arguments.part, arguments.seed))))
        for section in report.SECTIONS
    ]
    results = [(section, outcomes) for section, outcomes in results if outcomes]
    for section, outcomes in results:
        print(section.text(outcomes), end="\n\n")
    if out := arguments.out or (None if arguments.part or arguments.only else PAGE):
        write_text(out, report.page(results, arguments.seed))
        print(f"written: {out}")
    count = sum(len(outcomes) for _, outcomes in results)
    wrong = sum(not outcome.holds for _, outcomes in results for outcome in outcomes)
    print(f"{count:,} checks, {wrong} wrong, seed {arguments.seed}, {time.perf_counter() - start:.1f} s")
    return FAILED if wrong else OK


def _shown(outcomes: Iterable[Any]) -> Iterator[Any]:
    """The outcomes, with a bar that says where the run stands."""
    from tqdm import tqdm

    with tqdm(outcomes, unit="check", file=sys.stderr, dynamic_ncols=True, leave=False, disable=None) as bar:
        for outcome in bar:
            bar.set_description(outcome.subject, refresh=False)
            yield outcome


if __name__ == "__main__":
    sys.exit(main())

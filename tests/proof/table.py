"""Outcomes as a table, one row a subject, one column a kind of check; as text and as markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.proof.outcome import Outcome

Row = list[str]


def table(outcomes: Iterable[Outcome], columns: Sequence[str], subject: str) -> list[Row]:
    """The header and the rows, in the order in which subjects come; other kinds of check follow ``columns``.

    A cell is the number of checks; where some fail, how many. The last column is the largest error.
    """
    found: dict[str, dict[str, list[Outcome]]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.subject, {}).setdefault(outcome.check, []).append(outcome)
    others = dict.fromkeys(check for checks in found.values() for check in checks if check not in columns)
    kinds = [check for check in (*columns, *others) if any(check in checks for checks in found.values())]
    rows = [[subject, *kinds, "largest error"]]
    for name, checks in found.items():
        cells = [_cell(checks.get(kind, [])) for kind in kinds]
        rows.append([name, *cells, _share(max(o.error for part in checks.values() for o in part))])
    return rows


def _cell(outcomes: list[Outcome]) -> str:
    wrong = sum(not outcome.holds for outcome in outcomes)
    if not outcomes:
        return "-"
    return f"{wrong} of {len(outcomes)} WRONG" if wrong else str(len(outcomes))


def _share(error: float) -> str:
    """As a share of what rounding allows, two digits."""
    return f"{100 * error:.2g} %" if error else "0"


def text(rows: Sequence[Row]) -> str:
    """Aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def markdown(rows: Sequence[Row]) -> str:
    """A table of GitHub's markdown."""
    header, *body = rows
    rule = ["---", *(["---:"] * (len(header) - 1) if len(header) > 2 else ["---"])]
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, rule, *body))


def problems(outcomes: Iterable[Outcome]) -> list[str]:
    """What is wrong, one line a check that fails."""
    return [
        f"{outcome.subject}, {outcome.check}, {outcome.case}: {' '.join(outcome.problem.split())}"
        for outcome in outcomes
        if not outcome.holds
    ]

"""Parameters have PyTorch's names, order, kinds and defaults, but for what docs/differences.py says."""

from __future__ import annotations

import differences as stated
import pytest

from tests.signatures import ROOMS, differences, names, ours, parameters, theirs

ALL = [(room, name) for room in ROOMS for name in names(ours(room))]


def label(room, name):
    return f"{room.removeprefix('nn.') if room == 'nn.functional' else room}.{name}"


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def found(torch):
    """Every difference: what has it, the parameter, and how."""
    return [
        (label(room, name), *difference)
        for room, name in ALL
        if theirs(torch, room, name) is not None
        for difference in differences(parameters(getattr(ours(room), name)), parameters(theirs(torch, room, name)))
    ]


def is_stated(row, name, parameter, how):
    return row.how == how and stated.matches(name, row.names) and stated.matches(parameter, row.parameter)


def test_signatures_are_compared_with_pytorchs(torch):
    assert sum(theirs(torch, room, name) is not None for room, name in ALL) > 200


def test_every_difference_is_stated(found):
    new = [line for line in found if not any(is_stated(row, *line) for row in stated.ARGUMENTS)]
    assert not new, "mend it, or say why in ARGUMENTS of docs/differences.py:\n" + "\n".join(map(str, new))


def test_every_statement_is_true(found):
    old = [row for row in stated.ARGUMENTS if not any(is_stated(row, *line) for line in found)]
    assert not old, "take it from ARGUMENTS of docs/differences.py"


def test_what_pytorch_has_not_by_this_name_is_stated(torch):
    for room, name in ALL:
        there = theirs(torch, room, name) is not None
        assert there == (stated.counterpart(label(room, name)) == name), (label(room, name), "see COUNTERPARTS")
    known = {label(room, name) for room, name in ALL}
    for patterns in stated.COUNTERPARTS:
        assert any(stated.matches(name, patterns) for name in known), patterns

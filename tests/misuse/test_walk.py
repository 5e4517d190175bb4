"""Every public function, class and method with one argument spoiled: it answers, or says by name what is wrong.

A name that is added later fails here until there is a call of it in tests/misuse/calls, or a reason in EXEMPT.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from inspect import ismodule
from operator import attrgetter

import pytest

import tinygrad_cv as tg
from tests.misuse.calls import calls
from tests.misuse.public import ELSEWHERE, EXEMPT, ROOMS, exempt, public
from tests.misuse.walk import problems

WALKED = [name for name in public() if not exempt(name)]


@pytest.fixture(autouse=True)
def _as_before():
    """Calls may change what is everybody's."""
    threads, state = tg.get_num_threads(), tg.default_generator.state.numpy().copy()
    with tg.set_eager_compile(False):
        yield
    tg.set_num_threads(threads)
    tg.default_generator.state.assign(tg.tensor(state))


@pytest.mark.parametrize("name", WALKED)
def test_one_wrong_argument(name):
    assert name in calls(), f"tests/misuse/calls has no call of {name}"
    found = [problem for call in calls()[name] for problem in problems(call)]
    assert not found, "\n".join(found)


def test_every_public_room_is_walked():
    inner = {f"{prefix}.{name}" for prefix, room in ROOMS.items() for name in getattr(room, "__all__", ())}
    modules = {name for name in inner if ismodule(attrgetter(name.removeprefix("tg."))(tg))}
    known = set(ROOMS) | {f"tg.{name}" for name in ROOMS} | {"optim.lr_scheduler"}  # whose names optim has, too
    assert modules - known == set(ELSEWHERE)


def test_every_call_is_of_a_public_name():
    assert not calls().keys() - public().keys()


@pytest.mark.parametrize("pattern", [pattern for patterns in EXEMPT for pattern in patterns.split()])
def test_every_exemption_is_of_a_public_name(pattern):
    assert any(fnmatchcase(name, pattern) for name in public())

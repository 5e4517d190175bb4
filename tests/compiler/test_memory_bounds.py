"""Native code reads and writes nothing beyond its buffers: see ``guarded.py``, whose command does more of this."""

import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("llvmlite")

from tests.compiler.campaign import REGRESSIONS
from tests.compiler.guarded import LENGTHS, MODELS, ROWS, SIDES, WORK
from tests.compiler.recorded import PROGRAMS

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pages are protected by mprotect, which POSIX has")
COUNTS = {
    "numbers": len(ROWS),
    "tables": len(LENGTHS),
    "regressions": len(list(REGRESSIONS.glob("*.txt"))),
    "goldens": len(PROGRAMS),
    "programs": 60,
    "networks": 4,
    "models": len(MODELS),
}


def run(side, work, count, before=""):
    """The command in a process of its own, after some other code."""
    script = f"from tests.compiler import guarded\n{before}\nguarded.main(['{side}', '{work}', '0', '{count}'])"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize("work", WORK)
def test_nothing_is_touched_beyond_a_buffer(work):
    done = run("both", work, COUNTS[work])
    assert not done.returncode, f"{done.stdout[-200:]}\n{done.stderr}"
    assert len(done.stdout.splitlines()) == len(SIDES) * COUNTS[work]


BEFORE = """
from tinygrad_cv.compiler.schedule.layout import Layout
flat = Layout.flat
Layout.flat = lambda self, index: flat(self, index) + -1
"""
BEHIND = """
from tinygrad_cv.compiler.codegen.memory import Memory
Memory.live = lambda self, spot: self.schedule.lanes
"""


UNLIMITED = """
from tinygrad_cv.compiler.codegen import gather
gather._clamped = lambda memory, number, *_: number
"""
ONWARD = """
from tinygrad_cv.compiler.llvm.function import Function
call = Function.invariant_call
Function.invariant_call = lambda self, name, kind, a, b: a if "<" not in kind else call(self, name, kind, a, b)
"""
ANYWHERE = """
from types import SimpleNamespace
from tinygrad_cv.compiler.codegen.scatter import ScatterLowering
def anywhere(self, point, tile, add=ScatterLowering._add):
    own = self.scatter
    names = ("row", "rows", "first", "variables")
    self.scatter = SimpleNamespace(size=2**62, **{name: getattr(own, name) for name in names})
    add(self, point, tile)
    self.scatter = own
ScatterLowering._add = anywhere
"""


@pytest.mark.parametrize("broken", [UNLIMITED, ANYWHERE])
def test_row_numbers_that_nothing_limits_are_found(broken):
    done = run("behind", "numbers", len(ROWS), broken)
    assert done.returncode in (-signal.SIGSEGV, -signal.SIGBUS), done.stderr


def test_vectors_that_begin_at_the_first_of_their_places_are_found():
    """They would end beyond the value where the places are its last."""
    done = run("behind", "tables", len(LENGTHS), ONWARD)
    assert done.returncode in (-signal.SIGSEGV, -signal.SIGBUS), done.stderr


@pytest.mark.parametrize(("side", "broken"), [("before", BEFORE), ("behind", BEHIND)])
def test_what_is_touched_beyond_a_buffer_is_found(side, broken):
    """Places that begin one too early; vectors that are whole where their last elements are outside."""
    done = run(side, "goldens", COUNTS["goldens"], broken)
    assert done.returncode in (-signal.SIGSEGV, -signal.SIGBUS), done.stderr


def test_an_input_cannot_be_written():
    script = """
import numpy as np
from tests.compiler.campaign import REGRESSIONS
from tests.compiler.guarded import frozen
frozen(np.zeros(3), "behind")[1] = 0
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode in (-signal.SIGSEGV, -signal.SIGBUS), done.stderr

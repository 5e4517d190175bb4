"""However a program ends, its workers end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .left_over import in_session, shared_memory

ROOT = Path(__file__).parents[3]
LIMIT = 60  # seconds, far beyond what it takes


def ended(way, how, *more):
    """End a program with its workers at work; its exit code, what it printed, and who is left."""
    program = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.data.loader.endless", way, *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert program.stdout.readline() == "going\n"
        assert len(in_session(program.pid)) > (1 if way != "threads" else 0)
        how(program.pid)
        _, errors = program.communicate(timeout=LIMIT)
        limit = time.monotonic() + LIMIT
        while (left := in_session(program.pid)) and time.monotonic() < limit:
            time.sleep(0.01)
        return program.returncode, errors, left
    finally:
        for pid in in_session(program.pid):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("way", ["threads", "fork", "forkserver", "spawn"])
def test_ctrl_c(way):
    before = shared_memory()
    code, errors, left = ended(way, lambda pid: os.killpg(pid, signal.SIGINT), "persistent")
    assert code == -signal.SIGINT and not left and shared_memory() == before
    assert errors.count("Traceback") == 1 and errors.rstrip().endswith("KeyboardInterrupt"), errors


@pytest.mark.parametrize("way", ["fork", "forkserver", "spawn"])
def test_the_program_is_killed(way):
    before = shared_memory()
    code, errors, left = ended(way, lambda pid: os.kill(pid, signal.SIGKILL))
    assert code == -signal.SIGKILL and not left and shared_memory() == before
    assert not errors

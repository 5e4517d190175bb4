"""The watcher of one rank: how its process ends, and which cores it has."""

import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from tinygrad_cv.launch import rank, watch
from tinygrad_cv.launch.frames import LONGEST, Reader
from tinygrad_cv.launch.watch import BEGIN, END


def ended(code):
    process = subprocess.Popen([sys.executable, "-S", "-c", f"import os, signal, sys; {code}"])
    outcome = watch.outcome(process.pid)
    process.returncode = outcome[0]
    return outcome


def test_how_a_process_ends():
    assert ended("sys.exit(0)") == (0, None)
    assert ended("sys.exit(7)") == (7, None)
    code, cause = ended("os.kill(os.getpid(), signal.SIGTERM)")
    assert (code, cause) == (143, "killed by SIGTERM")
    code, cause = ended("os.kill(os.getpid(), signal.SIGKILL)")
    assert code == 137 and "SIGKILL" in cause and "memory" in cause


def test_a_process_that_stays_stopped_is_told_and_one_that_goes_on_is_not(monkeypatch):
    monkeypatch.setattr(watch, "STOPPED", 0.2)
    process = subprocess.Popen([sys.executable, "-S", "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"])
    code, cause = watch.outcome(process.pid)
    assert code == 137 and "stopped by SIGSTOP" in cause
    process.kill()
    process.wait()
    monkeypatch.setattr(watch, "STOPPED", 60.0)
    code = "import os, signal, sys; os.kill(os.getpid(), signal.SIGSTOP); sys.exit(5)"
    process = subprocess.Popen([sys.executable, "-S", "-c", code])

    def go_on():
        while process.returncode is None:
            os.kill(process.pid, signal.SIGCONT)
            time.sleep(0.05)

    helper = threading.Thread(target=go_on)
    helper.start()
    process.returncode, cause = watch.outcome(process.pid)
    helper.join()
    assert (process.returncode, cause) == (5, None)


@pytest.mark.parametrize("cores", [1, 2, 7, 64])
@pytest.mark.parametrize("ranks", [1, 2, 3, 7])
def test_the_cores_of_a_host_are_shared_evenly(cores, ranks):
    shares = [watch.share(range(cores), rank, ranks) for rank in range(ranks)]
    if cores < ranks:
        assert all(share == range(cores) for share in shares)
        return
    assert sorted(core for share in shares for core in share) == list(range(cores))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_bound_ranks_are_left_as_they_are(monkeypatch):
    bound = []
    monkeypatch.setattr(watch.os, "sched_setaffinity", lambda pid, cores: bound.append(list(cores)), raising=False)
    monkeypatch.setattr(watch.os, "sched_getaffinity", lambda pid: {4, 5, 6, 7}, raising=False)
    monkeypatch.setattr(watch.os, "cpu_count", lambda: 64)
    monkeypatch.setattr(watch, "_place", lambda core: (0, core % 2, core))  # 4 and 6 are siblings, 5 and 7
    monkeypatch.setenv("PMI_RANK", "3")
    for name, value in zip(watch.LOCAL_RANK[:1] + watch.LOCAL_RANKS[:1], "12", strict=True):
        monkeypatch.setenv(name, value)
    assert watch.divide_cores([4, 5, 6, 7]) == 2 and bound.pop() == [5, 7]
    assert watch.divide_cores(range(64)) == 4 and not bound  # somebody has given this rank four of 64
    monkeypatch.setattr(watch.os, "cpu_count", lambda: 4)
    assert watch.divide_cores([]) == 2 and bound.pop() == [5, 7]  # all of another host
    monkeypatch.setenv(watch.LOCAL_RANKS[0], "9")
    assert watch.divide_cores([4, 5, 6, 7]) == 1 and bound.pop() == [4, 6, 5, 7]


def test_frames_are_found_wherever_a_read_ends():
    text = b"50%|##" + BEGIN + b'{"rank": 0}' + END + b"| 3 steps\n\x1e is no frame\n" + BEGIN + b'{"rank": 1}' + END
    for size in (1, 2, 3, 5, 17, len(text)):
        reader, own, frames = Reader(), b"", []
        for start in range(0, len(text), size):
            found = reader.feed(text[start : start + size])
            own, frames = own + found[0], frames + found[1]
        assert own + reader.rest() == b"50%|##| 3 steps\n\x1e is no frame\n"
        assert frames == [{"rank": 0}, {"rank": 1}]


def test_what_looks_like_a_frame_is_not_lost():
    reader = Reader()
    assert reader.feed(BEGIN + b"of a log" + END + b"after") == (b"of a logafter", [])
    own, frames = reader.feed(BEGIN + b"x" * LONGEST)
    assert own.endswith(b"x" * LONGEST) and not frames


def test_a_rank_tells_since_when_it_waits(monkeypatch):
    told, ticks = [], iter(range(4))

    def sleep(seconds):
        if next(ticks) == 3:
            raise StopIteration

    monkeypatch.setattr(rank.time, "sleep", sleep)
    for since, count in ((None, 0), (time.monotonic(), 0), (time.monotonic() - 60.0, 3)):
        monkeypatch.setitem(sys.modules, rank.WAITING, SimpleNamespace(since=since))
        told.clear()
        ticks = iter(range(4))
        with pytest.raises(StopIteration):
            rank._tell_waiting(told.append)
        assert len(told) == count and all(frame["waits"] >= 60.0 for frame in told)

"""Jitted functions in forked children, in other processes, and drawing random numbers in several threads at once."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import functional as F

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*fork.*:DeprecationWarning"
)  # Python 3.12 and newer: there are threads
THREADS, DRAWS = 4, 100


def calls_in_child() -> bool:
    """Whether a forked child compiles, calls and draws within twenty seconds."""
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            fresh = time.perf_counter_ns() / 1e12
            jitted = tg.jit(lambda x: F.dropout(x * fresh, 0.5).sum())
            jitted(tg.ones(5))
            assert gc.isenabled()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


@forks
def test_a_child_of_a_process_that_is_tracing():
    tracing, over = threading.Event(), threading.Event()

    @tg.jit
    def slow(x: Any) -> Any:
        tracing.set()
        over.wait(30)
        return x * 2.0

    thread = threading.Thread(target=slow, args=(tg.ones(3),))
    thread.start()
    tracing.wait()
    assert calls_in_child()
    over.set()
    thread.join()


@forks
def test_children_of_a_process_that_is_compiling(monkeypatch, tmp_path):
    pytest.importorskip("llvmlite")
    monkeypatch.setenv("TGCV_CACHE_DIR", str(tmp_path))
    for delay in (0.05, 0.2):  # of a compilation of 0.3 s, and longer
        model = tg.models.convnet()
        long = tg.jit(lambda x, model=model, delay=delay: (model(x) * delay).sum())
        thread = threading.Thread(target=long, args=(tg.ones(2, 1, 28, 28),))
        thread.start()
        time.sleep(delay)
        assert calls_in_child()
        thread.join()
        assert gc.isenabled()


@forks
def test_a_child_of_a_process_that_runs_and_draws():
    drawn = tg.jit(lambda x: F.dropout(x, 0.5))
    x = tg.ones(300, 1000)
    drawn(x)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            drawn(x)

    thread = threading.Thread(target=work)
    thread.start()
    assert all(calls_in_child() for _ in range(2))
    over.set()
    thread.join()


def _masks(draws: Iterable[Callable[[], Any]]) -> list[bytes]:
    """What some threads draw, each with a function of its own, all at once."""
    found: list[bytes] = []
    begin = threading.Barrier(THREADS)

    def work(draw: Callable[[], Any]) -> None:
        begin.wait()
        mine = [np.asarray(draw().numpy()).tobytes() for _ in range(DRAWS)]
        found.extend(mine)

    threads = [threading.Thread(target=work, args=(draw,)) for draw in draws]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    return found


def _ways() -> dict[str, list[Callable[[], Any]]]:
    x = tg.ones(200)
    one = tg.jit(lambda: F.dropout(x, 0.5))
    others = [tg.jit(lambda i=i: F.dropout(x, 0.5) + 0.0 * i) for i in range(THREADS)]
    replayed = tg.tensor(np.ones(200, np.float32), requires_grad=True)

    def checkpointed() -> Any:
        y = tg.checkpoint(lambda x: F.dropout(x, 0.5), replayed)
        (gradient,) = tg.grad(y.sum(), [replayed])
        np.testing.assert_array_equal(gradient.numpy(), y.numpy())  # the mask was drawn again as it was
        return y

    mixed = [one, others[0], lambda: F.dropout(x, 0.5), checkpointed]
    return {"one function": [one] * 4, "functions": others, "eager": [mixed[2]] * 4, "mixed": mixed}


@pytest.mark.parametrize("way", ["one function", "functions", "eager", "mixed"])
def test_no_number_is_drawn_twice(way):
    draws = _ways()[way]
    for draw in draws:
        draw()
    tg.manual_seed(0)
    found = _masks(draws)
    assert len(found) == len(set(found)) == THREADS * DRAWS


def test_a_generator_is_copied_with_its_state():
    generator = tg.Generator(3)
    generator.uniform((4,))
    for other in (copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))):
        np.testing.assert_array_equal(other.state.numpy(), generator.state.numpy())
        assert other.uniform((4,)).tolist() == copy.deepcopy(generator).uniform((4,)).tolist()


PROGRAM = """
import copy, multiprocessing, pickle, sys
import tinygrad_cv as tg

@tg.jit
def square(x):
    return (x * x).sum()

class Shape:
    @tg.jit
    def area(self, x):
        return x.prod()

def plain(x):
    return x + 1.0

if __name__ == "__main__":
    for function in (square, Shape.area):
        assert pickle.loads(pickle.dumps(function)) is copy.deepcopy(function) is function
    other = pickle.loads(pickle.dumps(tg.jit(plain, maxsize=3, precision="fast")))
    assert other.function is plain and (other.maxsize, other.precision) == (3, "fast")
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print([y.item() for y in pool.map(square, [tg.tensor([float(i), 2.0]) for i in range(4)])])
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_a_jitted_function_goes_to_other_processes(method, tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    if method not in __import__("multiprocessing").get_all_start_methods():
        pytest.skip(f"no {method} here")
    run = subprocess.run(
        [sys.executable, str(script), method], env=environment, capture_output=True, text=True, timeout=120
    )
    assert run.stdout.strip() == "[4.0, 5.0, 8.0, 13.0]", run.stderr

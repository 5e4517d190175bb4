"""Programs on a pool of threads: every part once, steps in order, under stress, after forks, beside other callers."""

import os
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from tinygrad_cv.compiler.runtime import driver, threads
from tinygrad_cv.compiler.runtime.cores import cores
from tinygrad_cv.compiler.runtime.objects import assembly, compile_module, load
from tinygrad_cv.compiler.runtime.target import host, named
from tinygrad_cv.compiler.runtime.threads import MAX_PARTS, Program, get_num_threads, set_num_threads

KERNELS = """
; counts[part] += parts, for exactly the parts that are run
define void @count(ptr %args, i64 %part, i64 %parts) nounwind {
  %counts = load ptr, ptr %args
  %slot = getelementptr i64, ptr %counts, i64 %part
  %old = load i64, ptr %slot
  %new = add i64 %old, %parts
  store i64 %new, ptr %slot
  ret void
}

; y[part] = sum(x) + part: right only where all parts of the step before have written x
define void @sum(ptr %args, i64 %part, i64 %parts) nounwind {
entry:
  %args.y = getelementptr ptr, ptr %args, i64 1
  %x = load ptr, ptr %args
  %y = load ptr, ptr %args.y
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %total = phi i64 [ %part, %entry ], [ %more, %loop ]
  %slot = getelementptr i64, ptr %x, i64 %i
  %v = load i64, ptr %slot
  %more = add i64 %total, %v
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, %parts
  br i1 %again, label %loop, label %end
end:
  %out = getelementptr i64, ptr %y, i64 %part
  store i64 %more, ptr %out
  ret void
}

; looks at args[1], args[0] / parts times
define void @work(ptr %args, i64 %part, i64 %parts) nounwind {
entry:
  %n = load i64, ptr %args
  %count = udiv i64 %n, %parts
  %cell = getelementptr i64, ptr %args, i64 1
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %old = load volatile i64, ptr %cell
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, %count
  br i1 %again, label %loop, label %end
end:
  ret void
}
"""


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """a cache of its own for these tests"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TGCV_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def kernels(folder):
    return load([compile_module(KERNELS, host())], ["count", "sum", "work"])


@pytest.fixture(autouse=True)
def as_before():
    """the number of threads, as it was"""
    before = threads._state.threads
    yield
    threads._state.retire()
    threads._state.threads = before


def counting(kernels, parts):
    counts = np.zeros(parts, np.int64)
    args = np.array([counts.ctypes.data], np.uint64)
    return counts, (kernels["count"], args.ctypes.data, parts), args


def chain(kernels, length, parts):
    """x1 = sum(x0) + part, x2 = sum(x1) + part, ... mod 2**64, and its oracle"""
    x, y = np.zeros(parts, np.int64), np.zeros(parts, np.int64)
    there, back = np.array([x.ctypes.data, y.ctypes.data]), np.array([y.ctypes.data, x.ctypes.data])
    steps = [(kernels["sum"], (there, back)[i % 2].ctypes.data, parts) for i in range(length)]

    def oracle():
        z = np.ones(parts, np.int64)
        for _ in range(length):
            z = z.sum() + np.arange(parts)
        return z

    def run(program, **how):
        x[:] = 1
        program.run(**how)
        return y if length % 2 else x

    return Program(steps, keep_alive=(there, back)), run, oracle()


def working(kernels, total, parts, steps=1):
    args = np.array([total, 0], np.int64)
    return Program([(kernels["work"], args.ctypes.data, parts)] * steps, keep_alive=args)


@pytest.mark.any_python
@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("parts", [1, 2, 3, 7, MAX_PARTS])
def test_every_part_of_every_step_runs_once(kernels, n, parts):
    set_num_threads(n)
    counts, step, keep = counting(kernels, parts)
    for times in range(1, 21):
        Program([step] * 5, keep_alive=keep).run()
        assert counts.tolist() == [5 * times * parts] * parts


@pytest.mark.any_python
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_steps_of_different_parts_in_one_program(kernels, n):
    set_num_threads(n)
    steps = [counting(kernels, parts) for parts in (4, 1, 9, 2, 30, 1, 1, 256, 3)]
    program = Program([step for _, step, _ in steps])
    for times in range(1, 101):
        program.run()
        for counts, (_, _, parts), _ in steps:
            assert counts.tolist() == [times * parts] * parts


@pytest.mark.any_python
@pytest.mark.parametrize(("n", "parts"), [(1, 4), (2, 2), (2, 8), (3, 3), (4, 16)])
def test_a_step_sees_all_of_the_step_before(kernels, n, parts):
    set_num_threads(n)
    for length in (1, 2, 50, 333):
        program, run, expected = chain(kernels, length, parts)
        for _ in range(30):
            np.testing.assert_array_equal(run(program), expected)


def test_two_hundred_thousand_barriers(kernels):
    set_num_threads(max(2, len(cores())))
    program, run, expected = chain(kernels, 1000, get_num_threads())
    for _ in range(200):
        np.testing.assert_array_equal(run(program), expected)


def test_waiting_threads_sleep_and_are_woken(kernels):
    """serial steps of milliseconds, longer than anybody spins"""
    set_num_threads(4)
    long = working(kernels, 3_000_000, 1).steps
    args = np.array([3_000_000, 0], np.int64)
    counts, step, _keep = counting(kernels, 8)
    program = Program([(long[0].kernel, args.ctypes.data, 1), step] * 5)
    for times in range(1, 6):
        program.run()
        assert counts.tolist() == [5 * times * 8] * 8


@pytest.mark.any_python
def test_a_program_without_steps():
    for n in (1, 2):
        set_num_threads(n)
        Program([]).run()
        assert Program([]).seconds().tolist() == []


@pytest.mark.any_python
@pytest.mark.parametrize("parts", [0, -1, MAX_PARTS + 1])
def test_a_number_of_parts_that_cannot_be(kernels, parts):
    with pytest.raises(ValueError, match=rf"step 1 is KernelCall\(.*parts={parts}\).*1 to {MAX_PARTS}"):
        Program([(kernels["count"], 0, 1), (kernels["count"], 0, parts)])


@pytest.mark.any_python
def test_a_null_kernel():
    with pytest.raises(ValueError, match="address of a kernel"):
        Program([(0, 0, 1)])


@pytest.mark.any_python
def test_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(threads._state, "threads", None)
    assert get_num_threads() == len(cores())
    set_num_threads(3)
    assert get_num_threads() == 3
    for bad in (0, -1):
        with pytest.raises(ValueError, match=f"n={bad}; .*at least 1"):
            set_num_threads(bad)
    with pytest.raises(TypeError):
        set_num_threads(1.5)
    assert get_num_threads() == 3


def of_the_pool():
    return [t for t in threading.enumerate() if t.name.startswith("tinygrad_cv-")]


@pytest.mark.any_python
def test_workers_come_when_needed_and_go(kernels):
    set_num_threads(4)
    counts, step, _keep = counting(kernels, 4)
    program = Program([step])
    program.run(threads=1)
    assert of_the_pool() == []
    program.run()
    assert len(of_the_pool()) == 3
    set_num_threads(2)
    assert of_the_pool() == []
    program.run()
    assert len(of_the_pool()) == 1
    set_num_threads(1)
    program.run()
    assert of_the_pool() == []
    assert counts.tolist() == [16] * 4


@pytest.mark.any_python
def test_a_system_that_gives_no_more_threads(kernels, monkeypatch):
    def start(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    set_num_threads(3)
    program, run, expected = chain(kernels, 9, 6)
    np.testing.assert_array_equal(run(program), expected)
    assert of_the_pool() == []


def test_the_number_of_threads_is_set_without_llvm():
    script = f"""
import sys; sys.path[:0] = {sys.path!r}
sys.modules["llvmlite"] = None
from tinygrad_cv.compiler.runtime.threads import get_num_threads, set_num_threads
set_num_threads(3)
assert get_num_threads() == 3
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.any_python
def test_seconds_of_each_step(kernels):
    long, short = np.array([8_000_000, 0], np.int64), np.array([80_000, 0], np.int64)
    program = Program([(kernels["work"], long.ctypes.data, 4), (kernels["work"], short.ctypes.data, 4)])
    for n in (1, 2):
        set_num_threads(n)
        best = np.full(2, np.inf)
        for _ in range(5):
            start = time.perf_counter()
            seconds = program.seconds()
            assert seconds.sum() <= time.perf_counter() - start
            best = np.minimum(best, seconds)
        assert 0 < best[1] < best[0]


@pytest.mark.parametrize("n", [2, 3])
def test_python_threads_that_run_at_once(kernels, n):
    """each gets its own results, those that find the pool busy without it; meanwhile others change the pool"""
    set_num_threads(n)
    wrong = []

    def work():
        program, run, expected = chain(kernels, 100, 4)
        for _ in range(3000):
            if not np.array_equal(run(program), expected):
                wrong.append(program)

    callers = [threading.Thread(target=work) for _ in range(4)]
    for caller in callers:
        caller.start()
    while any(caller.is_alive() for caller in callers):
        set_num_threads(n + 1)
        time.sleep(0.01)
        set_num_threads(n)
        time.sleep(0.01)
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_makes_its_own_workers(kernels):
    set_num_threads(3)
    program, run, expected = chain(kernels, 20, 6)
    np.testing.assert_array_equal(run(program), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn: there are threads
        child = os.fork()
    if child == 0:
        good = not of_the_pool() and np.array_equal(run(program), expected) and len(of_the_pool()) == 2
        os._exit(0 if good else 1)
    for _ in range(100):
        np.testing.assert_array_equal(run(program), expected)
    assert os.waitpid(child, 0)[1] == 0


def test_an_interpreter_that_exits_with_workers_asleep():
    script = f"""
import sys; sys.path[:0] = {sys.path!r}
from tinygrad_cv.compiler.runtime.objects import compile_module, load
from tinygrad_cv.compiler.runtime.target import host
from tinygrad_cv.compiler.runtime.threads import Program, set_num_threads
set_num_threads(4)
library = load([compile_module("define void @f(ptr %a, i64 %p, i64 %n) {{ ret void }}", host())], ["f"])
program = Program([(library["f"], 0, 4)], keep_alive=library)
program.run()
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_busy_machine_slows_down_gracefully(kernels):
    """with another process on every core, several threads take no more than a few times one thread's time"""
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in cores()]
    try:
        set_num_threads(max(2, len(cores())))
        program = working(kernels, 1_000_000, 2 * get_num_threads(), steps=30)

        def seconds(n):
            times = []
            for _ in range(7):
                start = time.perf_counter()
                program.run(threads=n)
                times.append(time.perf_counter() - start)
            return sorted(times)[3]

        program.run()
        assert seconds(None) < 4 * seconds(1)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def test_no_spinning_between_runs(kernels):
    set_num_threads(3)
    working(kernels, 100_000, 3).run()
    time.sleep(0.01)
    before = time.process_time()
    time.sleep(0.2)
    assert time.process_time() - before < 0.05


@pytest.mark.any_python
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity masks here")
def test_the_caller_is_not_pinned(kernels):
    mask = os.sched_getaffinity(0)
    set_num_threads(len(cores()) if len(cores()) > 1 else 2)
    for _ in range(20):
        working(kernels, 10_000, 2).run()
        assert os.sched_getaffinity(0) == mask


@pytest.mark.any_python
def test_the_pool_compiles_for_other_machines():
    for cpu, pause in {"aarch64": "yield", "x86-64": "pause"}.items():
        code = assembly(driver.pool_text(named(cpu)), named(cpu))
        assert f"\t{pause}" in code and "clock_gettime" in code


@pytest.mark.any_python
def test_a_system_without_posix_threads(kernels, monkeypatch):
    monkeypatch.setattr(threads, "POSIX", False)
    set_num_threads(4)
    counts, step, _keep = counting(kernels, 8)
    Program([step]).run()
    assert counts.tolist() == [8] * 8 and of_the_pool() == []
    assert Program([step]).seconds().shape == (1,)

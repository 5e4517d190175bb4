"""What goes wrong in a worker is an error in the loop that says what and where; nothing hangs, nothing stays."""

import gc
import multiprocessing
import os
import signal
import traceback
from multiprocessing.connection import wait

import numpy as np
import pytest

from tinygrad_cv import data
from tinygrad_cv.data.loader.processes import Processes

from .left_over import descriptors, processes, shared_memory
from .samples import (
    QUICK,
    WAYS,
    Failing,
    FailsAtStart,
    Noise,
    NoiseStream,
    Threaded,
    fail_to_begin,
    mark,
    may_go_on,
    plain,
)

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.fixture(autouse=True)
def nothing_stays():
    """No process, zombie, open file or shared memory more than before."""
    before = processes(), shared_memory(), descriptors()
    yield
    gc.collect()
    assert (processes(), shared_memory(), descriptors()) == before


RAISED = {
    "ValueError": (ValueError, "invalid literal for int.*thirteen"),
    "Odd": (RuntimeError, "a worker raised .*Odd: this and that"),
    "SystemExit": (RuntimeError, "a worker raised SystemExit: 3"),
    "KeyboardInterrupt": (RuntimeError, "a worker raised KeyboardInterrupt"),
    "function": (Exception, "lambda"),
}
ENDED = {
    "SIGKILL": r"worker \d \(process \d+\) was killed by SIGKILL at batch 3 of epoch 0 \(samples \[12, .*memory",
    "SIGTERM": "was killed by SIGTERM at batch 3 of epoch 0",
    "SIGSEGV": "was killed by SIGSEGV at batch 3 of epoch 0 .*Native code crashed",
    "os._exit": "ended with exit code 7 at batch 3 of epoch 0 .*num_workers=0 shows where",
}


@pytest.mark.any_python
@pytest.mark.parametrize("how", RAISED)
def test_an_exception_is_raised_with_the_workers_traceback(how):
    error, message = RAISED[how]
    loader = data.DataLoader(Failing(how), 4, **WAYS["fork"], collate_fn=list)
    with pytest.raises(error, match=message) as caught:
        list(loader)
    text = "".join(traceback.format_exception(caught.value))
    assert "In a worker process of the DataLoader, at" in text and "batch 3 of epoch 0 (samples [12, 13" in text
    assert 'samples.py", line' in text or how == "function"


@pytest.mark.any_python
@pytest.mark.parametrize("way", QUICK)
def test_an_exception_is_of_its_kind_and_comes_after_the_batches_before(way):
    found = []
    with pytest.raises(ValueError, match="thirteen") as caught:
        for batch in data.DataLoader(Failing("ValueError"), 4, **WAYS[way]):
            found.append(batch)
    assert len(found) == 3 and "samples.py" in "".join(traceback.format_exception(caught.value))


@pytest.mark.any_python
@pytest.mark.parametrize("how", ENDED)
def test_a_worker_that_ends_is_an_error(how):
    with pytest.raises(RuntimeError, match=ENDED[how]) as caught:
        list(data.DataLoader(Failing(how), 4, **WAYS["fork"]))
    if how == "SIGSEGV":
        text = "".join(traceback.format_exception(caught.value))
        assert "Segmentation fault" in text and "in crash" in text and "in __getitem__" in text


@pytest.mark.parametrize("way", ["forkserver", "spawn"])
def test_a_worker_that_is_killed_is_an_error_however_it_was_started(way):
    with pytest.raises(RuntimeError, match=ENDED["SIGKILL"]):
        list(data.DataLoader(Failing("SIGKILL"), 4, **WAYS[way]))


@pytest.mark.parametrize("way", QUICK)
def test_unequal_shapes_name_the_samples(way):
    with pytest.raises(ValueError, match=r"\(2, 2\) of sample 12, sample 14, sample 15; \(2, 3\) of sample 13"):
        list(data.DataLoader(Failing("shape"), 4, **WAYS[way]))


@pytest.mark.parametrize("persistent", [False, True])
def test_a_worker_that_was_killed_while_it_waited(persistent):
    loader = data.DataLoader(Noise(40), 1, persistent_workers=persistent, **WAYS["fork"])
    iterator = iter(loader)
    next(iterator)
    victim = multiprocessing.active_children()[0]
    os.kill(victim.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="killed by SIGKILL"):
        list(iterator)
    assert len(list(loader)) == 40, "the next epoch has new workers"
    del loader


@pytest.mark.any_python
def test_the_batch_is_named_though_nobody_has_taken_those_before():
    one = {"num_workers": 1, "prefetch_factor": 20, "multiprocessing_context": "fork"}
    iterator = iter(data.DataLoader(Failing("SIGKILL"), 1, **one))
    next(iterator)
    wait([child.sentinel for child in multiprocessing.active_children()])
    with pytest.raises(RuntimeError, match="killed by SIGKILL at batch 13 of epoch 0"):
        list(iterator)


@pytest.mark.any_python
def test_ctrl_c_is_the_parents_affair():
    """A program that takes Ctrl-C otherwise goes on with its workers."""
    loader, found = data.DataLoader(Noise(40), 1, **WAYS["fork"]), []
    for batch in loader:
        found += plain(batch[0])
        for child in multiprocessing.active_children():
            os.kill(child.pid, signal.SIGINT)
    assert found == list(range(40))


@pytest.mark.any_python
def test_a_worker_whose_start_fails():
    loader = data.DataLoader(Noise(), worker_init_fn=fail_to_begin, **WAYS["fork"])
    with pytest.raises(LookupError, match="no file for worker") as caught:
        list(loader)
    assert "at its start" in "".join(traceback.format_exception(caught.value))
    with pytest.raises(LookupError, match="no file for worker"):
        list(data.DataLoader(Noise(), worker_init_fn=fail_to_begin, **WAYS["threads"]))


def test_a_data_set_that_cannot_be_unpickled_in_a_worker():
    with pytest.raises(LookupError, match="no such file here") as caught:
        list(data.DataLoader(FailsAtStart(), **WAYS["forkserver"]))
    text = "".join(traceback.format_exception(caught.value))
    assert "at its start" in text and "__setstate__" in text


@pytest.mark.any_python
@pytest.mark.parametrize("way", ["forkserver", "spawn"])
def test_what_cannot_be_pickled_is_refused_with_a_remedy(way):
    loader = data.DataLoader(Noise(), collate_fn=lambda batch: batch, **WAYS[way])
    with pytest.raises(TypeError, match=r"cannot be pickled.*lambda.*top level of a module; or use workers='threads'"):
        next(iter(loader))
    assert len(list(data.DataLoader(Noise(), collate_fn=lambda batch: batch, **WAYS["fork"]))) == 23


@pytest.mark.parametrize("way", QUICK[1:])
def test_timeout(way):
    loader = data.DataLoader(Failing("sleep" if way == "fork" else "wait"), 4, timeout=0.3, **WAYS[way])
    with pytest.raises(RuntimeError, match=r"no batch came within timeout=0\.3 s"):
        list(loader)
    may_go_on.set()


@pytest.mark.parametrize("way", QUICK[1:])
@pytest.mark.parametrize("dataset", [Noise(), NoiseStream()], ids=["by index", "stream"])
def test_a_loop_that_is_left(dataset, way):
    for persistent in (False, True):
        loader = data.DataLoader(dataset, 2, persistent_workers=persistent, **WAYS[way])
        for _ in loader:
            break
        iterator = iter(loader)
        next(iterator)
        with pytest.raises(KeyError):
            for _ in loader:
                raise KeyError
        assert len(list(loader)) == 12
        del iterator, loader


@pytest.mark.any_python
def test_an_iterator_that_was_not_begun_has_no_workers():
    before = processes()
    iterator = iter(data.DataLoader(Noise(), **WAYS["fork"]))
    assert processes() == before
    del iterator


def test_the_parents_handlers_are_not_the_workers():
    """A program that finishes its step when it is asked to end still ends its workers, even those that are busy."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with pytest.raises(RuntimeError, match="no batch came"):
            list(data.DataLoader(Failing("sleep"), 4, timeout=0.1, **WAYS["fork"]))
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_forked_child_leaves_its_parents_workers_alone():
    loader = data.DataLoader(Noise(), persistent_workers=True, **WAYS["fork"])
    iterator = iter(loader)
    next(iterator)
    child = os.fork()
    if not child:
        try:
            next(iterator)
        except RuntimeError as error:
            os._exit(17 if "workers belong to the process" in str(error) else 18)
        finally:
            os._exit(19)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 17
    assert len(list(iterator)) == 22
    del loader, iterator


@pytest.mark.parametrize("way", ["fork", "forkserver", "spawn"])
def test_workers_can_use_threads_and_blas_that_their_parent_uses(way):
    dataset = Threaded()
    expected = [plain(batch) for batch in data.DataLoader(dataset, 2)]  # the parent's threads have started
    found = [plain(batch) for batch in data.DataLoader(dataset, 2, worker_init_fn=None, **WAYS[way])]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.any_python
def test_a_start_method_that_was_chosen_is_taken(monkeypatch):
    from tinygrad_cv.data.loader.processes import default_context

    chosen = {None: "forkserver", "fork": "fork", "spawn": "spawn"}
    for method, expected in chosen.items():
        monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none, method=method: method)
        assert default_context().get_start_method() == expected
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: None)
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    assert default_context().get_start_method() == "spawn"


@pytest.mark.any_python
def test_an_executor_that_was_closed_says_so():
    executor = Processes(mark, None, 1, 0, 1, multiprocessing.get_context("fork"))
    executor.close()
    executor.close()
    with pytest.raises(RuntimeError, match="its workers have ended"):
        executor.submit(None)

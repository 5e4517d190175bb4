"""What holds for all tests, and what they share."""

import gc
import os
import sys

import pytest

collect_ignore_glob = ["typing/*"]  # scripts, which tests/test_types.py runs

os.environ.setdefault("TGCV_VERIFY", "1")  # the compiler verifies each of its stages

sys.dont_write_bytecode = False  # workers, and the processes that tests start, would compile all modules again
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser):
    parser.addoption("--eager-compiled", choices=("numpy", "native"), help="as tests/eager/forced.py says")


@pytest.fixture(autouse=True)
def _eager_compiled(request):
    """With the option, compiled anew in each test, since some change the primitives; not those of the switch."""
    how = request.config.getoption("--eager-compiled")
    if how is None or "eager" in request.path.parent.name:
        yield
        return
    from tests.eager.forced import forced

    with forced(how):
        yield


def pytest_collection_finish() -> None:
    """What imports and collection left stays to the end: the collector need not walk through it in every test."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def on_numpy(monkeypatch):
    """Compiled graphs run on NumPy, by the same rules as eager code: results are equal bit for bit."""
    from tinygrad_cv.ir.numpy_source import NumpyProgram
    from tinygrad_cv.tracing import entry

    monkeypatch.setattr(entry, "compiled", lambda graph, precision: NumpyProgram(graph))

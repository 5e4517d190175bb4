"""Exported functions run on one thread, and so do those that they are compared with."""

import pytest

from tinygrad_cv.compiler import get_num_threads, set_num_threads


@pytest.fixture(scope="package", autouse=True)
def one_thread():
    before = get_num_threads()
    set_num_threads(1)
    yield
    set_num_threads(before)

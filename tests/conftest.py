"""What holds for all tests."""

import gc
import os

os.environ.setdefault("TGCV_VERIFY", "1")  # the compiler verifies each of its stages


def pytest_collection_finish() -> None:
    """What imports and collection left stays to the end: the collector need not walk through it in every test."""
    gc.collect()
    gc.freeze()

"""What the tests against PyTorch share."""

import pytest


@pytest.fixture(scope="session")
def torch():
    module = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    module.set_num_threads(1)  # arrays are small; threads would only wait for each other
    return module


@pytest.fixture
def in_float64(torch):
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)

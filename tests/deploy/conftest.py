"""Exported functions run on one thread, and so do those that they are compared with."""

import pytest

from tests.deploy.training import lenet_bn, trained
from tinygrad_cv import compiler, optim

STEPS = 100


@pytest.fixture(scope="package", autouse=True)
def one_thread():
    if not compiler.available():
        yield
        return
    before = compiler.get_num_threads()
    compiler.set_num_threads(1)
    yield
    compiler.set_num_threads(before)


@pytest.fixture(scope="package")
def lenet(one_thread, tmp_path_factory):
    """LeNet-BN and SGD with momentum, exported for Node and for this machine, and trained here."""
    folder = tmp_path_factory.mktemp("lenet")
    return trained(
        lenet_bn,
        lambda m: optim.SGD(m, lr=0.003, momentum=0.9),
        (16, 1, 28),
        STEPS,
        folder,
        ("wasm32", {"threads": 2}),
        "native",
    )

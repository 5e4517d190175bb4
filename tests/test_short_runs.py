"""The quick tests stay few, and in the rooms whose tests they are.

What they take is no matter of a test, which would depend on the machine: ``pytest -m quick`` prints it.
"""

from __future__ import annotations

import inspect
import re

import pytest

MOST = 4_000  # of about 2 ms each, pytest's own part included
ROOMS = {  # of tests/, with a test in them of what everybody wants to know
    *("core", "ops", "primitives", "frontend", "functional", "nn", "optim", "check", "examples"),
    *("compiler", "tracing"),  # golden texts, and one file of jitted functions
}


def quick_items(request):
    return [item for item in request.session.items if item.get_closest_marker("quick")]


@pytest.mark.quick
def test_the_quick_tests_are_few(request):
    count = len(quick_items(request))
    assert count <= MOST, f"{count} tests are quick: mark what is not for everybody `any_python` instead"


@pytest.mark.quick
def test_the_quick_tests_are_those_of_a_few_rooms(request):
    files = {item.path.relative_to(request.config.rootpath / "tests") for item in quick_items(request)}
    assert {file.parts[0] for file in files if len(file.parts) > 1} <= ROOMS


@pytest.mark.quick
def test_no_quick_test_asks_for_pytorch(request):
    """Importing it takes seconds."""
    asks = re.compile(r'importorskip\("torch|import torch|torch_of')
    functions = {item.function: item for item in quick_items(request)}  # one of the rows of each
    found = {
        item.nodeid
        for function, item in functions.items()
        if "torch" in item.fixturenames or asks.search(inspect.getsource(function))
    } - {request.node.nodeid}
    assert not found, "mark these `any_python` instead"

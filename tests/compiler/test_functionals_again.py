"""The tests of the functionals run a second time, with each public functional jitted.

The test files are loaded once more while ``tinygrad_cv.functional`` holds jitted functions, so what they keep in tables
is jitted too. Errors, dtypes, special values, gradients through a jitted function: all are asked for again. Each
setting of a convolution or a pooling is compiled by itself, so of walks through many of them there is a part; all of
them with ``TGCV_LONG=1``, which takes minutes. Rows that are compared with PyTorch, and higher orders, are in
test_functionals_compiled, whole steps at a time.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F

pytest.importorskip("llvmlite")
pytestmark = pytest.mark.filterwarnings(
    "ignore:jit of .* traced [0-9]+ times:RuntimeWarning"
)  # for other sizes each time

FILES = ("activation", "arguments", "convolution", "dropout", "loss", "normalization", "pooling")
FOLDER = Path(__file__).parents[1] / "functional"
JITTED = {name: tg.jit(getattr(F, name), maxsize=10_000) for name in F.__all__}  # no test evicts another's traces
LONG = bool(os.environ.get("TGCV_LONG"))
SETTINGS = "all_square_settings", "many_rectangular_settings"  # samples of them, in which every two meet, are run
SAME_OBJECT = ("test_probability_zero_and_test_time_return_the_input_and_draw_nothing",)  # jit returns new tensors


@contextmanager
def jitted() -> Iterator[None]:
    plain = {name: getattr(F, name) for name in JITTED}
    vars(F).update(JITTED)
    try:
        yield
    finally:
        vars(F).update(plain)


def part(function: Callable[..., Any], one_in: int) -> Callable[..., Any]:
    """The function, called one time in so many."""
    calls = 0

    def sometimes(*args: Any, **kwargs: Any) -> None:
        nonlocal calls
        if calls % one_in == 0:
            function(*args, **kwargs)
        calls += 1

    return sometimes


def again(name: str) -> dict[str, Any]:
    """The tests of a file, loaded once more."""
    spec = importlib.util.spec_from_file_location(f"{__name__}.{name}", FOLDER / f"test_{name}.py")
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if name == "convolution" and not LONG:
        module.assert_conv2d_is_exact = part(module.assert_conv2d_is_exact, 5)
        module.assert_conv_transpose2d_is_exact = part(module.assert_conv_transpose2d_is_exact, 10)
        pairs = module.pairs
        module.pairs = lambda values: pairs(values)[1::5]
    if name == "pooling" and not LONG:
        settings = module.settings()[::25]
        module.settings = lambda: settings
    for value in vars(module).values():  # each is compiled: none of them is part of a short run
        if hasattr(value, "pytestmark"):
            value.pytestmark = [mark for mark in value.pytestmark if mark.name not in ("quick", "any_python")]
    return {
        f"{key}_[{name}]": value
        for key, value in vars(module).items()
        if key.startswith("test_") and key not in SAME_OBJECT and (LONG or not key.endswith(SETTINGS))
    }


with jitted():
    for file in FILES:
        globals().update(again(file))


@pytest.fixture(autouse=True)
def with_jitted_functionals() -> Iterator[None]:
    with jitted():
        yield


def test_they_are_jitted():
    F.relu(tg.ones(3))
    assert "traced" in str(F.relu.explain())

"""A call that failed on an argument that is not what its annotation says is told so, with the parameter's name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.frontend.functions import accepting, composed

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from tinygrad_cv.frontend.tensor import Tensor
    from tinygrad_cv.frontend.typing import Accepted

pytestmark = pytest.mark.quick
Size = int | Sequence[int]


class Broken(Exception):
    """An error from inside."""


@composed
def shape_like(
    x: Accepted,
    size: Size = 1,
    rate: float = 0.5,
    count: int | None = None,
    mode: Literal["mean", "sum"] = "mean",
    betas: tuple[float, float] = (0.0, 1.0),
    state: Tensor | None = None,
    distance: Callable[..., Tensor] | None = None,
    dtype: DTypeLike | None = None,
    flag: bool = False,
) -> Tensor:
    """Fails always."""
    raise Broken


RIGHT = {
    "size": [1, (1,), [1, 2], (), np.int64(2), (np.int32(1), 2), tg.tensor(3)],
    "rate": [0.1, 1, True, np.float32(1), np.array(0.5), tg.tensor(0.5)],
    "count": [None, 3, np.int64(3)],
    "mode": ["mean", "average"],  # which modes exist says the function
    "betas": [(0.1, 0.2), [0, 1]],
    "state": [None, tg.ones(2)],
    "distance": [None, max],
    "dtype": ["float64", None, np.int8, bool],  # a name that only type checkers import
    "flag": ["yes", None, 0],
}
WRONG = {
    "size": ("an integer or a sequence of integers", [1.5, None, "12", ("1",), (1, 2.5), np.ones((2, 2)), {1, 2}]),
    "rate": ("a number", ["0.1", None, (0.1,), 1j, np.ones(2), tg.ones(1)]),
    "count": ("an integer or None", [1.5, "2", (), 1.0]),
    "mode": ("'mean' or 'sum'", [None, 3, ("mean",)]),
    "betas": ("2 numbers", [0.1, (0.1,), (0.1, 0.2, 0.3), (0.1, "0.2"), "01"]),
    "state": ("a tensor or None", [np.ones(2), 1.0, "abc"]),
    "distance": ("a function or None", [3, "max"]),
    "dtype": ("float16, float32, float64, an integer dtype or bool or None", ["float33", 3, complex, "U3"]),
}


def test_every_parameter_is_among_them():
    assert {"x", *RIGHT} == set(inspect.signature(shape_like).parameters) and {*WRONG, "flag"} == set(RIGHT)


@pytest.mark.parametrize("name", RIGHT)
def test_an_error_of_a_call_with_right_arguments_stays(name):
    for value in RIGHT[name]:
        for x in (tg.ones(2), [1.0]):
            with pytest.raises(Broken):
                shape_like(x, **{name: value})


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_argument_is_named(name):
    words, values = WRONG[name]
    for value in values:
        for x in (tg.ones(2), [1.0]):
            with pytest.raises(tg.DTypeError) as caught:
                shape_like(x, **{name: value})
            shown = f"<array of shape {np.shape(value)}>" if hasattr(value, "shape") else repr(value)
            assert str(caught.value) == f"shape_like: {name}={shown}; it must be {words}."
            assert isinstance(caught.value.__cause__, Broken)


def test_a_call_that_works_is_not_checked():
    @composed
    def doubled(x: Accepted, factor: int = 2) -> Tensor:
        return x * factor

    assert doubled(tg.ones(2), 2.5).tolist() == [2.5, 2.5]


def test_an_error_of_the_package_that_names_the_parameter_stays():
    @accepting
    def refused(x: Accepted, size: int) -> Tensor:
        raise tg.ShapeError(f"size={size}: it is refused.")

    with pytest.raises(tg.ShapeError, match=r"^size=1.5: it is refused.$"):
        refused(tg.ones(1), 1.5)


def test_an_error_that_names_no_parameter_says_what_the_function_was_called_with():
    @composed
    def added(x: Accepted, weight: Accepted) -> Tensor:
        return x + weight

    with pytest.raises(
        tg.ShapeError, match=r"missing\. added was called with x \(2,\) float32, weight \(3,\) float32\.$"
    ):
        added(tg.ones(2), tg.ones(3))


@pytest.mark.parametrize("error", [tg.GraphError, tg.TraceError])
def test_errors_of_the_graph_are_not_explained(error):
    @composed
    def refused(x: Accepted, size: int) -> Tensor:
        raise error("not now")

    with pytest.raises(error, match=r"^not now$"):
        refused(tg.ones(1), "1")

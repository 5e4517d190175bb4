"""gradcheck: are the derivatives of a function what differences of the function say?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..core.errors import DTypeError, GraphError, ShapeError
from ..frontend.tensor import Tensor
from .finite_differences import ROUNDING, WIDE, Differences, root_mean_square
from .functions import ArrayFunction, TensorFunction
from .report import InputReport, Report

REPEATABLE = 1e-6  # two calls of a deterministic function agree to this share


def gradcheck(
    f: Callable[..., Any],
    inputs: Any,
    *,
    backward: Callable[..., Any] | None = None,
    order: int = 1,
    eps: float = 1e-3,
    seed: int = 0,
) -> Report:
    """Compare the gradients of a function with central differences, element by element, in float64.

    What is compared is the gradient of vᵀ f(x) with a random cotangent v whose entries have sizes from 0.5 to 1.5: an
    error in any entry of the Jacobian shows, with probability one. (With v = 1, the usual sum(), a batch norm whose
    backward forgets the variance would pass.) An element passes if

        |analytic - numeric| <= truncation + rounding,

    the error of the differences, estimated: truncation by extrapolation over h, h/2 and h/4, rounding by a table of
    differences of the function at neighbouring points. Where the one-sided slopes differ however short the step, the
    element is not differentiable, which is not the same as wrong.

    Inputs are copied and not changed; running statistics and the default random generator are as before. A generator
    that f was given by its user goes on drawing.

    Args:
        f: takes tensors, returns a tensor or several; with ``backward``, the same with NumPy arrays.
        inputs: a float tensor or array, or a tuple or list of them. Float32 is converted to float64.
        backward: a backward written by hand, ``backward(g, *inputs)``, with g the cotangent of f's output. It returns
            one gradient for each input, None for none.
        order: 2 checks the gradients of the gradient, too, along a random direction, with respect to the inputs and to
            the cotangent v; and so on.
        eps: the first step, as a share of an element's size; shorter ones follow where needed.
        seed: of the cotangents.

    Returns:
        A report: ``bool(report)``, ``report.verdict``, ``print(report)``, and arrays in ``report.inputs``.

    Raises:
        DTypeError: an input or an output that is not made of floats.
        ShapeError: an input or the output is empty.
        GraphError: f does not return tensors, changes its inputs, or gives other values when called again.
        ValueError: no inputs, values that are not finite, or an order or eps out of range.

    >>> import tinygrad_cv as tg
    >>> tg.gradcheck(lambda x: (x * x).sum(), tg.tensor([1.0, 2.0])).verdict
    'correct'
    >>> bool(tg.gradcheck(np.square, np.array([1.0, 2.0]), backward=lambda g, x: g * x))
    False
    """
    if order < 1 or (order > 1 and backward is not None):
        raise ValueError(
            f"gradcheck: order={order}{' with backward=' if backward else ''}: it must be at least 1, and exactly 1 "
            "for a backward written by hand, which cannot be differentiated itself."
        )
    if not 1e-8 <= eps <= 0.1:
        raise ValueError(f"gradcheck: eps={eps}: the first step must be a share from 1e-8 to 0.1 of an element's size.")
    arrays, notes = _float64(inputs)
    function: Any = TensorFunction(f) if backward is None else ArrayFunction(f, backward)
    rng = np.random.default_rng(seed)
    names = [f"input {i}" for i in range(len(arrays))]
    entries: list[InputReport] = []
    for k in range(1, order + 1):
        with np.errstate(all="ignore"):
            y = _evaluate(function, arrays, bool(notes))
            v = rng.choice((-1.0, 1.0), y.size) * rng.uniform(0.5, 1.5, y.size)
            entries += _check(function, names, arrays, v, k, eps, seed)
        if k < order:
            function = function.derivative()
            arrays.append(v)
            names.append(f"cotangent {k}")
    return Report(tuple(entries), seed, tuple(notes))


def _float64(inputs: Any) -> tuple[list[np.ndarray], list[str]]:
    given = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    if not given:
        raise ValueError("gradcheck: no inputs. Pass a tensor or an array, or a tuple of them.")
    arrays, notes = [], []
    for i, x in enumerate(given):
        if not isinstance(x, (Tensor, np.ndarray, float, np.floating)):
            raise DTypeError(
                f"gradcheck: input {i} is of type {type(x).__name__}; it must be a tensor, a NumPy array or a float. "
                "What has no derivative goes into the function: gradcheck(lambda x: f(x, labels), x)."
            )
        value = x.value if isinstance(x, Tensor) else np.asarray(x)
        if value.dtype.kind != "f":
            raise DTypeError(
                f"gradcheck: input {i} has dtype {value.dtype}; only floats have derivatives. Use .astype('float64'), "
                "or keep it out of the inputs: gradcheck(lambda x: f(x, labels), x)."
            )
        if value.size == 0:
            raise ShapeError(f"gradcheck: input {i} of shape {value.shape} holds no element; nothing can be checked.")
        if not np.isfinite(value).all():
            raise ValueError(f"gradcheck: input {i} holds NaN or infinities; differences need finite values.")
        if value.dtype != np.float64:
            notes.append(f"input {i} was converted from {value.dtype} to float64")
        arrays.append(np.array(value, np.float64, order="C"))
    return arrays, notes


def _evaluate(function: Any, arrays: list[np.ndarray], converted: bool) -> np.ndarray:
    """f's outputs, found to be finite and the same in a second call."""
    try:
        y = function(arrays)
    except DTypeError as error:
        if not converted:
            raise
        raise DTypeError(
            f"gradcheck: f was called with float64 inputs, and failed: {error} What f takes from outside, such as the "
            "parameters of a module, must be float64, too."
        ) from error
    if not np.isfinite(y).all():
        count = int((~np.isfinite(y)).sum())
        raise ValueError(f"gradcheck: f returned {count} values that are not finite. Choose inputs inside its domain.")
    again = function(arrays)
    if not _repeatable(y, again):
        difference = np.abs(again - y).max()
        raise GraphError(
            f"gradcheck: f is not deterministic: two calls with the same inputs differ by {difference:.2g}. Seed the "
            "random numbers that it draws inside of f, or switch dropout off."
        )
    return y


def _check(
    function: Any, names: list[str], arrays: list[np.ndarray], v: np.ndarray, order: int, eps: float, seed: int
) -> Iterator[InputReport]:
    """A report for each input, on the gradient of vᵀ f."""
    differences = Differences(function, arrays, v, eps, seed)
    analytic = _gradients(function, arrays, v, differences)
    for i, (name, x, gradient) in enumerate(zip(names, arrays, analytic, strict=True)):
        values, typical = gradient.values, gradient.typical
        slopes = [differences.slope(i, place, float(values[place]), typical) for place in np.ndindex(x.shape)]
        columns = (np.array(column).reshape(x.shape) for column in zip(*slopes, strict=True))
        numeric, bound, step, low, high, differentiable = columns
        yield InputReport(
            name=name,
            order=order,
            shape=x.shape,
            analytic=values,
            numeric=numeric,
            allowed=bound + gradient.rounding,
            step=step,
            low=low,
            high=high,
            differentiable=differentiable,
            problem=gradient.problem,
        )


class _Gradient(NamedTuple):
    """An input's analytic gradient, and how far rounding may have moved it."""

    values: np.ndarray
    rounding: np.ndarray
    problem: str

    @property
    def typical(self) -> float:
        finite = self.values[np.isfinite(self.values)]
        return float(root_mean_square(finite)) if finite.size else 0.0


def _gradients(function: Any, arrays: list[np.ndarray], v: np.ndarray, differences: Differences) -> Iterator[_Gradient]:
    found = function.gradients(arrays, v)
    if any(not _repeatable(a, b) for a, b in zip(found, function.gradients(arrays, v), strict=True)):
        raise GraphError("gradcheck: the gradient is not deterministic: two calls with the same inputs differ.")
    noise = differences.noise_of(lambda inputs: np.concatenate([g.ravel() for g in function.gradients(inputs, v)]))
    noises = np.split(noise, np.cumsum([g.size for g in found])[:-1])
    for x, g, noise, unit in zip(arrays, found, noises, differences.units, strict=True):
        if g.shape == x.shape:
            least = ROUNDING * differences.size / unit  # a function of size |f| over |x| has slopes of |f|/|x|
            yield _Gradient(g.astype(np.float64), WIDE * noise.reshape(x.shape) + least, "")
        else:
            yield _Gradient(
                np.full(x.shape, np.nan),
                np.zeros(x.shape),
                f"backward returned a gradient of shape {g.shape} for an input of shape {x.shape}. They must be equal: "
                "sum the gradient over the axes along which the input was broadcast.",
            )


def _repeatable(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two results agree to all the digits that a deterministic function repeats."""
    return bool(np.allclose(a, b, rtol=0.0, atol=REPEATABLE * np.abs(a).max(), equal_nan=True))

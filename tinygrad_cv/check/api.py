"""gradcheck: are the derivatives of a function what differences of the function say?"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from ..core.errors import DTypeError, GraphError, ShapeError
from ..frontend.tensor import Tensor
from . import complex_step, cotangents
from .blame import blame
from .elements import check_function, cotangent
from .functions import ArrayFunction, TensorFunction, repeatable
from .input_report import CORRECT, KINK, VAGUE, InputReport
from .report import Report
from .running import one_blas_thread

MODES = ("vjp", "jvp")
Input: TypeAlias = Tensor | np.ndarray | float
Inputs: TypeAlias = Input | Sequence[Input]


def gradcheck(
    f: Callable[..., Any],
    inputs: Inputs,
    *,
    backward: Callable[..., Any] | None = None,
    cache: bool | None = None,
    parameters: Iterable[Tensor] | Mapping[str, Tensor] | None = None,
    order: int = 1,
    mode: str = "vjp",
    eps: float = 1e-3,
    seed: int = 0,
) -> Report:
    """Compare the gradients of a function with central differences, element by element, in float64, and explain.

    What is compared is the gradient of vᵀ f(x) with a random cotangent v whose entries have sizes from 0.5 to 1.5: an
    error in any entry of the Jacobian shows, with probability one. (With v = 1, the usual sum(), a batch norm whose
    backward forgets the variance would pass.) A small Jacobian is compared entry by entry as well. An input of more
    than 1000 elements goes by 8 random directions and 4 cotangents: an error 100 times larger than what is allowed is
    missed with a probability below 4e-5. An element is

        correct             if |analytic - numeric| <= truncation + rounding,
        wrong               if not,
        not differentiable  where the one-sided slopes differ however short the step,
        ill-conditioned     where rounding of f leaves less than two digits of the gradient to differences of any step.

    Both parts of the differences' error are estimated, so there is no tolerance to choose: truncation by extrapolation
    over h, h/2 and h/4, rounding by a table of differences at neighbouring points. The report also holds Taylor
    remainders over a sweep of steps, whose order is 2 for a right gradient and 1 for a wrong one, and a derivative by
    complex numbers where f is analytic in the primitives. Cotangents that are strided, reversed, expanded or read-only
    must give the same gradients. Where something is wrong, ``report.blame`` is the first operation whose own derivative
    fails where it stands.

    Inputs are copied and not changed; parameters, running statistics, the default generator, and those of NumPy and
    Python are as before. A generator that f was given by its user goes on drawing.

    Args:
        f: takes tensors, returns a tensor or several; with ``backward``, the same with NumPy arrays. A module's
            parameters are checked, too.
        inputs: a float tensor or array, or a tuple or list of them. Float32 is converted to float64.
        backward: a backward written by hand, with g the cotangent of f's output: ``backward(g, *inputs)``, or, where f
            returns ``(y, cache)`` as in a course, ``backward(g, cache)``. It returns one gradient for each input, None
            for none.
        cache: whether the last of what f returns is a cache; by default backward's parameters tell, and a note in the
            report says so. (They could be either where f has one input and returns two arrays of floats. Then a
            parameter of backward that is called as f's is the input.)
        parameters: tensors that f takes from outside, whose gradients are to be checked: in a list, or by name.
        order: 2 checks the gradients of the gradient, too, along a random direction, with respect to the inputs and to
            the cotangent v; and so on.
        mode: "jvp" checks Jacobian-vector products along random directions instead.
        eps: the first step, as a share of an element's size; shorter ones follow where needed.
        seed: of the cotangents and directions.

    Returns:
        A report: ``bool(report)``, ``report.verdict``, ``report.blame``, ``print(report)``, ``report.json()``,
        ``report.plot(file)``, ``report.draw(file)``, and arrays in ``report.inputs``.

    Raises:
        DTypeError: an input or an output that is not made of floats.
        ShapeError: an input or the output is empty.
        GraphError: f does not return tensors, changes its inputs, or gives other values when called again.
        ValueError: no inputs, values that are not finite, or an order, a mode or an eps out of range.

    >>> import tinygrad_cv as tg
    >>> tg.gradcheck(lambda x: (x * x).sum(), tg.tensor([1.0, 2.0])).verdict
    'correct'
    >>> report = tg.gradcheck(np.square, np.array([1.0, 2.0]), backward=lambda g, x: g * x)
    >>> report.verdict, report.blame
    ('wrong', None)
    >>> def relu_forward(x):
    ...     return np.maximum(x, 0), x
    >>> tg.gradcheck(relu_forward, np.array([-1.0, 2.0]), backward=lambda g, cache: g * (cache > 0)).verdict
    'correct'
    """
    _check_options(backward, cache, order, mode, eps)
    arrays, notes = _float64(inputs)
    names = [f"input {i}" for i in range(len(arrays))]
    function: TensorFunction | ArrayFunction
    if backward is not None:
        function = ArrayFunction(f, backward, cache)
    else:
        tensors = _parameters(f, parameters)
        function = TensorFunction(f, list(tensors.values()), _buffers(f))
        arrays += [np.array(tensor.value, np.float64, order="C") for tensor in tensors.values()]
        names += list(tensors)
    with _generators_restored(), one_blas_thread():
        with np.errstate(all="ignore"):
            y = _evaluate(function, arrays, bool(notes))
        if getattr(function, "cache", False):
            notes.append("the last value that f returned is backward's cache: it was called as backward(g, cache)")
        entries = check_function(function, arrays, order, seed, eps, names, mode == "jvp", full=True)
        rng = np.random.default_rng(seed)
        v = cotangent(rng, y.size)
        with np.errstate(all="ignore"):
            problems = list(cotangents.problems(function, arrays, v)) if mode == "vjp" else []
            witness, disagreement = _witness(function, arrays, v, rng, entries[: len(arrays)])
        problems += disagreement
        notes += _equal(arrays, names, entries)
        wrong = any(entry.verdict == "wrong" for entry in entries)
        culprit = blame(function, arrays, order, seed) if wrong and isinstance(function, TensorFunction) else None
    return Report(tuple(entries), seed, tuple(notes), tuple(problems), witness, culprit, function, tuple(arrays))


def assert_gradients(f: Callable[..., Any], inputs: Inputs, **options: Any) -> None:
    """Fail, with the whole report as the message, unless :func:`gradcheck` says 'correct': for tests.

    >>> import tinygrad_cv as tg
    >>> tg.check.assert_gradients(lambda x: x.exp(), tg.tensor([1.0, 2.0]), order=2)
    """
    __tracebackhide__ = True
    report = gradcheck(f, inputs, **options)
    if not report:
        raise AssertionError(str(report))


def _check_options(backward: Callable[..., Any] | None, cache: bool | None, order: int, mode: str, eps: float) -> None:
    if cache is not None and backward is None:
        raise ValueError(f"gradcheck: cache={cache} is about a backward written by hand: pass backward=.")
    if order < 1 or (order > 1 and backward is not None):
        raise ValueError(
            f"gradcheck: order={order}{' with backward=' if backward else ''}: it must be at least 1, and exactly 1 "
            "for a backward written by hand, which cannot be differentiated itself."
        )
    if mode not in MODES or (mode == "jvp" and backward is not None):
        raise ValueError(
            f"gradcheck: mode={mode!r}{' with backward=' if backward else ''}: it must be 'vjp' or 'jvp', and 'vjp' "
            "for a backward written by hand."
        )
    if not 1e-8 <= eps <= 0.1:
        raise ValueError(f"gradcheck: eps={eps}: the first step must be a share from 1e-8 to 0.1 of an element's size.")


def _parameters(f: Any, given: Any) -> dict[str, Tensor]:
    """The tensors from outside that are to be checked, by name."""
    if given is None:
        named: Iterable[tuple[str, Any]] = f.named_parameters() if hasattr(f, "named_parameters") else ()
    elif isinstance(given, Mapping):
        named = given.items()
    else:
        named = ((f"parameter {i}", tensor) for i, tensor in enumerate(given))
    tensors = dict(named)
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor) or tensor.dtype.kind != "f" or not tensor.size:
            raise DTypeError(f"gradcheck: {name} must be a tensor of floats with elements, not {tensor!r}.")
    return tensors


def _buffers(f: Any) -> list[Tensor]:
    return [buffer for _, buffer in f.named_buffers()] if hasattr(f, "named_buffers") else []


def _float64(inputs: Inputs) -> tuple[list[np.ndarray], list[str]]:
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


def _evaluate(function: TensorFunction | ArrayFunction, arrays: list[np.ndarray], converted: bool) -> np.ndarray:
    """f's outputs, found to be finite and the same in a second call."""
    try:
        y = function(arrays)
    except DTypeError as error:
        if not converted:
            raise
        raise DTypeError(
            f"gradcheck: f was called with float64 inputs, and failed: {error} What f takes from outside must be "
            "float64, too: pass it as parameters=[...], which are converted, or convert it."
        ) from error
    if not np.isfinite(y).all():
        count = int((~np.isfinite(y)).sum())
        raise ValueError(f"gradcheck: f returned {count} values that are not finite. Choose inputs inside its domain.")
    again = function(arrays)
    if not repeatable(y, again):
        difference = np.abs(again - y).max()
        raise GraphError(
            f"gradcheck: f is not deterministic: two calls with the same inputs differ by {difference:.2g}. Seed the "
            "random numbers that it draws inside of f, or switch dropout off."
        )
    return y


def _witness(
    function: TensorFunction | ArrayFunction,
    arrays: Sequence[np.ndarray],
    v: np.ndarray,
    rng: np.random.Generator,
    entries: Sequence[InputReport],
) -> tuple[str, list[str]]:
    """What complex numbers say about the gradient along a random direction, and how they disagree, if they do.

    They may be as far apart as the gradients' elements may be from the differences.
    """
    if isinstance(function, ArrayFunction):
        return "", []
    direction = [rng.normal(size=x.shape) * (np.abs(x) + (x == 0)) for x in arrays]
    try:
        known = float(v @ complex_step.directional(function, arrays, direction))
    except complex_step.NotAnalytic as reason:
        return f"no complex step: {reason}", []
    found = float(sum((g * u).sum() for g, u in zip(function.gradients(arrays, v), direction, strict=True)))
    words = (
        f"complex step through the recorded graph, along a random direction: {known:.9g}; the gradient says {found:.9g}"
    )
    if any(entry.verdict != CORRECT or entry.directions for entry in entries):
        return words, []
    allowed = sum(float((entry.allowed * np.abs(u)).sum()) for entry, u in zip(entries, direction, strict=True))
    return words, [] if abs(found - known) <= allowed else [f"{words}; they may differ by {allowed:.2g}"]


def _equal(arrays: Sequence[np.ndarray], names: Sequence[str], entries: Sequence[InputReport]) -> Iterator[str]:
    """What to know of inputs whose elements are all equal, as those at a large mean may be after rounding."""
    unclear = {entry.number for entry in entries if entry.verdict in (KINK, VAGUE)}
    for i in sorted(unclear & set(range(len(arrays)))):
        x = arrays[i]
        if x.size > 1 and np.ptp(x) == 0 and x.any():
            yield (
                f"all elements of {names[i]} are {x.flat[0]:.6g}, where floats are {np.spacing(np.abs(x.flat[0])):.2g} "
                "apart: a maximum or a deviation has no derivative there, and what is smooth may have waves too short "
                "for float64's steps"
            )


@contextmanager
def _generators_restored() -> Iterator[None]:
    """NumPy's and Python's global generators are afterwards as they were."""
    states = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(states[0])
        random.setstate(states[1])

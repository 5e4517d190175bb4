"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from ..core.context import current, using
from ..core.errors import TraceError
from ..frontend.creation import zeros
from ..frontend.tensor import Tensor
from .group import Group
from .hooks import hooked
from .line_search import Point, strong_wolfe
from .named import ParametersOrGroups
from .optimizer import FLOAT64, Optimizer, Slots, check_closure
from .quasi_newton import LISTS, SCALARS, VECTORS, Memory, Walk, flat, parts_of


class LBFGS(Optimizer):
    """Steps along an estimate of Newton's direction, from the last gradients (Nocedal, "Updating quasi-Newton matrices
    with limited storage", 1980).

    ``step(closure)`` takes up to max_iter steps; the closure sets gradients to zero, computes the loss and its
    gradients, and returns the loss. How often it is called depends on values, so a step cannot be part of a jitted
    function; but the closure can be one.

    Args:
        params: of one dtype, in one group; see :class:`Optimizer`.
        lr: the length of each step, or where the line search begins.
        max_iter: steps within one call.
        max_eval: calls of the closure within one call; 5/4 of max_iter by default.
        tolerance_grad: where no element of the gradient is larger, it ends.
        tolerance_change: where neither the loss nor a parameter changes by as much, it ends.
        history_size: how many pairs of gradients are remembered.
        line_search_fn: "strong_wolfe", or None for steps of lr.

    Raises:
        ValueError: a setting out of range, several groups or dtypes, or parameters that :class:`Optimizer` refuses.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([-1.0, 2.0], dtype="float64", requires_grad=True)
    >>> lbfgs = tg.optim.LBFGS([x], line_search_fn="strong_wolfe")
    >>> def rosenbrock():
    ...     lbfgs.zero_grad()
    ...     loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> for _ in range(4): _ = lbfgs.step(rosenbrock)
    >>> [round(v, 4) for v in x.tolist()]
    [1.0, 1.0]
    """

    volatile = ("walk",)

    def __init__(
        self,
        params: ParametersOrGroups,
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: Literal["strong_wolfe"] | None = None,
    ):
        self.walk: Walk | None = None
        super().__init__(
            params,
            lr=lr,
            max_iter=max_iter,
            max_eval=max(1, max_iter * 5 // 4) if max_eval is None and isinstance(max_iter, int) else max_eval,
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=history_size,
            line_search_fn=line_search_fn,
        )

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """The one group there is.

        Raises:
            ValueError: there is another.
        """
        if self.param_groups:
            raise ValueError("LBFGS: several parameter groups; it takes one. Give all parameters the same settings.")
        super().add_param_group(param_group)
        dtypes = sorted({str(p.dtype) for p in self.param_groups[0]["params"]})
        if len(dtypes) > 1:
            raise ValueError(f"LBFGS: parameters of {' and '.join(dtypes)}; it takes one dtype. Convert the model.")

    @hooked
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Go towards a minimum of what the closure computes; the loss at the beginning is returned.

        Raises:
            TypeError: there is no closure.
            TraceError: in a jitted function.
        """
        if closure is None:
            raise TypeError("LBFGS.step: closure is missing; give a function that computes the loss and its gradients.")
        check_closure("LBFGS", closure)
        with self._updating():
            run = _Run(self.param_groups[0], closure, self.walk)
        self.walk = run.walk
        return run.result

    # --- state ---

    @property
    def state(self) -> dict[str, Slots]:
        """Of each parameter its part of every vector, and the numbers that all share, by parameter name."""
        group = self.param_groups[0]
        return {} if self.walk is None else dict(zip(group["names"], self.walk.slots(group["params"]), strict=True))

    @state.setter
    def state(self, state: dict[str, Slots]) -> None:
        slots = [state[name] for name in self.param_groups[0]["names"]] if any(state.values()) else []
        self.walk = Walk.of(slots) if slots else None

    def keeps(self, group: Mapping[str, Any], p: Tensor) -> set[str]:
        return {*SCALARS, *VECTORS, *LISTS, "ro"}

    def form(self, key: str, p: Tensor) -> tuple[tuple[int, ...], np.dtype]:
        if key in SCALARS:
            return (), FLOAT64
        return ((-1,) if key == "ro" else (-1, *p.shape) if key in LISTS else p.shape), p.dtype

    def check_state(self, key: str, array: np.ndarray) -> str | None:
        if key in ("func_evals", "n_iter") and (array < 1 or array != np.floor(array)):
            return f"is {array}; it must be a whole number of at least 1"
        if key in ("t", "H_diag", "ro") and (array < 0).any():
            return "has negative values; it must not be negative"
        return None

    def to_torch(self, slots: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, Any]]:
        """All under the first parameter, with vectors of all elements, lists of vectors, and Python's numbers."""
        if not slots:
            return {}
        of = list(slots.values())
        vectors: dict[str, Any] = {key: np.concatenate([x[key].ravel() for x in of]) for key in VECTORS}
        lists = {
            key: [np.concatenate([x[key][i].ravel() for x in of]) for i in range(len(of[0]["ro"]))] for key in LISTS
        }
        ro = [np.asarray(x) for x in of[0]["ro"]]
        numbers = {key: of[0][key].item() for key in SCALARS}
        counts = {key: int(numbers[key]) for key in ("func_evals", "n_iter")}
        return {next(iter(slots)): {**numbers, **counts, **vectors, **lists, "ro": ro}}

    def from_torch(
        self, slots: dict[str, dict[str, Any]], groups: list[dict[str, Any]]
    ) -> dict[str, dict[str, np.ndarray]]:
        """The parts of each parameter."""
        values = next((values for values in slots.values() if "d" in values), None)
        if values is None:
            return {}
        own, shared = self.parameters_by_name(), {key: np.array(values[key], FLOAT64) for key in SCALARS}
        found: dict[str, dict[str, np.ndarray]] = {}
        begin = 0
        for name in groups[0]["names"]:
            p = own[name]
            part = slice(begin, begin := begin + p.size)
            cut = {key: values[key][part].reshape(p.shape) for key in VECTORS}
            lists = {key: np.array([x[part] for x in values[key]]).reshape(-1, *p.shape) for key in LISTS}
            found[name] = {**shared, "ro": np.array(values["ro"], p.dtype), **cut, **lists}
        return found

    def check_slots(self, saved: Mapping[str, Mapping[str, Any]]) -> list[str]:
        names = self.param_groups[0]["names"]
        if not any(saved.values()):
            return []
        missing = [f"there is no state of {name}" for name in names if not saved.get(name)]
        if missing:
            return missing
        first = saved[names[0]]
        found = [
            f"{key} of {name} is not that of {names[0]}"
            for name in names
            for key in (*SCALARS, "ro")
            if not np.array_equal(saved[name][key], first[key])
        ]
        count = len(np.asarray(first["ro"]))
        return found + [
            f"{key} of {name} has {len(saved[name][key])} entries, and ro {count}"
            for name in names
            for key in ("old_dirs", "old_stps")
            if len(saved[name][key]) != count
        ]


class _Run:
    """One call of ``step``."""

    def __init__(self, group: Group, closure: Callable[[], Any], walk: Walk | None):
        self.group, self.parameters, self.closure, self.walk = group, group["params"], closure, walk
        self.evaluations = 0
        self.result, loss, gradient = self.evaluate()
        if _largest(gradient) > group["tolerance_grad"]:
            self._go(loss, gradient)

    def _go(self, loss: float, gradient: Tensor) -> None:
        group, flatness = self.group, self.group["tolerance_change"]
        last, evaluated = self.walk, self.walk.func_evals if self.walk else 0
        for i in range(1, group["max_iter"] + 1):
            if last is None:
                memory = Memory([], [], [], 1.0)
                d, t = -gradient, min(1.0, 1.0 / abs(gradient).sum().item()) * group["lr"]
            else:
                memory = last.memory.after(gradient - last.gradient, last.d * last.t, group["history_size"])
                d, t = memory.direction(gradient), group["lr"]
            here = Point(0.0, loss, gradient, (gradient @ d).item())
            ends = here.slope > -flatness
            if not ends:
                t, loss, gradient = self._move(here, d, t, i == group["max_iter"])
            count = last.n_iter + 1 if last else 1
            last = Walk(count, evaluated + self.evaluations, memory, d, t, here.gradient, here.loss)
            ends = ends or self.evaluations >= group["max_eval"] or _largest(gradient) <= group["tolerance_grad"]
            if ends or _largest(d * t) <= flatness or abs(loss - here.loss) < flatness:
                break
        self.walk = last

    def _move(self, start: Point, d: Tensor, t: float, is_last: bool) -> tuple[float, float, Tensor]:
        """Go along d: how far, and the loss and gradient there."""
        x, group = flat(self.parameters), self.group

        def look(t: float) -> Point:
            self._set(x + d * t)
            _, loss, gradient = self.evaluate()
            return Point(t, loss, gradient, (gradient @ d).item())

        if group["line_search_fn"]:
            limit = group["max_eval"] - self.evaluations
            point, _ = strong_wolfe(look, start, t, _largest(d), group["tolerance_change"], limit)
            self._set(x + d * point.t)
        elif is_last:  # nobody would use another loss
            self._set(x + d * t)
            point = start._replace(t=t)
        else:
            point = look(t)
        return point.t, point.loss, point.gradient

    def _set(self, x: Tensor) -> None:
        for p, value in zip(self.parameters, parts_of(x, self.parameters), strict=True):
            p.assign(value)

    def evaluate(self) -> tuple[Any, float, Tensor]:
        """What the closure returns, as a number too, and the gradient of all parameters."""
        self.evaluations += 1
        scope = current().scope
        with using(recording=True, scope=scope.parent if scope else None):  # as if called from where step() was
            result = self.closure()
        try:
            loss = float(result)
        except TraceError as error:
            raise TraceError(
                "LBFGS.step in a jitted function: how often it calls the closure depends on the loss. Call step() "
                "outside; the closure can be jitted."
            ) from error
        gradients = [zeros(p.shape, dtype=p.dtype) if p.grad is None else p.grad.detach() for p in self.parameters]
        return result, loss, flat(gradients)


def _largest(x: Tensor) -> float:
    return abs(x).max().item()

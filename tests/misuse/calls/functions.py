"""Functions of the package itself: creation, joining, derivatives, compilation, drawings, checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np

import tinygrad_cv as tg
from tests.misuse.walk import Call

X = tg.tensor(np.float32([[1, 2, 3], [4, 5, 6]]))
FILE = Path(gettempdir(), "spoiled")


def f(*xs: Any) -> tg.Tensor:
    return sum((x * x * x).sum() for x in xs)


def learned() -> tg.Tensor:
    return tg.tensor([1.0, 2.0], requires_grad=True)


def saved() -> dict[str, Any]:
    tg.save({"a": X}, FILE.with_suffix(".npz"))
    return {"path": FILE.with_suffix(".npz")}


def derived() -> dict[str, Any]:
    x = learned()
    return {"outputs": f(x), "inputs": x, "grad_outputs": np.float32(1.0)}


SHAPE = {"shape": (2, 3)}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "arange": {"start": 1, "stop": 5, "step": 2},
    "asarray": {"data": X.numpy()},
    "cat": {"tensors": [X, X]},
    "checkpoint": {"function": f, "inputs": (X,)},
    "derive": {"function": f, "inputs": X},
    "einsum": {"spec": "ij,kj->ik", "items": (X, X)},
    "export": {"step": f, "args": (X,), "path": FILE.with_suffix("")},
    "eye": {"n": 3, "m": 4},
    "from_dlpack": {"data": X.numpy().copy()},
    "full": {"shape": (2, 3), "value": 1.5},
    "full_like": {"other": X, "value": 1.5},
    "gradcheck": {"f": f, "inputs": np.ones(2)},
    "graph": {"target": f, "inputs": (X,)},
    "hessian": {"function": f, "inputs": X},
    "hvp": {"function": f, "inputs": X, "v": X},
    "jacobian": {"function": f, "inputs": X},
    "jit": {"function": f},
    "jvp": {"function": f, "inputs": X, "v": X},
    "linspace": {"start": 0.0, "stop": 1.0, "num": 5},
    "manual_seed": {"seed": 3},
    "matmul": {"a": X, "b": X.T},
    "meshgrid": {"tensors": (X[0], X[0])},
    "ones": SHAPE,
    "ones_like": {"other": X},
    "rand": SHAPE,
    "randint": {"low": 0, "high": 5, "shape": (2,)},
    "randn": SHAPE,
    "record": {"f": f},
    "save": {"obj": {"a": X}, "path": FILE.with_suffix(".npz")},
    "set_eager_compile": {"mode": False},
    "set_num_threads": {"n": 1},
    "stack": {"tensors": [X, X]},
    "tensor": {"data": X.numpy()},
    "Tensor": {"data": X.numpy()},
    "vjp": {"function": f, "inputs": X, "v": np.float32(1.0)},
    "where": {"condition": X > 2, "a": X, "b": 0.0},
    "zeros": SHAPE,
    "zeros_like": {"other": X},
}


def calls() -> Iterator[tuple[str, Call]]:
    for name, given in ARGUMENTS.items():
        function = getattr(tg, name, None) or getattr(tg.check, name)
        prefix = "tg" if hasattr(tg, name) else "check"
        yield f"{prefix}.{name}", Call(function, partial(dict, given), name, WORDS.get(name, ()), KEPT.get(name, ()))
    yield (
        "check.assert_gradients",
        Call(tg.check.assert_gradients, partial(dict, args=(f, np.ones(2))), "gradcheck", ("f",)),
    )
    yield "tg.load", Call(tg.load, saved, "load", ("file",))
    yield "tg.grad", Call(tg.grad, derived, "grad", ("gradient",))
    yield "tg.Generator", Call(tg.Generator, dict, "Generator")
    for name, given in GENERATOR.items():
        yield f"Generator.{name}", Call(getattr(tg.Generator, name), partial(_of, tg.Generator, given), name)
    for name, given in VIEW.items():
        yield f"GraphView.{name}", Call(getattr(tg.viz.GraphView, name), partial(_of, _view, given), name)
    yield "TrainingRecord.html", Call(tg.viz.TrainingRecord.html, partial(_of, _record, {"path": FILE}), "html")
    for name in ("plot", "draw"):
        report = partial(_of, partial(tg.gradcheck, f, np.ones(2)), {"file": FILE.with_suffix(".svg")})
        yield f"Report.{name}", Call(getattr(tg.check.Report, name), report, name, ("report.draw",))


SHAPES = ("shape", "shapes", "integers")  # of shapes that do not fit, and sizes
WORDS: dict[str, tuple[str, ...]] = {  # what messages name besides parameters
    **dict.fromkeys(("zeros", "ones", "rand", "randn", "eye", "stack", "linspace"), SHAPES),
    "from_dlpack": ("DLPack", "dtype"),
    "derive": ("input",),
    "save": ("file", "suffix"),
    "gradcheck": ("input", "parameter", "a tensor"),
    "graph": ("tensors",),
    "einsum": ("operands", "axes", "shapes", "tensors"),
}
KEPT: dict[str, tuple[str, ...]] = {  # the function knows what it takes
    **dict.fromkeys(("checkpoint", "graph"), ("inputs",)),
    "export": ("args",),
}
GENERATOR: dict[str, dict[str, Any]] = {
    "manual_seed": {"seed": 3},
    "rewound": {},
    "bits": {"shape": (2,), "bits": 16},
    "uniform": SHAPE,
    "normal": SHAPE,
    "integers": {"low": 0, "high": 5, "shape": (2,)},
}
VIEW: dict[str, dict[str, Any]] = {
    "collapse": {"depth": 1},
    "difference": {"other": tg.graph(f, X)},
    "dot": {"depth": 1, "direction": "LR"},
    "svg": {"path": FILE.with_suffix(".svg"), "depth": 1},
    "png": {"path": FILE.with_suffix(".png"), "depth": 1},
    "pdf": {"path": FILE.with_suffix(".pdf"), "depth": 1},
    "text": {"depth": 1},
    "json": {"depth": 1},
    "html": {"path": FILE.with_suffix(".html")},
}


def _of(make: Callable[[], Any], given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a method of something made anew."""
    return {"self": make(), **given}


def _view() -> tg.viz.GraphView:
    return tg.graph(f, X)


def _record() -> tg.viz.TrainingRecord:
    recorded = tg.record(f)
    recorded(X)
    return recorded

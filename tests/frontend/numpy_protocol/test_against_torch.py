"""NumPy's functions of tensors beside PyTorch's in float64: values, first and second derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.frontend.numpy_protocol.inputs import several

torch = pytest.importorskip("torch")
RNG = np.random.default_rng(7)


def draw(*shape, zeros=0, nan=0):
    x = np.asarray(RNG.normal(size=shape))
    x.flat[:zeros] = 0.0
    x.flat[zeros : zeros + nan] = np.nan
    return x


M34, M43, SQUARE, ROW = draw(3, 4), draw(4, 3), draw(3, 3), draw(7)
HOLES = draw(4, 5, nan=3)
INDEX = np.array([[0, 2], [1, 1], [2, 0]])
ROWS = {
    "prod": (lambda x: np.prod(x, 1), lambda x: x.prod(1), draw(3, 4)),
    "prod with a zero": (lambda x: np.prod(x, 1), lambda x: x.prod(1), draw(1, 5, zeros=1)),
    "prod with two zeros": (lambda x: np.prod(x), lambda x: x.prod(), draw(5, zeros=2)),
    "cumprod": (lambda x: np.cumprod(x, 1), lambda x: x.cumprod(1), draw(3, 9)),
    "cumprod with zeros": (lambda x: np.cumprod(x), lambda x: x.cumprod(0), RNG.permutation(draw(7, zeros=2))),
    "cumsum": (lambda x: np.cumsum(x, 0), lambda x: x.cumsum(0), M34),
    "var": (lambda x: np.var(x, 1, ddof=1), lambda x: x.var(1), M34),
    "std": (lambda x: np.std(x), lambda x: x.std(correction=0), M34),
    "nanmean": (lambda x: np.nanmean(x, 1), lambda x: x.nanmean(1), HOLES),
    "nansum": (lambda x: np.nansum(x, 0), lambda x: x.nansum(0), HOLES),
    "nanmedian": (lambda x: np.nanmedian(x[1]), lambda x: x[1].nanmedian(), HOLES),
    "nanquantile": (lambda x: np.nanquantile(x, 0.3, 1), lambda x: x.nanquantile(0.3, 1), HOLES),
    "percentile": (lambda x: np.percentile(x, 30, 0), lambda x: x.quantile(0.3, 0), M34),
    "median": (lambda x: np.median(x), lambda x: x.median(), SQUARE),
    "ptp": (lambda x: np.ptp(x, 1), lambda x: x.amax(1) - x.amin(1), M34),
    "cov": (lambda x: np.cov(x), lambda x: torch.cov(x), M34),
    "corrcoef": (lambda x: np.corrcoef(x), lambda x: torch.corrcoef(x), M34),
    "logaddexp": (lambda x, y: np.logaddexp(x, y), torch.logaddexp, M34, draw(3, 4)),
    "hypot": (lambda x, y: np.hypot(x, y), torch.hypot, M34, draw(3, 4)),
    "copysign": (lambda x: np.copysign(x, M43.T), lambda x: torch.copysign(x, torch.tensor(M43.T.copy())), M34),
    "sinc": (lambda x: np.sinc(x), torch.sinc, M34),
    "tan": (lambda x: np.tan(x), torch.tan, M34 / 3),
    "arcsinh": (lambda x: np.arcsinh(x), torch.asinh, M34 * 3),
    "arccosh": (lambda x: np.arccosh(x), torch.acosh, np.abs(M34) * 3 + 1.1),
    "nan_to_num": (lambda x: np.nan_to_num(x, nan=2.0), lambda x: torch.nan_to_num(x, nan=2.0), M34),
    "kron": (lambda x, y: np.kron(x, y), torch.kron, M34, draw(2, 2)),
    "outer": (lambda x, y: np.outer(x, y), torch.outer, draw(3), draw(4)),
    "inner": (lambda x, y: np.inner(x, y), torch.inner, M34, draw(2, 4)),
    "tensordot": (lambda x, y: np.tensordot(x, y, 1), lambda x, y: torch.tensordot(x, y, 1), M34, M43),
    "cross": (lambda x, y: np.cross(x, y), lambda x, y: torch.linalg.cross(x, y), draw(2, 3), draw(2, 3)),
    "matrix_power": (lambda x: np.linalg.matrix_power(x, 5), lambda x: torch.linalg.matrix_power(x, 5), SQUARE),
    "multi_dot": (lambda x, y: np.linalg.multi_dot([x, y, x]), lambda x, y: x @ y @ x, M34, M43),
    "trace": (lambda x: np.trace(x), torch.trace, SQUARE),
    **{
        f"norm {ord} of vectors": (
            lambda x, ord=ord: np.linalg.norm(x, ord, axis=1),
            lambda x, ord=ord: torch.linalg.vector_norm(x, ord, dim=1),
            M34,
        )
        for ord in (1, 2, 3, np.inf, -np.inf)
    },
    **{
        f"norm {ord} of a matrix": (
            lambda x, ord=ord: np.linalg.norm(x, ord),
            lambda x, ord=ord: torch.linalg.matrix_norm(x, ord),
            M34,
        )
        for ord in ("fro", 1, -1, np.inf, -np.inf)
    },
    "diff": (lambda x: np.diff(x, 2, axis=0), lambda x: torch.diff(x, 2, dim=0), M43),
    "gradient": (lambda x: np.gradient(x, 0.5, axis=1), lambda x: torch.gradient(x, spacing=0.5, dim=1)[0], M34),
    "gradient of order 2": (
        lambda x: np.gradient(x, axis=1, edge_order=2),
        lambda x: torch.gradient(x, dim=1, edge_order=2)[0],
        M34,
    ),
    "trapezoid": (lambda y, x: np.trapezoid(y, x), lambda y, x: torch.trapezoid(y, x), M34, draw(4)),
    "vander": (lambda x: np.vander(x, 4), lambda x: torch.stack([x**3, x**2, x, x**0], 1), draw(5)),
    "convolve": (
        lambda x, y: np.convolve(x, y),
        lambda x, y: torch.nn.functional.conv1d(x[None, None], y.flip(0)[None, None], padding=2)[0, 0],
        ROW,
        draw(3),
    ),
    "correlate": (
        lambda x, y: np.correlate(x, y),
        lambda x, y: torch.nn.functional.conv1d(x[None, None], y[None, None])[0, 0],
        ROW,
        draw(3),
    ),
    "roll": (lambda x: np.roll(x, (1, -1), (0, 1)), lambda x: x.roll((1, -1), (0, 1)), M34),
    "tile": (lambda x: np.tile(x, (2, 3)), lambda x: x.repeat(2, 3), M34),
    "repeat": (lambda x: np.repeat(x, [2, 0, 1], 0), lambda x: x.repeat_interleave(torch.tensor([2, 0, 1]), 0), M34),
    "rot90": (lambda x: np.rot90(x), lambda x: x.rot90(), M34),
    "tril": (lambda x: np.tril(x, -1), lambda x: x.tril(-1), M34),
    "diagonal": (lambda x: np.diagonal(x, 1), lambda x: x.diagonal(1), M34),
    "diag": (lambda x: np.diag(x, -2), lambda x: x.diag(-2), ROW),
    "take_along_axis": (
        lambda x: np.take_along_axis(x, INDEX, 1),
        lambda x: x.gather(1, torch.tensor(INDEX)),
        M34,
    ),
    "sort": (lambda x: np.sort(x, 0), lambda x: x.sort(0).values, M34),
    "where": (lambda x, y: np.where(x > 0, x, y), lambda x, y: torch.where(x > 0, x, y), M34, draw(3, 4)),
    "meshgrid": (
        lambda x, y: np.meshgrid(x, y, indexing="ij"),
        lambda x, y: torch.meshgrid(x, y, indexing="ij"),
        draw(3),
        draw(2),
    ),
}


def weighted(results, convert):
    """Σ w y² over all results, w different at each place."""
    rng = np.random.default_rng(1)
    return sum((y * y * convert(rng.uniform(0.5, 1.5, tuple(y.shape)))).sum() for y in several(results))


@pytest.mark.parametrize("name", ROWS)
def test_values_and_two_derivatives(name, on_numpy):
    """Eagerly, and as traced; NumPy runs the trace, to save time."""
    if name == "trapezoid" and not hasattr(np, "trapezoid"):
        pytest.skip("this NumPy has another name for it")
    ours, theirs, *arrays = ROWS[name]
    vectors = [np.random.default_rng(i).normal(size=x.shape) for i, x in enumerate(arrays)]
    leaves = [torch.tensor(x, requires_grad=True) for x in arrays]
    wanted = theirs(*leaves)
    first = torch.autograd.grad(weighted(wanted, torch.tensor), leaves, create_graph=True)
    second = torch.autograd.grad(sum((g * torch.tensor(v)).sum() for g, v in zip(first, vectors, strict=True)), leaves)

    def loss(*xs):
        return weighted(ours(*xs), tg.tensor)

    for y, e in zip(several(ours(*map(tg.tensor, arrays))), several(wanted), strict=True):
        np.testing.assert_allclose(y.numpy(), e.detach().numpy(), 1e-12, 1e-13)
    for function in (loss, tg.jit(loss)):
        xs = [tg.tensor(x, requires_grad=True) for x in arrays]
        for g, e in zip(several(tg.grad(function(*xs), xs)), first, strict=True):
            np.testing.assert_allclose(g.numpy(), e.detach().numpy(), 1e-10, 1e-11)
    _, found = tg.hvp(loss, [*map(tg.tensor, arrays)], [*map(tg.tensor, vectors)])
    for h, e in zip(several(found), second, strict=True):
        np.testing.assert_allclose(h.numpy(), e.numpy(), 1e-9, 1e-10)

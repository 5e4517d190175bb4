"""Products of matrices."""

from __future__ import annotations

from ...frontend.products import einsum
from ...frontend.tensor import Tensor
from ..errors import OnnxError
from ..registry import operator


@operator("MatMul", since=1)
def matmul(a: Tensor, b: Tensor) -> Tensor:
    return a.matmul(b)


@operator("Gemm", since=7)
def gemm(
    a: Tensor, b: Tensor, c: Tensor | None = None, *, alpha: float, beta: float, transA: bool, transB: bool
) -> Tensor:
    """alpha A B + beta C, with A or B transposed if asked for."""
    if a.ndim != 2 or b.ndim != 2:
        raise OnnxError(f"A of shape {a.shape}, B of shape {b.shape}: both must be matrices.")
    product = a.contract(b, f"{'kn' if transA else 'nk'},{'ok' if transB else 'ko'}->no")
    y = _scaled(product, alpha)
    return y if c is None else y + _scaled(c, beta)


@operator("Gemm", since=1)
def gemm_of_one_shape(
    a: Tensor, b: Tensor, c: Tensor, *, alpha: float, beta: float, transA: bool, transB: bool, broadcast: bool
) -> Tensor:
    """Before opset 7: C broadcasts only if asked to."""
    y = gemm(a, b, None, alpha=alpha, beta=beta, transA=transA, transB=transB)
    if not broadcast and c.shape != y.shape:
        raise OnnxError(f"C of shape {c.shape}: without broadcast=1 it must be of shape {y.shape}.")
    return y + _scaled(c, beta)


def _scaled(x: Tensor, factor: float) -> Tensor:
    """factor · x; integers stay integers."""
    if factor == 1.0:
        return x
    return x * factor if x.dtype.kind == "f" else (x * factor).astype(x.dtype)


@operator("Einsum", since=12)
def einstein_sum(*inputs: Tensor, equation: str) -> Tensor:
    return einsum(equation, *inputs)

"""The layer that learns a vector for each number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..core.annotations import explaining
from ..core.context import no_grad
from ..core.errors import ShapeError
from ..frontend.creation import asarray, zeros
from . import init
from .arguments import at_least, derived, positive
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class Embedding(Module):
    """weight[x]: a learned vector of D numbers for each of V integers; see :func:`functional.embedding`.

    x: integers of any shape, ... to ... x D. weight: V x D, at first normally distributed; the vector of padding_idx
    is 0, and stays what it is. With max_norm each call shortens the vectors that it uses, also in evaluation.

    Raises:
        ShapeError: a size below 1.
        ValueError: a negative max_norm, or a padding_idx out of range.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Embedding(10, 3)(tg.tensor([[1, 2], [9, 0]])).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> None:
        super().__init__()
        rows = positive("Embedding", "num_embeddings", num_embeddings)
        columns = positive("Embedding", "embedding_dim", embedding_dim)
        if padding_idx is not None:
            if not -rows <= padding_idx < rows:
                raise ValueError(f"Embedding: padding_idx={padding_idx}; it must be in [{-rows}, {rows}).")
            padding_idx %= rows
        self.padding_idx, self.norm_type = padding_idx, norm_type
        self.max_norm = None if max_norm is None else at_least("Embedding", "max_norm", max_norm, 0.0)
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.weight = Parameter(zeros(rows, columns))
        init.normal_(self.weight)
        if padding_idx is not None:
            with no_grad():
                self.weight[padding_idx] = 0.0

    @classmethod
    @explaining
    def from_pretrained(
        cls,
        embeddings: TensorLike,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A layer with a given weight, V x D, which is not trained if it is frozen.

        Raises:
            ShapeError: the weight has not two axes.
        """
        given = asarray(embeddings)
        if given.ndim != 2:
            raise ShapeError(f"Embedding.from_pretrained: embeddings of shape {given.shape}; they must be V x D.")
        rows, columns = given.shape
        layer = cls(rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        layer.weight = Parameter(given, requires_grad=not freeze)
        return layer

    @derived
    def num_embeddings(self) -> int:
        """V"""
        return self.weight.shape[0]

    @derived
    def embedding_dim(self) -> int:
        """D"""
        return self.weight.shape[1]

    def forward(self, x: TensorLike) -> Tensor:
        return F.embedding(
            x, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        short = "" if self.max_norm is None else f", max_norm={self.max_norm}"
        norm = "" if self.norm_type == 2 else f", norm_type={self.norm_type}"
        scaled = ", scale_grad_by_freq=True" if self.scale_grad_by_freq else ""
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}{short}{norm}{scaled}"
